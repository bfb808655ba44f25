#!/usr/bin/env python3
"""Dead letters on a real Kafka: hostile records of a foreign producer become letters with their bytes and headers (read by a
foreign consumer), `dead-letters list` shows them, and `dead-letters replay` puts each back once, to its partition, with its
bytes and headers, although it is killed in the middle again and again and then run twice.
"""

import base64
import collections
import io
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import fastavro
from confluent_kafka import Consumer, OFFSET_BEGINNING, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import shop  # noqa: E402

PARTITIONS = 2
CROWD = 1500  # plain garbage, so that a replay takes long enough to be killed
WAIT_S = 30
CONFIG = 'epoch: {interval: 50ms, ticks: false}\nops: {http_listen: ""}\n'
FROM, REASON = "promostream-dead-letter", "promostream-reason"

# (partition, key, value, headers, reason, whether the letter is whole)
ODD = [
    (1, b"anna", b"garbage", [("trace", b"\x00\xff\xfe"), ("trace", b""), ("trace", None)], "bad_framing", True),
    (0, b"\xff\x00key", b"\xc3\x01" + bytes(range(256)), [("", b"of an empty key"), ("schl\u00fcssel", b"v")], "bad_framing", True),
    (1, None, None, [("why", b"a tombstone")], "empty", True),
    (0, b"", b"", [], "empty", True),
    (0, b"esc", b"\x1b[31mred\x07", [(f"h{n % 3}", bytes([n])) for n in range(62)], "bad_framing", True),
    (1, b"many", b"x", [(f"h{n}", b"") for n in range(65)], "bad_framing", False),
    (1, b"wide", b"x", [("wide", b"w" * 70000), ("narrow", b"")], "bad_framing", False),
    (0, b"long", b"v" * 950000, [], "bad_framing", False),
]
WHOLE = CROWD + sum(row[5] for row in ODD)


def expect(is_true, what, *details):
    print(("ok    " if is_true else "FAILED ") + what, *(details if not is_true else ()), flush=True)
    if not is_true:
        sys.exit(1)


def head():
    schema = fastavro.schema.to_parsing_canonical_form(shop.schema("dead_letter"))
    return b"\xc3\x01" + bytes.fromhex(fastavro.schema.fingerprint(schema, "CRC-64-AVRO"))


Record = collections.namedtuple("Record", "partition offset key value headers timestamp")


