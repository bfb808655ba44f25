"""The processes of one round of kills, all of one group and prefix, and how far they have come."""

import pathlib
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import shop  # noqa: E402

PARTITIONS = 4
FAILED, UNREACHABLE, FENCED = 1, 3, 4  # exit codes: COMMAND_EXITS
SUPERVISOR_DELAY_S = 0.5
END_S = 150  # to drain and end, however busy the machine is
STUCK = "a call of librdkafka's has not come back"


class Workers:
    """What a supervisor does, too: whoever found no broker is started again."""

    def __init__(self, folder, address, prefix, clickstream, text, roles="workers", kafka=""):
        self.folder, self.address, self.prefix, self.running, self.ends_when = folder, address, prefix, {}, {}
        self.clickstream, self.roles, self.group, self.restarts, self.stuck = clickstream, roles, prefix + "group", 0, 0
        self.config = shop.write_config(folder / f"{prefix}.yaml", text, address, clickstream=clickstream,
                                        catalogue=clickstream + "-catalogue", prefix=prefix, partitions=PARTITIONS)
        # An empty fetch holds back what a client begins to read meanwhile: at a start, half a second per side topic.
        whole = self.config.read_text().replace("kafka:\n", "kafka:\n  properties: {fetch.wait.max.ms: 20}\n" + kafka, 1)
        self.config.write_text(whole)

    def log(self, name):
        return self.folder / f"{self.prefix}{name}.log"

    def partitions_of(self, name):
        """How many it had when it was last given some."""
        text = self.log(name).read_text(errors="replace") if self.log(name).exists() else ""
        found = re.findall(r"worker: assigned worker=\S+ partitions=(\d+)", text)
        return int(found[-1]) if found else 0

    def start(self, name, *options):
        """One that ends by itself at the end of the input."""
        self.serve(name, "--until-end", "--at-end", "fire", *options)

    def serve(self, name, *options, out=None):
        command = [shop.binaries()[0], "run", "--config", str(self.config), "--group", self.group, "--roles", self.roles,
                   "--worker-name", self.prefix + name, *options]
        self.running[name] = shop.spawn(command, out or self.log(name))
        self.ends_when[name] = options
        return self.running[name]

    def good_ends(self, name):
        """Whose console could not be written says so in the end (main.c), though its work is done."""
        return (0, FAILED) if "--console" in self.ends_when[name] else (0,)

    def leaves(self, name):
        return "--leave" in self.ends_when[name]

    def signal(self, name, number):
        process = self.running.pop(name)
        if number == signal.SIGTERM:
            return shop.terminate(process)
        process.send_signal(number)
        return process.wait(timeout=60)

    def is_over(self, name):
        return self.running[name].poll() is not None

    def supervise(self):
        """Of those that serve nobody ends by itself, unless there was no broker when it looked for one."""
        for name, process in list(self.running.items()):
            if process.poll() is None:
                continue
            if process.returncode != UNREACHABLE:
                raise SystemExit(f"worker {name} ended with {process.returncode}; see {self.log(name)}")
            time.sleep(SUPERVISOR_DELAY_S)
            self.restarts += 1
            self.serve(name, *self.ends_when[name])

    def end_all(self):
        """All that serve must drain and end well."""
        for name in sorted(self.running):
            shop.ask_to_end(self.running[name])
        self.finish(shop.ask_to_end)

    def was_stuck(self, name):
        """Ended by its watchdog: a call of librdkafka's that never comes back (its issue 5456, from 2.1 on)."""
        last = self.log(name).read_text(errors="replace").rsplit("capacity:", 1)[-1] if self.log(name).exists() else ""
        return self.running[name].returncode == UNREACHABLE and STUCK in last

    def await_end(self, name):
        try:
            self.running[name].wait(timeout=END_S)
        except subprocess.TimeoutExpired:
            raise SystemExit(f"worker {name} has not ended after {END_S} s; see {self.log(name)}")

    def finish(self, end=lambda process: None):
        """Waits for all; a worker that ended by itself must have ended well, one that was stuck when started again."""
        for name in list(self.running):
            self.await_end(name)
            if self.was_stuck(name):
                self.stuck += 1
                self.serve(name, *self.ends_when[name])
                end(self.running[name])
                self.await_end(name)
            code = self.running[name].returncode
            if code not in self.good_ends(name):
                raise SystemExit(f"worker {name} ended with {code}; see {self.log(name)}")
        self.running = {}


