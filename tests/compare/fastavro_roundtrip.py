#!/usr/bin/env python3
"""Our schemas and rows by another implementation, fastavro (PyPI).

- Every schemas/*.avsc parses; its CRC-64-AVRO fingerprint is the one that tests/unit/test_schemas.c holds.
- Every row of tests/golden/rows.txt, which the unit tests compare with what our encoders write, is read,
  says what the unit tests put in, and is written again to the same bytes.
- A reader with a newer schema (one more field with a default at the end) reads them too.

Further arguments are Avro container files, for example of `clickfeed simulate`: all their records are read.
With --fingerprints it prints the table for test_schemas.c and ends.
"""
import copy
import datetime
import io
import json
import pathlib
import re
import sys

import fastavro
from fastavro.schema import fingerprint, to_parsing_canonical_form

ROOT = pathlib.Path(__file__).resolve().parents[2]
UTC = datetime.timezone.utc
TIME = datetime.datetime(2023, 11, 14, 22, 13, 20, 1000, tzinfo=UTC)  # 1700000000001 ms
ID = "0123456789abcdeffedcba9876543210"
ACTIONS = [{"action": "none", "p": 0.25, "value": None}, {"action": "ten", "p": 0.75, "value": -1.5}]
SCORES = [{"learner": "logistic", "version_offset": 8192, "p": [0.125, 0.25]}]

# Some fields of each row, one of every kind of value at least.
STEPS = [{"item": -2, "kind": 3, "gap_s": None}, {"item": 5, "kind": 1, "gap_s": 60.0}]
EXPECTED = {
    "catalogue_item": {"item_id": "i1", "price": 19.5, "margin": 0.25, "stock": 0},
    "control": {"setting": "paused", "value": "true", "changed_ms": TIME},
    "dead_letter": {"topic": "clickstream", "offset": 8, "timestamp_ms": TIME, "key": b"u1", "value": b"\x01 v",
                    "cut": True, "headers": [{"key": b"trace", "value": b"\x01\xff"}, {"key": b"trace", "value": None},
                                             {"key": b"\xff", "value": b""}]},
    "decision": {"decision_id": ID, "trigger": "browse_abandoned", "deadline_ms": TIME, "anchor": -3, "sent": True,
                 "actions": ACTIONS, "policy": "value",
                 "scores": SCORES + [{"learner": "other", "version_offset": 0, "p": []}], "steps": STEPS,
                 "numbers": [1.5, None, -2.0], "names": ["shoes", None], "gates": ["consent", "quiet_hours"]},
    "event": {"type": "product_added", "event_ms": TIME, "user_id": "u1", "total": 12.5, "consent": "denied",
              "lines": [{"item_id": "i1", "category": "shoes", "brand": "acme", "price": 19.5, "quantity": 2},
                        {"item_id": "i2", "category": None, "brand": None, "price": None, "quantity": 1}]},
    "example": {"decision_id": ID, "revision": 2, "origin": "browse_abandoned", "decided_ms": TIME, "label": "cancelled",
                "numbers": [1.5, None, -2.0], "names": ["shoes", None], "actions": ACTIONS, "scores": SCORES,
                "is_retraction": True, "net_margin": -0.5, "weight": 20.0, "is_censored_by_push": True,
                "steps": STEPS},
    "journal": {"partition": 7, "clickstream_from_offset": 9, "feedback_to_offset": 12, "fired_at_end": True,
                "watermark_after_ms": 2**63 - 1, "sides": [{"topic": "catalogue", "next_offset": 13},
                                                           {"topic": "profiles", "next_offset": 14}],
                "models": [{"learner": "logistic", "version_offset": 8192}, {"learner": "other", "version_offset": 0}]},
    "model_row": {"learner": "logistic", "row": "w/17", "kind": "weights", "values": b"\x01 v", "version_offset": 8192},
    "open_decision": {"decision_id": ID, "deadline_ms": TIME, "flags": 17, "offer_id": "12345678901234567890123",
                      "actions": ACTIONS, "scores": SCORES, "margin": 0.375, "weight": 20.0, "steps": STEPS},
    "partition_state": {"partition": 7, "feedback_next_offset": 10, "event_ms_max": TIME,
                        "hours": [{"hour": 472222, "used": 3}, {"hour": 472223, "used": 4}]},
    "profile": {"user_id": "u1", "timezone": "Europe/Berlin", "consent": "denied"},
    "push": {"kind": "push_revoked", "push_id": "p1", "decision_id": ID, "not_before": TIME, "title": "Your sh\u00f6es",
             "coupon_code": "TEN"},
    "user_state": {"user_id": "u1", "subject_key_id": None, "order_value": 7.5, "dedup": b"aaaaaadcbafe",
                   "zone": "America/Argentina/Buenos_Aires", "is_bot_suspect": True},
}


