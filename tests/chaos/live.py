"""A round of the learning loop: a shop that hears the pushes, processes with workers and trainers in mode live, which are
killed, frozen and cut off while new versions of the model arrive all the time.

What they did depends on schedules: which version decided, which feedback and which catalogue was there. But it is promised
to repeat when the committed journal is followed (DESIGN 2): tests/kafka/follow_journal.c computes every partition again,
epoch by epoch, and every output must be the same. And what was learned depends on the committed examples alone: trainers
that nobody disturbs, of another group and with another topic `model`, must end with the same rows, byte for byte."""

import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import nemesis  # noqa: E402
import reference  # noqa: E402
import results  # noqa: E402
import shop  # noqa: E402
import workers as processes  # noqa: E402

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
""" + reference.OFFERS
LEARNERS = ["one", "two"]
EVENTS, EVENTS_PER_S = 15000, 1500


ROWS = 1600  # of the journal, about


def make(folder, address, prefix):
    kafka = f"  session_timeout: {nemesis.SESSION_S}s\n"
    group = processes.Workers(folder, address, prefix, prefix + "clickstream", CONFIG, roles="both", kafka=kafka)
    for topic in ("clickstream", "push-feedback", "promotion-pushes"):
        processes.create(address, prefix + topic, "delete", processes.PARTITIONS)
    for topic in ("clickstream-catalogue", "profiles"):
        processes.create(address, prefix + topic, "compact")
    return group


def open_shop(group, seed):
    """The shop, in a process of its own: it sends clicks, the catalogue's changes and what becomes of the pushes."""
    prefix = group.prefix
    return shop.spawn([shop.binaries()[1], "simulate", "--world", "dirty" if seed % 2 else "base", "--seed", seed, "--users",
                       6000, "--days", 60, "--count", EVENTS, "--rate", EVENTS_PER_S, "--brokers", group.address, "--topic",
                       group.clickstream, "--listen", prefix + "promotion-pushes", "--feedback-topic",
                       prefix + "push-feedback", "--catalogue-topic", group.clickstream + "-catalogue",
                       "--profiles-topic", prefix + "profiles", "--listen-grace", "100ms"], group.log("shop"))


def disturb(stage, feed, kind, account):
    """At least once, and until the shop closes."""
    nemesis.disturb(stage, kind, stage.rng.randint(2, 8), account)
    shop_closes_at = time.monotonic() + 180
    while feed.poll() is None:
        if time.monotonic() > shop_closes_at:
            raise SystemExit(f"the shop does not close; see {stage.workers.log('shop')}")
        stage.last(0.1)
    if feed.returncode != 0:
        raise SystemExit(f"the shop ended with {feed.returncode}; see {stage.workers.log('shop')}")


def finish(group):
    """All leave in order; then one goes to the end, and its trainers too."""
    group.end_all()
    group.start("a", "--leave")  # in any case: the workers may be at the end already, the trainers have examples left
    group.finish()
    processes.run_to_the_end(group, processes.ends(group))


def start_following(group):
    program = pathlib.Path(shop.binaries()[0]).parents[1] / "tests" / "follow_journal"
    return subprocess.Popen([str(program), str(group.config)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def followed(following):
    """What follow_journal counted; None if it found a difference."""
    said = following.communicate(timeout=120)[0]
    if following.returncode != 0:
        print(said, end="")
        return None
    return {key: int(value) for key, value in re.findall(r"(\S+)=(\d+)", said)}


def fold(rows):
    return {row.key: row.value for row in rows}


def relearn(group):
    """The model of trainers that nobody disturbs, from the same committed examples."""
    name = group.prefix + "again"
    config = shop.write_config(group.folder / f"{name}.yaml", CONFIG, group.address, prefix=group.prefix,
                               clickstream=group.clickstream, catalogue=group.clickstream + "-catalogue",
                               partitions=processes.PARTITIONS, model=name + "-model")
    shop.run(shop.binaries()[0], "run", "--config", config, "--roles", "trainers", "--group", name, "--worker-name", name,
             "--until-end")
    return name + "-model"


def thinness(counted, model, policies):
    """What a busy machine made too little of to prove much; None if all was there. Faults and load are not ours to choose, so
    such a round is no violation: campaign.py wants one at least that is whole."""
    versions = sum(row.key == b"one/version" for row in model)
    found = {"versions": versions, "versions used": counted["versions"], "value": policies["value"],
             "trial": policies["trial"], "rule": policies["rule"], "feedback": counted["feedback"],
             "examples": counted["examples"]}
    wanted = {"versions": 5, "versions used": 10, "value": 50, "trial": 20, "rule": 20, "feedback": 100, "examples": 300}
    thin = {name: number for name, number in found.items() if number < wanted[name]}
    return f"little {thin}" if thin else None


def one_round(folder, brokers, prefix, seed, kind, account):
    """Ends in SystemExit if it is a violation."""
    address, rng = brokers.address, nemesis.seeded(seed)
    group = make(folder, address, prefix)
    progress = processes.Progress(group)
    stage = nemesis.Stage(group, "abc"[:rng.randint(2, 3)], brokers, progress, rng, ROWS, lambda: False)
    for name in stage.names:
        stage.serve(name, "--leave")
    feed = open_shop(group, seed)  # the workers first: what is pushed after it has closed nobody hears
    stage.is_over = lambda: feed.poll() is not None
    disturb(stage, feed, kind, account)
    finish(group)
    progress.close()
    following, again = start_following(group), relearn(group)
    read = results.read_topics(address, "", [prefix + "model", again, prefix + "promotion-decisions"])
    counted, model = followed(following), read[prefix + "model"]
    differing = results.show_keys(fold(read[again]), fold(model))
    policies = results.count_policies((row.partition, row.key, row.value) for row in read[prefix + "promotion-decisions"])
    if not counted or differing:
        raise SystemExit(f"{'' if counted else 'the journal DIFFERS, '}{differing} rows of the model DIFFER")
    account["thin"] = thinness(counted, model, policies)
    print(f"  {counted}; decided by {dict(policies)}; {len(fold(model))} rows of the model in {len(model)} records", flush=True)
