"""The brokers of a campaign's own: one, or three with rf 3 and min.isr 2; both with a listener per worker, which a proxy
stands in front of."""

import atexit
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


def run_script(name, *arguments, **options):
    """What it printed. It has a process group of its own, and what it would start yet ends with it when the test is broken
    off."""
    command = [str(KAFKA / name), *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
                          **options) as process:
        try:
            out, err = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {out}{err}")
    return out


def is_running(folder):
    try:
        os.kill(int((folder / "pid").read_text()), 0)
    except (OSError, ValueError):
        return False
    return True


class OneBroker:
    """kafka.sh's broker, and a proxy per worker."""

    is_replicated = False

    def __init__(self, folder):
        self.folder, self.network = folder / "kafka", proxy.Network()
        ports = dict(zip(LISTENERS, free_ports(len(LISTENERS))))
        self.proxies = {name: self.network.proxy(port) for name, port in ports.items()}
        self.listeners = " ".join(f"W{name.upper()}:PLAINTEXT:{port}" for name, port in ports.items())
        self.seen = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        atexit.register(self.end)
        self.run("start")
        for name, one in self.proxies.items():
            one.lead_to(int((self.folder / f"port.W{name.upper()}").read_text()))
        self.address = self.run("address").strip()

    def run(self, command):
        return run_script("kafka.sh", command, self.folder, env={**os.environ, "KAFKA_LISTENERS": self.listeners})

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
        if not is_running(self.folder):
            self.start()
        self.thaw()

    def end(self):
        """For good: frozen ones, too."""
        atexit.unregister(self.end)
        self.run("kill")


class ThreeBrokers:
    """kafka3.sh's brokers, which workers reach directly."""

    is_replicated = True
    proxies, seen = {}, {}

    def __init__(self, folder):
        self.folder = folder / "kafka3"
        atexit.register(self.end)
        self.run("start")
        self.address = self.run("address").strip()

    def run(self, command, *rest):
        return run_script("kafka3.sh", command, self.folder, *rest)

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
            if not is_running(self.folder / str(node)):
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

        admin = AdminClient({"bootstrap.servers": self.address, "log_level": 0})  # what it is asked ends with it
        try:  # the binding of 2.6.1 takes no request_timeout here
            admin.elect_leaders(ElectionType.PREFERRED).result(90)
        except KafkaException as error:
            return error.args[0].name()
        return "elected"

    def end(self):
        """For good: frozen ones, too."""
        atexit.unregister(self.end)
        self.run("kill")


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
