#!/usr/bin/env python3
"""Makes tests/fuzz/corpus anew: one small input of each kind, written by fastavro and from our own golden rows.

    PROMOSTREAM_PYTHON tests/fuzz/make_corpus.py
"""

import io
import json
import pathlib
import shutil
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("support", "kafka", "chaos")]
import fastavro  # noqa: E402
import strangers  # noqa: E402

CORPUS = ROOT / "tests" / "fuzz" / "corpus"
ROWS = ["user_state", "decision", "push", "open_decision", "example", "model_row", "partition_state", "journal", "dead_letter",
        "control", "catalogue_item", "profile"]  # in the order of fuzz_rows.c
LINE = {"item_id": "i1", "category": "c", "brand": "b", "price": 9.5, "quantity": 2}


def event(kind, lines):
    is_order = kind == "order_completed"
    return {"type": kind, "event_ms": 1700000000000, "user_id": "u1", "event_id": "e1", "subject_key_id": None,
            "canonical_id": "c", "guest_id": None, "session_id": "s", "order_id": "o1" if is_order else None, "coupon": "X",
            "currency": "EUR", "timezone": "Europe/Berlin", "locale": "de", "place": "DE", "device": "d",
            "user_agent": "Mozilla", "decision_id": None, "query": "q", "total": 12.5 if is_order else None,
            "consent": "granted", "lines": lines}


EVENTS = [event("product_viewed", [LINE]), event("order_completed", [LINE] * 3), event("products_searched", []),
          event("user_identified", [])]


def body(schema, value):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, value)
    return out.getvalue()


def put(target, name, content):
    (CORPUS / target).mkdir(parents=True, exist_ok=True)
    (CORPUS / target / name).write_bytes(content)


def main():
    shutil.rmtree(CORPUS, ignore_errors=True)
    for line in (ROOT / "tests/golden/rows.txt").read_text().splitlines():
        name, digits = line.split()
        if name in ROWS:
            put("rows", name, bytes([ROWS.index(name)]) + bytes.fromhex(digits))
    own = fastavro.parse_schema(json.loads((ROOT / "schemas/event.avsc").read_text()))
    for number, value in enumerate(EVENTS):
        put("event", str(number), body(own, value))
        put("json", str(number), strangers.as_json(value))
    shapes = [("nested", strangers.as_nested), ("unions", strangers.as_unions), ("order_lines_3", strangers.as_order_lines)]
    for place, (name, encode) in enumerate(shapes):
        schema = json.dumps(json.loads((strangers.DATA / f"{name}.avsc").read_text()), separators=(",", ":")).encode()
        for number, value in enumerate(EVENTS):
            message = body(strangers.parsed(name), encode(value))
            put("message", f"{name}-{number}", bytes([place]) + message)
        put("plan", name, struct.pack("<HB", len(schema), place) + schema + message)
    put("config", "pipeline", (ROOT / "pipeline.yaml").read_bytes())
    for name in ("nested", "unions", "order_lines", "json"):
        put("config", name, (strangers.DATA / f"{name}.yaml").read_bytes())


main()
