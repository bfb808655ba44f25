#!/usr/bin/env python3
"""How long a rebalance holds up committed output, at a steady rate of input.

    rebalance_stall.py [--rounds N] [--kills N] [--rate EVENTS/S] [--users N] [--check]

Without options one kill (in CI), or with PROMOSTREAM_TESTS=full ten rounds and three kills.

Worker a is always there. A round: b joins, b leaves (--leave). A kill: b joins, is killed with an open transaction and
never comes back; the broker would wait a minute for that transaction. A reader of the topic journal, which has a row per
partition and epoch, notes when each becomes visible under read_committed. Printed per kind of event, in milliseconds: the
longest gap of each partition that stays with a, p50 and maximum over partitions and rounds; the same for those that move;
and the usual gap. A kill's figures start at the kill, and its session time-out is part of them.

In the end each partition's rows must follow one another without a hole: epoch numbers and input offsets. --check also
holds the figures to their bounds, for a machine that does nothing else."""

import argparse
import collections
import multiprocessing
import os
import pathlib
import queue
import re
import signal
import statistics
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "bench")]
import latency  # noqa: E402
import shop  # noqa: E402

PARTITIONS = latency.PARTITIONS
STAY = range(PARTITIONS // 2)  # range assignor: the first half is a's
MOVE = range(PARTITIONS // 2, PARTITIONS)
SESSION_MS = 6000
STAYS_OPEN_S = 0.3  # many times what a commit takes, far from the session's time-out
CALM_S = 2  # before an event, and after its effect
CONFIG = """
epoch: {interval: 50ms}
clean: {lateness: 0ms}
triggers:
  cart_abandoned: {idle: 1s}
  browse_abandoned: {enabled: false}
  observe: {share: 0}
decide: {quiet_hours: ""}
ops: {http_listen: "", log_level: info}
"""
BOUNDS_MS = {"leave": 150, "join": 600, "kill": SESSION_MS + 2000}  # above the usual gap
TAKEOVER_MAX_MS = SESSION_MS + 5000  # however busy the machine is: far from the minute that the broker would take


def feed(address, topic, rate, users, stop):
    """In a process of its own."""
    latency.USERS = users
    source = latency.Feed(address, topic, rate)
    while not stop.is_set():
        source.number = 0
        source.run(1)
        source.sent, source.deadlines = [([], []) for _ in range(PARTITIONS)], {}


def listen(address, topic, out, stop):
    """In a process of its own: (partition, wall time, value) of every row of the journal."""
    from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

    consumer = Consumer({"bootstrap.servers": address, "group.id": "stall", "enable.auto.commit": False,
                         "isolation.level": "read_committed", "fetch.wait.max.ms": 5, "reconnect.backoff.max.ms": 200})
    consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(PARTITIONS)])
    while not stop.is_set():
        for row in consumer.consume(1000, timeout=0.005):
            if not row.error():
                out.put((row.partition(), time.time(), row.value()))
    consumer.close()


