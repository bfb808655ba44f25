#!/usr/bin/env python3
"""Trainers that are killed, frozen and replaced leave in `model` what an undisturbed one leaves, bit for bit.

One topic of examples, seeded, written by a foreign client in transactions (whose control records take offsets, some of
which end mini-batches); every round has a group and a topic `model` of its own. Rounds, by their number:
  kills     one trainer, SIGKILLed at random amounts of progress and started again under its name;
  takeover  two processes; the active one is SIGKILLed, the standby takes over;
  zombie    the active one is frozen until the standby has taken over, then wakes up and goes on.
Then bad examples on the real topic: they are counted by reason and leave no trace in the rows. What the rows are compared
with is a topic with the same offsets, where every bad example is one that there is nothing to learn from.
Each round prints its seed; a failing one is repeated by --seed S --rounds 1 --first KIND.
"""

import argparse
import io
import json
import math
import pathlib
import random
import re
import signal
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import shop  # noqa: E402

CONFIG = """
learn:
  batch_offsets: 32
  publish_interval: 10ms
decide:
  offers:
    - {id: reminder, kind: reminder}
    - {id: free_ship, kind: free_shipping, cost: 5}
    - {id: ten_percent, kind: percent_off, value: 10}
ops:
  http_listen: ""
  log_level: info
"""
ACTIONS = ["none", "reminder", "free_ship", "ten_percent"]
START_MS = 1573000000000
KINDS = ["kills", "takeover", "zombie"]


# ---- examples ----

def features():
    return json.loads(shop.run(shop.binaries()[0], "features", "--json").stdout)


class Examples:
    """Rows as a worker could have written them: revision 0, later some corrections, some margins."""

    def __init__(self, seed):
        described = features()
        self.version = described["version"]
        self.numbers = [row["name"] for row in described["numbers"]]
        self.names = [row["name"] for row in described["names"]]
        self.rng = random.Random(seed)
        self.written, self.count = [], 0

    def first(self):
        rng, n = self.rng, self.count
        is_new = rng.random() < 0.5
        origin = "observe" if rng.random() < 0.3 else rng.choice(["cart_abandoned", "checkout_abandoned"])
        known = {"origin": origin, "age_band": rng.choice(["18-24", "25-34", None]), "gender": rng.choice(["f", "m"]),
                 "region": rng.choice(["north", "south", "west"]), "top_category": f"category-{rng.randrange(20)}",
                 "top_brand": f"brand-{rng.randrange(100)}", "top_item": f"item-{rng.randrange(3000)}"}
        numbers = [None if rng.random() < 0.1 else math.expm1(6 * rng.random()) for _ in self.numbers]
        numbers[self.numbers.index("is_new")] = float(is_new)
        action = rng.choice(ACTIONS)
        p = 0.05 + 0.15 * is_new + 0.03 * ACTIONS.index(action)
        decided = START_MS + n * 20000
        row = {"decision_id": f"{rng.getrandbits(128):032x}", "revision": 0, "user_id": f"u{rng.randrange(9999)}",
               "subject_key_id": None, "origin": origin, "episode_id": None, "decided_ms": decided,
               "labelled_ms": decided + 1800000, "feature_version": self.version, "numbers": numbers,
               "names": [known.get(name) for name in self.names], "bucket": "policy", "action": action, "action_p": 0.25,
               "actions": [{"action": name, "p": 0.25, "value": None} for name in ACTIONS],
               "scores": [{"learner": "logistic", "version_offset": 0, "p": [0.02 + 0.3 * rng.random() for _ in ACTIONS]}],
               "label": "bought" if rng.random() < p else "not_bought", "is_retraction": False, "net_margin": None,
               "weight": 20.0 if origin == "observe" else 1.0, "is_censored_by_push": False}
        self.written.append(row)
        self.count += 1
        return row

    def correction(self):
        row = dict(self.written.pop(self.rng.randrange(len(self.written))))
        row.update(revision=1, is_retraction=True, labelled_ms=row["labelled_ms"] + 3600000,
                   label="not_bought" if row["label"] == "bought" else "bought")
        return row

    def margin(self):
        """A revision that there is nothing to learn from."""
        return dict(self.written[self.rng.randrange(len(self.written))], revision=2, net_margin=4.5)

    def next(self):
        draw = self.rng.random()
        if draw < 0.9 or not self.written:
            return self.first()
        return self.correction() if draw < 0.97 else self.margin()


