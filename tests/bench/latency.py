"""Event to visible push: a paced producer, `promostream run`, a read_committed consumer, all on loopback.

Carts go quiet after a second of event time, and event time is the wall clock, so a push is due when the first event at or
behind its deadline is sent to its partition. What is measured is from that moment to the moment at which a consumer of
promotion-pushes holds the push. Every push that was due must come; the first fifth of them, which met a cold process, is
left out of the figures."""

import bisect
import io
import multiprocessing
import pathlib
import queue
import re
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import shop  # noqa: E402

PARTITIONS = 8
IDLE_MS = 1000
USERS = 20000  # who look around; carts are of users of their own
CART_EVERY = 100  # events
BURST_S = 0.002
CONFIG = """
epoch: {{interval: {interval}}}
clean: {{lateness: 0ms}}
triggers:
  cart_abandoned: {{idle: {idle}ms}}
  browse_abandoned: {{enabled: false}}
  observe: {{share: 0}}
decide:
  control_share: 0
  none_share: 0
  quiet_hours: ""
  offers:
    - {{id: reminder, kind: reminder, valid: 12h, title: "Still thinking about {{item}}?", body: "It is where you left it."}}
  rules:
    - {{trigger: cart_abandoned, offer: reminder}}
ops: {{http_listen: "", log_level: info}}
"""


def message(kind, event_ms, user, number):
    import fastavro

    body = io.BytesIO()
    line = {"item_id": f"i{number % 2000}", "category": "shoes", "brand": "elm", "price": 20.0, "quantity": 1}
    fastavro.schemaless_writer(body, shop.schema("event"), {
        "type": kind, "event_ms": event_ms, "user_id": user, "event_id": f"e{number}", "currency": "EUR",
        "consent": "granted", "lines": [line]})
    return shop_header() + body.getvalue()


_header = []


def shop_header():
    import fastavro

    if not _header:
        form = fastavro.schema.to_parsing_canonical_form(shop.schema("event"))
        _header.append(b"\xc3\x01" + bytes.fromhex(fastavro.schema.fingerprint(form, "CRC-64-AVRO")))
    return _header[0]


def listen(address, topic, out, ready, stop):
    """In a process of its own, so that the producer's work does not delay the receipt: (user, wall time) of every push."""
    from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

    consumer = Consumer({"bootstrap.servers": address, "group.id": "latency", "enable.auto.commit": False,
                         "isolation.level": "read_committed", "fetch.wait.max.ms": 10})
    consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(PARTITIONS)])
    ready.set()
    while not stop.is_set():
        for row in consumer.consume(1000, timeout=0.002):
            if not row.error():
                out.put((row.key().decode(), time.time()))
    consumer.close()


class Feed:
    """Events at a steady rate, event time = wall clock; remembers when each was sent."""

    def __init__(self, address, topic, rate):
        from confluent_kafka import Producer

        self.producer = Producer({"bootstrap.servers": address, "linger.ms": 0, "enable.idempotence": True,
                                  "queue.buffering.max.messages": 1000000, "reconnect.backoff.max.ms": 200})
        self.topic, self.rate, self.number = topic, rate, 0
        self.sent = [([], []) for _ in range(PARTITIONS)]  # event times, wall times
        self.deadlines = {}  # user: (partition, event time at which the push is due)

    def send(self):
        now = time.time()
        event_ms = int(now * 1000)
        is_cart = self.number % CART_EVERY == 0
        partition = self.number // CART_EVERY % PARTITIONS if is_cart else self.number % PARTITIONS
        user = f"c{self.number}" if is_cart else f"u{self.number % USERS}"
        kind = "product_added" if is_cart else "product_viewed"
        self.producer.produce(self.topic, key=user, value=message(kind, event_ms, user, self.number), partition=partition)
        self.sent[partition][0].append(event_ms)
        self.sent[partition][1].append(now)
        if is_cart:
            self.deadlines[user] = (partition, event_ms + IDLE_MS)
        self.number += 1

    def run(self, seconds):
        start = time.time()
        while time.time() < start + seconds:
            due = int((time.time() - start) * self.rate)
            while self.number < due:
                self.send()
            self.producer.poll(0)
            time.sleep(BURST_S)
        self.producer.flush(30)
        return self.number / (time.time() - start)

    def due_at(self, user):
        """When the event was sent that made the user's push due; None if none was."""
        partition, deadline_ms = self.deadlines[user]
        times, walls = self.sent[partition]
        at = bisect.bisect_left(times, deadline_ms)
        return walls[at] if at < len(times) else None


def quantile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(q * len(values)))]


def measure(address, promostream, interval, rate, seconds):
    """{"p50_ms", "p99_ms", "pushes", "events_per_s"} at an epoch.interval."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="promostream-latency-"))
    prefix = f"bench-latency-{int(time.time() * 1000):x}-"
    text = CONFIG.format(interval=interval, idle=IDLE_MS)
    config = shop.write_config(folder / "pipeline.yaml", text, address, prefix=prefix, partitions=PARTITIONS)
    process = shop.spawn([promostream, "run", "--config", config, "--group", prefix, "--worker-name", prefix],
                         folder / "log")
    wait_for_log(folder / "log", "assigned worker=", process)
    out, ready, stop = multiprocessing.Queue(), multiprocessing.Event(), multiprocessing.Event()
    listener = multiprocessing.Process(target=listen, daemon=True,
                                       args=(address, f"{prefix}promotion-pushes", out, ready, stop))
    listener.start()
    ready.wait(30)
    feed = Feed(address, f"{prefix}clickstream", rate)
    got = feed.run(seconds)
    received = collect(out, 3)
    stop.set()
    listener.join(10)
    shop.terminate(process)
    delete_topics(address, prefix)
    due = {user: feed.due_at(user) for user in received}
    missing = [user for user in feed.deadlines if user not in received and feed.due_at(user)]
    if missing or not received:
        raise SystemExit(f"latency: {len(missing)} pushes did not come, {len(received)} did; log in {folder}")
    shutil.rmtree(folder)
    spans = [1000 * (received[user] - at) for user, at in due.items() if at]
    spans = spans[len(spans) // 5:]  # in the order of receipt: the first ones met a cold process
    return {"p50_ms": round(quantile(spans, 0.5), 1), "p99_ms": round(quantile(spans, 0.99), 1),
            "pushes": len(spans), "events_per_s": round(got)}


def collect(out, quiet_s):
    received = {}
    while True:
        try:
            user, at = out.get(timeout=quiet_s)
            received.setdefault(user, at)
        except queue.Empty:
            return received


def wait_for_log(path, pattern, process, seconds=60):
    """A line may arrive in pieces: the pattern says where it ends."""
    def is_there():
        found = re.search(pattern, pathlib.Path(path).read_text(errors="replace"))
        if not found and process.poll() is not None:
            raise SystemExit(f"{path}: no line '{pattern}'")
        return found

    shop.wait_for(f"{path}: line '{pattern}'", is_there, seconds, pause_s=0.02)


def delete_topics(address, prefix):
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": address})
    names = [name for name in admin.list_topics(timeout=10).topics if name.startswith(prefix)]
    for future in admin.delete_topics(names).values():
        future.result(30)