class Stage:
    def __init__(self, options, starts_a=True):
        self.address, (self.promostream, _) = shop.kafka_address(), shop.binaries()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="promostream-stall-"))
        self.prefix = f"stall-{int(time.time() * 1000):x}-"
        self.config = shop.write_config(self.folder / "pipeline.yaml", CONFIG, self.address, prefix=self.prefix,
                                        partitions=PARTITIONS)
        text = self.config.read_text()
        self.config.write_text(text.replace("kafka:\n", f"kafka:\n  session_timeout: {SESSION_MS}ms\n", 1))
        self.rows = collections.defaultdict(list)  # partition: [(wall time, value)]
        self.out, self.stop = multiprocessing.Queue(), multiprocessing.Event()
        self.a = self.start("a") if starts_a else None
        self.helpers = [
            multiprocessing.Process(target=feed, daemon=True, args=(self.address, f"{self.prefix}clickstream",
                                                                    options.rate, options.users, self.stop)),
            multiprocessing.Process(target=listen, daemon=True, args=(self.address, f"{self.prefix}journal", self.out,
                                                                      self.stop))]
        for helper in self.helpers:
            helper.start()

    def log(self, name):
        return self.folder / f"{name}.log"

    def start(self, name, *options):
        """Returns when it has its partitions."""
        process = self.spawn(name, *options)
        latency.wait_for_log(self.log(name), "assigned worker=.* recovery_ms=", process)
        return process

    def spawn(self, name, *options):
        self.log(name).unlink(missing_ok=True)
        return shop.spawn([self.promostream, "run", "--config", self.config, "--group", self.prefix, "--worker-name", name,
                           *options], self.log(name))

    def drain(self):
        while True:
            try:
                partition, at, value = self.out.get_nowait()
            except queue.Empty:
                return
            self.rows[partition].append((at, value))

    def gap_ms(self, partition, begin, end):
        """The longest span without a row that ends in [begin, end]; the one that is open at the end counts."""
        times = [at for at, _ in self.rows[partition]]
        last = max((at for at in times if at < begin), default=begin)
        longest = 0
        for at in [at for at in times if begin <= at <= end] + [end]:
            longest, last = max(longest, at - last), at
        return 1000 * longest

    def wait_for_rows(self, partitions, after, seconds):
        def have_rows():
            self.drain()
            return all(self.rows[p] and self.rows[p][-1][0] > after for p in partitions)

        shop.wait_for(f"output of partitions {list(partitions)}", have_rows, seconds, pause_s=0.02)

    def calm(self):
        time.sleep(CALM_S)
        self.drain()

    def is_open(self, raw, stable, partitions=MOVE):
        """Is a transaction open in one of them, by default of those that are b's?"""
        from confluent_kafka import KafkaException, TopicPartition

        places = [TopicPartition(f"{self.prefix}journal", number) for number in partitions]
        try:
            return any(stable.get_watermark_offsets(place, timeout=5)[1] < raw.get_watermark_offsets(place, timeout=5)[1]
                       for place in places)
        except KafkaException:
            return False  # the topic is being made

    def finish(self):
        code = shop.terminate(self.a)
        time.sleep(0.5)
        self.stop.set()
        self.drain()
        for helper in self.helpers:
            helper.join(10)
        latency.delete_topics(self.address, self.prefix)
        return code


class Figures:
    def __init__(self):
        self.stay, self.move = collections.defaultdict(list), collections.defaultdict(list)

    def take(self, stage, kind, begin):
        end = time.time()
        stage.drain()
        self.stay[kind] += [stage.gap_ms(p, begin, end) for p in STAY]
        self.move[kind] += [stage.gap_ms(p, begin, end) for p in MOVE]

    def show(self):
        for kind in self.stay:
            for name, values in (("stay", self.stay[kind]), ("move", self.move[kind])):
                print(f"{kind:6} {name}: p50 {statistics.median(values):5.0f} ms, max {max(values):5.0f} ms "
                      f"of {len(values)}", flush=True)


def usual_gap_ms(stage, since):
    gaps = [1000 * (right[0] - left[0]) for p in range(PARTITIONS) for left, right in zip(stage.rows[p], stage.rows[p][1:])
            if left[0] > since]
    return statistics.median(gaps)


def one_round(stage, figures):
    begin = time.time()
    b = stage.start("b", "--leave")
    stage.wait_for_rows(range(PARTITIONS), time.time(), 60)
    stage.calm()
    figures.take(stage, "join", begin)
    begin = time.time()
    if shop.terminate(b) != 0:
        raise SystemExit(f"b did not leave well; see {stage.log('b')}")
    stage.wait_for_rows(range(PARTITIONS), time.time(), 60)
    stage.calm()
    figures.take(stage, "leave", begin)


def readers(address):
    """One that sees everything, one that sees what is stable."""
    from confluent_kafka import Consumer

    return [Consumer({"bootstrap.servers": address, "group.id": "stall", "isolation.level": level})
            for level in ("read_uncommitted", "read_committed")]


