#!/usr/bin/env python3
"""How long recoveries take, at a steady rate of input: from the blow to the first committed output that a reader sees.

    recovery_times.py [--times N] [--rate EVENTS/S] [--users N] [--check]

Worker a is always there, b is the one that is struck (tests/chaos/rebalance_stall.py: half of the partitions are its own).
Figures are of the slowest of the partitions that are struck. Printed as a table: what it was, its bound, p50 and maximum,
and what of it was reading state back, by the log. --check holds the figures to their bounds, for a machine that does
nothing else. The broker is its own (kafka.sh), with a proxy in front of each worker."""

import argparse
import os
import pathlib
import re
import signal
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import brokers as kafka  # noqa: E402
import rebalance_stall as stall  # noqa: E402
import shop  # noqa: E402

SESSION_S = stall.SESSION_MS / 1000
TRANSACTION_S, SWEEP_S = 60, 1  # our default; what kafka.sh tells the broker, which sweeps every 10 s by itself
SUPERVISOR_DELAY_S = 0.5


class Case:
    def __init__(self, name, bound_s):
        self.name, self.bound_s, self.took_s, self.read_back_ms = name, bound_s, [], []

    def row(self):
        read = f"{statistics.median(self.read_back_ms):.0f} ms" if self.read_back_ms else "-"
        return (f"| {self.name} | {self.bound_s:.1f} s | {statistics.median(self.took_s):.2f} s | {max(self.took_s):.2f} s | "
                f"{read} | {len(self.took_s)} |")

    def is_kept(self):
        return max(self.took_s) <= self.bound_s


def seconds_to_output(stage, partitions, begin, at_most=120):
    """Rows that were on their way when it was struck do not count: a row of a new beginning lies behind a gap."""
    stage.wait_for_rows(partitions, begin, at_most)
    return max(min(at for at, _ in stage.rows[p] if at > begin) - begin for p in partitions)


def read_back_ms(stage, name, count):
    """Of the count-th assignment on."""
    found = [int(ms) for ms in re.findall(r"assigned worker=\S+ partitions=\d+ recovery_ms=(\d+)", stage.log(name).read_text())]
    return found[-1] if len(found) >= count else 0


def assignments(stage, name):
    return len(re.findall(r"worker: assigned worker=", stage.log(name).read_text()))


def settle(stage):
    stage.wait_for_rows(range(stall.PARTITIONS), time.time(), 90)
    stage.calm()


# ---- the cases ----

def restart_in_place(stage, case):
    b = stage.start("b", "--leave")
    settle(stage)
    before = assignments(stage, "a")
    b.kill()
    b.wait()
    begin = time.time()
    time.sleep(SUPERVISOR_DELAY_S)
    b = stage.start("b", "--leave")
    case.took_s.append(seconds_to_output(stage, stall.MOVE, begin))
    case.read_back_ms.append(read_back_ms(stage, "b", 1))
    if assignments(stage, "a") != before:
        raise SystemExit(f"a restart in place led to a rebalance; see {stage.log('a')}")
    shop.terminate(b)
    settle(stage)


def death(stage, case):
    """In the middle of a transaction, and it never comes back: a takes over."""
    b = stage.start("b")
    settle(stage)
    before = assignments(stage, "a")
    begin = stall.kill_in_a_transaction(stage, b)
    case.took_s.append(seconds_to_output(stage, stall.MOVE, begin + 0.5) + 0.5)
    case.read_back_ms.append(read_back_ms(stage, "a", before + 1))
    settle(stage)


def leave(stage, case):
    b = stage.start("b", "--leave")
    settle(stage)
    before, begin = assignments(stage, "a"), time.time()
    b.send_signal(signal.SIGTERM)
    if b.wait(60) != 0:
        raise SystemExit(f"b did not leave well; see {stage.log('b')}")
    stage.wait_for_rows(stall.MOVE, time.time(), 60)
    case.took_s.append(max(stage.gap_ms(p, begin, time.time()) for p in stall.MOVE) / 1000)
    case.read_back_ms.append(read_back_ms(stage, "a", before + 1))
    settle(stage)


