#!/usr/bin/env python3
"""Poison on a real Kafka: records that no honest producer writes, strewn among a shop's events, as Confluent Avro with a schema
registry that has poison of its own, and as JSON.

Each poisoned record becomes one dead letter: its verdict, its bytes or the documented beginning of them (key 1024, value 900,000,
64 headers), in the order of its partition. Everything else is as if it had never been there: decisions, pushes, states, open
decisions and examples equal, byte for byte, those of a run without it. Meanwhile the registry is away for a while at an id that
is new and good: nothing is lost, nothing is a letter. Counters add up. At the end a flood of large garbage: memory stays within
the capacity plan that was printed at the start.

What becomes of letters is dead_letters.py's, schemas that change are strangers.py's.
"""

import collections
import http.server
import json
import os
import pathlib
import random
import struct
import sys
import tempfile
import threading
import time

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / folder) for folder in ("support", "chaos", "kafka")]
import shop  # noqa: E402
import soak  # noqa: E402
import strangers  # noqa: E402

EVENTS = 3000
LARGE = 64 * 2**20
TOPIC = {"max.message.bytes": str(LARGE + 2**20), "retention.ms": "-1"}
KEY_MAX, VALUE_MAX, HEADERS_MAX = 1024, 900000, 64
FLOOD_BYTES = 900000
FLOOD = 1200 if os.environ.get("PROMOSTREAM_TESTS") == "full" else 240
DOWN_S = 1.5
OWN, UNKNOWN, LOOP, ITSELF, DEEP, LATE, CHAIN = range(1, 8)  # schema ids

Poison = collections.namedtuple("Poison", "what key value headers reason")


def expect(is_true, what, *details):
    print(("ok    " if is_true else "FAILED ") + what, *(details if not is_true else ()), flush=True)
    if not is_true:
        sys.exit(1)


# ---- a registry with poison of its own ----

def deep_schema(depth):
    schema = "string"
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    return schema


def chain_schema():
    """Our own event and one field more: a list of any length, each node within the one before."""
    own = json.loads((shop.ROOT / "schemas/event.avsc").read_text())
    node = {"type": "record", "name": "node", "fields": [{"name": "next", "type": ["null", "node"]}]}
    return {**own, "fields": own["fields"] + [{"name": "chain", "type": node}]}


class Registry:
    """Answers GET /schemas/ids/N and /subjects/S/versions/N."""

    def __init__(self):
        registry = self
        self.asked_late, self.away_until = 0, None
        own = (shop.ROOT / "schemas/event.avsc").read_text()
        loop = {"schema": json.dumps({"type": "record", "name": "a", "fields": [{"name": "f", "type": "b"}]}),
                "references": [{"name": "b", "subject": "b", "version": 1}]}
        itself = json.dumps({"type": "record", "name": "r", "fields": [{"name": "f", "type": "r"}]})
        self.answers = {
            f"/schemas/ids/{OWN}": {"schema": own}, f"/schemas/ids/{LATE}": {"schema": own}, f"/schemas/ids/{LOOP}": loop,
            "/subjects/b/versions/1": {**loop, "id": 99, "subject": "b", "version": 1,
                                       "references": [{"name": "a", "subject": "b", "version": 1}]},
            f"/schemas/ids/{ITSELF}": {"schema": itself}, f"/schemas/ids/{DEEP}": {"schema": json.dumps(deep_schema(400))},
            f"/schemas/ids/{CHAIN}": {"schema": json.dumps(chain_schema())},
        }

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                path = self.path.split("?")[0]
                if path == f"/schemas/ids/{LATE}" and registry.is_away():
                    return self.answer(503, {"error_code": 50301, "message": "away"})
                found = registry.answers.get(path)
                self.answer(200 if found else 404, found or {"error_code": 40403, "message": "Schema not found"})

            def answer(self, status, value):
                text = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"

    def is_away(self):
        """Away for DOWN_S from the first time that it is asked."""
        self.asked_late += 1
        self.away_until = self.away_until or time.monotonic() + DOWN_S
        return time.monotonic() < self.away_until


# ---- what is strewn in ----

