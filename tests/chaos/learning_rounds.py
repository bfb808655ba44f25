#!/usr/bin/env python3
"""The learning loop under kills, on a real Kafka: a shop that hears the pushes, two processes with workers and trainers in
mode live, which are killed with SIGKILL, leave and come back at seeded random moments while new versions of the model
arrive all the time.

    learning_rounds.py [--rounds N] [--seed N] [--keep]

What they did depends on schedules: which version decided, which feedback and which catalogue was there. But it is promised
to repeat when the committed journal is followed (DESIGN 2): tests/kafka/follow_journal.c computes every partition again,
epoch by epoch, and every output must be the same. And what was learned depends on the committed examples alone: trainers
that nobody disturbs, of another group and with another topic `model`, must end with the same rows, byte for byte.
Each round prints its seed; a failing one is repeated by --seed S --rounds 1 (its schedule is drawn again, not its times).
"""

import argparse
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import rounds  # noqa: E402
import shop  # noqa: E402

# Arms grow up within days, so that trials and expected profit take turns; the alarm may go on and off.
CONFIG = """
epoch:
  interval: 30ms
  events_max: 150
  idle_after: 200ms
clean:
  lateness: 5s
state:
  users_max: 500
triggers:
  cart_abandoned: {idle: 20m}
  checkout_abandoned: {idle: 10m}
  browse_abandoned: {idle: 15m}
  observe: {share: 0.1}
outcomes: {trigger_window: 6h, cancel_window: 1d, return_window: 2d}
learn:
  batch_offsets: 16
  publish_interval: 200ms
  alarm_decisions_min: 100
  arm_decisions_min: 40
  arm_age_min: 12h
  learners:
    - {name: one, bits: 12}
    - {name: two, role: challenger, bits: 12, alpha: 0.2}
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
  attribution_window: 2d
""" + rounds.OFFERS
LEARNERS = ["one", "two"]
EVENTS, EVENTS_PER_S = 15000, 1500


def make(folder, address, prefix):
    workers = rounds.Workers(folder, address, prefix, prefix + "clickstream", CONFIG, roles="both")
    for topic in ("clickstream", "push-feedback", "promotion-pushes"):
        rounds.create(address, prefix + topic, "delete", rounds.PARTITIONS)
    for topic in ("clickstream-catalogue", "profiles"):
        rounds.create(address, prefix + topic, "compact")
    return workers


def open_shop(workers, seed):
    """The shop, in a process of its own: it sends clicks, the catalogue's changes and what becomes of the pushes."""
    prefix = workers.prefix
    return shop.spawn([shop.binaries()[1], "simulate", "--world", "dirty" if seed % 2 else "base", "--seed", seed, "--users",
                       6000, "--days", 60, "--count", EVENTS, "--rate", EVENTS_PER_S, "--brokers", workers.address, "--topic",
                       workers.clickstream, "--listen", prefix + "promotion-pushes", "--feedback-topic",
                       prefix + "push-feedback", "--catalogue-topic", workers.clickstream + "-catalogue",
                       "--profiles-topic", prefix + "profiles", "--listen-grace", "100ms"], workers.folder / f"{prefix}shop.log")


def disturb(workers, feed, rng):
    """Until the shop closes; the moments are amounts of progress, so that a slow machine is disturbed no less."""
    progress, done = rounds.Progress(workers.address, workers.prefix), []
    while feed.poll() is None:
        progress.wait(rng.randint(10, 120), lambda: feed.poll() is not None)
        if feed.poll() is not None:
            break
        name, number = rng.choice("ab"), rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM])
        code = workers.signal(name, number)
        if code != (0 if number == signal.SIGTERM else -signal.SIGKILL):
            raise SystemExit(f"{name} ended with {code}; see {workers.folder}/{workers.prefix}{name}.log")
        workers.serve(name, "--leave")
        done.append(("leave " if number == signal.SIGTERM else "kill ") + name)
    if feed.returncode != 0:
        raise SystemExit(f"the shop ended with {feed.returncode}; see {workers.folder}/{workers.prefix}shop.log")
    return done


