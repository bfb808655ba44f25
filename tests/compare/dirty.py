#!/usr/bin/env python3
"""World `dirty` against the same shop without nuisance, on a real Kafka: every decision that differs has a counted cause.

    dirty.py [--seed N] [--users N] [--days N] [--alone]

The same seed is simulated clean (--nuisance off) and dirty, and both streams run through `promostream run` with one
configuration: the written rule decides, with quiet hours, caps per user and per hour and the bot rules. attribution.py
finds the cause of each difference in the causes file of `clickfeed simulate --causes`; one without is printed in full and
fails the test. Without the file nothing may have a cause. Then single nuisances: duplicates alone change no decision, no
push and no user's state by a byte; missing brands, second devices, refunds and cancellations change nothing that is
decided. --alone (and PROMOSTREAM_TESTS=full): every nuisance alone, whose differences may have no other cause.
"""

import argparse
import collections
import json
import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import attribution  # noqa: E402
import shop  # noqa: E402

PARTITIONS = 4
CAP_PER_HOUR = 8
MINUTE_MS = 60_000
IDLE_MIN = {"cart_abandoned": 60, "checkout_abandoned": 30, "browse_abandoned": 60}
LATENESS_MS, MAX_SKEW_MS, SESSION_GAP_MS = 5_000, 5 * MINUTE_MS, 30 * MINUTE_MS
PATIENCE_MS = MINUTE_MS  # a lateness that waits for all that is merely out of order
NEAR_MS = 90 * MINUTE_MS  # a decision this far from its fellow is another one: an hour of clock and a session
CONFIG = f"""
epoch: {{interval: 500ms, ticks: false}}
clean: {{lateness: LATENESS, max_skew: {MAX_SKEW_MS}ms, bot_user_agents: [bot, crawler]}}
state: {{users_max: 100000, session_gap: {SESSION_GAP_MS}ms}}
triggers:
  cart_abandoned: {{idle: {IDLE_MIN["cart_abandoned"]}m}}
  checkout_abandoned: {{idle: {IDLE_MIN["checkout_abandoned"]}m}}
  browse_abandoned: {{idle: {IDLE_MIN["browse_abandoned"]}m}}
decide:
  mode: apprentice
  cap_per_hour: {CAP_PER_HOUR}
  cap_per_user_day: 1
  cap_per_user_week: 2
  quiet_hours: "22:00-08:00"
  default_timezone: Europe/Berlin
  attribution_window: 3d
  offers:
    - {{id: ten_percent, kind: percent_off, value: 10, title: "Ten percent", body: "{{item_count}} items wait: {{items}}"}}
    - {{id: reminder, kind: reminder, title: "Still there", body: "Your cart of {{cart_value}} {{currency}}"}}
  rules:
    - {{trigger: cart_abandoned, offer: ten_percent, basket_min: 40}}
    - {{trigger: cart_abandoned, offer: reminder}}
    - {{trigger: checkout_abandoned, offer: reminder}}
    - {{trigger: browse_abandoned, offer: reminder}}
ops: {{http_listen: ""}}
"""
NUISANCES = ["duplicate", "late", "late_days", "reordered", "lost", "clock_s", "clock_hour", "no_brand", "no_price",
             "absurd_price", "future", "bots", "second_device", "guest", "login", "refund", "cancel", "async_payment"]
DUPLICATES = {"duplicate": 0.05}  # ten times what the dirty world has
REORDERED = {"reordered": 0.02}
HARMLESS = {"no_brand": 0.05, "second_device": 0.15, "refund": 0.08, "cancel": 0.01, "duplicate": 0.05}
# Name -> what is on, at the dirty world's rates, and the only causes that may be found.
ALONE = {
    "lost": ({"lost": 0.001}, {"lost"}),
    "late": ({"late": 0.01, "late_days": 0.0005}, {"late", "within lateness"}),
    "reordered": (REORDERED, {"reordered", "within lateness"}),
    "clocks": ({"clock_s": 2}, {"clock_skew", "slow clock", "fast clock", "within lateness"}),
    "hours": ({"clock_hour": 0.001, "future": 0.0001}, {"clock_skew", "slow clock", "fast clock", "future"}),
    "values": ({"no_brand": 0.05, "no_price": 0.005, "absurd_price": 0.0001}, {"no_brand", "no_price", "absurd_price"}),
    "bots": ({"bots": 0.005}, {"bot"}),
    "guests": ({"guest": 0.6, "login": 0.35}, {"guest", "login"}),
    "payments": ({"async_payment": 0.05}, {"async_payment"}),
}