def framed(schema_id, body):
    return struct.pack(">BI", 0, schema_id) + body


def poison_avro(own_body):
    bad_text = own_body.replace(b"EUR", b"E\xffR", 1)
    assert bad_text != own_body
    flood = [(f"h{n % 7}", b"x" * 100) for n in range(3000)]
    return [
        Poison("64 MiB of garbage", b"k", b"\xff" * LARGE, [], "bad_framing"),
        Poison("64 MiB behind a good header", b"k", framed(OWN, bytes(LARGE)), [], "trailing_bytes"),
        Poison("zero bytes", b"k", b"", [], "empty"),
        Poison("a null value", b"k", None, [], "empty"),
        Poison("half a header", b"k", b"\0\0\0", [], "bad_framing"),
        Poison("a header alone", b"k", framed(OWN, b""), [], "empty"),
        Poison("single-object encoding", b"k", b"\xc3\x01" + bytes(8) + own_body, [("why", b"wrong topic")], "bad_framing"),
        Poison("an unknown schema id", None, framed(UNKNOWN, own_body), [], "unknown_schema"),
        Poison("a schema whose references go round", b"k", framed(LOOP, own_body), [], "unknown_schema"),
        Poison("a schema that contains itself", b"k", framed(ITSELF, own_body), [], "unknown_schema"),
        Poison("a schema 400 deep", b"k", framed(DEEP, own_body), [], "unknown_schema"),
        Poison("records 100,000 deep", b"k", framed(CHAIN, own_body + b"\2" * 100000 + b"\0"), [], "too_deep"),
        Poison("an event cut short", b"k", framed(OWN, own_body[:-3]), [], "truncated"),
        Poison("lines without end", b"k", framed(OWN, own_body[:-1] + b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\1"), [], "truncated"),
        Poison("a text that is not UTF-8", b"\xff\xfe", framed(OWN, bad_text), [], "bad_utf8"),
        Poison("a key of 1 MiB", b"K" * 2**20, b"\1", [], "bad_framing"),
        Poison("3000 headers", b"k", b"\1", flood, "bad_framing"),
        Poison("headers that repeat, null, empty", b"k", b"\1", [("a", None), ("a", b""), ("", b"\0\xff")], "bad_framing"),
    ]


def poison_json(good):
    return [
        Poison("64 MiB of text", b"k", b'{"event":"' + b"x" * (LARGE - 12) + b'"}', [], "too_large"),
        Poison("100,000 brackets", b"k", b"[" * 100000, [], "too_deep"),
        Poison("objects 50,000 deep", b"k", b'{"a":' * 50000 + b"1" + b"}" * 50000, [], "too_deep"),
        Poison("no UTF-8", b"k", b'{"event":"\xc0\xaf"}', [], "bad_utf8"),
        Poison("one name twice", b"k", b'{"event":"view","event":"cart"}', [], "duplicate_key"),
        Poison("a number beyond all bounds", b"k", b'{"event":1e999}', [], "number_range"),
        Poison("half of it", b"k", good[:-2], [], "bad_json"),
        Poison("two of it", b"k", good + good, [], "bad_json"),
        Poison("an array", b"k", b"[" + good + b"]", [], "bad_json"),
        Poison("nothing in it", b"k", b"{}", [], "missing_field"),
        Poison("zero bytes", b"k", b"", [], "empty"),
        Poison("a null value", b"k", None, [], "empty"),
    ]


# ---- sending and running ----

class Sender:
    def __init__(self, address, topic):
        from confluent_kafka import Producer

        soak.create(address, topic, TOPIC)
        self.topic, self.sent = topic, []
        self.producer = Producer({"bootstrap.servers": address, "enable.idempotence": True, "message.max.bytes": LARGE + 2**20,
                                  "linger.ms": 5, "queue.buffering.max.kbytes": 1048576})

    def good(self, record, value):
        self.producer.produce(self.topic, value, record.key, partition=record.partition, timestamp=record.timestamp)

    def bad(self, poison, partition, timestamp):
        def note(error, message):
            assert not error, error
            self.sent.append((message.partition(), message.offset(), poison))

        self.producer.produce(self.topic, poison.value, poison.key, partition, headers=poison.headers, timestamp=timestamp,
                              on_delivery=note)

    def flush(self):
        assert self.producer.flush(60) == 0


def strew(sender, records, encode, poisons, seed):
    """The good records in their order, each poison somewhere among them."""
    rng = random.Random(seed)
    places = collections.defaultdict(list)
    for poison in poisons:
        places[rng.randrange(len(records))].append(poison)
    for number, record in enumerate(records):
        for poison in places[number]:
            sender.bad(poison, record.partition, record.timestamp)
        sender.good(record, encode(number, record))
        sender.producer.poll(0)
    sender.flush()


class Job(strangers.Job):
    """One that stays alive, with metrics."""

    def __init__(self, folder, address, name, sections):
        super().__init__(folder, address, name, sections + "side: {catalogue_rows_max: 1000, profiles_rows_max: 1000}\n")
        text = self.config.read_text().replace('http_listen: ""', f'http_listen: "127.0.0.1:{soak.free_port()}"')
        self.config.write_text(text)

    def live(self):
        self.watch = soak.Process.__new__(soak.Process)
        self.watch.log, self.watch.url = self.log, "http://" + self.config.read_text().split('http_listen: "')[1].split('"')[0] + "/metrics"
        self.watch.process = shop.spawn(self.command, self.log)
        self.lag = soak.Lag(self.address, self.topic, self.prefix + "g")
        shop.wait_for("the worker owns its partitions", lambda: "worker: assigned" in self.log.read_text(), 60)

    def settle(self, seconds=90):
        shop.wait_for("everything is read and committed", lambda: self.lag.now() == 0, seconds)


def letters_of(address, job):
    rows = shop.read_topic(address, job.prefix + "dead-letters")
    return [(row, shop.decode("dead_letter", row.value)) for row in rows]


def check_letters(address, job, sender):
    """One letter for each poison, with its bytes, in the order of its partition."""
    letters = letters_of(address, job)
    found = [(letter["partition"], letter["offset"]) for _, letter in letters]
    sent = {(partition, offset): poison for partition, offset, poison in sender.sent}
    others = [letter["reason"] for _, letter in letters if (letter["partition"], letter["offset"]) not in sent]
    expect(not others, "no good record is a letter", others[:5])
    expect(sorted(found) == sorted(sent), "each poison is one letter", len(found), len(sent))
    expect(found == sorted(found) and all(row.partition == letter["partition"] for row, letter in letters),
           "in the order of its partition", found)
    for _, letter in letters:
        poison = sent[letter["partition"], letter["offset"]]
        headers = [(name.encode(), value) for name, value in poison.headers]
        whole = (len(poison.key or b"") <= KEY_MAX and len(poison.value or b"") <= VALUE_MAX and len(headers) <= HEADERS_MAX)
        kept = [(header["key"], header["value"]) for header in letter["headers"]]
        is_good = (letter["reason"] == poison.reason and letter["cut"] != whole and kept == headers[:HEADERS_MAX] and
                   letter["key"] == (poison.key and poison.key[:KEY_MAX]) and
                   letter["value"] == (poison.value and poison.value[:VALUE_MAX]))
        expect(is_good, f"{poison.what}: {poison.reason}, {'whole' if whole else 'cut'}", letter["reason"], letter["cut"],
               letter["key"] and letter["key"][:20], letter["value"] and letter["value"][:20], len(kept))
    return collections.Counter(letter["reason"] for _, letter in letters)


def check_counters(metrics, reasons, records):
    expect(metrics["broker_polled_total"] >= records + sum(reasons.values()), "everything was polled", metrics["broker_polled_total"])
    expect(metrics["clean_polled_total"] == records + sum(reasons.values()), "polled = good + poisoned", metrics["clean_polled_total"])
    expect(metrics["clean_undecodable_total"] == sum(reasons.values()), "undecodable = letters", metrics["clean_undecodable_total"])
    expect(metrics["decode_ok_total"] == records, "decoded = good", metrics["decode_ok_total"])
    per = {reason: metrics[f"decode_{reason}_total"] for reason in reasons}
    expect(per == dict(reasons), "each verdict has its counter", per, reasons)
    whole = sum(metrics[f"clean_{name}_total"] for name in ("undecodable", "refused", "duplicates", "applied"))
    expect(whole == metrics["clean_polled_total"], "polled = undecodable + refused + duplicates + applied", whole)


def equal(name, expected, found, log):
    """Everything but dead letters, which a dirty shop has of its own: those of the run without poison."""
    strangers.compare(name, {topic: rows for topic, rows in expected.items() if topic != "dead-letters"},
                      {topic: [] if topic == "dead-letters" else rows for topic, rows in found.items()}, log)


def undisturbed(folder, address, records):
    job = Job(folder, address, "pure", "decode: {framing: single_object}\n")
    sender = Sender(address, job.topic)
    for record in records:
        sender.good(record, record.value)
    sender.flush()
    job.to_the_end()
    expected = job.outputs()
    expect(len(expected["promotion-decisions"]) > 100 and not expected["dead-letters"], "an undisturbed run decides",
           len(expected["promotion-decisions"]), len(expected["dead-letters"]))
    return expected


def avro(folder, address, records, expected):
    registry = Registry()
    job = Job(folder, address, "avro", f"decode: {{framing: confluent}}\nregistry: {{url: {registry.address}, retry_min: 100ms, "
                                       "retry_max: 1s}\n")
    sender = Sender(address, job.topic)
    own = records[0].value[10:]
    job.live()
    late = len(records) * 2 // 3  # from here on with an id that the registry does not answer at first
    strew(sender, records, lambda number, record: framed(LATE if number >= late else OWN, record.value[10:]),
          poison_avro(own), seed=7)
    job.settle()
    expect(registry.asked_late > 1, "the registry was away, and was asked again")
    reasons = check_letters(address, job, sender)
    check_counters(job.watch.metrics(), reasons, len(records))
    equal("avro", expected, job.outputs(), job.log)
    return job


def flood(job):
    """Many large records at once: not more in memory than was planned."""
    plan = soak.plan_of(job.log.read_text())
    sender = Sender.__new__(Sender)
    from confluent_kafka import Producer

    sender.topic, sender.sent = job.topic, []
    sender.producer = Producer({"bootstrap.servers": job.address, "message.max.bytes": 2**20, "queue.buffering.max.kbytes": 262144})
    job.watch.process.send_signal(19)  # SIGSTOP: all of it waits
    rng = random.Random(3)
    for number in range(FLOOD):
        while True:
            try:
                sender.bad(Poison("flood", b"k", b"\xff" + rng.randbytes(64) * (FLOOD_BYTES // 64), [], "bad_framing"), number % 4, 0)
                break
            except BufferError:
                sender.producer.poll(0.1)
    sender.flush()
    job.watch.process.send_signal(18)  # SIGCONT
    job.settle()
    top = job.watch.rss("VmHWM")
    expect(top <= plan["together"], f"{FLOOD} records of {FLOOD_BYTES:,} bytes: RSS at most {top / 2**20:.0f} MiB of "
                                    f"{plan['together'] / 2**20:.0f} MiB planned")
    expect(len(letters_of(job.address, job)) == FLOOD + len(poison_avro(b"EUR")), "each a letter")
    expect(shop.terminate(job.watch.process) == 0, "SIGTERM: the worker ended in order")


def as_json(folder, address, records, expected):
    job = Job(folder, address, "json", strangers.sections("{format: json, framing: bare}", "json"))
    sender = Sender(address, job.topic)
    strew(sender, records, lambda _, record: strangers.as_json(record.event), poison_json(strangers.as_json(records[0].event)), seed=8)
    job.to_the_end()
    check_letters(address, job, sender)
    equal("json", expected, job.outputs(), job.log)


def main():
    address = shop.kafka_address()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="promostream-poison-"))
    strangers.EVENTS = EVENTS
    begin = time.monotonic()
    records = strangers.simulated(address, f"poison-{int(time.time())}-source")
    expected = undisturbed(folder, address, records)
    job = avro(folder, address, records, expected)
    as_json(folder, address, records, expected)
    flood(job)
    print(f"{time.monotonic() - begin:.1f} s; logs in {folder}")


main()
