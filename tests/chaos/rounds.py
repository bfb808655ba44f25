#!/usr/bin/env python3
"""Exactly once, on a real Kafka: workers are killed with SIGKILL, leave and join at seeded random moments; what they have
committed in the end must equal, byte for byte, what one worker wrote that nobody disturbed.

    rounds.py [--rounds N] [--seed N] [--keep]

Mode live with a frozen model: workers and trainer see the whole stream once, what the trainer learned is copied into every
round's own topic `model`, and no trainer runs in the rounds. So expected profit decides, and still everything compares.

Compared per partition, in order: promotion-decisions, promotion-pushes, dead-letters. Compared as final rows per key:
user-state, open-decisions, partition-state (without its epoch number, which depends on where epochs were cut). Compared
as sets: examples, for all workers write to their one partition, and none of it twice. Ticks are off, there is no feedback,
side topics and control stay as they are (DESIGN 2, "promised to repeat").
Each round prints its seed; a failing one is repeated by --seed S --rounds 1.
"""

import argparse
import collections
import concurrent.futures
import os
import pathlib
import random
import signal
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import shop  # noqa: E402

PARTITIONS = 4
# What may be sent, by which rule; the end of a configuration.
OFFERS = """  offers:
    - {id: ten_percent, kind: percent_off, value: 10, title: "Ten percent", body: "{item_count} items wait: {items}"}
    - {id: reminder, kind: reminder, title: "Still there", body: "Your cart of {cart_value} {currency}"}
    - {id: free_ship, kind: free_shipping, cost: 5, minimum_basket: 50, title: "Free shipping", body: "{item}"}
  rules:
    - {trigger: cart_abandoned, offer: ten_percent, basket_min: 40}
    - {trigger: cart_abandoned, offer: reminder}
    - {trigger: checkout_abandoned, offer: reminder}
    - {trigger: browse_abandoned, offer: reminder}
ops:
  http_listen: ""
  log_level: info
"""
# Small epochs, so that a run has hundreds of them and a kill meets every step of a commit.
CONFIG = """
epoch:
  interval: 20ms
  events_max: 150
  ticks: false
clean:
  lateness: 5s
state:
  users_max: 400
triggers:
  cart_abandoned: {idle: 20m}
  checkout_abandoned: {idle: 10m}
  browse_abandoned: {idle: 15m}
  observe: {share: 0.1}
outcomes: {trigger_window: 6h}
learn:
  publish_interval: 100ms
  alarm_ratio: 0
  arm_decisions_min: 100
  arm_age_min: 12h
decide:
  mode: live
  trial_share: 0.3
  uncertainty: 0.5
  contact_cost: 0
  consent_unknown_is_granted: true
  cap_per_hour: 60
  cap_per_user_day: 2
  cap_per_user_week: 4
  quiet_hours: "22:00-08:00"
  default_timezone: Europe/Berlin
  attribution_window: 3d
""" + OFFERS
ORDERED = ["promotion-decisions", "promotion-pushes", "dead-letters"]
UNORDERED = ["examples"]
BY_KEY = ["user-state", "open-decisions", "partition-state"]


class Workers:
    """The processes of one round, all of one group and prefix."""

    def __init__(self, folder, address, prefix, clickstream, text=CONFIG, roles="workers"):
        self.folder, self.address, self.prefix, self.running = folder, address, prefix, {}
        self.clickstream, self.roles = clickstream, roles
        self.config = shop.write_config(folder / f"{prefix}.yaml", text, address, clickstream=clickstream,
                                        catalogue=clickstream + "-catalogue", prefix=prefix, partitions=PARTITIONS)
        # An empty fetch holds back what a client begins to read meanwhile: at a start, half a second per side topic.
        whole = self.config.read_text().replace("kafka:\n", "kafka:\n  properties: {fetch.wait.max.ms: 20}\n", 1)
        self.config.write_text(whole)

    def start(self, name, *options):
        self.serve(name, "--until-end", "--at-end", "fire", *options)

    def serve(self, name, *options):
        command = [shop.binaries()[0], "run", "--config", str(self.config), "--group", self.prefix + "group", "--roles",
                   self.roles, "--worker-name", self.prefix + name, *options]
        self.running[name] = shop.spawn(command, self.folder / f"{self.prefix}{name}.log")

    def signal(self, name, number):
        process = self.running.pop(name)
        if number == signal.SIGTERM:
            return shop.terminate(process)
        process.send_signal(number)
        return process.wait(timeout=60)

    def is_over(self, name):
        return self.running[name].poll() is not None

    def finish(self):
        """Waits for all; a worker that ended by itself must have ended well."""
        for name, process in self.running.items():
            code = process.wait(timeout=150)
            if code != 0:
                raise SystemExit(f"worker {name} ended with {code}; see {self.folder}/{self.prefix}{name}.log")
        self.running = {}


