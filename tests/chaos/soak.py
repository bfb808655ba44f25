#!/usr/bin/env python3
"""Memory over time: one process, workers and trainer, at a steady rate, with its users' table full and evicting.

    soak.py [--minutes N] [--rate N] [--keep] [--summary FILE]

Samples RSS, users, timers, open decisions and lag, prints a table with a bar for RSS, then the verdict:
  - RSS never leaves the capacity plan that the process printed at its start (the plan's own share for fetched messages is what
    librdkafka's queues may take);
  - no growth after the warm-up (the first quarter, at least until the users' table is full and the machine's last stall is
    over: a lag of more than two seconds of input): the median of the last quarter is
    at most GROWTH_MAX above that of the first quarter behind the warm-up. The slope (Theil and Sen) is printed too;
  - the lag stays under two seconds of input, counters add up, nothing is a dead letter.
The long form is an hour: soak.py --minutes 60, 10 to 20 % of a core. Exit status 1 if a verdict fails.
"""

import argparse
import json
import pathlib
import re
import shutil
import statistics
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import shop  # noqa: E402

PARTITIONS = 4
USERS_MAX = 5000  # per partition; the shop has more, so that the table is full soon and every newcomer evicts somebody
SHOPPERS = 60000
GROWTH_MAX = 0.02
UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
CONFIG = f"""
state: {{users_max: {USERS_MAX}}}
side: {{catalogue_rows_max: 20000, profiles_rows_max: {SHOPPERS + 10000}}}
triggers:
  cart_abandoned: {{idle: 20m}}
  observe: {{share: 0.1}}
decide:
  mode: live
  consent_unknown_is_granted: true
  quiet_hours: "22:00-08:00"
  default_timezone: Europe/Berlin
  offers:
    - {{id: ten_percent, kind: percent_off, value: 10, title: "Ten percent", body: "{{item_count}} items wait: {{items}}"}}
    - {{id: reminder, kind: reminder, title: "Still there", body: "Your cart of {{cart_value}} {{currency}}"}}
  rules:
    - {{trigger: cart_abandoned, offer: ten_percent, basket_min: 40}}
    - {{trigger: cart_abandoned, offer: reminder}}
ops: {{http_listen: "127.0.0.1:0", log_level: info}}
"""


class Process:
    """promostream under watch: /proc, /metrics and its log."""

    def __init__(self, folder, address, prefix, text=CONFIG, wrap=()):
        self.log = folder / "run.log"
        self.group = prefix + "group"
        config = shop.write_config(folder / "pipeline.yaml", text.replace("127.0.0.1:0", f"127.0.0.1:{free_port()}"), address,
                                   prefix=prefix, partitions=PARTITIONS)
        self.url = "http://" + re.search(r'http_listen: "([^"]+)"', config.read_text())[1] + "/metrics"
        self.process = shop.spawn([*wrap, shop.binaries()[0], "run", "--config", config, "--group", self.group, "--worker-name",
                                   prefix + "w"], self.log)
        shop.wait_for("the worker owns its partitions", lambda: "worker: assigned" in self.log.read_text(), 60)
        self.plan = plan_of(self.log.read_text())

    def rss(self, key="VmRSS"):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{key}:\s+(\d+) kB", status)[1]) * 1024

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def metrics(self):
        """{name: sum over labels}."""
        sums = {}
        for line in urllib.request.urlopen(self.url, timeout=10).read().decode().splitlines():
            if not line.startswith("#"):
                name, value = re.match(r"promostream_(\w+)(?:\{.*\})? (\S+)$", line).groups()
                sums[name] = sums.get(name, 0) + float(value)
        return sums


def free_port():
    import socket

    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return place.getsockname()[1]


def plan_of(log):
    """{what: bytes} of the line `capacity: ...`."""
    line = re.search(r"capacity: .*", log)[0]
    parts = re.findall(r"(users|open decisions|learners|side topics|epochs|fetched messages|together)[^;]*?([\d.]+) (\w+)(?=;| in a)",
                       line)
    return {what: float(number) * UNITS[unit] for what, number, unit in parts}


class Lag:
    """Records of the clickstream behind the group's committed offsets."""

    def __init__(self, address, topic, group):
        from confluent_kafka import Consumer, TopicPartition

        # read_uncommitted: what is committed now, without waiting for a transaction that is open.
        self.client = Consumer({"bootstrap.servers": address, "group.id": group, "enable.auto.commit": False,
                                "isolation.level": "read_uncommitted"})
        self.places = [TopicPartition(topic, number) for number in range(PARTITIONS)]

    def now(self):
        committed = {place.partition: max(place.offset, 0) for place in self.client.committed(self.places, timeout=10)}
        return sum(self.client.get_watermark_offsets(place, timeout=10)[1] - committed[place.partition] for place in self.places)


def create(address, topic, settings=None):
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": address})
    admin.create_topics([NewTopic(topic, PARTITIONS, 1, config=settings or {})])[topic].result()


def delete(address, prefix):
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": address})
    names = [name for name in admin.list_topics(timeout=10).topics if name.startswith(prefix)]
    for future in admin.delete_topics(names).values() if names else []:
        future.result()


def feed(folder, address, prefix, count, rate):
    """A shop without new items: with 5 a day, years pass in an hour, and its catalogue would rightly take more and more."""
    (folder / "world.yaml").write_text("catalogue: {new_per_day: 0}\n")
    return shop.spawn([shop.binaries()[1], "simulate", "--brokers", address, "--topic", prefix + "clickstream", "--users", SHOPPERS,
                       "--days", 3650, "--rate", rate, "--count", count, "--world", folder / "world.yaml", "--quiet",
                       "--catalogue-topic", prefix + "catalogue", "--profiles-topic", prefix + "profiles"], folder / "feed.log")


