#!/usr/bin/env python3
"""Other shops' clickstreams on a real Kafka, understood by YAML alone.

The same few days of a simulated shop are sent six times: as our own event.avsc, and in the words of strangers
(tests/data/strangers): nested records, an envelope of unions, an order with lines, JSON. Whatever the shape, promostream must
write the very same decisions, pushes, states and examples, byte for byte, and no dead letter.

With a schema registry (PROMOSTREAM_REGISTRY) the order with lines comes from a foreign producer (confluent-kafka's
AvroSerializer) to a live job; its schema changes twice in mid stream, the registry is away at the second change, nothing is
restarted and nothing is lost; the pushes are read by a foreign consumer (AvroDeserializer).
"""

import collections
import http.server
import io
import json
import os
import pathlib
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import shop  # noqa: E402

DATA = shop.ROOT / "tests" / "data" / "strangers"
PARTITIONS = 4
EVENTS = 6000
CONFIG = """
epoch: {interval: 50ms, ticks: false}
state: {users_max: 5000}
triggers:
  cart_abandoned: {idle: 30m}
  browse_abandoned: {idle: 30m}
  observe: {share: 0.1}
outcomes: {trigger_window: 6h}
decide:
  consent_unknown_is_granted: true
  quiet_hours: ""
  cap_per_user_day: 4
  cap_per_user_week: 8
  offers:
    - {id: reminder, kind: reminder, title: "Still there, {user_id}", body: "{items} {cart_value} {currency}"}
    - {id: ship, kind: free_shipping, cost: 4.9, minimum_basket: 20, title: "{item}", body: "{item_count}"}
  rules:
    - {trigger: cart_abandoned, offer: ship, basket_min: 40}
    - {trigger: cart_abandoned, offer: reminder}
    - {trigger: checkout_abandoned, offer: reminder}
    - {trigger: browse_abandoned, offer: reminder}
ops: {http_listen: ""}
"""
ORDERED = ["promotion-decisions", "promotion-pushes", "dead-letters"]
BY_KEY = ["user-state", "open-decisions"]

KINDS = {"product_viewed": "view", "product_list_viewed": "list", "products_searched": "search", "product_added": "add",
         "product_removed": "remove", "cart_viewed": "cart", "checkout_started": "checkout", "order_completed": "order",
         "order_cancelled": "cancel", "order_refunded": "refund", "coupon_applied": "coupon", "user_identified": "login"}
ACTIONS = {"view": "VIEW_ITEM", "list": "VIEW_LIST", "search": "SEARCH", "add": "ADD", "remove": "REMOVE", "cart": "VIEW_CART",
           "checkout": "CHECKOUT", "order": "ORDER", "cancel": "CANCEL", "refund": "REFUND", "coupon": "COUPON",
           "login": "LOGIN"}
RECORDS = {"view": "ItemViewed", "list": "ListViewed", "search": "Searched", "add": "ItemAdded", "remove": "ItemRemoved",
           "cart": "CartViewed", "checkout": "CheckoutStarted", "order": "OrderPlaced", "cancel": "OrderCancelled",
           "refund": "OrderRefunded", "coupon": "CouponApplied", "login": "LoggedIn"}
TRUTH = {"granted": True, "denied": False, "unknown": None}


def kind_of(event):
    return KINDS.get(event["type"])


# ---- the same event in other words: dicts as fastavro takes them ----

def as_nested(event):
    import decimal

    def money(value):
        return None if value is None else decimal.Decimal(repr(value))

    link = {"customer": event["canonical_id"], "guest": event["guest_id"]}
    attributes = {"coupon.code": event["coupon"], "currency": event["currency"], "query": event["query"], "noise": "n"}
    entries = [{"tags": {"shelf": 3, "row": -7}, "sku": line["item_id"], "money": money(line["price"]),
                "facts": {"brand": line["brand"], "group": line["category"]}, "count": line["quantity"]}
               for line in event["lines"]]
    return {"meta": {"trace": bytes(range(16)), "id": event["event_id"], "occurred": event["event_ms"] * 1000,
                     "session": {"hops": [1, -2, 300000], "id": event["session_id"]} if event["session_id"] else None},
            "actor": {"customer": event["user_id"], "link": link if any(link.values()) else None,
                      "may_write": TRUTH[event["consent"]],
                      "home": {"zone": event["timezone"], "language": event["locale"], "country": event["place"]},
                      "device": {"screen": [1.5, 2.0], "kind": event["device"], "agent": event["user_agent"]}},
            "action": ACTIONS.get(kind_of(event), "NOTHING"),
            "attributes": {key: value for key, value in attributes.items() if value is not None},
            "basket": {"entries": entries} if entries else None,
            "order": {"number": event["order_id"], "value": money(event["total"])}
            if event["order_id"] or event["total"] is not None else None}


