"""What the Python tests share: our binaries, configurations, and topics read back with a foreign client."""

import atexit
import collections
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = 77  # ctest's SKIP_RETURN_CODE

Row = collections.namedtuple("Row", "partition offset key value")


def kafka_address():
    address = os.environ.get("PROMOSTREAM_KAFKA")
    if not address:
        print("skipped: PROMOSTREAM_KAFKA is not set (tests/run.sh starts a real Kafka and sets it)")
        sys.exit(SKIPPED)
    return address


def binaries():
    """(promostream, clickfeed) of the build that ctest runs in."""
    build = pathlib.Path(os.environ.get("PROMOSTREAM_BUILD", ROOT / "build" / "ci"))
    return str(build / "consumer" / "promostream"), str(build / "producer" / "clickfeed")


def run(*command, check=True, **options):
    """Runs to the end; on failure prints what it said and ends the test."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **options)
    if check and done.returncode != 0:
        print("failed with", done.returncode, ":", " ".join(map(str, command)))
        print(done.stdout[-4000:], done.stderr[-4000:], sep="\n")
        sys.exit(1)
    return done


def spawn(command, log):
    """Starts a process that does not outlive the test, whatever becomes of the test."""
    with open(log, "ab") as out:
        process = subprocess.Popen(list(map(str, command)), stdout=out, stderr=out)
    _spawned.append(process)
    return process


def end_all():
    """Whatever was spawned and still runs is killed; also at the test's end."""
    for process in _spawned:
        if process.poll() is None:
            process.kill()
            process.wait()
    _spawned.clear()


_spawned = []
atexit.register(end_all)


def wait_for(what, condition, seconds=60, pause_s=0.1):
    """What condition() gives, once it is true; ends the test if it is not in time."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise SystemExit(f"{what}: not within {seconds} s")
        time.sleep(pause_s)


def ask_to_end(process, seconds=60):
    """SIGTERM. Before main has run, it just ends a process: whether it drains can be asked only of one that catches the
    signal."""
    wait_for(f"process {process.pid} catches SIGTERM",
             lambda: process.poll() is not None or catches(process.pid, signal.SIGTERM), seconds, pause_s=0.005)
    process.send_signal(signal.SIGTERM)


def terminate(process, seconds=60):
    """SIGTERM and the exit code."""
    ask_to_end(process, seconds)
    return process.wait(timeout=seconds)


def catches(pid, number):
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    mask = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")), "0")
    return bool(int(mask, 16) >> (number - 1) & 1)


def write_config(path, text, address, **topics):
    """A configuration: the Kafka and topics sections are made here, the rest is given."""
    lines = ["kafka:", f"  bootstrap_servers: {address}", "topics:"]
    lines += [f"  {name}: {value}" for name, value in topics.items()]
    pathlib.Path(path).write_text("\n".join(lines) + "\n" + text)
    return path


def read_topic(address, topic, isolation="read_committed"):
    """All rows of a topic to its true end, in (partition, offset) order."""
    from confluent_kafka import Consumer, TopicPartition, OFFSET_BEGINNING

    consumer = Consumer({"bootstrap.servers": address, "group.id": "read_topic", "enable.auto.commit": False,
                         "isolation.level": isolation, "auto.offset.reset": "earliest", "fetch.wait.max.ms": 20})
    raw = Consumer({"bootstrap.servers": address, "group.id": "read_topic", "isolation.level": "read_uncommitted"})
    metadata = raw.list_topics(topic, timeout=10).topics[topic]
    if metadata.error:
        raise SystemExit(f"{topic}: {metadata.error}")
    places = [TopicPartition(topic, number, OFFSET_BEGINNING) for number in sorted(metadata.partitions)]
    ends = {p.partition: raw.get_watermark_offsets(TopicPartition(topic, p.partition), timeout=10)[1] for p in places}
    raw.close()
    consumer.assign(places)
    rows = []
    while True:
        for message in consumer.consume(10000, timeout=0.05):
            if message.error():
                raise SystemExit(f"{topic}: {message.error()}")
            rows.append(Row(message.partition(), message.offset(), message.key(), message.value()))
        reached = {p.partition: p.offset for p in consumer.position(places)}
        if all(end == 0 or reached[number] >= end for number, end in ends.items()):
            break
    consumer.close()
    return sorted(rows, key=lambda row: (row.partition, row.offset))


_schemas = {}


def schema(name):
    """Our schema of that name, parsed by fastavro."""
    import fastavro

    if name not in _schemas:
        _schemas[name] = fastavro.parse_schema(json.loads((ROOT / "schemas" / f"{name}.avsc").read_text()))
    return _schemas[name]


def decode(name, value):
    """A row of ours: single-object framing, then the body by schemas/<name>.avsc."""
    import fastavro

    if value[:2] != b"\xc3\x01":
        raise SystemExit(f"{name}: found header {value[:2].hex()}, expected c301")
    return fastavro.schemaless_reader(io.BytesIO(value[10:]), schema(name))
