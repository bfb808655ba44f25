#!/usr/bin/env python3
"""The seam's error table on a real broker: a worker whose broker answers with errors commits, byte for byte, what an
undisturbed one does.

Between worker and broker stands a proxy that knows the protocol. For each row of ROWS it changes the answer to one request:
"done" means that the broker had done what was asked before its answer was changed, "not done" that it never heard of it,
"lost" the same after a Produce of that epoch lost its answer and then its connection: what is sent next must not be taken for
what the broker already has. One row fences the worker while it works, as a mistaken takeover would. Then the worker's counters
must say what the row says: the same call again (nothing is counted), the epoch aborted, a new producer, or the process ended.
tests/mock/test_txn_table.c has more rows and the list of those that nothing leads to."""

import pathlib
import queue
import socket
import struct
import sys
import tempfile
import threading
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import shop  # noqa: E402

PARTITIONS = 4
FENCE = None  # no answer is changed: somebody fences the living worker by mistake
PRODUCE, METADATA, FIND_COORDINATOR, ADD_PARTITIONS, ADD_OFFSETS, END_TXN, OFFSET_COMMIT = 0, 3, 10, 24, 25, 26, 28
FLEXIBLE_FROM = {PRODUCE: 9, ADD_PARTITIONS: 3, ADD_OFFSETS: 3, END_TXN: 3, OFFSET_COMMIT: 3}
CODES = {"UNKNOWN_SERVER_ERROR": -1, "NOT_LEADER": 6, "REQUEST_TIMED_OUT": 7, "COORDINATOR_LOADING": 14, "NOT_COORDINATOR": 16,
         "ILLEGAL_GENERATION": 22, "UNKNOWN_MEMBER_ID": 25, "TOPIC_AUTHORIZATION_FAILED": 29, "INVALID_TXN_STATE": 48,
         "INVALID_PRODUCER_ID_MAPPING": 49, "CONCURRENT_TRANSACTIONS": 51, "UNKNOWN_PRODUCER_ID": 59, "FENCED_INSTANCE_ID": 82}
AGAIN, ABORT, RECREATE, STOP = "same call again", "abort the epoch", "new producer", "stop"
EFFECTS = {AGAIN: [0, 0], ABORT: [1, 1], RECREATE: [1, 1]}  # epochs lost, producers made anew
LOST = "lost"
ROWS = [
    (ADD_PARTITIONS, "CONCURRENT_TRANSACTIONS", "done", AGAIN),
    (PRODUCE, "NOT_LEADER", "done", AGAIN),
    (PRODUCE, "REQUEST_TIMED_OUT", "done", AGAIN),
    (ADD_OFFSETS, "CONCURRENT_TRANSACTIONS", "done", AGAIN),
    (ADD_OFFSETS, "COORDINATOR_LOADING", "not done", AGAIN),
    (OFFSET_COMMIT, "NOT_COORDINATOR", "done", AGAIN),
    (END_TXN, "NOT_COORDINATOR", "done", AGAIN),
    (END_TXN, "COORDINATOR_LOADING", "not done", AGAIN),
    (ADD_PARTITIONS, "UNKNOWN_PRODUCER_ID", "done", ABORT),
    (ADD_OFFSETS, "UNKNOWN_SERVER_ERROR", LOST, ABORT),
    (OFFSET_COMMIT, "ILLEGAL_GENERATION", "done", ABORT),
    (OFFSET_COMMIT, "UNKNOWN_MEMBER_ID", "done", ABORT),
    (OFFSET_COMMIT, "FENCED_INSTANCE_ID", "done", ABORT),
    (END_TXN, "UNKNOWN_SERVER_ERROR", "not done", ABORT),
    (END_TXN, "UNKNOWN_SERVER_ERROR", "done", RECREATE),  # it is committed: the abort is refused
    (ADD_OFFSETS, "INVALID_TXN_STATE", "not done", RECREATE),
    (OFFSET_COMMIT, "INVALID_PRODUCER_ID_MAPPING", "done", RECREATE),
    (END_TXN, "INVALID_TXN_STATE", "not done", RECREATE),
    (END_TXN, "INVALID_TXN_STATE", "done", RECREATE),
    (FENCE, "by init_transactions", "", RECREATE),
    (ADD_PARTITIONS, "TOPIC_AUTHORIZATION_FAILED", "done", STOP),
]
NAMES = {FENCE: "fenced", ADD_PARTITIONS: "AddPartitionsToTxn", PRODUCE: "Produce", ADD_OFFSETS: "AddOffsetsToTxn",
         OFFSET_COMMIT: "TxnOffsetCommit", END_TXN: "EndTxn"}