def as_unions(event):
    def product(line):
        price = line["price"]
        return {"id": line["item_id"], "group": line["category"], "maker": line["brand"],
                "price": price if price is None or price != int(price) else int(price), "pieces": line["quantity"]}

    name = RECORDS.get(kind_of(event), "Other")
    body = {"item": None, "basket": None, "query": event["query"], "coupon": event["coupon"],
            "order": {"number": event["order_id"], "value": event["total"]},
            "link": {"customer": event["canonical_id"], "guest": event["guest_id"]}}
    if name in ("ItemViewed", "ItemAdded", "ItemRemoved"):
        assert len(event["lines"]) <= 1
        body["item"] = product(event["lines"][0]) if event["lines"] else None
    else:
        body["basket"] = [None, *map(product, event["lines"])] if event["lines"] else None
    context = {"session": event["session_id"], "zone": event["timezone"], "language": event["locale"],
               "country": event["place"], "device": event["device"], "agent": event["user_agent"],
               "currency": event["currency"], "consent": {"granted": "YES", "denied": "NO", "unknown": None}[event["consent"]]}
    return {"id": event["event_id"], "payload": ("shop.bus." + name, body), "at": event["event_ms"], "who": event["user_id"],
            "context": context}


def properties(event):
    names = {"session": "session_id", "customer": "canonical_id", "guest": "guest_id", "zone": "timezone",
             "language": "locale", "country": "place", "device": "device", "agent": "user_agent", "currency": "currency",
             "coupon": "coupon", "query": "query", "order": "order_id", "total": "total", "consent": "consent"}
    found = [{"key": "padding", "value": None}]
    found += [{"key": key, "value": event[name]} for key, name in names.items() if event[name] is not None]
    return sorted(found, key=lambda pair: zlib.crc32(pair["key"].encode()))


def as_order_lines(event):
    lines = [{"position": number, "product_id": line["item_id"], "product_group": line["category"], "maker": line["brand"],
              "unit_price": line["price"], "qty": line["quantity"], "gift": number % 2 == 0}
             for number, line in enumerate(event["lines"])]
    return {"kind": kind_of(event) or "other", "ts": event["event_ms"], "visitor": event["user_id"],
            "visitor_id": event["user_id"], "event_id": event["event_id"], "props": properties(event), "lines": lines,
            "source": {"app": "web", "builds": {"a": 1, "b": 2}} if event["event_ms"] % 2 else None}


def as_json(event):
    def product(line):
        found = {"sku": line["item_id"], "group": line["category"], "brand": line["brand"], "pieces": str(line["quantity"])}
        if line["price"] is not None:
            found["cents"] = round(line["price"] * 100)
        return found

    order = {"number": event["order_id"], "value": event["total"]}
    message = {"event": {"name": {"view": "view_item", "list": "view_list"}.get(kind_of(event), kind_of(event) or "?"),
                         "time": event["event_ms"], "id": event["event_id"]},
               "user": {"id": event["user_id"] if event["event_ms"] % 2 else None, "cookie": event["user_id"],
                        "session": event["session_id"], "known_as": event["canonical_id"], "was": event["guest_id"],
                        "marketing": TRUTH[event["consent"]], "zone": event["timezone"], "language": event["locale"],
                        "country": event["place"]},
               "client": {"device.kind": event["device"], "agent": event["user_agent"]}, "currency": event["currency"],
               "codes": [event["coupon"]] if event["coupon"] else [], "query": event["query"], "order": order}
    if len(event["lines"]) == 1:
        message["item"] = product(event["lines"][0])
    elif event["lines"]:
        order["lines"] = list(map(product, event["lines"]))
    return json.dumps(message).encode()


# ---- sending ----

def parsed(name):
    import fastavro

    return fastavro.parse_schema(json.loads((DATA / f"{name}.avsc").read_text()))


def avro(schema, value, head=b""):
    import fastavro

    out = io.BytesIO(head)
    out.seek(0, 2)
    fastavro.schemaless_writer(out, schema, value)
    return out.getvalue()


class Sender:
    def __init__(self, address, topic):
        from confluent_kafka import Producer
        import workers

        workers.create(address, topic, "delete", PARTITIONS)
        # Idempotent: a batch that is refused while the new topic's leader settles must not come after the next one.
        self.topic = topic
        self.producer = Producer({"bootstrap.servers": address, "linger.ms": 5, "enable.idempotence": True})

    def send(self, record, value):
        self.producer.produce(self.topic, value, record.key, partition=record.partition, timestamp=record.timestamp)
        self.producer.poll(0)

    def flush(self):
        assert self.producer.flush(60) == 0


