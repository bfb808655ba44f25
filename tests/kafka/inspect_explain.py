#!/usr/bin/env python3
"""inspect and explain on a real Kafka, against what a foreign client reads from the same topics.

A simulated shop is run to its end with a trainer, then by workers alone, then the trainer learns on: decisions of an
untrained model and of a version that is not the newest any more stand side by side. What explain computes anew from
the topic `model` must be the probability that the decision froze, and its summands must add up to the logit.
"""

import json
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import shop  # noqa: E402

PARTITIONS = 2
SAMPLE = 4
CONFIG = """
triggers:
  observe: {share: 0.2}
decide:
  none_share: 0.5
  control_share: 0
  consent_unknown_is_granted: true
  offers:
    - {id: ten, kind: percent_off, value: 10, coupon_code: BACK10, title: "For {user_id}", body: "{items}"}
  rules:
    - {trigger: cart_abandoned, offer: ten}
ops: {http_listen: ""}
"""


def expect(is_true, what, *details):
    print(("ok    " if is_true else "FAILED ") + what, *(details if not is_true else ()), flush=True)
    if not is_true:
        sys.exit(1)


class World:
    def __init__(self, address):
        self.address, self.prefix = address, f"why-{int(time.time())}-"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="promostream-why-"))
        self.config = self.write_config("pipeline.yaml")

    def write_config(self, name, **topics):
        return shop.write_config(self.folder / name, CONFIG, self.address, prefix=self.prefix, partitions=PARTITIONS,
                                 replication_factor=1, **topics)

    def feed(self, seed, start):
        shop.run(shop.binaries()[1], "simulate", "--users", 1500, "--days", 12, "--seed", seed, "--start", start, "--brokers",
                 self.address, "--topic", self.prefix + "clickstream", "--partitions", PARTITIONS)

    def run(self, roles):
        shop.run(shop.binaries()[0], "run", "--config", self.config, "--group", self.prefix + "g", "--worker-name",
                 self.prefix + "w", "--until-end", "--roles", roles)

    def rows(self, schema, topic):
        return [(row, shop.decode(schema, row.value) if row.value else None)
                for row in shop.read_topic(self.address, self.prefix + topic)]

    def command(self, *words, config=None, check=True):
        return shop.run(shop.binaries()[0], *words, "--config", config or self.config, check=check)

    def asked(self, *words, **options):
        return json.loads(self.command(*words, "--json", **options).stdout)


def rounded(*values):
    """JSON has 15 digits."""
    return tuple(round(value, 9) if isinstance(value, float) else value for value in values)


def check_attempts(said, rows):
    expect([a["attempt"] for a in said["attempts"]] == [row["attempt"] for row in rows], "  every attempt is shown")
    for attempt, row in zip(said["attempts"], rows):
        closed = [gate["gate"] for gate in attempt["gates"] if gate["state"] == "CLOSED"]
        expect(closed == row["gates"] and len(attempt["gates"]) >= 13, "  gates, the closed ones among all", closed, row)
        expect([rounded(a["action"], a["p"], a["value"]) for a in attempt["eligible"]] ==
               [rounded(a["action"], a["p"], a["value"]) for a in row["actions"]], "  eligible actions", attempt, row)
        expect(attempt["reason"] == row["reason"] and attempt["policy"] == row["policy"], "  reason and policy", row)


def check_arms(said, row):
    frozen = dict(zip([a["action"] for a in row["actions"]], row["scores"][0]["p"]))
    arms = said["why"][1:]
    expect({arm["action"] for arm in arms} == {"none", row["action"]}, "  none and the action are explained", arms)
    for arm in arms:
        gap = abs(arm["p"] - frozen[arm["action"]])
        expect(gap < 1e-9, f"  p of {arm['action']} is the frozen one, within 1e-9", gap)
        total = sum(term["value"] for term in arm["terms"])
        expect(abs(total - arm["logit"]) < 1e-9, f"  {len(arm['terms'])} summands add up to the logit", total, arm["logit"])


def check_explained(world, decisions, examples, decision_id):
    rows = [row for row in decisions if row["decision_id"] == decision_id]
    said = world.asked("explain", decision_id)
    last = rows[-1]
    version = last["scores"][0]["version_offset"]
    print(f"      {decision_id} {last['trigger']} {last['action']} by version {version}")
    expect(said["decision"]["user"] == last["user_id"], "  the user", said["decision"])
    check_attempts(said, rows)
    fit = said["why"][0]
    expect(fit["fit"] == "exact" and fit["version_offset"] == version, "  the version that scored was read", fit)
    check_arms(said, last)
    labels = [rounded(e["revision"], e["label"], e["net_margin"]) for e in examples if e["decision_id"] == decision_id]
    expect([rounded(o["revision"], o["label"], o["net_margin"]) for o in said["outcome"]] == labels, "  labels so far", labels)