def decoder(name):
    """Decodes rows of ours with times as plain milliseconds."""
    import fastavro
    import io

    def plain(part):
        if isinstance(part, dict):
            return {key: plain(value) for key, value in part.items() if key != "logicalType"}
        return [plain(one) for one in part] if isinstance(part, list) else part

    schema = fastavro.parse_schema(plain(json.loads((shop.ROOT / "schemas" / f"{name}.avsc").read_text())))
    return lambda value: fastavro.schemaless_reader(io.BytesIO(value[10:]), schema)


class Lab:
    """Runs worlds and keeps what their streams and runs said."""

    def __init__(self, options, address):
        self.options, self.address = options, address
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="promostream-dirty-"))
        self.prefix = f"dirty{int(time.time())}-"
        self.event, self.decision = decoder("event"), decoder("decision")

    def run(self, name, nuisance, lateness_ms=LATENESS_MS):
        """nuisance: off, on, or a dict of the only ones that are on. Returns the prefix of its topics."""
        promostream, clickfeed = shop.binaries()
        world, switch = "dirty", nuisance
        if isinstance(nuisance, dict):
            world, switch = self.folder / f"{name}-world.yaml", "as-world"
            lines = [f"  {key}: {nuisance.get(key, 0)}\n" for key in NUISANCES]
            world.write_text("nuisance:\n  enabled: true\n" + "".join(lines))
        prefix = f"{self.prefix}{name}-"
        began = time.monotonic()
        shop.run(clickfeed, "simulate", "--world", world, "--nuisance", switch, "--seed", self.options.seed,
                 "--users", self.options.users, "--days", self.options.days, "--brokers", self.address,
                 "--topic", prefix + "input", "--partitions", PARTITIONS, "--causes", self.folder / f"{name}.causes",
                 "--quiet")
        config = shop.write_config(self.folder / f"{name}.yaml", CONFIG.replace("LATENESS", f"{lateness_ms}ms"),
                                   self.address, clickstream=prefix + "input", prefix=prefix, partitions=PARTITIONS)
        shop.run(promostream, "run", "--config", config, "--group", prefix + "group", "--worker-name", prefix + "a",
                 "--roles", "workers", "--until-end", "--at-end", "fire")  # nobody learns: no run has another model
        self.seconds = time.monotonic() - began
        return prefix

    def causes(self, name):
        with open(self.folder / f"{name}.causes") as lines:
            return [json.loads(line) for line in lines]

    def events(self, prefix):
        return [(row.partition, self.event(row.value)) for row in shop.read_topic(self.address, prefix + "input")]

    def decisions(self, prefix):
        """Those of the triggers under test, in log order."""
        rows = shop.read_topic(self.address, prefix + "promotion-decisions")
        found = [attribution.Row(row.partition, row.offset, self.decision(row.value)) for row in rows]
        return [row for row in found if row.trigger in IDLE_MIN]

    def bytes(self, prefix):
        """What may not change by a byte when nothing new is said."""
        found = {topic: [(row.partition, row.key, row.value) for row in shop.read_topic(self.address, prefix + topic)]
                 for topic in ("promotion-decisions", "promotion-pushes")}
        states = shop.read_topic(self.address, prefix + "user-state")
        found["user-state"] = {(row.partition, row.key): row.value for row in states}
        return found


def share(partition, hour):
    """A partition's part of the cap per hour (rooms/ledger.h)."""
    place = (partition - hour % PARTITIONS) % PARTITIONS
    return CAP_PER_HOUR // PARTITIONS + (place < CAP_PER_HOUR % PARTITIONS)