def kill_in_a_transaction(stage, b):
    """It is stopped first: nobody can see that a transaction is open and kill before it is not. A commit that was on its way
    to the broker then ends the transaction all the same, so it must stay open."""
    raw, stable = readers(stage.address)

    def stopped_in_one():
        b.send_signal(signal.SIGSTOP)
        begin = time.time()
        is_open = stage.is_open(raw, stable)
        while is_open and time.time() - begin < STAYS_OPEN_S:
            is_open = stage.is_open(raw, stable)
        if not is_open:
            b.send_signal(signal.SIGCONT)
        return begin if is_open else None

    begin = shop.wait_for("an open transaction of b", stopped_in_one, pause_s=0.013)
    b.kill()
    b.wait()
    if not stage.is_open(raw, stable):
        raise SystemExit("the transaction of b is not open")
    return begin


def one_kill(stage, figures):
    b = stage.start("b")
    stage.wait_for_rows(range(PARTITIONS), time.time(), 60)
    stage.calm()
    begin = kill_in_a_transaction(stage, b)
    stage.wait_for_rows(MOVE, begin + 0.5, 90)
    took = max(min(at for at, _ in stage.rows[p] if at > begin + 0.5) - begin for p in MOVE)
    print(f"kill: partitions of b are back after {took:.2f} s", flush=True)
    stage.calm()
    figures.take(stage, "kill", begin)
    if not re.search(r"took over from writer=", stage.log("a").read_text()):
        raise SystemExit(f"a did not take over; see {stage.log('a')}")
    if took * 1000 > TAKEOVER_MAX_MS:
        raise SystemExit(f"takeover: {took:.1f} s, expected at most {TAKEOVER_MAX_MS / 1000:.0f} s")


def check_rows(stage):
    """Nothing between two epochs of a partition, and nothing twice."""
    for p in range(PARTITIONS):
        last = None
        for _, value in stage.rows[p]:
            row = shop.decode("journal", value)
            start = row["clickstream_from_offset"]
            if last and (row["epoch"] != last["epoch"] + 1 or start != last["clickstream_to_offset"]):
                raise SystemExit(f"partition {p}: after {last} comes {row}")
            last = row
    print(f"{sum(map(len, stage.rows.values()))} epochs of {PARTITIONS} partitions follow one another")


def check_kept(stage, moves):
    """What stays with a is read once, at its start; what was b's meanwhile is read again each time."""
    log = stage.log("a").read_text()
    for p in range(PARTITIONS):
        count = len(re.findall(rf"recovered partition={p} ", log))
        if count != (1 if p in STAY else 1 + moves):
            raise SystemExit(f"a recovered partition {p} {count} times, b had its own {moves} times; see {stage.log('a')}")


def check_bounds(figures, usual):
    for kind, bound in BOUNDS_MS.items():
        values = figures.move[kind] if kind == "kill" else figures.stay[kind]
        if values and max(values) > bound + usual:
            raise SystemExit(f"{kind}: {max(values):.0f} ms, expected at most {bound} above the usual {usual:.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    is_long = os.environ.get("PROMOSTREAM_TESTS") == "full"
    parser.add_argument("--rounds", type=int, default=10 if is_long else 0)
    parser.add_argument("--kills", type=int, default=3 if is_long else 1)
    parser.add_argument("--rate", type=int, default=10000)
    parser.add_argument("--users", type=int, default=20000)
    parser.add_argument("--check", action="store_true", help="hold the figures to their bounds")
    options = parser.parse_args()
    stage, figures = Stage(options), Figures()
    stage.wait_for_rows(range(PARTITIONS), time.time(), 30)
    calm_since = time.time()
    stage.calm()
    usual = usual_gap_ms(stage, calm_since)
    for _ in range(options.rounds):
        one_round(stage, figures)
    for _ in range(options.kills):
        one_kill(stage, figures)
    code = stage.finish()
    print(f"usual gap {usual:.0f} ms, {options.rate} events/s, load {os.getloadavg()[0]:.1f}, logs {stage.folder}")
    figures.show()
    check_rows(stage)
    check_kept(stage, options.rounds + options.kills)
    if code != 0:
        raise SystemExit(f"a ended with {code}; see {stage.log('a')}")
    if options.check:
        check_bounds(figures, usual)


if __name__ == "__main__":
    main()
