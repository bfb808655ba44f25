"""A TCP proxy that fails like a network: one per worker, in front of a listener of the broker that advertises its port.

    pass       bytes go through, in both directions
    cut        connections are reset, new ones are reset at once
    black_hole connections stay, nothing comes through; what was sent meanwhile is lost with the connection when it heals
    deaf       requests reach the broker, its answers get lost: the worker cannot know what was done
    slow(n)    at most n bytes a second in each direction
    late(s)    every chunk comes s seconds later

All proxies share one thread, with an event loop of their own."""

import asyncio
import socket
import threading

CHUNK = 65536
STEP_S = 0.02


class Network:
    """The thread of all proxies."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def proxy(self, port):
        """A new one that listens on this port."""
        proxy = Proxy(self)
        self.call(proxy.listen(port))
        return proxy


class Proxy:
    def __init__(self, network):
        self.network, self.target = network, None
        self.mode, self.bytes_per_s, self.delay_s, self.is_lossy = "pass", None, 0, False
        self.pairs = set()  # of the two writers of a connection
        self.passed = 0

    async def listen(self, port):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", port)

    # ---- what a test says; any thread ----

    def lead_to(self, port):
        self.target = port

    def cut(self):
        self.set("cut")

    def black_hole(self):
        self.set("black_hole")

    def deaf(self):
        self.set("deaf")

    def slow(self, bytes_per_s):
        self.set("pass", bytes_per_s=bytes_per_s)

    def late(self, delay_s):
        self.set("pass", delay_s=delay_s)

    def heal(self):
        self.set("pass")

    def set(self, mode, bytes_per_s=None, delay_s=0):
        async def change():
            # Bytes were lost: a connection cannot go on as if it had all of them.
            if mode == "cut" or self.mode in ("black_hole", "deaf"):
                for pair in list(self.pairs):
                    reset(pair)
            self.mode, self.bytes_per_s, self.delay_s = mode, bytes_per_s, delay_s

        self.network.call(change())

    # ---- the thread of the proxies ----

    async def serve(self, reader, writer):
        if self.mode == "cut" or self.target is None:
            return reset((writer,))
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            return reset((writer,))
        pair = (writer, far_writer)
        self.pairs.add(pair)
        await asyncio.gather(self.carry(reader, far_writer, pair, False), self.carry(far_reader, writer, pair, True))
        self.pairs.discard(pair)

    async def carry(self, reader, writer, pair, is_answer):
        try:
            while chunk := await reader.read(CHUNK):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if self.bytes_per_s:
                    await asyncio.sleep(len(chunk) / self.bytes_per_s)
                if self.mode == "black_hole" or (self.mode == "deaf" and is_answer):
                    continue
                self.passed += len(chunk)
                writer.write(chunk)
                await writer.drain()
        except OSError:
            pass
        reset(pair)


def reset(writers):
    """No farewell, as when a cable is cut: a close would let queued bytes come through."""
    for writer in writers:
        link = writer.get_extra_info("socket")
        if link is not None and link.fileno() >= 0:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        writer.transport.abort()