def encode(row):
    import fastavro

    parsed = shop.schema("example")
    form = fastavro.schema.to_parsing_canonical_form(parsed)
    encode.header = encode.header or b"\xc3\x01" + bytes.fromhex(fastavro.schema.fingerprint(form, "CRC-64-AVRO"))
    out = io.BytesIO(encode.header)
    out.seek(0, io.SEEK_END)
    fastavro.schemaless_writer(out, parsed, row)
    return out.getvalue()


encode.header = None


def bad(rng, row):
    """(reason, value) of an example that must be refused."""
    reason = rng.choice(["undecodable", "foreign", "poisoned", "repeats"])
    if reason == "undecodable":
        good = encode(row)
        return reason, rng.choice([None, b"", b"garbage", good[:-3], good + b"x", b"\xc3\x01" + bytes(8) + good[10:],
                                   encode(dict(row, numbers=[math.nan] + row["numbers"][1:])),
                                   encode(dict(row, weight=math.inf))])
    if reason == "foreign":
        return reason, encode(dict(row, **rng.choice([{"feature_version": 99}, {"numbers": row["numbers"][1:]},
                                                      {"origin": "full_moon"}])))
    if reason == "poisoned":
        poison = [{"numbers": [1e30] + row["numbers"][1:]}, {"numbers": row["numbers"][:-1] + [-1e16]}, {"weight": -1.0},
                  {"weight": 1e300}, {"labelled_ms": 2 ** 62}, {"revision": -1}]
        return reason, encode(dict(row, **rng.choice(poison)))
    return reason, None  # the one before it once more


def create(address, topic):
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": address})
    admin.create_topics([NewTopic(topic, 1, 1, config={"retention.ms": "-1"})])[topic].result(10)


class Writer:
    """Transactions of changing size, as workers' epochs are."""

    def __init__(self, address, topic, seed):
        from confluent_kafka import Producer

        create(address, topic)
        self.topic, self.rng, self.left = topic, random.Random(seed), 0
        self.client = Producer({"bootstrap.servers": address, "transactional.id": f"{topic}-writer", "linger.ms": 50})
        self.client.init_transactions(30)
        self.is_open = False

    def write(self, key, value):
        if not self.is_open:
            self.client.begin_transaction()
            self.is_open, self.left = True, self.rng.randint(1, 400)
        self.client.produce(self.topic, key=key, value=value, partition=0)
        self.left -= 1
        if self.left == 0:
            self.end()

    def end(self):
        if self.is_open:
            self.client.commit_transaction(30)
            self.is_open = False


def write_examples(address, topic, seed, count):
    examples, writer = Examples(seed), Writer(address, topic, seed)
    for _ in range(count):
        row = examples.next()
        writer.write(row["decision_id"], encode(row))
    writer.end()


def write_bad(address, topic, other, seed, count):
    """The same honest examples to both; to the first bad ones between them, to the other harmless ones."""
    examples, rng, reasons = Examples(seed), random.Random(seed + 1), {}
    writers = Writer(address, topic, seed), Writer(address, other, seed)
    last = None
    for _ in range(count):
        if last and rng.random() < 0.2:
            reason, value = bad(rng, dict(last, decision_id=f"{rng.getrandbits(128):032x}"))
            harmless = encode(examples.margin())
            reasons[reason] = reasons.get(reason, 0) + 1
            writers[0].write(last["decision_id"], encode(last) if reason == "repeats" else value)
            writers[1].write(last["decision_id"], harmless)
            continue
        last = examples.first()
        for writer in writers:
            writer.write(last["decision_id"], encode(last))
    for writer in writers:
        writer.end()
    return reasons


# ---- trainers ----