CONFIG = """
epoch: {interval: 20ms, events_max: %d, ticks: false}
clean: {lateness: 5s}
state: {users_max: 400}
triggers:
  cart_abandoned: {idle: 20m}
  browse_abandoned: {idle: 15m}
  observe: {share: 0.1}
outcomes: {trigger_window: 6h}
decide:
  mode: live
  consent_unknown_is_granted: true
  cap_per_hour: 60
  attribution_window: 3d
  offers:
    - {id: reminder, kind: reminder, title: "Still there", body: "Your cart of {cart_value} {currency}"}
  rules:
    - {trigger: cart_abandoned, offer: reminder}
    - {trigger: browse_abandoned, offer: reminder}
ops: {http_listen: "%s", log_level: info}
"""
ORDERED, BY_KEY = ["promotion-decisions", "promotion-pushes"], ["user-state", "open-decisions"]
ENOUGH = {"promotion-decisions": 500, "promotion-pushes": 50, "user-state": 500}  # for a comparison that says something


# ---- the protocol, as far as answers are changed ----

class Reader:
    def __init__(self, data, at, flexible):
        self.data, self.at, self.flexible = data, at, flexible

    def skip(self, size):
        self.at += size

    def varint(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def length(self, layout):
        if self.flexible:
            return self.varint() - 1
        size = struct.calcsize(layout)
        self.skip(size)
        return struct.unpack_from(layout, self.data, self.at - size)[0]

    def tags(self):
        if self.flexible and self.varint():
            raise SystemExit("an answer with tagged fields")


def places(api, version, answer):
    """Where the error codes of an answer are; the answer begins with its correlation id."""
    flexible = version >= FLEXIBLE_FROM[api]
    if api == PRODUCE and version > 7 or api == ADD_PARTITIONS and version > 3:
        raise SystemExit(f"{NAMES[api]} version {version}: not known here")
    reader = Reader(answer, 4, flexible)
    reader.tags()
    if api in (ADD_OFFSETS, END_TXN):
        return [reader.at + 4]
    if api != PRODUCE:
        reader.skip(4)
    found = []
    for _ in range(reader.length(">i")):
        reader.skip(reader.length(">h"))
        for _ in range(reader.length(">i")):
            found.append(reader.at + 4)
            reader.skip(6 + (8 + 8 * (version >= 2) + 8 * (version >= 5) if api == PRODUCE else 0))
            reader.tags()
        reader.tags()
    return found


def with_code(api, version, answer, code):
    changed = bytearray(answer)
    for at in places(api, version, answer):
        struct.pack_into(">h", changed, at, code)
    return bytes(changed)


def refusal(version, correlation, code):
    """An answer of AddOffsetsToTxn or EndTxn: throttle time and code."""
    flexible = version >= FLEXIBLE_FROM[END_TXN]
    return struct.pack(">i", correlation) + bytes(flexible) + struct.pack(">ih", 0, code) + bytes(flexible)


class Proxy:
    def __init__(self, address):
        self.broker = address
        self.host, port = address.split(":")
        self.port = int(port)
        self.lock, self.row, self.used = threading.Lock(), None, threading.Event()
        self.is_losing, self.lost = False, threading.Event()  # of the row "lost": its Produce
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.server.getsockname()[1]}"
        # Where answers name the broker they are made to name the proxy: text and port stand side by side.
        self.named = b"127.0.0.1" + struct.pack(">i", self.port)
        self.names = b"127.0.0.1" + struct.pack(">i", self.server.getsockname()[1])
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.server.accept()
            broker = socket.create_connection((self.host, self.port))
            for end in (client, broker):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            asked = queue.Queue()  # (api, version, code, LOST or None) of requests; a task is done when it is answered
            for work in (self.up, self.down):
                threading.Thread(target=self.serve, args=(work, client, broker, asked), daemon=True).start()

    def serve(self, work, client, broker, asked):
        try:
            work(client, broker, asked)
        except (OSError, EOFError):
            pass
        for end in (client, broker):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    @staticmethod
    def frame(end):
        def whole(size):
            data = b""
            while len(data) < size:
                more = end.recv(size - len(data))
                if not more:
                    raise EOFError
                data += more
            return data

        return whole(struct.unpack(">i", whole(4))[0])

    @staticmethod
    def send(end, data):
        end.sendall(struct.pack(">i", len(data)) + data)

    def lose(self, client, broker, asked, version, request):
        """A Produce is done, its answer lost, and then the connection, until librdkafka has heard of that."""
        self.is_losing = False
        asked.put((PRODUCE, version, LOST))
        self.send(broker, request)
        asked.join()
        client.shutdown(socket.SHUT_WR)
        while client.recv(1 << 16):
            pass
        self.lost.set()

    def refuse_when_lost(self, client, version, correlation, row):
        self.lost.wait()
        self.send(client, refusal(version, correlation, CODES[row[1]]))
        self.used.set()

    def take(self, api):
        """The row's code and manner, once, if this is its request."""
        with self.lock:
            if self.row and self.row[2] == LOST and api == END_TXN:
                self.is_losing = True  # in the next epoch
            elif self.row and self.row[0] == api and (self.row[2] != LOST or self.is_losing or self.lost.is_set()):
                row, self.row = self.row, None
                return row
        return None

    def up(self, client, broker, asked):
        while True:
            request = self.frame(client)
            api, version, correlation = struct.unpack_from(">hhi", request)
            if self.is_losing and api == PRODUCE and b"user-state" in request:
                return self.lose(client, broker, asked, version, request)
            row = self.take(api)
            if row and row[2] == LOST:
                threading.Thread(target=self.refuse_when_lost, args=(client, version, correlation, row), daemon=True).start()
                continue
            if row and row[2] == "not done":
                asked.join()  # answers come in the order of requests
                self.send(client, refusal(version, correlation, CODES[row[1]]))
                self.used.set()
                continue
            asked.put((api, version, CODES[row[1]] if row else None))
            self.send(broker, request)

    def down(self, client, broker, asked):
        while True:
            answer = self.frame(broker)
            api, version, code = asked.get()
            if api in (METADATA, FIND_COORDINATOR):
                answer = answer.replace(self.named, self.names)
            if code not in (None, LOST):
                answer = with_code(api, version, answer, code)
            if code != LOST:
                self.send(client, answer)
            if code not in (None, LOST):
                self.used.set()
            asked.task_done()

    def inject(self, row):
        self.used.clear()
        with self.lock:
            self.row = row


