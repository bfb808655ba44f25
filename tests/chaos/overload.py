#!/usr/bin/env python3
"""Ten times more than it can process: input goes on at a steady rate while the process is held, by SIGSTOP and SIGCONT, to a
tenth of it; then it is let go.

    overload.py [--seconds N] [--rate N] [--times N] [--keep]

What must hold:
  - memory is bounded: RSS never leaves the capacity plan printed at the start, and does not follow the backlog;
  - the lag is shown: the metric worker_clickstream_lag follows the backlog, the log says so;
  - nothing is dropped and nothing is done twice: the committed journal covers every offset, once;
  - it catches up: let go, the lag goes to nothing while input goes on.
The long form: overload.py --seconds 300 --rate 10000 (4.5 million events). tests/run.sh full runs the defaults, fast leaves it out.
"""

import argparse
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import threading
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / folder) for folder in ("support", "chaos")]
import shop  # noqa: E402
import soak  # noqa: E402

EPOCH_MAX = 2000  # events: one epoch is the least that it can be let to do
CONFIG = soak.CONFIG + f"epoch: {{events_max: {EPOCH_MAX}, interval: 100ms}}\n"
FAR = 100000  # records behind, from which on the log speaks of it (worker_lag.c)
CATCH_UP_TIMES = 3  # what is waiting must be gone within so many times what it took to come, and 60 s


class Brake(threading.Thread):
    """Lets the process run until what it has committed is a share of what was sent, stops it, and so on."""

    def __init__(self, process, lag, sent, share):
        super().__init__(daemon=True)
        self.process, self.lag, self.sent, self.share = process, lag, sent, share
        self.is_on, self.stops = True, 0

    def run(self):
        while self.is_on:
            done = self.sent() - self.lag.now()
            if done < self.sent() * self.share:
                self.process.send_signal(signal.SIGCONT)
                time.sleep(0.01)
            else:
                self.process.send_signal(signal.SIGSTOP)
                self.stops += 1
                time.sleep(0.1)
        self.process.send_signal(signal.SIGCONT)


class Ends:
    """How much was sent, by the log ends."""

    def __init__(self, address, topic):
        from confluent_kafka import Consumer, TopicPartition

        self.client = Consumer({"bootstrap.servers": address, "group.id": "overload"})
        self.places = [TopicPartition(topic, number) for number in range(soak.PARTITIONS)]

    def sum(self):
        return sum(self.client.get_watermark_offsets(place, timeout=10)[1] for place in self.places)


def journalled(address, prefix):
    """Events that the committed epochs cover; ends the test if their ranges leave a gap or overlap."""
    reached = {}
    for row in sorted((shop.decode("journal", row.value) for row in shop.read_topic(address, prefix + "journal")),
                      key=lambda row: (row["partition"], row["epoch"])):
        begin, expected = row["clickstream_from_offset"], reached.get(row["partition"], 0)
        if begin != expected:
            raise SystemExit(f"partition {row['partition']}, epoch {row['epoch']}: begins at {begin}, expected {expected}")
        reached[row["partition"]] = row["clickstream_to_offset"]
    return sum(reached.values())


def expect(is_true, what):
    print(("ok    " if is_true else "FAILED ") + what, flush=True)
    return is_true


def catch_up(process, lag, feeder, waiting, seconds):
    start = time.monotonic()
    shop.wait_for(f"{waiting:,} waiting events are processed", lambda: lag.now() < 0.02 * waiting + EPOCH_MAX,
                  CATCH_UP_TIMES * seconds + 60)
    took_s = time.monotonic() - start
    is_feeding = feeder.poll() is None
    print(f"      {waiting:,} waiting events in {took_s:.1f} s ({waiting / took_s:,.0f} events/s) while input "
          f"{'went on' if is_feeding else 'had ended'}; CPU {process.cpu_s():.1f} s", flush=True)


def overload(address, folder, options):
    prefix = f"overload-{int(time.time())}-"
    topic = prefix + "clickstream"
    soak.create(address, topic, {"retention.ms": "-1"})
    process = soak.Process(folder, address, prefix, CONFIG)
    ends, held, free = Ends(address, topic), soak.Lag(address, topic, process.group), soak.Lag(address, topic, process.group)
    count = int(options.rate * options.seconds * 1.5)  # the last third comes while it catches up
    feeder = soak.feed(folder, address, prefix, count, options.rate)
    shop.wait_for("the first events", lambda: ends.sum() > options.rate, 60)
    brake = Brake(process.process, held, ends.sum, 1 / options.times)
    brake.start()
    start, before = time.monotonic(), ends.sum()
    rss = [process.rss()]
    while time.monotonic() - start < options.seconds:
        time.sleep(1)
        rss.append(process.rss())
        if len(rss) % max(options.seconds // 10, 1) == 0:
            print(f"{time.monotonic() - start:7.0f} s  waiting {free.now():9,}  RSS {rss[-1] / 2**20:6.1f} MiB", flush=True)
    sent, waiting = ends.sum() - before, free.now()
    brake.is_on = False
    brake.join()
    shown = process.metrics()["worker_clickstream_lag"]
    good = [expect(waiting > 0.7 * sent, f"{sent:,} events came, {waiting:,} wait: {sent / max(sent - waiting, 1):.1f} times what was done"),
            expect(shown > 0.5 * waiting, f"worker_clickstream_lag shows {shown:,.0f}"),
            expect(shown < FAR or "behind worker=" in process.log.read_text(), "so does the log, if it is far behind")]
    catch_up(process, free, feeder, waiting, options.seconds)
    feeder.wait(timeout=options.seconds * 2 + 60)
    shop.wait_for("the end", lambda: free.now() == 0, 60)
    metrics, top = process.metrics(), process.rss("VmHWM")
    again = metrics["clean_polled_total"] - count  # computed again, for their epoch was given up
    backlog_bytes = waiting * 150
    good += [
        expect(feeder.returncode == 0 and ends.sum() >= count, f"{count:,} events were sent"),
        expect(journalled(address, prefix) == count, f"{count:,} stand in the committed journal, each once"),
        expect(metrics["decode_ok_total"] == metrics["clean_polled_total"] and again >= 0 and
               (again == 0 or metrics["broker_rebalances_total"] + metrics["broker_epochs_aborted_total"] > 1),
               f"all were decoded, {again:,.0f} of them again after an epoch was lost"),
        expect(top <= process.plan["together"], f"RSS at most {top / 2**20:.0f} MiB of {process.plan['together'] / 2**20:.0f} MiB "
                                                f"planned, {rss[0] / 2**20:.0f} MiB before ({backlog_bytes / 2**20:.0f} MiB waited)"),
        expect(metrics["clean_undecodable_total"] == 0, f"no dead letters; {brake.stops} stops, {metrics['broker_rebalances_total']:.0f} "
                                                        f"rebalances, {metrics['broker_epochs_aborted_total']:.0f} epochs aborted"),
        expect(shop.terminate(process.process) == 0, "SIGTERM: ended in order"),
    ]
    soak.delete(address, prefix)
    return all(good)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--rate", type=int, default=10000)
    parser.add_argument("--times", type=float, default=10)
    parser.add_argument("--keep", action="store_true", help="keep logs and configuration")
    options = parser.parse_args()
    if os.environ.get("PROMOSTREAM_TESTS") == "fast":
        print("skipped: it takes minutes; tests/run.sh full, or by hand")
        return shop.SKIPPED
    folder = pathlib.Path(tempfile.mkdtemp(prefix="promostream-overload-"))
    is_good = overload(shop.kafka_address(), folder, options)
    if is_good and not options.keep:
        shutil.rmtree(folder)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