def read(address, topic, isolation="read_committed"):
    """Records with headers, to the true end; confluent-kafka gives no headers as None."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": "letters", "enable.auto.commit": False,
                         "isolation.level": isolation, "fetch.wait.max.ms": 20})
    numbers = sorted(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
    ends = dict(zip(numbers, high_ends(address, topic)))
    places = [TopicPartition(topic, number, OFFSET_BEGINNING) for number in numbers]
    consumer.assign(places)
    found = []
    while True:
        for message in consumer.consume(10000, timeout=0.05):
            assert not message.error(), message.error()
            found.append(Record(message.partition(), message.offset(), message.key(), message.value(),
                                message.headers() or [], message.timestamp()[1]))
        reached = {place.partition: place.offset for place in consumer.position(places)}
        if all(end == 0 or reached[number] >= end for number, end in ends.items()):
            break
    consumer.close()
    return sorted(found, key=lambda record: (record.partition, record.offset))


_raw = {}  # by address: a new client for each question would be too slow to kill anything in the middle


def high_ends(address, topic):
    """Log ends past open transactions; markers of transactions count."""
    settings = {"bootstrap.servers": address, "group.id": "letters", "isolation.level": "read_uncommitted"}
    raw = _raw.get(address) or _raw.setdefault(address, Consumer(settings))
    numbers = sorted(raw.list_topics(topic, timeout=10).topics[topic].partitions)
    return [raw.get_watermark_offsets(TopicPartition(topic, number), timeout=10)[1] for number in numbers]


class Shop:
    def __init__(self, address):
        self.address, self.prefix = address, f"letters-{int(time.time())}-"
        self.clicks, self.letters_topic = self.prefix + "clickstream", self.prefix + "dead-letters"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="promostream-letters-"))
        self.config = shop.write_config(self.folder / "pipeline.yaml", CONFIG, address, prefix=self.prefix,
                                        partitions=PARTITIONS)
        self.producer = Producer({"bootstrap.servers": address, "linger.ms": 5, "enable.idempotence": True})
        self.create(self.clicks, PARTITIONS)

    def create(self, topic, partitions):
        admin = AdminClient({"bootstrap.servers": self.address})  # must live until the answer is there
        admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result()

    def send(self, topic, partition, key, value, headers=None, timestamp=0):
        self.producer.produce(topic, value, key, partition, headers=headers, timestamp=timestamp)

    def flush(self):
        assert self.producer.flush(30) == 0

    def work(self):
        """Workers read what is there, to its end."""
        shop.run(shop.binaries()[0], "run", "--config", self.config, "--group", self.prefix + "g", "--worker-name",
                 self.prefix + "w", "--roles", "workers", "--until-end")

    def command(self, verb, *words, check=True):
        return shop.run(shop.binaries()[0], "dead-letters", verb, "--config", self.config, *words, check=check)

    def replay(self, *words):
        return json.loads(self.command("replay", "--json", *words).stdout)

    def listed(self, *words):
        """(letters, {reason: counts}, rows that are none)."""
        lines = [json.loads(line) for line in self.command("list", "--json", "--limit", 0, *words).stdout.splitlines()]
        return lines[:-1], {row["reason"]: row for row in lines[-1]["summary"]}, lines[-1]["unreadable"]

    def letters(self):
        """(record, decoded row) of every letter; no notes, no rows of another schema."""
        rows = [(record, shop.decode("dead_letter", record.value)) for record in read(self.address, self.letters_topic)
                if (record.value or b"").startswith(head())]
        return [(record, row) for record, row in rows if row["reason"] != "replayed"]


def headers_of(row):
    return [(header["key"].decode(), header["value"]) for header in row["headers"]]


def become_letters(day):
    for partition, key, value, headers, _, _ in ODD:
        day.send(day.clicks, partition, key, value, headers, 1790000000123)
    for number in range(CROWD):
        day.send(day.clicks, number % 2, b"k%d" % number, b"crowd %d" % number, [("n", b"%d" % number)])
    day.flush()
    day.work()
    sent = {(record.partition, record.offset): record for record in read(day.address, day.clicks)}
    letters = day.letters()
    expect(len(letters) == len(sent) == len(ODD) + CROWD, "every hostile record is a letter", len(letters), len(sent))
    odd = {(row[0], row[1], row[2]): row for row in ODD}
    for record, row in letters:
        given = sent[row["partition"], row["offset"]]
        known = odd.pop((given.partition, given.key, given.value), None)
        is_whole = known is None or known[5]
        if known:
            expect(row["reason"] == known[4], f"{known[1]} is {known[4]}", row["reason"])
            expect(row["timestamp_ms"].timestamp() * 1000 == 1790000000123, "with the time of its record", row)
            expect(not is_whole or headers_of(row) == known[3], f"{known[1]} has the headers that were sent", row["headers"])
        expect_quietly(row["cut"] != is_whole, "cut", row)
        if is_whole:
            expect_quietly((row["key"], row["value"], headers_of(row)) == (given.key, given.value, given.headers), "letter", row)
    expect(not odd, "all of them are there")
    by_key = {record.key: row for record, row in letters}
    expect(len(by_key[b"many"]["headers"]) == 64 and by_key[b"wide"]["headers"] == [] and
           by_key[b"long"]["value"] == b"v" * 900000, "what is too much is cut where the schema says")


def expect_quietly(is_true, *details):
    if not is_true:
        expect(False, *details)


def are_listed(day):
    letters, summary, unreadable = day.listed()
    rows = {(record.partition, record.offset): row for record, row in day.letters()}
    expect(len(letters) == len(rows) and unreadable == 0, "list shows every letter", len(letters), unreadable)
    for letter in letters:
        row = rows[letter["partition"], letter["offset"]]
        shown = [None if letter[name] is None else base64.b64decode(letter[name]) for name in ("key_base64", "value_base64")]
        expect_quietly(shown == [row["key"], row["value"]], "bytes in JSON", letter)
        shown = [{"key": base64.b64decode(header["key_base64"]),
                  "value": None if header["value_base64"] is None else base64.b64decode(header["value_base64"])}
                 for header in letter["headers"]]
        expect_quietly(shown == row["headers"] and letter["cut"] == row["cut"], "headers in JSON", letter)
    expect(True, "with bytes and headers whole in JSON")
    expect(summary["bad_framing"]["letters"] == len(ODD) + CROWD - 2 and summary["bad_framing"]["cut"] == 3 and
           summary["empty"]["waiting"] == 2, "and counts per reason", summary)
    few = day.command("list", "--limit", 3).stdout
    expect(len([line for line in few.splitlines() if " letter " in line]) == 3 and f"\n{CROWD + 6:,} bad_framing (3 cut)\n2 empty\n" in few,
           "a person sees the newest ones and the counts of all", few)
    ones = day.command("list", "--reason", "empty").stdout
    expect(ones.count(" letter ") == 2 and "crowd" not in ones and "bad_framing" not in ones, "--reason leaves the others out", ones)
    everything = day.command("list", "--limit", 0).stdout
    expect("\\x1b[31mred\\x07" in everything and "\x1b" not in everything, "nothing reaches the terminal as it is")


def add_strange_rows(day):
    """Rows that are no letters of this version, a letter of a topic that is no input, one of a partition that is not there."""
    for topic, partition in (("elsewhere", 0), (day.clicks, 99)):
        out = io.BytesIO(head())
        out.seek(0, 2)
        fastavro.schemaless_writer(out, shop.schema("dead_letter"), {"topic": topic, "partition": partition, "offset": 1,
                                                                     "reason": "bad_framing", "value": b"strange"})
        day.send(day.letters_topic, 0, b"strange", out.getvalue())
    day.send(day.letters_topic, 1, b"old", b"\xc3\x01\xf9\xce\x3f\xe6\xdb\x31\xce\xec" + b"\0" * 7)  # of the first schema
    day.send(day.letters_topic, 1, b"none", None)
    day.flush()


def is_put_back_once(day):
    before = high_ends(day.address, day.clicks)
    letters = day.letters()
    dry = day.replay("--dry-run")
    expect(dry == {"dry_run": True, "done": True, "replayed": WHOLE, "replayed_before": 0, "cut": 3, "foreign": 2, "too_often": 0,
                   "unreadable": 2}, "a dry run says what would be", dry)
    expect(high_ends(day.address, day.clicks) == before and len(day.letters()) == len(letters), "and writes nothing")
    one = day.replay("--reason", "empty", "--limit", 1)
    expect(one["replayed"] == 1 and one["foreign"] == one["cut"] == 0, "--reason and --limit put back one", one)
    for batch in (1, 5, 40, 100):
        kill_in_the_middle(day, batch)
    text = day.command("replay", "--batch", 50).stdout
    done, before_it = (int(re.search(rf"(?m)^([0-9,]+) {what}$", text)[1].replace(",", "")) for what in ("put back", "put back before"))
    print(f"      {before_it} were put back by runs that were killed, {done} by the last")
    expect(done > 0 and before_it > 0 and done + before_it == WHOLE, "the last run puts back what the killed ones did not", text)
    expect("\n3 kept only in part, cannot be put back\n" in text and
           "\n2 from a topic or partition that is no input, refused\n" in text and
           "\n2 rows are no letters of this version\n" in text, "and says what it passed over", text)
    again = day.replay()
    expect(again["replayed"] == 0 and again["replayed_before"] == WHOLE, "run again, nothing is put back", again)
    put_back = [record for record in read(day.address, day.clicks) if record.offset >= before[record.partition]]
    expect(len(put_back) == WHOLE, "every letter that is whole is back, each once", len(put_back))
    by_place = {f"{record.partition}@{record.offset}": row for record, row in letters}
    for record in put_back:
        place = record.headers[-2][1].decode()
        row = by_place.pop(place)  # a KeyError: twice
        expect_quietly(record.headers[-2:] == [(FROM, place.encode()), (REASON, row["reason"].encode())], "added", record)
        expect_quietly((record.partition, record.key, record.value, record.headers[:-2]) ==
                       (row["partition"], row["key"], row["value"], headers_of(row)), "as it was", record, row)
        expect_quietly(record.timestamp == round(row["timestamp_ms"].timestamp() * 1000), "its time", record, row)
    expect(True, "with its partition, key, bytes, headers and time, and where it was put back from")
    listed, summary, _ = day.listed()
    expect(sum(letter["replayed"] for letter in listed) == WHOLE and sum(row["waiting"] for row in summary.values()) == 0,
           "list knows it", summary)


def kill_in_the_middle(day, batch):
    """SIGKILL after some records were sent and before the end."""
    start = sum(high_ends(day.address, day.clicks))
    command = [shop.binaries()[0], "dead-letters", "replay", "--config", day.config, "--batch", batch]
    process = shop.spawn(command, day.folder / "killed.log")
    until = time.monotonic() + WAIT_S
    while sum(high_ends(day.address, day.clicks)) - start < 25 and process.poll() is None and time.monotonic() < until:
        pass
    process.kill()
    code = process.wait()
    sent = sum(high_ends(day.address, day.clicks)) - start
    expect(code == -9 and sent >= 25, f"killed in the middle, transactions of {batch}", code, sent)


def fails_again(day):
    """What was put back unchanged fails again, with the trace of it; after so many times it is left alone."""
    day.work()
    letters = [row for _, row in day.letters() if any(key == FROM for key, _ in headers_of(row))]
    expect(len(letters) == WHOLE and all(headers_of(row)[-2][0] == FROM for row in letters if not row["cut"]),
           "what fails again is a letter that knows it", len(letters))
    listed, _, _ = day.listed("--waiting")
    expect(len(listed) == WHOLE and {letter["replays"] for letter in listed} == {1}, "list counts its replays", len(listed))
    never = day.replay("--again-max", 0, "--dry-run")
    expect(never["too_often"] == WHOLE and never["replayed"] == 0, "--again-max leaves it out", never)


def repaired(day):
    """What `list --json` printed, changed by a program: put back as it then stands, once; the rest waits."""
    letters, _, _ = day.listed("--waiting")
    chosen = [letter for letter in letters if base64.b64decode(letter["value_base64"] or "").startswith(b"crowd 1")][:3]
    chosen[0]["value_base64"] = base64.b64encode(b"\xff\x00repaired").decode()
    chosen[1].update(value="r\u00e9par\u00e9", key_base64=None)
    del chosen[2]["value_base64"], chosen[2]["key_base64"]
    file = day.folder / "repaired.jsonl"
    file.write_text("".join(json.dumps(letter) + "\n" for letter in chosen) + "\n" + json.dumps({"summary": []}) + "\n")
    before = high_ends(day.address, day.clicks)
    dry = day.replay("--from", file, "--dry-run")
    expect(dry["replayed"] == 3 and high_ends(day.address, day.clicks) == before, "--from picks the letters of a file", dry)
    done = day.replay("--from", file)
    back = [record for record in read(day.address, day.clicks) if record.offset >= before[record.partition]]
    by_place = {record.headers[-2][1].decode(): record for record in back}
    found = [by_place[f"{letter['partition']}@{letter['offset']}"] for letter in chosen]
    rows = {(record.partition, record.offset): row for record, row in day.letters()}
    third = rows[chosen[2]["partition"], chosen[2]["offset"]]
    expect(done["replayed"] == 3 and len(back) == 3, "and puts back these alone", done, len(back))
    expect([(record.key, record.value) for record in found] ==
           [(base64.b64decode(chosen[0]["key_base64"]), b"\xff\x00repaired"), (None, "r\u00e9par\u00e9".encode()),
            (third["key"], third["value"])], "with the bytes or the text of the file, and as they were where it is silent", found)
    again = day.replay("--from", file)
    expect(again["replayed"] == 0 and again["replayed_before"] == 3, "once", again)
    file.write_text(json.dumps({"partition": 0, "offset": 10**9}) + "\n")
    absent = day.command("replay", "--from", file, check=False)
    expect(absent.returncode == 1 and "1 of its letters are not in" in absent.stderr, "a letter that is not there is an error", absent.stderr)
    file.write_text('{"partition": 0, "offset": 1}\n{"partition": 0, "offset": 2, "value_base64": "abc"}\n')
    bad = day.command("replay", "--from", file, check=False)
    expect(bad.returncode == 1 and f"{file}:2: value_base64: expected base64" in bad.stderr, "a bad line names its place", bad.stderr)


def goes_elsewhere(day):
    other = day.prefix + "workbench"
    day.create(other, 1)
    done = day.replay("--reason", "empty", "--to", other)
    expect(done["replayed"] == 4, "--to puts back to another topic, also what was put back before", done)
    expect(day.replay("--reason", "empty", "--to", other)["replayed"] == 0, "once as well")
    found = read(day.address, other)
    expect(len(found) == 4 and {record.value for record in found} == {None, b""}, "to the partitions that it has", found)
    comes_to_a_new_topic(day)
    for topic in (day.prefix + "user-state", day.letters_topic, "absent"):
        refused = day.command("replay", "--to", topic, check=False)
        expect(refused.returncode == 1 and topic in refused.stderr, f"--to {topic[len(day.prefix):] or topic} is refused",
               refused.stderr)


def comes_to_a_new_topic(day):
    """Not every broker knows a topic that was made a moment ago: it is waited for."""
    new = day.prefix + "new"
    command = [shop.binaries()[0], "dead-letters", "replay", "--config", day.config, "--reason", "empty", "--to", new]
    process = shop.spawn(command, day.folder / "new.log")
    try:
        process.wait(0.5)
    except subprocess.TimeoutExpired:
        day.create(new, 1)
    expect(process.wait(WAIT_S) == 0 and len(read(day.address, new)) == 4, "to a topic that comes to be a moment later",
           (day.folder / "new.log").read_text())


def main():
    day = Shop(shop.kafka_address())
    become_letters(day)
    are_listed(day)
    add_strange_rows(day)
    is_put_back_once(day)
    fails_again(day)
    repaired(day)
    goes_elsewhere(day)


main()
