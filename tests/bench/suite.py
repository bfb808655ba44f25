#!/usr/bin/env python3
"""All benchmarks, one after the other: those of `promostream bench`, and what needs a foreign client or two processes.

tests/bench/run.sh starts the broker and calls this. Prints each result, the table of the README, the comparison with the
run before; appends a line to history.jsonl (keys: history.py). Measures only; nothing fails because it is slow."""

import argparse
import concurrent.futures
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]
import history  # noqa: E402
import latency  # noqa: E402
import recovery  # noqa: E402
import shop  # noqa: E402

MIB = 1048576
IDLE_LOAD_MAX = 0.5
RATE = 10000  # events/s while latency is measured


def bench(promostream, *arguments):
    """`promostream bench ... --json`; its progress goes to our standard error."""
    done = subprocess.run([promostream, "bench", *map(str, arguments), "--json"], cwd=shop.ROOT, stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise SystemExit(f"promostream bench {' '.join(map(str, arguments))}: exit {done.returncode}")
    return json.loads(done.stdout)


def say(title):
    load = os.getloadavg()[0]
    print(f"\n==== {title}  (load {load:.1f})", flush=True)


def measure_rooms(promostream, quick, line):
    say("rooms, one at a time")
    result = bench(promostream, "room", *(["--users", 20000, "--rounds", 5] if quick else []))
    for room in result["rooms"]:
        print(f"{room['room']:12} {room['ns']:9.0f} ns per {room['unit']}")
        if room["room"] == "recovery":
            line["room_recovery"] = round(1e9 / room["ns"])


def engine_line(row):
    return (f"{row['users']:>9,} users {row['timers']:>10,} timers {row['events_per_s']:>10,.0f} events/s "
            f"{row['rooms_ns']:5.0f} + {row['rows_ns']:4.0f} ns {row['state_bytes_per_user']:6.0f} B/user "
            f"{row['peak_rss_bytes'] / MIB:6.0f} MiB")


def measure_engine(promostream, quick, line):
    say("engine: all rooms in memory")
    names = ("engine_200k", "engine_1m", "engine_1m_sleepers", "engine_1m_all_carts")
    if quick:
        rows = bench(promostream, "engine", "--users", 50000, "--events", 500000)["rows"]
    else:
        rows = bench(promostream, "engine")["rows"]
    for name, row in zip(names, rows):
        print(engine_line(row))
        line[name] = row["events_per_s"]
    at = rows[min(1, len(rows) - 1)]
    line["state_bytes_per_user"] = at["state_bytes_per_user"]
    line["engine_1m_rss_mib"] = round(at["peak_rss_bytes"] / MIB)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        arguments = ("engine", "--users", 50000 if quick else 200000, "--events", 500000 if quick else 3000000)
        both = list(pool.map(lambda _: bench(promostream, *arguments)["rows"][0]["events_per_s"], range(2)))
    line["two_engines"] = round(sum(both) / rows[0]["events_per_s"], 2)
    print(f"two at the same time: {sum(both):,.0f} events/s, {line['two_engines']:.2f} times one")


def measure_end_to_end(promostream, address, quick, line):
    say("end to end: promostream run on a real broker, beside a bare consumer")
    size = ["--brokers", address] + (["--events", 2000000, "--users", 100000] if quick else [])
    one = bench(promostream, "end-to-end", *size)
    two = bench(promostream, "end-to-end", "--workers", 2, *size)
    run, bare = one["run"], one["bare"]
    line.update(bare=bare["events_per_s"], bare_cpu=bare["cpu_s_per_million"], run=run["events_per_s"],
                run_steady=run["steady_events_per_s"], run_cpu=run["cpu_s_per_million"],
                run_rss_mib=round(run["peak_rss_bytes"] / MIB), cpu_ratio=one["cpu_ratio"],
                steady_ratio=round(run["steady_events_per_s"] / bare["events_per_s"], 3),
                decisions_share=round(one["decisions"] / one["events"], 4),
                two_workers=round(two["run"]["steady_events_per_s"] / run["steady_events_per_s"], 2))
    for name, result in (("one worker", one), ("two workers", two)):
        print(f"{name:12} {result['run']['events_per_s']:>10,} events/s, {result['run']['steady_events_per_s']:>10,} from the "
              f"first epoch on, {result['run']['cpu_s_per_million']:.2f} CPU s per million, bare "
              f"{result['bare']['events_per_s']:,} and {result['bare']['cpu_s_per_million']:.2f}")


def measure_recovery(promostream, address, quick, line):
    say("recovery: killed and started again")
    users = 50000 if quick else 1000000
    run_id = f"recovery{int(time.time() * 1000):x}"
    folder = pathlib.Path(tempfile.gettempdir())
    bench(promostream, "end-to-end", "--brokers", address, "--users", users, "--events", 2 * users, "--keep", "--run-id", run_id)
    result = recovery.measure(address, promostream, run_id, folder)
    latency.delete_topics(address, f"bench-{run_id}-")
    for name in (f"bench-{run_id}.yaml", f"bench-{run_id}.log"):
        (folder / name).unlink(missing_ok=True)
    line.update(recovery_users=result["users"], recovery=result["users_per_s"], recovery_wall_ms=result["wall_ms"])
    print(f"{result['users']:,} users in {result['recovery_ms']} ms: {result['users_per_s']:,} users/s; "
          f"{result['wall_ms']} ms from exec")


def measure_latency(promostream, address, quick, line):
    say(f"latency: event to visible push at {RATE:,} events/s")
    for interval, name in (("100ms", "latency_100ms"), ("250ms", "latency")):
        result = latency.measure(address, promostream, interval, RATE, 5 if quick else 25)
        print(f"epoch.interval {interval}: p50 {result['p50_ms']} ms, p99 {result['p99_ms']} ms of {result['pushes']} pushes, "
              f"{result['events_per_s']:,} events/s")
        line[f"{name}_p50"], line[f"{name}_p99"] = result["p50_ms"], result["p99_ms"]
        line["latency_rate"] = result["events_per_s"]


def print_table(line):
    peers = json.loads((HERE / "peers.json").read_text())
    print("\n| exactly once, end to end | events/s | CPU s per million events | peak RSS |\n|---|---|---|---|")
    print(f"| **promostream**, everything on | {line['run_steady']:,} ({line['run']:,} with start and stop) | "
          f"{line['run_cpu']:.2f} | {line['run_rss_mib'] / 1000:.1f} GB |")
    print(f"| bare librdkafka consumer, same run | {line['bare']:,} | {line['bare_cpu']:.2f} | |")
    for peer in peers["peers"]:
        print(f"| {peer['name']} | {peer['events_per_s']:,} | {peer['cpu_s_per_million']} | {peer['peak_rss']} |")
    print(f"\nPeers: {peers['source']}.")
    print(f"promostream takes {line['cpu_ratio']:.1f} times the CPU of bare consumption; two workers on these cores "
          f"{line['two_workers']:.2f} times the events of one, two engines without a broker {line['two_engines']:.2f} times.")


def identity(quick):
    def git(*arguments):
        done = subprocess.run(["git", "-C", shop.ROOT, *arguments], capture_output=True, text=True)
        return done.stdout.strip()

    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    dirty = "+" if git("status", "--porcelain", "--untracked-files=no", "--", "base", "broker", "schemas", "model", "consumer") else ""
    return {"commit": git("rev-parse", "--short", "HEAD") + dirty, "quick": quick, "load": round(os.getloadavg()[0], 1), "machine": f"{model} x {os.cpu_count()}",
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%MZ")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, about a minute")
    parser.add_argument("--history", default=HERE / "history.jsonl", help="where the line goes")
    options = parser.parse_args()
    address, (promostream, _) = shop.kafka_address(), shop.binaries()
    line = identity(options.quick)
    if line["load"] > IDLE_LOAD_MAX:
        print(f"The machine is not idle (load {line['load']}): what follows is that much too bad.")
    measure_rooms(promostream, options.quick, line)
    measure_engine(promostream, options.quick, line)
    measure_end_to_end(promostream, address, options.quick, line)
    measure_recovery(promostream, address, options.quick, line)
    measure_latency(promostream, address, options.quick, line)
    if not options.quick:  # the peers' job is not a small one
        print_table(line)
    history.show(history.last_like(history.read(options.history), line), line)
    history.append(options.history, line)


if __name__ == "__main__":
    main()