class Comparison:
    """The clean run beside a dirty one."""

    def __init__(self, clean_events, clean_rows, dirty_events, dirty_rows, causes, lateness_ms):
        self.messages, keys = attribution.messages_of(clean_events, dirty_events, causes)
        self.complaints = attribution.check_causes(clean_events, self.messages)
        attribution.replay(dirty_events, self.messages, lateness_ms, MAX_SKEW_MS)
        self.pairs = attribution.join(clean_rows, dirty_rows, keys, NEAR_MS)
        self.differing = [pair for pair in self.pairs if pair.level()]
        self.attribute()

    def attribute(self):
        idle_ms = {trigger: minutes * MINUTE_MS for trigger, minutes in IDLE_MIN.items()}
        self.attribution = attribution.Attribution(self.pairs, self.messages, idle_ms, share, SESSION_GAP_MS)
        self.attribution.settle(self.differing)
        self.cells = collections.Counter((self.attribution.cause(pair), pair.level()) for pair in self.differing)

    def without_causes(self):
        """How many have a cause if nothing is on file. To be asked last."""
        for one in self.messages.values():
            one.done = set()
        self.attribute()
        return sum(count for (cause, _), count in self.cells.items() if cause)

    def unexplained(self):
        return [pair for pair in self.differing if self.attribution.cause(pair) is None]

    def count(self, *levels):
        return sum(count for (_, level), count in self.cells.items() if level in levels)

    def foreign(self, allowed, levels=attribution.LEVELS):
        """Differences whose cause is not among these."""
        return {cell: count for cell, count in self.cells.items() if cell[0] not in allowed and cell[1] in levels}

    def print_table(self):
        fates = collections.Counter(one.fate for one in self.messages.values())
        print(f"  messages: {', '.join(f'{count} {fate}' for fate, count in fates.most_common())}; "
              f"{sum(one.is_twice for one in self.messages.values())} duplicates beyond the ring of ids")
        one_only = collections.Counter("clean" if pair.clean else "dirty" for pair in self.differing
                                       if pair.level() == "presence")
        in_both = len(self.pairs) - self.count("presence")
        print(f"  decisions: {in_both} in both runs, {one_only['clean']} only in the clean one, {one_only['dirty']} only in "
              f"the dirty one; {len(self.pairs) - len(self.differing)} the same")
        print(f"  {'cause':<18}" + "".join(f"{level:>12}" for level in ("in one only", "decided", "moved", "features")))
        for cause in [*attribution.CAUSES, None]:
            cells = [self.cells[cause, level] for level in attribution.LEVELS]
            if any(cells):
                print(f"  {cause or 'UNEXPLAINED':<18}" + "".join(f"{count:12}" for count in cells))
        through_cap = sum(pair.level() == "decided" and "hour_cap" in pair.gates() for pair in self.differing)
        print(f"  {through_cap} of them differ in the cap per hour, recounted")

    def print_issue(self):
        names = collections.Counter()
        for (cause, level), count in self.cells.items():
            if level != "features":
                names[attribution.CAUSES.get(cause) or cause or "UNEXPLAINED"] += count
        print("  by the issue's names: " + ", ".join(f"{name} {count}" for name, count in names.most_common()))

    def print_unexplained(self):
        for pair in self.unexplained()[:10]:
            print(f"  unexplained: user {pair.user}, aspects {self.attribution.reasons(pair)}")
            print(f"    clean: {pair.clean and pair.clean.decision}\n    dirty: {pair.dirty and pair.dirty.decision}")
            for one in sorted(self.attribution.messages[pair.user], key=lambda one: one.happened_ms)[-20:]:
                print(f"      {one.kind} {one.happened_ms} as {one.event_ms} under {one.key}: {one.fate}, {sorted(one.done)}")


