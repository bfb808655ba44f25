#!/usr/bin/env python3
"""mapping suggest and validate on a real Kafka: a topic of JSON and one of Avro behind a schema registry, both written by a
foreign client. What suggest drafts from the topic is put into pipeline.yaml as it stands, and validate must then read
every record of the sample."""

import http.server
import io
import json
import pathlib
import sys
import tempfile
import threading
import time

import confluent_kafka
import confluent_kafka.admin
import fastavro

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import shop  # noqa: E402

MESSAGES = 200
SCHEMA_ID = 7
JSON_DECODE = "decode: {format: json, framing: bare}\n"
# An order with its lines, flat events beside it: what a stranger could have.
SCHEMA = {"type": "record", "name": "ShopEvent", "fields": [
    {"name": "eventName", "type": "string"},
    {"name": "eventTime", "type": {"type": "long", "logicalType": "timestamp-micros"}},
    {"name": "customerId", "type": "string"},
    {"name": "order", "type": ["null", {"type": "record", "name": "Order", "fields": [
        {"name": "id", "type": "string"}, {"name": "total", "type": "double"}, {"name": "currencyCode", "type": "string"},
        {"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [
            {"name": "sku", "type": "string"}, {"name": "unitPriceCents", "type": "int"},
            {"name": "qty", "type": "int"}]}}}]}]}]}


def expect(is_true, what, *details):
    print(("ok    " if is_true else "FAILED ") + what, *(details if not is_true else ()), flush=True)
    if not is_true:
        sys.exit(1)


def produce(address, topic, records):
    admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": address})
    admin.create_topics([confluent_kafka.admin.NewTopic(topic, 2, 1)])[topic].result()
    producer = confluent_kafka.Producer({"bootstrap.servers": address, "enable.idempotence": True})
    for key, value in records:
        producer.produce(topic, key=key, value=value)
    producer.flush()


def suggest_and_validate(folder, address, prefix, sections):
    """The draft, and what validate makes of it."""
    topics = {"prefix": prefix, "partitions": 2, "replication_factor": 1}
    config = shop.write_config(folder / (prefix + "first.yaml"), sections, address, **topics)
    if "decode: {format: json" in sections:  # a start needs the mapping beside it, a draft must not
        config = shop.write_config(folder / (prefix + "first.yaml"), "", address, **topics)
    draft = shop.run(shop.binaries()[0], "mapping", "suggest", "--config", config, "--against-broker").stdout
    config = shop.write_config(folder / (prefix + "second.yaml"), sections + draft, address, **topics)
    done = shop.run(shop.binaries()[0], "validate", "--config", config, "--against-broker", "--json", check=False)
    expect(done.returncode == 0, "the draft is valid", draft, done.stdout, done.stderr)
    return draft, json.loads(done.stdout)["sample"]


def missing(sample, field):
    return next((row["missing"] for row in sample["coverage"]["fields"] if row["field"] == field), None)


def check_json(folder, address, prefix):
    lines = (shop.ROOT / "schemas" / "presets" / "segment.jsonl").read_text().splitlines()
    records = []
    for i in range(MESSAGES):
        message = json.loads(lines[i % len(lines)])
        message["messageId"] = f"m{i}"
        records.append((message["userId"] or message["anonymousId"], json.dumps(message)))
    produce(address, prefix + "clickstream", records)
    draft, sample = suggest_and_validate(folder, address, prefix, JSON_DECODE)
    expect("preset: segment" in draft, "Segment is recognised on the topic", draft)
    expect(sample["verdicts"]["ok"] == MESSAGES, "every message is an event", sample)
    expect(sample["key_mismatch"] == 0, "keys are the users", sample)
    expect(missing(sample, "user_id") == 0 and missing(sample, "lines.item_id") == 0, "users and items are found", sample)


class Registry(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        is_known = self.path == f"/schemas/ids/{SCHEMA_ID}"
        body = json.dumps({"schema": json.dumps(SCHEMA)} if is_known else {"error_code": 40403, "message": "not found"})
        self.send_response(200 if is_known else 404)
        self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


def check_avro(folder, address, prefix):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    schema = fastavro.parse_schema(SCHEMA)
    records = []
    for i in range(MESSAGES):
        name = ("product_viewed", "order_placed", "gdpr_banner_closed")[i % 3]
        lines = [{"sku": f"s{i % 9}", "unitPriceCents": 1250 + i, "qty": 1 + i % 3}]
        order = {"id": f"o{i}", "total": 12.5 + i, "currencyCode": "EUR", "lines": lines} if name == "order_placed" else None
        out = io.BytesIO(b"\0" + SCHEMA_ID.to_bytes(4, "big"))
        out.seek(5)
        fastavro.schemaless_writer(out, schema, {"eventName": name, "eventTime": 1793520000000000 + i * 1000000,
                                                 "customerId": f"c{i % 20}", "order": order})
        records.append((f"c{i % 20}", out.getvalue()))
    produce(address, prefix + "clickstream", records)
    sections = f"decode: {{framing: confluent}}\nregistry: {{url: 'http://127.0.0.1:{server.server_port}'}}\n"
    draft, sample = suggest_and_validate(folder, address, prefix, sections)
    for line in ("path: eventName", '"order_placed": order_completed', '# "gdpr_banner_closed": ?', "{path: eventTime}",
                 "{path: customerId}", 'path: "order.lines[]"', "{path: unitPriceCents, unit: cents}"):
        expect(line in draft, f"the draft says {line}", draft)
    expect(sample["verdicts"]["ok"] == MESSAGES and sample["key_mismatch"] == 0, "every message is an event", sample)
    expect(abs(missing(sample, "order_id") - 2 / 3) < 0.02, "two in three events have no order", sample)
    expect(missing(sample, "lines.price") == 0, "every line has a price", sample)
    server.shutdown()
    schemas = folder / "schemas"  # the same topic, and no registry but a folder
    schemas.mkdir()
    (schemas / f"{SCHEMA_ID}.avsc").write_text(json.dumps(SCHEMA))
    sections = f"decode: {{framing: confluent}}\nregistry: {{folder: '{schemas}'}}\n"
    again, sample = suggest_and_validate(folder, address, prefix, sections)
    expect(again == draft and sample["verdicts"]["ok"] == MESSAGES, "a folder of schemas does as well", again)


def main():
    address = shop.kafka_address()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="promostream-suggest-"))
    stamp = int(time.time())
    check_json(folder, address, f"suggest-json-{stamp}-")
    check_avro(folder, address, f"suggest-avro-{stamp}-")


main()
