#!/usr/bin/env python3
"""Nothing lost, nothing twice, on a real Kafka and under real violence, round by round.

    campaign.py [--rounds N] [--seed S] [--faults KIND,...] [--lane one|three] [--variant frozen|live] [--log FILE]
                [--keep] [--json]

A round: two to four workers read a topic of some ten thousand events on four partitions; faults of one kind, drawn by the
round's seed, befall them, the broker or the network between (nemesis.py; --faults list names them all); then everything
must have come to its end.

Variant frozen (reference.py): what was committed must equal, byte for byte, what one worker wrote that nobody disturbed.
Variant live (live.py): trainers learn, the shop hears the pushes; every output must follow from the committed
journal and every row of the model from the committed examples.

Every round prints its seed; --seed S --rounds 1 repeats it (its draws, not its times). With --log each round is a line of
JSON in that file, and a campaign that was broken off goes on behind the last of them. Violations are counted per kind in
the table at the end; the exit status is 1 if there are any. The brokers are the campaign's own, unless PROMOSTREAM_KAFKA
names one and no kind of fault touches it."""

import argparse
import collections
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import brokers as kafka  # noqa: E402
import live  # noqa: E402
import nemesis  # noqa: E402
import reference  # noqa: E402
import results  # noqa: E402
import shop  # noqa: E402
import workers as processes  # noqa: E402

# Of a CI run: one of each place where it can hurt.
SHORT = {"frozen": ["kill", "cut", "zombie", "broker", "leave"], "live": ["kill", "leave"]}
SHORT_SEED = {"frozen": 1355, "live": 0}  # it draws one zombie that outlives its session, and few other seconds of waiting
ROUND_S = 400
LEADER_EVENTS_MAX = 20  # of an epoch: there is work left when the broker is back, which takes a while
LOG_LINES = 8
STUCK_S = 150  # from the last fault to the end of the input, however busy the machine is


class Campaign:
    def __init__(self, options, kinds):
        self.options, self.kinds = options, kinds
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="promostream-campaign-", dir=options.folder))
        self.brokers = open_brokers(options, kinds, self.folder)
        self.address, self.run_name = self.brokers.address, f"c{int(time.time())}-"
        is_frozen = options.variant == "frozen"
        self.reference = reference.Reference(self.folder, self.address, self.run_name) if is_frozen else None

    def round(self, seed, account):
        """Ends in SystemExit if it is a violation."""
        kind = self.kinds[seed % len(self.kinds)]
        if self.reference:
            frozen_round(self.reference, self.brokers, seed, kind, account)
        else:
            live.one_round(self.folder, self.brokers, f"{self.run_name}s{seed}-", seed, kind, account)


def open_brokers(options, kinds, folder):
    touched = nemesis.OF_ONE_BROKER + nemesis.OF_THE_NETWORK
    if options.lane == "three":
        return kafka.ThreeBrokers(folder)
    if os.environ.get("PROMOSTREAM_KAFKA") and not any(nemesis.KINDS[kind] in touched for kind in kinds):
        return kafka.SharedBroker(os.environ["PROMOSTREAM_KAFKA"])
    return kafka.OneBroker(folder)


# ---- a round with a frozen model ----

def frozen_round(given, brokers, seed, kind, account):
    rng = nemesis.seeded(seed)
    events_max, transaction_s = rng.choice([40, 150]), rng.choice([10, 60])
    events_max = LEADER_EVENTS_MAX if kind == "leader" else events_max
    settings = (f"  session_timeout: {nemesis.SESSION_S}s\n  transaction_timeout: {transaction_s}s\n"
                f"  commit_deadline: {transaction_s // 2}s\n")
    group = given.frozen(f"s{seed}-", events_max, settings)
    progress = processes.Progress(group)
    stage = nemesis.Stage(group, "abcd"[:rng.randint(2, 3)], brokers, progress, rng, 2 * given.events / events_max,
                          lambda: progress.committed() == given.ends)
    for name in stage.names:
        stage.serve(name, *rng.choice([[], ["--leave"]]))
    spans = [time.monotonic()]
    nemesis.disturb(stage, kind, rng.randint(1, 3), account)
    spans.append(time.monotonic())
    come_to_the_end(stage)
    spans.append(time.monotonic())
    finish(group, stage, rng, given.ends)
    spans.append(time.monotonic())
    progress.close()
    account["spans_s"] = [round(end - begin, 1) for begin, end in zip(spans, spans[1:])]  # disturbed, going on, ending
    topic = results.difference(given.expected, results.read_results(given.address, group.prefix))
    if topic:
        raise SystemExit(f"{topic} DIFFERS")