def simulated(address, topic):
    """A few days of a shop, on its topic in our own words; every record with its event as a dict."""
    from confluent_kafka import Consumer, TopicPartition, OFFSET_BEGINNING

    Record = collections.namedtuple("Record", "partition offset timestamp key value event")
    shop.run(shop.binaries()[1], "simulate", "--world", "dirty", "--seed", 5, "--users", 1500, "--days", 20, "--count", EVENTS,
             "--brokers", address, "--topic", topic, "--partitions", PARTITIONS)
    consumer = Consumer({"bootstrap.servers": address, "group.id": "strangers", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in range(PARTITIONS)])
    ends = [consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)[1] for number in range(PARTITIONS)]
    records = []
    while len(records) < sum(ends):
        for message in consumer.consume(1000, timeout=1):
            assert not message.error(), message.error()
            event = shop.decode("event", message.value())
            event["event_ms"] = round(event["event_ms"].timestamp() * 1000)  # fastavro makes it a datetime
            records.append(Record(message.partition(), message.offset(), message.timestamp()[1], message.key(),
                                  message.value(), event))
    consumer.close()
    return sorted(records, key=lambda record: (record.timestamp, record.partition, record.offset))


# ---- running and comparing ----

class Job:
    def __init__(self, folder, address, name, sections):
        self.address, self.prefix = address, f"{name}-{int(time.time())}-"
        self.topic = self.prefix + "clicks"
        self.folder, self.log = folder, folder / f"{name}.log"
        text = CONFIG + sections
        self.config = shop.write_config(folder / f"{name}.yaml", text, address, prefix=self.prefix, clickstream=self.topic,
                                        partitions=PARTITIONS)
        self.command = [shop.binaries()[0], "run", "--config", self.config, "--group", self.prefix + "g", "--worker-name",
                        self.prefix + "w", "--roles", "workers"]

    def to_the_end(self):
        done = shop.run(*self.command, "--until-end")
        self.log.write_text(done.stdout + done.stderr)

    def outputs(self):
        found = {}
        for name in ORDERED + BY_KEY + ["examples"]:
            rows = shop.read_topic(self.address, self.prefix + name)
            if name in ORDERED:
                found[name] = [(row.partition, row.key, row.value) for row in rows]
            elif name in BY_KEY:
                found[name] = {row.key: row.value for row in rows}
            else:
                found[name] = sorted((row.key, row.value) for row in rows)
        return found


def compare(name, expected, found, log):
    if found["dead-letters"]:
        letter = shop.decode("dead_letter", found["dead-letters"][0][2])
        print(f"{name}: {len(found['dead-letters'])} dead letters, the first: {letter['reason']}")
    bad = [topic for topic in expected if expected[topic] != found[topic]]
    for topic in bad:
        print(f"{name}: {topic} differs: {len(expected[topic])} rows expected, {len(found[topic])} found")
        if topic == "promotion-decisions":
            for one, other in zip(expected[topic], found[topic]):
                if one != other:
                    print(" ", shop.decode("decision", one[2]), "\n ", shop.decode("decision", other[2]))
                    break
    if bad:
        print(log.read_text()[-2000:])
        raise SystemExit(1)
    print(f"{name}: {len(found['promotion-decisions'])} decisions, {len(found['promotion-pushes'])} pushes, "
          f"{len(found['user-state'])} users, {len(found['examples'])} examples, the same byte for byte", flush=True)


def sections(decode, mapping, more=""):
    return f"decode: {decode}\n{(DATA / (mapping + '.yaml')).read_text()}{more}"


def run_static(folder, address, records, expected, name, text, encode):
    job = Job(folder, address, name, text)
    sender = Sender(address, job.topic)
    for record in records:
        sender.send(record, encode(record.event))
    sender.flush()
    job.to_the_end()
    compare(name, expected, job.outputs(), job.log)


def strangers(folder, address, records, expected):
    import fastavro

    nested = parsed("nested")
    run_static(folder, address, records, expected, "nested",
               sections(f"{{framing: bare, schema: {DATA / 'nested.avsc'}}}", "nested"),
               lambda event: avro(nested, as_nested(event)))
    text = json.loads((DATA / "unions.avsc").read_text())
    unions, print64 = parsed("unions"), fastavro.schema.fingerprint(fastavro.schema.to_parsing_canonical_form(text),
                                                                  "CRC-64-AVRO")
    head = b"\xc3\x01" + bytes.fromhex(print64)
    run_static(folder, address, records, expected, "unions",
               sections("{framing: single_object}", "unions", f"registry: {{folder: {DATA}}}\n"),
               lambda event: avro(unions, as_unions(event), head))
    run_static(folder, address, records, expected, "json", sections("{format: json, framing: bare}", "json"), as_json)


# ---- the registry, live ----