class Trainers:
    """The processes of one round, all of one group and one topic `model`."""

    def __init__(self, folder, address, run_name, round_name, examples):
        self.folder, self.address, self.name = folder, address, run_name + round_name
        self.model = f"{self.name}-model"
        self.running = {}
        self.config = shop.write_config(folder / f"{self.name}.yaml", CONFIG, address, prefix=run_name, partitions=1,
                                        examples=examples, model=self.model)
        whole = self.config.read_text().replace("kafka:\n", "kafka:\n  session_timeout: 6s\n", 1)
        self.config.write_text(whole)

    def log(self, name):
        return self.folder / f"{self.name}-{name}.log"

    def start(self, name):
        self.running[name] = shop.spawn([shop.binaries()[0], "run", "--config", str(self.config), "--roles", "trainers",
                                         "--group", self.name, "--worker-name", name, "--until-end"], self.log(name))

    def is_over(self, name):
        return self.running[name].poll() is not None

    def state(self, name):
        """What it last said of itself: active, standby, lost, revoked or nothing."""
        found = re.findall(r"\b(active|standby|lost|revoked) trainer=", self.log(name).read_text())
        return found[-1] if found else None

    def wait_state(self, name, state, timeout=40):
        until = time.monotonic() + timeout
        while self.state(name) != state:
            if self.is_over(name):
                return False
            if time.monotonic() > until:
                raise SystemExit(f"{name} did not become {state}; see {self.log(name)}")
            time.sleep(0.01)
        return True

    def must_be_undisturbed(self):
        """A standby that opened its producer would fence the active one, which would lose an epoch."""
        for name in self.running:
            if "epoch lost" in self.log(name).read_text():
                raise SystemExit(f"{name} was fenced by a standby; see {self.log(name)}")

    def signal(self, name, number):
        self.running[name].send_signal(number)
        if number == signal.SIGKILL:
            self.running.pop(name).wait(timeout=30)

    def finish(self):
        for name, process in self.running.items():
            code = process.wait(timeout=120)
            if code != 0:
                raise SystemExit(f"trainer {name} ended with {code}; see {self.log(name)}")
        self.running = {}

    def ended(self, name):
        """The numbers of its last line."""
        lines = [line for line in self.log(name).read_text().splitlines() if "ended learner=" in line]
        return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", lines[-1])}

    def rows(self):
        """Rows by key, as they stand at the end; and how many versions were committed."""
        rows, versions = {}, 0
        for row in shop.read_topic(self.address, self.model):
            rows[row.key] = row.value
            versions += row.key == b"logistic/version"
        return rows, versions


class Progress:
    """How far a round has come, by the records of its topic `model`, committed or not."""

    def __init__(self, trainers):
        from confluent_kafka import Consumer

        self.trainers = trainers
        self.client = Consumer({"bootstrap.servers": trainers.address, "group.id": "progress"})

    def records(self):
        from confluent_kafka import KafkaException, TopicPartition

        try:
            return self.client.get_watermark_offsets(TopicPartition(self.trainers.model, 0), timeout=5)[1]
        except KafkaException:
            return 0  # the topic is being made

    def wait(self, target, name):
        """Until so many records are there; False if the trainer ended first."""
        while self.records() < target:
            if self.trainers.is_over(name):
                return False
        return True


def disturbed_by_kills(trainers, records, rng):
    progress, kills, done = Progress(trainers), rng.randint(3, 5), 0
    trainers.start("a")
    for number in range(kills):
        target = (number + rng.random()) * records / kills
        if not progress.wait(target, "a"):
            break
        trainers.signal("a", signal.SIGKILL)
        done += 1
        trainers.start("a")
    trainers.finish()
    return done, f"{done} kills"


def two(trainers, records, rng):
    """Two processes at work; (active, standby), or None if it was over too soon."""
    progress = Progress(trainers)
    trainers.start("a")
    trainers.wait_state("a", "active")
    trainers.start("b")
    if not progress.wait(rng.uniform(0.05, 0.5) * records, "a"):
        return None
    until = time.monotonic() + 30
    while time.monotonic() < until:
        states = {name: trainers.state(name) for name in "ab"}
        if sorted(states.values(), key=str) == ["active", "standby"]:
            trainers.must_be_undisturbed()
            return ("a", "b") if states["a"] == "active" else ("b", "a")
        if trainers.is_over("a") or trainers.is_over("b"):
            return None
    raise SystemExit(f"nobody is active: {states}; see {trainers.log('a')} and {trainers.log('b')}")