def check_dirty(comparison):
    failures = []
    comparison.print_table()
    comparison.print_issue()
    comparison.print_unexplained()
    if comparison.unexplained():
        failures.append(f"{len(comparison.unexplained())} differences are unexplained")
    if comparison.count("decided") == 0 or comparison.count("presence") == 0:
        failures.append("the dirty run differs in too little to prove anything")
    named = {cause for cause, name in attribution.CAUSES.items() if name} | {None}
    foreign = comparison.foreign(named, attribution.LEVELS[:3])
    if foreign:
        failures.append(f"decisions differ by what is not among the causes: {foreign}")
    told = comparison.without_causes()
    print(f"  without the causes file: {told} of {len(comparison.differing)} have a cause")
    if told:
        failures.append("causes are found that are not on file")
    return failures


def check_duplicates(expected, found, comparison):
    """Byte for byte, unless a duplicate came after 16 others of its user: then only its user differs, and it is told."""
    twice = {one.user for one in comparison.messages.values() if one.is_twice}
    failures = []
    for topic in expected:
        is_same = expected[topic] == found[topic]
        print(f"  {topic}: {len(found[topic])} rows, {'equal' if is_same else 'DIFFER'}")
        if not is_same and not twice:
            failures.append(f"duplicates alone change {topic}")
    copies = sum("duplicate" in one.done for one in comparison.messages.values())
    print(f"  {copies} duplicates, {len(twice)} users with one beyond the ring of {attribution.RING} ids")
    foreign = comparison.foreign({"duplicate"})
    if foreign:
        failures.append(f"duplicates change decisions of others: {foreign}")
    return failures


def check_patient(comparison):
    """Order within the lateness brings and takes no decision. It is folded as it arrives: what was viewed last, a removal
    that overtakes its addition, and the id of a timer that an overtaken view sets may differ."""
    comparison.print_table()
    comparison.print_unexplained()
    foreign = comparison.foreign({"within lateness"})
    failures = [f"patient: {foreign}"] if foreign else []
    return failures + (["order within the lateness brings or takes decisions"] if comparison.count("presence") else [])


def main():
    is_full = os.environ.get("PROMOSTREAM_TESTS") == "full"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--users", type=int, default=12000 if is_full else 8000)
    parser.add_argument("--days", type=int, default=21 if is_full else 14)
    parser.add_argument("--alone", action="store_true", default=is_full, help="every nuisance alone too")
    options = parser.parse_args()
    lab = Lab(options, shop.kafka_address())
    clean = lab.run("clean", "off")
    clean_events, clean_rows = lab.events(clean), lab.decisions(clean)
    print(f"clean: {len(clean_events)} messages, {len(clean_rows)} decisions, {sum(row.sent for row in clean_rows)} sent")
    failures = []

    def compare(name, nuisance, lateness_ms=LATENESS_MS, clean_rows=clean_rows):
        nonlocal failures
        prefix = lab.run(name, nuisance, lateness_ms)
        events, causes = lab.events(prefix), lab.causes(name)
        print(f"{name}: {len(events)} messages, {len(causes)} causes on file, {lab.seconds:.1f} s")
        comparison = Comparison(clean_events, clean_rows, events, lab.decisions(prefix), causes, lateness_ms)
        failures += comparison.complaints[:10]
        return prefix, comparison

    dirty = compare("dirty", "on")[1]
    failures += check_dirty(dirty)
    duplicates, comparison = compare("duplicates", DUPLICATES)
    failures += check_duplicates(lab.bytes(clean), lab.bytes(duplicates), comparison)
    harmless = compare("harmless", HARMLESS)[1]
    harmless.print_table()
    if harmless.count(*attribution.LEVELS[:3]) > 0 or harmless.unexplained():
        failures.append("what is harmless changes decisions")
    if options.alone:
        rows = lab.decisions(lab.run("patient-clean", "off", PATIENCE_MS))
        failures += check_patient(compare("patient", REORDERED, PATIENCE_MS, rows)[1])
    for name, (nuisance, allowed) in ALONE.items() if options.alone else ():
        comparison = compare(name, nuisance)[1]
        comparison.print_table()
        comparison.print_unexplained()
        foreign = comparison.foreign(allowed)
        failures += [f"{name} alone: {foreign}"] if foreign else []
    for failure in failures:
        print("FAILED:", failure)
    print(f"files: {lab.folder}" if failures else "every difference has its cause")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