def slope(points):
    """Theil and Sen: the median of the slopes between all pairs."""
    pairs = [(b[1] - a[1]) / (b[0] - a[0]) for i, a in enumerate(points) for b in points[i + 1:]]
    return statistics.median(pairs) if pairs else 0.0


def verdicts(samples, plan, rate):
    """[(is_good, sentence)]."""
    full_s = next((sample["at_s"] for sample in samples if sample["evictions"] > 0), None)
    end_s = samples[-1]["at_s"]
    # After a stall the backlog comes in one large epoch, and buffers keep the size of the largest one.
    stalled_s = max((sample["at_s"] for sample in samples if sample["lag"] > 2 * rate), default=0)
    warm_s = max(end_s / 4, full_s or 0, stalled_s)
    rest = [sample for sample in samples if sample["at_s"] >= warm_s]
    if end_s - warm_s < end_s / 4:
        return [(False, f"cannot judge: the last stall of the machine, at {stalled_s:.0f} s, is too near to the end")]
    quarter = max(len(rest) // 4, 1)
    first = statistics.median(sample["rss"] for sample in rest[:quarter])
    last = statistics.median(sample["rss"] for sample in rest[-quarter:])
    per_hour = slope([(sample["at_s"], sample["rss"]) for sample in rest]) * 3600
    top = max(sample["hwm"] for sample in samples)
    lag = max(sample["lag"] for sample in rest[1:] or rest)
    end = samples[-1]
    return [
        (full_s is not None, f"the users' table was full after {full_s} s and evicted {end['evictions']:,.0f} users"),
        (top <= plan["together"], f"RSS at most {top / 2**20:.1f} MiB of {plan['together'] / 2**20:.0f} MiB planned "
                                  f"({(plan['together'] - plan['fetched messages']) / 2**20:.0f} MiB without fetched messages)"),
        (last <= first * (1 + GROWTH_MAX), f"after {warm_s:.0f} s: {first / 2**20:.1f} MiB, at the end {last / 2**20:.1f} MiB "
                                           f"({100 * (last / first - 1):+.2f} %), slope {per_hour / 2**20:+.2f} MiB an hour"),
        (lag <= 2 * rate, f"lag at most {lag:,.0f} records"),
        (end["polled"] == end["ok"] + end["undecodable"] and end["undecodable"] == 0,
         f"{end['ok']:,.0f} events decoded, {end['undecodable']:,.0f} not"),
    ]


def sample_of(process, lag, start):
    found = process.metrics()
    return {"at_s": round(time.monotonic() - start, 1), "rss": process.rss(), "hwm": process.rss("VmHWM"), "lag": lag.now(),
            "users": found["state_users"], "timers": found["state_timers"], "open": found["outcomes_open"],
            "items": found["state_items"], "evictions": found["state_evictions_total"], "examples": found["trainer_learned_total"],
            "polled": found["clean_polled_total"], "ok": found["decode_ok_total"], "undecodable": found["clean_undecodable_total"],
            "cpu_s": process.cpu_s()}


def show(sample, plan):
    bar = "#" * round(40 * sample["rss"] / plan["together"])
    print(f"{sample['at_s']:7.0f} s {sample['rss'] / 2**20:8.1f} MiB |{bar:<40}| users {sample['users']:7,.0f} timers "
          f"{sample['timers']:7,.0f} open {sample['open']:6,.0f} lag {sample['lag']:6,} evicted {sample['evictions']:9,.0f} "
          f"learned {sample['examples']:9,.0f}", flush=True)


def soak(address, folder, options):
    prefix = f"soak-{int(time.time())}-"
    create(address, prefix + "clickstream", {"retention.bytes": str(256 * 2**20), "segment.bytes": str(64 * 2**20)})
    process = Process(folder, address, prefix)
    lag = Lag(address, prefix + "clickstream", process.group)
    seconds = options.minutes * 60
    feeder = feed(folder, address, prefix, int(seconds * options.rate), options.rate)
    start, every_s, samples = time.monotonic(), max(seconds / 240, 1), []
    print(f"plan {process.plan['together'] / 2**20:,.0f} MiB; {options.rate:,} events a second for {options.minutes} min; {folder}",
          flush=True)
    while feeder.poll() is None and time.monotonic() - start < seconds * 1.5 + 60:
        time.sleep(every_s)
        samples.append(sample_of(process, lag, start))
        if len(samples) % 8 == 1:
            show(samples[-1], process.plan)
        if options.summary:
            pathlib.Path(options.summary).write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    if feeder.poll() != 0:
        raise SystemExit(f"the shop ended with {feeder.poll()}; see {folder}/feed.log")
    show(samples[-1], process.plan)
    print(f"the process took {100 * samples[-1]['cpu_s'] / samples[-1]['at_s']:.1f} % of a core")
    found = verdicts(samples, process.plan, options.rate)
    code = shop.terminate(process.process)
    found.append((code == 0, f"SIGTERM: ended with {code}"))
    for is_good, sentence in found:
        print(("ok    " if is_good else "FAILED ") + sentence)
    delete(address, prefix)
    return all(is_good for is_good, _ in found)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--summary", help="one JSON object per sample goes to this file")
    parser.add_argument("--keep", action="store_true", help="keep logs and configuration")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="promostream-soak-"))
    is_good = soak(shop.kafka_address(), folder, options)
    if is_good and not options.keep:
        shutil.rmtree(folder)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