def disturbed_by_takeover(trainers, records, rng):
    pair = two(trainers, records, rng)
    if pair:
        trainers.signal(pair[0], signal.SIGKILL)
        trainers.wait_state(pair[1], "active")
    trainers.finish()
    return bool(pair), f"takeover by {pair[1]}" if pair else "no takeover"


def disturbed_by_zombie(trainers, records, rng):
    pair = two(trainers, records, rng)
    if pair:
        trainers.signal(pair[0], signal.SIGSTOP)
        trainers.wait_state(pair[1], "active")
        trainers.signal(pair[0], signal.SIGCONT)
    trainers.finish()
    return bool(pair), f"zombie {pair[0]} beside {pair[1]}" if pair else "no zombie"


DISTURB = dict(zip(KINDS, [disturbed_by_kills, disturbed_by_takeover, disturbed_by_zombie]))


def difference(expected, found):
    keys = [key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)]
    for key in sorted(keys)[:3]:
        print(f"  {key}:\n    {expected.get(key)}\n    {found.get(key)}")
    return len(keys)


# ---- the whole ----

def bad_examples(folder, address, run_name):
    topic, other = run_name + "bad", run_name + "harmless"
    reasons = write_bad(address, topic, other, 5, 4000)
    results = []
    for name, examples in (("of-bad", topic), ("of-harmless", other)):
        trainers = Trainers(folder, address, run_name, name, examples)
        trainers.start("a")
        trainers.finish()
        results.append((trainers.rows()[0], trainers.ended("a")))
    counts = results[0][1]
    found = {reason: counts[reason] for reason in reasons}
    differing = difference(results[1][0], results[0][0])
    is_equal = found == reasons and differing == 0 and counts["learned"] == results[1][1]["learned"] > 2000
    print(f"bad examples: {reasons}, counted {found}, learned {counts['learned']}, "
          f"{'equal' if is_equal else 'DIFFERS'}", flush=True)
    return is_equal


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", choices=KINDS, default=KINDS[0], help="kind of the first round")
    parser.add_argument("--examples", type=int, default=40000)
    options = parser.parse_args()
    address = shop.kafka_address()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="promostream-trainers-"))
    run_name = f"t{int(time.time())}-"
    began = time.monotonic()
    write_examples(address, run_name + "given", 3, options.examples)
    print(f"{options.examples} examples written in {time.monotonic() - began:.1f} s", flush=True)

    calm = Trainers(folder, address, run_name, "calm", run_name + "given")
    began = time.monotonic()
    calm.start("a")
    calm.finish()
    expected, versions = calm.rows()
    print(f"undisturbed: {len(expected)} rows, {versions} versions, {calm.ended('a')} in "
          f"{time.monotonic() - began:.1f} s", flush=True)
    if calm.ended("a")["learned"] < 0.9 * options.examples or versions < 20 or calm.ended("a")["undecodable"]:
        raise SystemExit("the undisturbed run did too little to prove anything")
    records = Progress(calm).records()

    failures = 0
    for number in range(options.rounds):
        seed, kind = options.seed + number, KINDS[(KINDS.index(options.first) + number) % len(KINDS)]
        trainers = Trainers(folder, address, run_name, f"s{seed}", run_name + "given")
        began = time.monotonic()
        is_disturbed, what = DISTURB[kind](trainers, records, random.Random(seed))
        found, _ = trainers.rows()
        differing = difference(expected, found)
        failures += differing > 0 or not is_disturbed
        print(f"round {number + 1} seed {seed}: {what}, {f'{differing} rows DIFFER' if differing else 'equal'}, "
              f"{time.monotonic() - began:.1f} s", flush=True)
    is_whole = bad_examples(folder, address, run_name)
    if failures or not is_whole:
        print(f"logs: {folder}")
    print(f"{options.rounds - failures} of {options.rounds} rounds equal")
    sys.exit(1 if failures or not is_whole else 0)


if __name__ == "__main__":
    main()