class Proxy:
    """In front of the registry, so that it can be away for a while."""

    def __init__(self, url):
        proxy = self
        self.url, self.is_down, self.refused = url.rstrip("/"), False, 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(None)

            def do_POST(self):
                self.answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

            def answer(self, body):
                if proxy.is_down:
                    proxy.refused += 1
                    return self.send_error(503)
                request = urllib.request.Request(proxy.url + self.path, body)
                for name in ("Content-Type", "Accept"):
                    if self.headers.get(name):
                        request.add_header(name, self.headers[name])
                try:
                    with urllib.request.urlopen(request, timeout=10) as answer:
                        status, text = answer.status, answer.read()
                except urllib.error.HTTPError as error:
                    status, text = error.code, error.read()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"


def committed(address, job):
    """Where the job stands in its clickstream, over all partitions."""
    from confluent_kafka import Consumer, TopicPartition

    client = Consumer({"bootstrap.servers": address, "group.id": job.prefix + "g"})
    places = client.committed([TopicPartition(job.topic, number) for number in range(PARTITIONS)], timeout=10)
    client.close()
    return sum(max(place.offset, 0) for place in places)


def evolution(folder, address, registry, records, expected):
    from confluent_kafka.schema_registry import SchemaRegistryClient
    from confluent_kafka.schema_registry.avro import AvroSerializer
    from confluent_kafka.serialization import MessageField, SerializationContext

    proxy = Proxy(registry)
    job = Job(folder, address, "order-lines",
              sections("{framing: confluent}", "order_lines",
                       f"registry: {{url: {proxy.address}, retry_max: 1s, register_outputs: true}}\n"))
    sender, client = Sender(address, job.topic), SchemaRegistryClient({"url": registry})
    context = SerializationContext(job.topic, MessageField.VALUE)
    process = shop.spawn(job.command, job.log)
    # Each version takes over in mid stream; in the last sixth every second message still has the first one.
    third, serializers = len(records) // 3, {}
    sent = 0
    for version in (1, 2, 3):
        text = (DATA / f"order_lines_{version}.avsc").read_text()
        serializers[version] = AvroSerializer(client, text, lambda event, _: as_order_lines(event))
        part = records[sent:sent + third] if version < 3 else records[sent:]
        if version == 3:
            proxy.is_down = True
        for number, record in enumerate(part, sent):
            used = 1 if number >= len(records) - third // 2 and number % 2 else version
            sender.send(record, serializers[used](record.event, context))
        sender.flush()
        sent += len(part)
        if version == 3:
            before = committed(address, job)
            shop.wait_for("the job asks the registry that is away", lambda: proxy.refused > 3)
            held = committed(address, job)
            proxy.is_down = False
            print(f"order-lines: registry away: {proxy.refused} requests refused, {len(records) - held} records held",
                  flush=True)
            if held >= len(records) or held < before:
                raise SystemExit("the job went on without knowing the schema")
        shop.wait_for(f"version {version} is processed", lambda: committed(address, job) >= sent)
    code = shop.terminate(process)
    if code != 0:
        raise SystemExit(f"the job ended with {code}; see {job.log}")
    compare_live(address, registry, job, expected)


def compare_live(address, registry, job, expected):
    """States and examples byte for byte; decisions and pushes as a foreign consumer reads them."""
    from confluent_kafka.schema_registry import SchemaRegistryClient
    from confluent_kafka.schema_registry.avro import AvroDeserializer
    from confluent_kafka.serialization import MessageField, SerializationContext

    deserialize = AvroDeserializer(SchemaRegistryClient({"url": registry}))
    found = job.outputs()
    for topic, schema in (("promotion-decisions", "decision"), ("promotion-pushes", "push")):
        context = SerializationContext(job.prefix + topic, MessageField.VALUE)
        ours = [shop.decode(schema, row[2]) for row in expected[topic]]
        theirs = [deserialize(row[2], context) for row in found[topic]]
        if repr(ours) != repr(theirs):
            raise SystemExit(f"order-lines: {topic}: {len(ours)} rows expected, {len(theirs)} read by AvroDeserializer, "
                             "not the same")
        found[topic] = expected[topic]
    compare("order-lines, live, three versions", expected, found, job.log)


def main():
    sys.path.insert(0, str(shop.ROOT / "tests" / "chaos"))
    address = shop.kafka_address()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="promostream-strangers-"))
    own = Job(folder, address, "own", "")
    records = simulated(address, own.topic)
    own.to_the_end()
    expected = own.outputs()
    if len(expected["promotion-pushes"]) < 50 or len(expected["examples"]) < 50:
        raise SystemExit(f"too little happened to prove anything: {len(expected['promotion-pushes'])} pushes")
    compare("own", expected, expected, own.log)
    strangers(folder, address, records, expected)
    registry = os.environ.get("PROMOSTREAM_REGISTRY")
    if registry:
        evolution(folder, address, registry, records, expected)
    else:
        print("skipped: the registry's part, for PROMOSTREAM_REGISTRY is not set")
    print("all shapes are understood")


if __name__ == "__main__":
    main()