class Progress:
    """How far a round has come, by the rows of its journal that were written, committed or not."""

    def __init__(self, workers):
        from confluent_kafka import Consumer
        from confluent_kafka.admin import AdminClient

        self.workers, self.topic, self.last = workers, workers.prefix + "journal", 0
        settings = {"bootstrap.servers": workers.address, "reconnect.backoff.max.ms": 500, "log_level": 0}
        self.client = AdminClient(settings)
        self.member = Consumer({**settings, "group.id": workers.group})

    def close(self):
        self.member.close()

    def rows(self):
        """Not by watermarks: a consumer that asks a dead leader for them stands still for minutes."""
        from confluent_kafka import KafkaException, TopicPartition
        from confluent_kafka.admin import OffsetSpec

        places = {TopicPartition(self.topic, number): OffsetSpec.latest() for number in range(PARTITIONS)}
        try:
            self.last = sum(end.result().offset for end in self.client.list_offsets(places, request_timeout=2).values())
        except KafkaException:
            pass  # the topics are being made, or the broker is away
        return self.last

    def wait(self, more, is_over):
        """Until so many more rows are there, or nobody is left to write them."""
        target = self.rows() + more
        while self.rows() < target and not is_over():
            time.sleep(0.01)

    def committed(self):
        """The group's positions; none while a transaction is pending that holds them."""
        from confluent_kafka import KafkaException, TopicPartition

        places = [TopicPartition(self.workers.clickstream, number) for number in range(PARTITIONS)]
        try:
            return {place.partition: place.offset for place in self.member.committed(places, timeout=2) if not place.error}
        except KafkaException:
            return {}


def ends(workers):
    """Where the input ends, per partition."""
    from confluent_kafka import Consumer, TopicPartition

    client = Consumer({"bootstrap.servers": workers.address, "group.id": "ends"})
    found = {number: client.get_watermark_offsets(TopicPartition(workers.clickstream, number), timeout=10)[1]
             for number in range(PARTITIONS)}
    client.close()
    return found


def positions(workers):
    """Where the group's committed state stands in the input, per partition."""
    found = {}
    for row in shop.read_topic(workers.address, workers.prefix + "partition-state"):
        found[row.partition] = shop.decode("partition_state", row.value)["clickstream_next_offset"]
    return found


def run_to_the_end(workers, until):
    """Whoever ended first left its partitions to the others, or to nobody until a dead member's session is over; and who has
    read to the end need not have fired what is left to fire. So the last one to end has had all partitions at once."""
    deadline = time.monotonic() + 60
    while positions(workers) != until or workers.partitions_of("a") != PARTITIONS:
        if time.monotonic() > deadline:
            raise SystemExit(f"the input was not read to its end: {positions(workers)} of {until}")
        workers.start("a", "--leave")
        workers.finish()


def create(address, topic, policy, partitions=1):
    """Before anybody makes it otherwise. Simulated time would roll segments and so have a compacted topic's history
    cleaned, which following needs; here nothing is ever rolled."""
    from confluent_kafka.admin import AdminClient, NewTopic

    settings = {"cleanup.policy": policy, "retention.ms": "-1", "segment.ms": str(10 ** 13)}
    admin = AdminClient({"bootstrap.servers": address})
    admin.create_topics([NewTopic(topic, partitions, config=settings)])[topic].result(20)
    for one in address.split(","):  # brokers hear of it one after another
        asked = AdminClient({"bootstrap.servers": one})
        shop.wait_for(f"{one} knows {topic}", lambda: topic in asked.list_topics(timeout=20).topics, pause_s=0.02)


def delete(address, prefix):
    """All topics of a round that is over, so that a thousand of them fit on a broker."""
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": address})
    names = [name for name in admin.list_topics(timeout=30).topics if name.startswith(prefix)]
    for future in (admin.delete_topics(names, operation_timeout=30) if names else {}).values():
        future.result(60)