class Progress:
    """How far a round has come, by the rows of its journal that were written, committed or not."""

    def __init__(self, address, prefix):
        from confluent_kafka import Consumer

        self.topic = prefix + "journal"
        self.client = Consumer({"bootstrap.servers": address, "group.id": "progress", "isolation.level": "read_uncommitted"})

    def rows(self):
        from confluent_kafka import KafkaException, TopicPartition

        try:
            return sum(self.client.get_watermark_offsets(TopicPartition(self.topic, number), timeout=5)[1]
                       for number in range(PARTITIONS))
        except KafkaException:
            return 0  # the topics are being made

    def wait(self, more, is_over):
        """Until so many more rows are there, or nobody is left to write them."""
        target = self.rows() + more
        while self.rows() < target and not is_over():
            pass


def disturbed_by_kills(workers, progress, rows, rng):
    """Kills at random amounts of progress, so that a slow machine is disturbed as often as a fast one."""
    kills = rng.randint(3, 6)
    done = 0
    for _ in range(kills):
        workers.start("a")
        progress.wait(rng.randint(1, rows // kills), lambda: workers.is_over("a"))
        if workers.is_over("a"):
            break
        workers.signal("a", signal.SIGKILL)
        done += 1
    workers.running.pop("a", None)
    workers.start("a")
    workers.finish()
    return f"{done} kills"


def disturbed_by_members(workers, progress, rows, rng):
    """Two workers: one joins late, one leaves in order or is killed and comes back."""
    workers.start("a")
    progress.wait(rng.randint(1, rows // 3), lambda: workers.is_over("a"))
    workers.start("b", "--leave")
    progress.wait(rng.randint(1, rows // 4), lambda: workers.is_over("a") or workers.is_over("b"))
    how = rng.choice(["leave", "kill b", "kill a"])
    victim = "a" if how == "kill a" else "b"
    if not workers.is_over(victim):
        workers.signal(victim, signal.SIGTERM if how == "leave" else signal.SIGKILL)
        if how != "leave":
            workers.start(victim, "--leave")
    workers.finish()
    return how


def run_to_the_end(workers, ends):
    """Whoever ended first left its partitions to the others, or to nobody until a dead member's session is over."""
    until = time.monotonic() + 60
    while positions(workers) != ends:
        if time.monotonic() > until:
            raise SystemExit(f"the input was not read to its end: {positions(workers)} of {ends}")
        workers.start("a")
        workers.finish()


def positions(workers):
    """Where the group's committed state stands in the input, per partition."""
    found = {}
    for row in shop.read_topic(workers.address, workers.prefix + "partition-state"):
        found[row.partition] = shop.decode("partition_state", row.value)["clickstream_next_offset"]
    return found


def read_topics(address, prefix, topics):
    """All at once: most of a short read is waiting for a client's first answers."""
    with concurrent.futures.ThreadPoolExecutor(len(topics)) as pool:
        return dict(zip(topics, pool.map(lambda topic: shop.read_topic(address, prefix + topic), topics)))


def read_results(address, prefix):
    read, results = read_topics(address, prefix, ORDERED + UNORDERED + BY_KEY), {}
    for topic in ORDERED:
        results[topic] = [(row.partition, row.key, row.value) for row in read[topic]]
    for topic in UNORDERED:
        results[topic] = sorted((row.key, row.value) for row in read[topic])
    check_examples(results["examples"])
    for topic in BY_KEY:
        rows = {}
        for row in read[topic]:
            rows[row.partition, row.key] = row.value
        results[topic] = {key: value for key, value in rows.items() if value is not None}
    for key, value in results["partition-state"].items():
        row = shop.decode("partition_state", value)
        del row["epoch"]
        results["partition-state"][key] = row
    return results


def check_examples(rows):
    """Every decision's revisions are 0, 1, 2, ..., each once."""
    revisions = collections.defaultdict(list)
    for key, value in rows:
        row = shop.decode("example", value)
        if row["decision_id"].encode() != key:
            raise SystemExit(f"examples: key {key} of decision {row['decision_id']}")
        revisions[key].append(row["revision"])
    for key, found in revisions.items():
        if sorted(found) != list(range(len(found))):
            raise SystemExit(f"examples: decision {key} has revisions {sorted(found)}")


def difference(expected, found):
    for topic in ORDERED + UNORDERED + BY_KEY:
        if expected[topic] != found[topic]:
            print(f"  {topic}: {len(expected[topic])} rows expected, {len(found[topic])} found")
            if topic in ORDERED + UNORDERED:
                for at, (left, right) in enumerate(zip(expected[topic], found[topic])):
                    if left != right:
                        print(f"  first difference at row {at}:\n    {left}\n    {right}")
                        break
            else:
                keys = [key for key in expected[topic].keys() | found[topic].keys()
                        if expected[topic].get(key) != found[topic].get(key)]
                for key in sorted(keys)[:3]:
                    print(f"  {key}:\n    {expected[topic].get(key)}\n    {found[topic].get(key)}")
            return topic
    return None


def create(address, topic, policy, partitions=1):
    """Before anybody makes it otherwise. Simulated time would roll segments and so have a compacted topic's history
    cleaned, which following needs; here nothing is ever rolled."""
    from confluent_kafka.admin import AdminClient, NewTopic

    settings = {"cleanup.policy": policy, "retention.ms": "-1", "segment.ms": str(10 ** 13)}
    admin = AdminClient({"bootstrap.servers": address})
    admin.create_topics([NewTopic(topic, partitions, 1, config=settings)])[topic].result(10)


def feed(address, topic, seed):
    """A shop of a few days; dirty, so that late, duplicate and bot events are part of it."""
    clickfeed = shop.binaries()[1]
    create(address, topic + "-catalogue", "compact")
    done = shop.run(clickfeed, "simulate", "--world", "dirty", "--seed", seed, "--users", 12000, "--days", 5,
                    "--brokers", address, "--topic", topic, "--catalogue-topic", topic + "-catalogue", "--partitions",
                    PARTITIONS)
    print(done.stdout.strip() or done.stderr.strip().splitlines()[-1])


# ---- the frozen model ----

def train(folder, address, prefix, clickstream):
    """Workers and trainer over the whole stream, undisturbed; the rows of `model` as they were committed."""
    learning = Workers(folder, address, prefix, clickstream, roles="both")
    learning.start("a")
    learning.finish()
    rows = shop.read_topic(address, prefix + "model")
    versions = [row for row in rows if row.key.endswith(b"/version")]
    if not versions or rows[-1] != versions[-1]:
        raise SystemExit(f"the training left no whole version; see {folder}/{prefix}a.log")
    print(f"trained: {len(rows)} rows in {len(versions)} versions, the last one of example offset "
          f"{shop.decode('model_row', versions[-1].value)['version_offset']}", flush=True)
    return rows


def write_model(address, topic, rows):
    """The same rows in the same order, as nobody's work: a plain producer, all there before a worker starts."""
    from confluent_kafka import Producer

    create(address, topic, "compact")
    client = Producer({"bootstrap.servers": address, "enable.idempotence": True})
    for row in rows:
        client.produce(topic, key=row.key, value=row.value, partition=0)
    if client.flush(20):
        raise SystemExit(f"{topic}: not everything was written")


def frozen(folder, address, prefix, clickstream, model):
    write_model(address, prefix + "model", model)
    return Workers(folder, address, prefix, clickstream)


def count_policies(rows):
    """Decisions by who chose; (partition, key, value) each."""
    return collections.Counter(shop.decode("decision", value)["policy"] for _, _, value in rows)


def check_enough(expected):
    """Does the undisturbed run say what it is there for?"""
    policies = count_policies(expected["promotion-decisions"])
    scorers = {score["version_offset"] for _, _, value in expected["promotion-decisions"]
               for score in shop.decode("decision", value)["scores"]}
    print(f"decided by: {dict(policies)}, scored by versions {scorers}", flush=True)
    if (len(expected["promotion-pushes"]) < 50 or len(expected["promotion-decisions"]) < 200 or
            len(expected["examples"]) < 200 or policies["value"] < 100 or policies["trial"] < 20 or
            len(scorers) != 1 or 0 in scorers):
        raise SystemExit("the undisturbed run did too little to prove anything")


# ---- the whole ----


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20 if os.environ.get("PROMOSTREAM_TESTS") == "full" else 5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep the folder with configurations and logs")
    options = parser.parse_args()
    address = shop.kafka_address()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="promostream-rounds-"))
    run_name = f"r{int(time.time())}-"
    clickstream = run_name + "clickstream"
    feed(address, clickstream, 7)
    model = train(folder, address, run_name + "learn-", clickstream)
    undisturbed = frozen(folder, address, run_name + "calm-", clickstream, model)
    began = time.monotonic()
    undisturbed.start("a")
    undisturbed.finish()
    expected = read_results(address, undisturbed.prefix)
    print("undisturbed: " + ", ".join(f"{topic} {len(rows)}" for topic, rows in expected.items()) +
          f" in {time.monotonic() - began:.1f} s")
    check_enough(expected)

    journal_rows = len(shop.read_topic(address, undisturbed.prefix + "journal"))
    ends = positions(undisturbed)
    failures = 0
    for number in range(options.rounds):
        seed = options.seed + number
        rng = random.Random(seed)
        disturb = disturbed_by_members if number % 2 else disturbed_by_kills
        workers = frozen(folder, address, f"{run_name}s{seed}-", clickstream, model)
        began = time.monotonic()
        what = disturb(workers, Progress(address, workers.prefix), journal_rows, rng)
        run_to_the_end(workers, ends)
        found = read_results(address, workers.prefix)
        topic = difference(expected, found)
        failures += topic is not None
        print(f"round {number + 1} seed {seed}: {what}, {'DIFFERS in ' + topic if topic else 'equal'}, "
              f"{time.monotonic() - began:.1f} s", flush=True)
    if failures or options.keep:
        print(f"logs: {folder}")
    print(f"{options.rounds - failures} of {options.rounds} rounds equal")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
