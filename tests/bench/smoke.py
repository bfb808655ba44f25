#!/usr/bin/env python3
"""The bench commands run, on tiny sizes, and their --json has the keys that others read; the topics are gone afterwards. No
number is judged."""

import json
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]
import history  # noqa: E402
import shop  # noqa: E402

ENGINE = {"users", "sleepers", "timers", "buyers_every", "events", "events_per_s", "rooms_ns", "rows_ns", "decisions_per_event",
          "pushes_per_event", "rows_per_event", "bytes_per_row", "output_bytes_per_event", "user_bytes", "open_bytes",
          "table_bytes", "state_bytes_per_user", "peak_rss_bytes"}
END = {"bench", "events", "users", "partitions", "workers", "bare", "run", "rate_ratio", "cpu_ratio", "epochs", "rows", "bytes",
       "user_rows", "decisions", "pushes", "examples", "rows_per_s", "bytes_per_s"}
BARE = {"events_per_s", "cpu_s_per_million", "peak_rss_bytes"}
RUN = BARE | {"steady_events_per_s", "wall_s", "cpu_s"}


def expect(is_true, what, *details):
    print(("ok    " if is_true else "FAILED ") + what, *(details if not is_true else ()), flush=True)
    if not is_true:
        sys.exit(1)


def expect_keys(what, found, wanted):
    expect(set(found) == wanted, f"keys of {what}", set(found) ^ wanted)


def topics(address, prefix):
    from confluent_kafka.admin import AdminClient

    return [name for name in AdminClient({"bootstrap.servers": address}).list_topics(timeout=10).topics
            if name.startswith(prefix)]


def check_in_memory(promostream):
    done = shop.run(promostream, "bench", "room", "--users", 1000, "--rounds", 1, "--json", cwd=shop.ROOT)
    rooms = json.loads(done.stdout)
    expect_keys("bench room", rooms, {"bench", "users", "row_bytes", "rooms"})
    expect({"decode", "fold", "recovery"} <= {room["room"] for room in rooms["rooms"]}, "bench room has its rooms")
    expect_keys("one of them", rooms["rooms"][0], {"room", "unit", "ns"})
    done = shop.run(promostream, "bench", "engine", "--users", 1000, "--events", 20000, "--json", cwd=shop.ROOT)
    engine = json.loads(done.stdout)
    expect_keys("bench engine", engine, {"bench", "rows", "planned_user_bytes"})
    expect_keys("its row", engine["rows"][0], ENGINE)


def check_end_to_end(promostream, address):
    run_id = f"smoke{int(time.time() * 1000):x}"
    done = shop.run(promostream, "bench", "end-to-end", "--brokers", address, "--events", 20000, "--users", 2000,
                    "--partitions", 2, "--run-id", run_id, "--json", cwd=shop.ROOT)
    end = json.loads(done.stdout)
    expect_keys("bench end-to-end", end, END)
    expect_keys("its bare consumer", end["bare"], BARE)
    expect_keys("its run", end["run"], RUN)
    expect(end["events"] == 20000 and end["user_rows"] >= 2000 and end["decisions"] > 0, "the run did its work", end)
    shop.wait_for("its topics are gone", lambda: not topics(address, f"bench-{run_id}-"), seconds=10)


def check_history():
    old = {"commit": "a", "quick": False, "run": 100, "run_cpu": 1.0}
    new = {"commit": "b", "quick": False, "run": 80, "run_cpu": 1.1}
    marks = {row[0]: row[4] for row in history.compare(old, new)}
    expect(marks == {"run": "WORSE", "run_cpu": ""}, "a regression is marked", marks)


def main():
    address, (promostream, _) = shop.kafka_address(), shop.binaries()
    check_history()
    check_in_memory(promostream)
    check_end_to_end(promostream, address)


main()