def little_endian(schema):
    """The fingerprint as it stands in a message: fastavro gives the hex digits of its little-endian bytes."""
    return fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO")


def number(digits):
    return int.from_bytes(bytes.fromhex(digits), "little")


def load_schemas():
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(ROOT.glob("schemas/*.avsc"))}


def parse(schema):
    return fastavro.parse_schema(copy.deepcopy(schema))


def check_fingerprints(schemas):
    source = (ROOT / "tests/unit/test_schemas.c").read_text(encoding="utf-8")
    golden = dict(re.findall(r'"(\w+)", UINT64_C\(0x([0-9a-f]{16})\)', source))
    ours = {name: f"{number(little_endian(schema)):016x}" for name, schema in schemas.items()}
    assert golden == ours, f"golden fingerprints {golden}, fastavro's {ours}"


def check_docs(schema, where):
    """Every field says what it is; every union with null has the default null, so that it may be left out."""
    if isinstance(schema, list):
        for branch in schema:
            check_docs(branch, where)
    elif isinstance(schema, dict):
        for field in schema.get("fields", []):
            place = f"{where}.{field['name']}"
            assert field.get("doc"), f"{place}: no doc"
            if isinstance(field["type"], list):
                assert field["type"][0] == "null" and field["default"] is None, f"{place}: not nullable by default"
            check_docs(field["type"], place)
        for key in ("type", "items", "values"):
            if isinstance(schema.get(key), (dict, list)):
                check_docs(schema[key], where)


def read(schema, body, reader_schema=None):
    stream = io.BytesIO(body)
    row = fastavro.schemaless_reader(stream, parse(schema), reader_schema and parse(reader_schema))
    assert stream.read() == b"", "bytes are left"
    return row


def check_row(name, schema, body):
    row = read(schema, body)
    for field, expected in EXPECTED[name].items():
        assert row[field] == expected, f"{name}.{field}: {row[field]!r}, expected {expected!r}"
    out = io.BytesIO()
    fastavro.schemaless_writer(out, parse(schema), row)
    assert out.getvalue() == body, f"{name}: written again it differs"
    newer = copy.deepcopy(schema)
    newer["fields"].append({"name": "added_later", "type": ["null", "string"], "default": None})
    assert read(schema, body, newer) == {**row, "added_later": None}, f"{name}: a newer reader differs"


def check_rows(schemas):
    lines = (ROOT / "tests/golden/rows.txt").read_text(encoding="ascii").splitlines()
    names = [line.split()[0] for line in lines]
    assert sorted(names) == sorted(EXPECTED), f"tests/golden/rows.txt holds {names}"
    for line in lines:
        name, digits = line.split()
        check_row(name, schemas[name], bytes.fromhex(digits))
    return len(lines)


def check_container(path):
    with open(path, "rb") as file:
        reader = fastavro.reader(file)
        name = reader.writer_schema["name"].rsplit(".", 1)[-1]
        ours = json.loads((ROOT / f"schemas/{name}.avsc").read_text(encoding="utf-8"))
        assert little_endian(reader.writer_schema) == little_endian(ours), f"{path}: not our {name}.avsc"
        count = sum(1 for _ in reader)
    print(f"{path}: {count} records of {name}")


def main():
    schemas = load_schemas()
    if sys.argv[1:] == ["--fingerprints"]:
        for name, schema in schemas.items():
            print(f'    {{SCHEMA_{name.upper()}, "{name}", UINT64_C(0x{number(little_endian(schema)):016x})}},')
        return
    for name, schema in schemas.items():
        parse(schema)
        check_docs(schema, name)
    check_fingerprints(schemas)
    rows = check_rows(schemas)
    for path in sys.argv[1:]:
        check_container(path)
    print(f"{len(schemas)} schemas, {rows} rows: fastavro {fastavro.__version__} agrees")


if __name__ == "__main__":
    main()