# ---- the worker ----

class Worker:
    def __init__(self, folder, prefix, clickstream, address, name, events_max, *options):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.http = f"127.0.0.1:{free.getsockname()[1]}"
        text = CONFIG.replace("%d", str(events_max)).replace("%s", self.http)
        config = shop.write_config(folder / f"{prefix}{name}.yaml", text, address, clickstream=clickstream, prefix=prefix,
                                   partitions=PARTITIONS)
        self.log, self.transactional_id = folder / f"{prefix}{name}.log", f"{prefix}-w"
        self.process = shop.spawn([shop.binaries()[0], "run", "--config", config, "--group", prefix, "--roles", "workers",
                                   "--worker-name", "w", *options], self.log)

    def counters(self):
        """Epochs committed, epochs lost, producers made anew; None while nobody answers."""
        try:
            text = urllib.request.urlopen(f"http://{self.http}/metrics", timeout=5).read().decode()
        except OSError:
            return None
        found = {line.split("{")[0]: int(line.split()[-1]) for line in text.splitlines() if "broker_" in line and "{" in line}
        return [found[f"promostream_broker_{name}_total"]
                for name in ("epochs_committed", "epochs_aborted", "producers_recreated")]

    def wait_for_commits(self, count, seconds=60):
        def enough():
            if self.process.poll() is not None:
                raise SystemExit(f"the worker ended with {self.process.returncode}; see {self.log}")
            counters = self.counters()
            return counters if counters and counters[0] >= count else None

        return shop.wait_for(f"{count} committed epochs, see {self.log}", enough, seconds, pause_s=0.01)