def come_to_the_end(stage):
    until = time.monotonic() + STUCK_S
    while not stage.supervised_is_over():
        if time.monotonic() > until:
            raise SystemExit(f"stuck at {stage.progress.committed()}; see {stage.workers.log('')}")
        time.sleep(0.1)


def finish(group, stage, rng, ends):
    """Everybody drains; who kept its place comes back to end the input, the others' part is a's. A kill may fall into it."""
    kept = [name for name in stage.names if not group.leaves(name)]
    group.end_all()
    for name in kept or ["a"]:
        group.start(name, "--leave")
    if rng.random() < 0.3:
        name = rng.choice(kept or ["a"])
        stage.progress.wait(rng.randint(1, 20), lambda: group.is_over(name))
        if not group.is_over(name):
            group.signal(name, signal.SIGKILL)
            group.start(name, "--leave")
    group.finish()
    processes.run_to_the_end(group, ends)


# ---- the log of rounds ----

class Rounds:
    """What was run: in memory, and in a file if one is given."""

    def __init__(self, path):
        self.path, self.rows = path, []
        if path and path.exists():
            self.rows = [json.loads(line) for line in path.read_text().splitlines()]

    def next_seed(self, first):
        return max([row["seed"] + 1 for row in self.rows] + [first])

    def add(self, row):
        self.rows.append(row)
        if self.path:
            with open(self.path, "a") as out:
                out.write(json.dumps(row) + "\n")

    def table(self):
        """Per kind: rounds in which it was, how often it was done, violations."""
        rounds, times, bad = collections.Counter(), collections.Counter(), collections.Counter()
        for row in self.rows:
            times.update(row["done"])
            rounds.update(set(row["done"]) or {row["kind"]})
            bad[row["kind"]] += row["violation"] is not None
        lines = [f"| {'fault':12} | rounds | times | violations |", "|---|---|---|---|"]
        lines += [f"| {kind:12} | {rounds[kind]} | {times[kind]} | {bad[kind]} |" for kind in nemesis.KINDS if rounds[kind]]
        return "\n".join(lines + [f"| {'all':12} | {len(self.rows)} | {sum(times.values())} | {sum(bad.values())} |"])


# ---- the whole ----

def run_one(campaign, seed):
    """A row of the log."""
    kind, began = campaign.kinds[seed % len(campaign.kinds)], time.monotonic()
    row = {"seed": seed, "kind": kind, "lane": campaign.options.lane, "variant": campaign.options.variant, "done": [],
           "told": [], "violation": None, "load": os.getloadavg()[0]}
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(ROUND_S)
    try:
        campaign.round(seed, row)
    except SystemExit as violation:
        row["violation"] = str(violation)
    except Exception:
        row["violation"] = traceback.format_exc()
    signal.alarm(0)
    shop.end_all()
    campaign.brokers.heal()
    row["seconds"] = round(time.monotonic() - began, 1)
    return row


def too_long(*_):
    raise SystemExit(f"not over after {ROUND_S} s: {''.join(traceback.format_stack(limit=8))}")