def broker_restart(stage, case, broker, own):
    """All partitions are a's. The broker's own time is up to its first answer."""
    settle(stage)
    began = time.time()
    broker.kill()
    broker.start()
    answers = time.time()
    own.append(answers - began)
    case.took_s.append(seconds_to_output(stage, range(stall.PARTITIONS), answers))
    if stage.a.poll() is not None:
        raise SystemExit(f"a ended with {stage.a.returncode} over the broker's restart; see {stage.log('a')}")
    settle(stage)


def death_in_the_first_epoch(options, broker, case):
    """Nobody is named as the writer of what is open, so it must time out on the broker. The proxy makes every request of b
    late, so that its first transaction is long enough to be killed in."""
    stage = stall.Stage(options, starts_a=False)
    broker.proxies["b"].late(0.15)
    b = stage.spawn("b", "--brokers", broker.seen["b"])
    raw, stable = stall.readers(stage.address)
    everywhere = range(stall.PARTITIONS)
    shop.wait_for("an open transaction of b", lambda: stage.is_open(raw, stable, everywhere), 60, pause_s=0.01)
    b.kill()
    b.wait()
    begin = time.time()
    broker.proxies["b"].heal()
    stage.drain()
    if not stage.is_open(raw, stable, everywhere) or any(stage.rows.values()):
        raise SystemExit("the first transaction of b is not open")
    stage.a = stage.start("a")
    case.took_s.append(seconds_to_output(stage, everywhere, begin))
    case.read_back_ms.append(read_back_ms(stage, "a", 1))
    stage.finish()


def run_cases(options, broker):
    cases = [Case("restart in place (SIGKILL, supervisor 0.5 s), no rebalance", 2),
             Case(f"never comes back, taken over (session {SESSION_S:.0f} s)", SESSION_S + 2),
             Case("never comes back, killed in its first epoch (transaction 60 s, sweep 1 s)",
                  max(SESSION_S, TRANSACTION_S + SWEEP_S) + 1),
             Case("stops for good (`--leave`)", 1),
             Case("broker SIGKILL and restart, from its first answer, no process restarts", 5)]
    own = []
    stage = stall.Stage(options)
    settle(stage)
    for number in range(options.times):
        restart_in_place(stage, cases[0])
        leave(stage, cases[3])
        death(stage, cases[1])
        broker_restart(stage, cases[4], broker, own)
        print(f"round {number + 1}: " + ", ".join(f"{case.took_s[-1]:.2f} s" for case in cases if case.took_s), flush=True)
    users = re.findall(r"recovered partition=\d+ users=(\d+)", stage.log("a").read_text())
    if stage.finish() != 0:
        raise SystemExit(f"a did not end well; see {stage.log('a')}")
    stall.check_rows(stage)
    death_in_the_first_epoch(options, broker, cases[2])
    print(f"broker's own time: p50 {statistics.median(own):.1f} s, max {max(own):.1f} s; up to {max(map(int, users))} users a "
          "partition")
    return cases


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--users", type=int, default=20000)
    parser.add_argument("--check", action="store_true", help="hold the figures to their bounds")
    options = parser.parse_args()
    broker = kafka.OneBroker(pathlib.Path(tempfile.mkdtemp(prefix="promostream-recovery-")))
    os.environ["PROMOSTREAM_KAFKA"] = broker.address
    cases = run_cases(options, broker)
    print(f"{options.rate} events/s, load {os.getloadavg()[0]:.1f}")
    print("| what | bound | p50 | max | of it reading back (p50) | times |\n|---|---|---|---|---|---|")
    for case in cases:
        print(case.row(), flush=True)
    broker.end()
    sys.exit(1 if options.check and not all(case.is_kept() for case in cases) else 0)


if __name__ == "__main__":
    main()
