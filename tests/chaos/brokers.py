"""The brokers of a campaign's own: one, or three with rf 3 and min.isr 2; both with a listener per worker, which a proxy
stands in front of."""

import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import proxy  # noqa: E402
import shop  # noqa: E402

KAFKA = shop.ROOT / "tests" / "kafka"
LISTENERS = "abcd"  # names of workers


def free_ports(count):
    """Below the ephemeral range, so that no client's socket takes one before it is used."""
    found, rng = [], random.Random(os.getpid())
    while len(found) < count:
        port = rng.randint(12000, 19999)
        with socket.socket() as probe:
            if port not in found and probe.connect_ex(("127.0.0.1", port)) != 0:
                found.append(port)
    return found


class OneBroker:
    """kafka.sh's broker, and a proxy per worker."""

    is_replicated = False

    def __init__(self, folder):
        self.folder, self.network = folder / "kafka", proxy.Network()
        ports = dict(zip(LISTENERS, free_ports(len(LISTENERS))))
        self.proxies = {name: self.network.proxy(port) for name, port in ports.items()}
        self.listeners = " ".join(f"W{name.upper()}:PLAINTEXT:{port}" for name, port in ports.items())
        self.seen = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        self.run("start")
        for name, one in self.proxies.items():
            one.lead_to(int((self.folder / f"port.W{name.upper()}").read_text()))
        self.address = self.run("address").strip()

    def run(self, command):
        return shop.run(KAFKA / "kafka.sh", command, self.folder, env={**os.environ, "KAFKA_LISTENERS": self.listeners}).stdout

    def pid(self):
        return int((self.folder / "pid").read_text())

    def kill(self):
        self.run("kill")

    def start(self):
        """Seconds until it answers."""
        began = time.monotonic()
        self.run("start")
        return time.monotonic() - began

    def freeze(self):
        os.kill(self.pid(), signal.SIGSTOP)

    def thaw(self):
        os.kill(self.pid(), signal.SIGCONT)

    def heal(self):
        """Whatever a round that was broken off has left."""
        for one in self.proxies.values():
            one.heal()
        if not (self.folder / "pid").exists():
            self.start()
        self.thaw()

    def end(self):
        self.run("stop")


class ThreeBrokers:
    """kafka3.sh's brokers, which workers reach directly."""

    is_replicated = True
    proxies, seen = {}, {}

    def __init__(self, folder):
        self.folder = folder / "kafka3"
        self.run("start")
        self.address = self.run("address").strip()

    def run(self, command, *rest):
        return shop.run(KAFKA / "kafka3.sh", command, self.folder, *rest).stdout

    def kill(self, node):
        self.run("kill", node)

    def start(self, node):
        began = time.monotonic()
        self.run("start", node)
        return time.monotonic() - began

    def pid(self, node):
        return int((self.folder / str(node) / "pid").read_text())

    def freeze(self, node):
        os.kill(self.pid(node), signal.SIGSTOP)

    def thaw(self, node):
        os.kill(self.pid(node), signal.SIGCONT)

    def heal(self):
        for node in (1, 2, 3):
            if not (self.folder / str(node) / "pid").exists():
                self.start(node)
            self.thaw(node)

    def leader(self, topic, partition):
        from confluent_kafka.admin import AdminClient

        topics = AdminClient({"bootstrap.servers": self.address, "log_level": 0}).list_topics(timeout=20).topics
        return topics[topic].partitions[partition].leader if topic in topics else -1

    def elect_preferred(self):
        """Leaders go back to where they were before a broker was away."""
        from confluent_kafka import ElectionType, KafkaException
        from confluent_kafka.admin import AdminClient

        try:  # the binding of 2.6.1 takes no request_timeout here
            AdminClient({"bootstrap.servers": self.address, "log_level": 0}).elect_leaders(ElectionType.PREFERRED).result(90)
        except KafkaException as error:
            return error.args[0].name()
        return "elected"

    def end(self):
        self.run("stop")


class SharedBroker:
    """Somebody else's: it is left alone."""

    is_replicated = False
    proxies, seen = {}, {}

    def __init__(self, address):
        self.address = address

    def heal(self):
        pass

    def end(self):
        pass