def tidy(campaign, seed):
    """A broker of one's own keeps nothing of rounds that are equal."""
    prefix = f"{campaign.run_name}s{seed}-"
    processes.delete(campaign.address, prefix)
    if not campaign.options.keep:
        for path in campaign.folder.glob(f"{prefix}*"):
            path.unlink()


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    is_long = os.environ.get("PROMOSTREAM_TESTS") == "full"
    parser.add_argument("--rounds", type=int, help="in all, those in the log included (default: as many as CI runs; 1000 with "
                                                   "PROMOSTREAM_TESTS=full)")
    parser.add_argument("--seed", type=int, help="of the first round (default: CI's, or 0 if --rounds or --faults are given)")
    parser.add_argument("--faults", help="kinds, with commas between; list: names them")
    parser.add_argument("--lane", choices=["one", "three"], default="one", help="brokers")
    parser.add_argument("--variant", choices=["frozen", "live"], default="frozen")
    parser.add_argument("--log", type=pathlib.Path, help="a line of JSON per round; goes on behind its last one")
    parser.add_argument("--folder", help="where a folder for logs and brokers is made (default: the system's)")
    parser.add_argument("--keep", action="store_true", help="keep configurations and logs of rounds that are equal too")
    parser.add_argument("--json", action="store_true", help="rounds as JSON on standard output")
    options = parser.parse_args()
    if options.faults == "list":
        for name, function in nemesis.KINDS.items():
            print(f"{name:12} {(function.__doc__ or '').split(chr(10))[0]}")
        sys.exit(0)
    is_short = not (is_long or options.rounds or options.faults)
    kinds = kinds_of(options, is_short)
    options.rounds = options.rounds or (1000 if is_long else len(SHORT[options.variant]))
    options.seed = (SHORT_SEED[options.variant] if is_short else 0) if options.seed is None else options.seed
    return options, kinds


def kinds_of(options, is_short):
    functions = {"one": nemesis.OF_WORKERS + nemesis.OF_ONE_BROKER + nemesis.OF_THE_NETWORK,
                 "three": nemesis.OF_WORKERS + nemesis.OF_THREE_BROKERS}[options.lane]
    possible = [nemesis.name_of(function) for function in functions]
    short = SHORT[options.variant] if is_short and options.lane == "one" else possible
    kinds = options.faults.split(",") if options.faults else short
    for kind in kinds:
        if kind not in possible:
            raise SystemExit(f"campaign.py: --faults: found '{kind}', expected some of {', '.join(possible)}")
    return kinds


def say(options, row):
    if options.json:
        print(json.dumps(row), flush=True)
        return
    verdict = f"VIOLATION: {row['violation']}" if row["violation"] else ", ".join(filter(None, ["equal", row.get("thin")]))
    print(f"seed {row['seed']}: {', '.join(row['told']) or row['kind']}: {verdict}, {row['seconds']} s "
          f"{row.get('spans_s', '')}", flush=True)


def show_logs(campaign, seed):
    """What the processes of a violation said last: of a run elsewhere nothing else may be left."""
    for path in sorted(campaign.folder.glob(f"{campaign.run_name}s{seed}-*.log")):
        lines = path.read_text(errors="replace").splitlines()[-LOG_LINES:]
        print("\n".join([f"--- {path.name}", *lines]), file=sys.stderr, flush=True)


def run_all(campaign, rounds):
    options = campaign.options
    while len(rounds.rows) < options.rounds:
        seed = rounds.next_seed(options.seed)
        row = run_one(campaign, seed)
        rounds.add(row)
        say(options, row)
        if row["violation"] is None:
            tidy(campaign, seed)
        else:
            show_logs(campaign, seed)


def main():
    options, kinds = parse()
    rounds = Rounds(options.log)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # nothing that we started stays behind
    campaign = Campaign(options, kinds)
    try:
        run_all(campaign, rounds)
    except KeyboardInterrupt:
        print(f"{rounds.table()}\nbroken off, logs: {campaign.folder}", flush=True)
        raise
    bad = sum(row["violation"] is not None for row in rounds.rows)
    print(rounds.table(), flush=True)
    campaign.brokers.end()
    if bad or options.keep:
        print(f"logs: {campaign.folder}")
    else:
        shutil.rmtree(campaign.folder)
    is_thin = all(row.get("thin") for row in rounds.rows)
    if is_thin:
        print("in no round enough happened to prove anything")
    sys.exit(1 if bad or is_thin else 0)


if __name__ == "__main__":
    main()
