"""What tests/bench/run.sh remembers: one JSON line per run in history.jsonl, and the comparison with the line before.

Every key of a line stands in KEYS with its meaning and the direction in which it is better; a number that is worse by more
than 15 % than in the last line of the same kind (quick or not) is marked. Numbers of different machines do not compare."""

import json
import pathlib

WORSE = 0.15
MORE, LESS, FACT = "more is better", "less is better", "fact"
KEYS = {
    "commit": (FACT, "of the tree that was built; + if it had changes"),
    "date": (FACT, "UTC"),
    "quick": (FACT, "small sizes: compares with quick runs only"),
    "machine": (FACT, "processor and number of cores"),
    "load": (FACT, "load average at the beginning: of an idle machine near 0, otherwise do not believe the rest"),
    "engine_200k": (MORE, "rooms in memory, events/s of one core, 200,000 users"),
    "engine_1m": (MORE, "the same, 1,000,000 users"),
    "engine_1m_sleepers": (MORE, "the same, beside 1,000,000 users more whose carts are watched by timers"),
    "engine_1m_all_carts": (MORE, "the same without those, every user filling carts: more decisions"),
    "state_bytes_per_user": (LESS, "memory per user at 1,000,000 users, tables included"),
    "engine_1m_rss_mib": (LESS, "peak of that process"),
    "room_recovery": (MORE, "users/s that a core reads back, topics in memory"),
    "bare": (MORE, "events/s of a bare consumer of the topic"),
    "bare_cpu": (LESS, "its CPU seconds per million events"),
    "run": (MORE, "events/s of promostream run, from exec to exit"),
    "run_steady": (MORE, "the same, from its first epoch to its last"),
    "run_cpu": (LESS, "its CPU seconds per million events"),
    "run_rss_mib": (LESS, "peak of that process"),
    "cpu_ratio": (LESS, "run_cpu : bare_cpu"),
    "steady_ratio": (MORE, "run_steady : bare"),
    "decisions_share": (FACT, "decisions per event"),
    "two_workers": (MORE, "run_steady of two workers in one process : that of one, broker on the same cores"),
    "two_engines": (MORE, "events/s of two engines at the same time : that of one, without a broker"),
    "recovery_users": (FACT, "users that the restarted worker read back"),
    "recovery": (MORE, "users/s that it read back from the broker"),
    "recovery_wall_ms": (LESS, "from exec to all partitions assigned and recovered"),
    "latency_rate": (FACT, "events/s during the measurements of latency"),
    "latency_100ms_p50": (LESS, "event to visible push at 10,000 events/s, epoch.interval 100ms, milliseconds, warm"),
    "latency_100ms_p99": (LESS, "the same"),
    "latency_p50": (LESS, "the same, default epoch.interval"),
    "latency_p99": (LESS, "the same"),
}


def read(path):
    path = pathlib.Path(path)
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def append(path, line):
    unknown = set(line) - set(KEYS)
    assert not unknown, f"not in KEYS: {unknown}"
    with open(path, "a") as out:
        out.write(json.dumps({key: line[key] for key in KEYS if key in line}) + "\n")


def last_like(lines, line):
    return next((old for old in reversed(lines) if old["quick"] == line["quick"]), None)


def compare(old, new):
    """Rows (key, old, new, change, mark); old is None at the first run."""
    rows = []
    for key, (direction, _) in KEYS.items():
        if direction == FACT or key not in new:
            continue
        before = old.get(key) if old else None
        change = new[key] / before - 1 if before else None
        loss = 0 if change is None else -change if direction == MORE else change
        rows.append((key, before, new[key], change, "WORSE" if loss > WORSE else ""))
    return rows


def show(old, new):
    print(f"\n{'':24} {'before':>14} {'now':>14} {'change':>8}   (before: {old['commit'] if old else 'no line yet'})")
    for key, before, now, change, mark in compare(old, new):
        before = f"{before:,.2f}" if before else "-"
        change = f"{100 * change:+.0f} %" if change is not None else "-"
        print(f"{key:24} {before:>14} {now:>14,.2f} {change:>8}  {mark}")