def pick(decisions, wanted):
    """Decision ids of each kind, spread over the log."""
    found = [row["decision_id"] for row in decisions if wanted(row)]
    return found[:: max(1, len(found) // SAMPLE)][:SAMPLE]


def explains(world):
    decisions = [row for _, row in world.rows("decision", "promotion-decisions")]
    examples = [row for _, row in world.rows("example", "examples")]
    versions = {row["scores"][0]["version_offset"] for row in decisions}
    expect(len(versions) >= 2 and 0 in versions, "decisions of an untrained and of a trained model", versions)
    newest = max(shop.decode("model_row", row.value)["version_offset"]
                 for row in shop.read_topic(world.address, world.prefix + "model") if row.key.endswith(b"/version"))
    expect(newest > max(versions), "the model has learned on since", newest, versions)
    corrected = {e["decision_id"] for e in examples if e["revision"] > 0}
    ids = set(pick(decisions, lambda r: r["sent"] and r["scores"][0]["version_offset"] > 0))
    ids |= set(pick(decisions, lambda r: r["reason"] == "explored_none"))
    ids |= set(pick(decisions, lambda r: r["attempt"] == 1)[:2])
    ids |= set(pick(decisions, lambda r: r["decision_id"] in corrected)[:2])
    ids |= set(pick(decisions, lambda r: r["scores"][0]["version_offset"] == 0)[:2])
    for decision_id in sorted(ids):
        check_explained(world, decisions, examples, decision_id)
    return decisions, max(versions)


def explains_what_is_gone(world, decisions, version):
    """A compacted topic is simulated by one that has nothing at all."""
    config = world.write_config("gone.yaml", model=world.prefix + "nothing")
    decision = next(r for r in decisions if r["sent"] and r["scores"][0]["version_offset"] == version)
    fit = world.asked("explain", decision["decision_id"], config=config)["why"][0]
    expect(fit == {"fit": "other_version", "version_offset": 0, "frozen_version_offset": version},
           "a version that is gone is said, with both offsets", fit)
    text = world.command("explain", decision["decision_id"], config=config).stdout
    expect(f"version 0, NOT the one that scored ({version})" in text, "in words too", text)
    missing = world.command("explain", "0" * 32, check=False)
    expect(missing.returncode == 1 and "no such decision" in missing.stderr, "an unknown id ends with 1", missing)
    expect(world.command("explain", "xyz", check=False).returncode == 2, "what is no id ends with 2")


def inspects(world, decisions):
    states, places = {}, {}
    for record, row in world.rows("user_state", "user-state"):
        states[record.key], places[record.key] = row, record.partition
    users = []
    for what, partition in (("open", 0), ("open", 1), ("cart", 0), ("cart", 1)):
        users += [key for key, row in states.items() if row and row["active"] and row["active"][what]
                  and places[key] == partition][:1]
    for key in users:
        said, row = world.asked("inspect", key.decode(), "--last", 3), states[key]
        active = row["active"]
        print(f"      {key.decode()} in partition {places[key]}")
        expect(said["user"]["partition"] == places[key], "  found in its partition without --scan", said["user"])
        expect([(line["item"], line["quantity"]) for line in said["cart"]] ==
               [(line["item_id"], line["quantity"]) for line in active["cart"]], "  cart", said["cart"], active["cart"])
        expect([timer["kind"] for timer in said["timers"]] == [timer["kind"] for timer in active["timers"]], "  timers")
        expect([o["decision_id"] for o in said["open_decisions"]] == [o["decision_id"] for o in active["open"]],
               "  open decisions", said["open_decisions"], active["open"])
        wanted = [row["decision_id"] for row in decisions if row["user_id"] == key.decode()][-3:]
        expect([row["decision_id"] for row in said["last_decisions"]] == wanted, "  the last three decisions", wanted)
        text = world.command("inspect", key.decode()).stdout
        expect(f"consent {row['consent']}" in text, "  and in words", text)
    scanned = world.asked("inspect", users[0].decode(), "--scan")
    expect(scanned["user"]["partition"] == places[users[0]], "--scan finds the same")
    missing = world.command("inspect", "nobody", check=False)
    expect(missing.returncode == 1 and "partition" in missing.stderr, "an unknown user ends with 1 and says where", missing)


def main():
    world = World(shop.kafka_address())
    world.feed(1, "2025-01-06")
    world.run("both")
    world.feed(2, "2025-01-27")
    world.run("workers")
    world.run("trainers")
    decisions, version = explains(world)
    explains_what_is_gone(world, decisions, version)
    inspects(world, decisions)


if __name__ == "__main__":
    main()