def finish(workers):
    """Both leave in order; then one goes to the end, and its trainers too."""
    for name in "ab":
        code = workers.signal(name, signal.SIGTERM)
        if code != 0:
            raise SystemExit(f"{name} ended with {code}; see {workers.folder}/{workers.prefix}{name}.log")
    workers.start("a")  # in any case: the workers may be at the end already, the trainers have examples left
    workers.finish()
    rounds.run_to_the_end(workers, ends(workers))


def ends(workers):
    from confluent_kafka import Consumer, TopicPartition

    client = Consumer({"bootstrap.servers": workers.address, "group.id": "ends"})
    found = {number: client.get_watermark_offsets(TopicPartition(workers.clickstream, number), timeout=10)[1]
             for number in range(rounds.PARTITIONS)}
    client.close()
    return found


def start_following(workers):
    program = pathlib.Path(shop.binaries()[0]).parents[1] / "tests" / "follow_journal"
    return subprocess.Popen([str(program), str(workers.config)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def followed(following):
    """What follow_journal counted; None if it found a difference."""
    said = following.communicate(timeout=120)[0]
    if following.returncode != 0:
        print(said, end="")
        return None
    return {key: int(value) for key, value in re.findall(r"(\S+)=(\d+)", said)}


def fold(rows):
    return {row.key: row.value for row in rows}


def relearn(workers):
    """The model of trainers that nobody disturbs, from the same committed examples."""
    name = workers.prefix + "again"
    config = shop.write_config(workers.folder / f"{name}.yaml", CONFIG, workers.address, prefix=workers.prefix,
                               clickstream=workers.clickstream, catalogue=workers.clickstream + "-catalogue",
                               partitions=rounds.PARTITIONS, model=name + "-model")
    shop.run(shop.binaries()[0], "run", "--config", config, "--roles", "trainers", "--group", name, "--worker-name", name,
             "--until-end")
    return name + "-model"


def compare_models(expected, found):
    keys = sorted(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key))
    for key in keys[:3]:
        print(f"  model {key}:\n    {expected.get(key)}\n    {found.get(key)}")
    return not keys


def check_enough(counted, model, policies):
    versions = sum(row.key == b"one/version" for row in model)
    feedback = counted["feedback"]
    if (versions < 5 or counted["versions"] < 10 or policies["value"] < 50 or policies["trial"] < 20 or
            policies["rule"] < 20 or feedback < 100 or counted["examples"] < 300):
        raise SystemExit(f"too little happened to prove anything: {versions} versions, {counted}, {dict(policies)}")


def one_round(folder, address, prefix, seed):
    rng = random.Random(seed)
    workers = make(folder, address, prefix)
    for name in "ab":
        workers.serve(name, "--leave")
    done = disturb(workers, open_shop(workers, seed), rng)
    finish(workers)
    following = start_following(workers)
    again = relearn(workers)
    read = rounds.read_topics(address, "", [prefix + "model", again, prefix + "promotion-decisions"])
    counted, model = followed(following), read[prefix + "model"]
    is_learned = compare_models(fold(read[again]), fold(model))
    policies = rounds.count_policies((row.partition, row.key, row.value) for row in read[prefix + "promotion-decisions"])
    if counted:
        check_enough(counted, model, policies)
    verdicts = f"journal {'equal' if counted else 'DIFFERS'}, model {'equal' if is_learned else 'DIFFERS'}"
    print(f"  {', '.join(done) or 'undisturbed'}; {counted}; decided by {dict(policies)}; "
          f"{len(fold(model))} rows of the model in {len(model)} records", flush=True)
    return bool(counted and is_learned and done), verdicts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20 if os.environ.get("PROMOSTREAM_TESTS") == "full" else 2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep the folder with configurations and logs")
    options = parser.parse_args()
    address = shop.kafka_address()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="promostream-learning-"))
    run_name = f"l{int(time.time())}-"
    failures = 0
    for number in range(options.rounds):
        seed = options.seed + number
        began = time.monotonic()
        is_equal, verdicts = one_round(folder, address, f"{run_name}s{seed}-", seed)
        failures += not is_equal
        print(f"round {number + 1} seed {seed}: {verdicts}, {time.monotonic() - began:.1f} s", flush=True)
    if failures or options.keep:
        print(f"logs: {folder}")
    print(f"{options.rounds - failures} of {options.rounds} rounds equal")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