def fence(address, transactional_id):
    """Once: init_transactions that finds a transaction open asks, and fences, again after half a second, and a worker that is
    at work has the next one open by then."""
    from confluent_kafka import KafkaException, Producer

    try:
        Producer({"bootstrap.servers": address, "transactional.id": transactional_id}).init_transactions(0.45)
    except KafkaException:
        pass


def end_of(proxy, worker, row):
    """A right that is missing stays missing; the first answer may be hidden by a call that it met under way."""
    def has_ended():
        if proxy.used.is_set():
            proxy.inject(row)
        return worker.process.poll() is not None

    shop.wait_for(f"the worker's end, see {worker.log}", has_ended)
    return worker.process.returncode


def check_row(proxy, worker, row):
    api, code, manner, action = row
    before = worker.wait_for_commits(1)
    if api is FENCE:
        while worker.wait_for_commits(1)[1] == before[1]:
            fence(proxy.broker, worker.transactional_id)
    else:
        proxy.inject(row)
    if api is not FENCE and not proxy.used.wait(60):
        raise SystemExit(f"{NAMES[api]} was not asked; see {worker.log}")
    if action == STOP:
        status = end_of(proxy, worker, row)
        if status == 0 or code not in worker.log.read_text():
            raise SystemExit(f"the worker ended with {status}; see {worker.log}")
    else:
        now = worker.wait_for_commits(1)
        after = worker.wait_for_commits(now[0] + 2)  # the epoch under way needs the changed answer
        found = [after[1] - before[1], after[2] - before[2]]
        if found != EFFECTS[action] and not (api is FENCE and found[0] == found[1] > 1):
            raise SystemExit(f"{row}: {found[0]} epochs lost, {found[1]} producers made; see {worker.log}")
    print(f"{NAMES[api]:18} {manner:8} {code:28} -> {action}", flush=True)


# ---- the whole ----

def results(address, prefix):
    found = {}
    for topic in ORDERED:
        found[topic] = [(row.partition, row.key, row.value) for row in shop.read_topic(address, prefix + topic)]
    for topic in BY_KEY:
        rows = {(row.partition, row.key): row.value for row in shop.read_topic(address, prefix + topic)}
        found[topic] = {key: value for key, value in rows.items() if value is not None}
    return found


def run_to_the_end(folder, prefix, clickstream, address, name):
    worker = Worker(folder, prefix, clickstream, address, name, 20000, "--until-end", "--at-end", "fire")
    if worker.process.wait(timeout=120) != 0:
        raise SystemExit(f"the worker did not end well; see {worker.log}")


def main():
    address, (_, clickfeed) = shop.kafka_address(), shop.binaries()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="promostream-errors-"))
    name = f"e{int(time.time() * 1000):x}-"
    clickstream = name + "clickstream"
    shop.run(clickfeed, "simulate", "--world", "dirty", "--seed", 3, "--users", 12000, "--days", 5, "--brokers", address,
             "--topic", clickstream, "--partitions", PARTITIONS)
    proxy = Proxy(address)
    worker = Worker(folder, name + "rough-", clickstream, proxy.address, "w", 100)
    for row in ROWS:
        check_row(proxy, worker, row)
    run_to_the_end(folder, name + "rough-", clickstream, address, "last")
    run_to_the_end(folder, name + "calm-", clickstream, address, "calm")
    expected, found = results(address, name + "calm-"), results(address, name + "rough-")
    for topic in ORDERED + BY_KEY:
        if expected[topic] != found[topic] or len(expected[topic]) < ENOUGH.get(topic, 0):
            raise SystemExit(f"{topic}: {len(expected[topic])} rows expected, {len(found[topic])} found, "
                             f"{'equal' if expected[topic] == found[topic] else 'different'}; logs in {folder}")
    print("equal: " + ", ".join(f"{topic} {len(rows)}" for topic, rows in expected.items()))


main()
