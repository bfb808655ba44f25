#!/usr/bin/env python3
"""Makes tests/fuzz/corpus anew: small inputs of each kind, written by fastavro and from our own golden rows. What begins with
regression- was found by fuzzing, and stays.

    PROMOSTREAM_BUILD=build/ci PROMOSTREAM_PYTHON tests/fuzz/make_corpus.py
"""

import gzip
import io
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

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


def piece(content):
    return struct.pack("<H", len(content)) + content


def compact(path):
    return json.dumps(json.loads(path.read_text()), separators=(",", ":")).encode()


def put_rows():
    for name, content in golden().items():
        if name in ROWS:
            put("rows", name, bytes([ROWS.index(name)]) + content)


def put_messages(own):
    for number, value in enumerate(EVENTS):
        put("event", str(number), body(own, value))
        put("json", str(number), strangers.as_json(value))
    for place, (name, encode) in enumerate(SHAPES):
        schema = compact(strangers.DATA / f"{name}.avsc")
        for number, value in enumerate(EVENTS):
            message = body(strangers.parsed(name), encode(value))
            put("message", f"{name}-{number}", bytes([place]) + message)
        put("plan", name, struct.pack("<HB", len(schema), place) + schema + message)
        put("schema", name, piece(schema) + message)
    put("schema", "event", piece(compact(ROOT / "schemas/event.avsc")) + body(own, EVENTS[1]))
    put("schema", "user_state", piece(compact(ROOT / "schemas/user_state.avsc")))


def put_config():
    put("config", "pipeline", (ROOT / "pipeline.yaml").read_bytes())
    for name in ("nested", "unions", "order_lines", "json"):
        put("config", name, (strangers.DATA / f"{name}.yaml").read_bytes())
    for name, encode in [("nested", strangers.as_nested), ("unions", strangers.as_unions)]:
        message = body(strangers.parsed(name), encode(EVENTS[1]))
        put("mapping", name, piece((strangers.DATA / f"{name}.yaml").read_bytes()) + message)
    put("mapping", "order_lines", piece((strangers.DATA / "order_lines.yaml").read_bytes()) +
        body(strangers.parsed("order_lines_3"), strangers.as_order_lines(EVENTS[1])))
    put("mapping", "json", piece((strangers.DATA / "json.yaml").read_bytes()) + strangers.as_json(EVENTS[1]))


def put_decode(own):
    """A mode of fuzz_decode.c, then records: flags, length, bytes."""
    def records(mode, values, flags=(2, 0, 0)):
        return bytes([mode]) + b"".join(bytes([flags[n % len(flags)]]) + piece(value) for n, value in enumerate(values))

    form = fastavro.schema.to_parsing_canonical_form(own)
    single = b"\xc3\x01" + bytes.fromhex(fastavro.schema.fingerprint(form, "CRC-64-AVRO"))
    bodies = [body(own, value) for value in EVENTS]
    unions = [body(strangers.parsed("unions"), strangers.as_unions(value)) for value in EVENTS]
    nested = [body(strangers.parsed("nested"), strangers.as_nested(value)) for value in EVENTS]
    put("decode", "single_object", records(0, [single + value for value in bodies] + [b"", b"\xc3\x01"]))
    put("decode", "feedback", records(0, [single + value for value in bodies], flags=(3, 1)))
    put("decode", "confluent", records(1, [b"\0\0\0\0\7" + value for value in bodies]))
    put("decode", "confluent_id", records(2, [b"\0\0\0\0" + bytes([n]) + bodies[0] for n in (7, 8)]))
    put("decode", "bare", records(3, bodies))
    put("decode", "unions", records(4, [struct.pack(">BI", 0, n) + value for n, value in enumerate(unions)]))
    put("decode", "nested", records(5, nested))
    put("decode", "json", records(7, [strangers.as_json(value) for value in EVENTS]))
    put("decode", "json_confluent", records(8, [b"\0\0\0\0\1" + strangers.as_json(value) for value in EVENTS]))
    put("decode", "own_by_plan", records(9, [struct.pack(">BI", 0, n) + value for n, value in enumerate(bodies)]))
    put("decode", "many_ids", records(4, [struct.pack(">BI", 0, n) for n in range(300)], flags=(2,) + (0,) * 15))


def put_zones():
    for name in ("Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", "Africa/Casablanca", "UTC"):
        put("tzif", name.replace("/", "_"), pathlib.Path("/usr/share/zoneinfo", name).read_bytes())
    for number, rule in enumerate(["CET-1CEST,M3.5.0,M10.5.0/3", "<-03>3", "IST-1GMT0,J60/-167,300/167", "EST5EDT,0,365"]):
        put("tzif", f"rule-{number}", rule.encode())


def put_csv():
    """Three bytes of options as in fuzz_csv.c, then the file."""
    rees46 = (b"event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n"
              b"2019-10-01 00:00:00 UTC,view,44600062,2103807459595387724,,shiseido,35.79,541312140,72d76fde\n"
              b'2019-10-01 00:00:01 UTC,cart,3900821,2053,"a.b ""c""",aqua,33.20,554748717,9333\r\n'
              b"2019-10-01 00:00:02 UTC,purchase,3900821,2053,a.b,aqua,0.00,554748717,9333\n")
    rocket = (b"timestamp,visitorid,event,itemid,transactionid\n1433221332117,257597,view,355908,\n"
              b"1433221332118,257597,addtocart,355908,\n1433222276276,599528,transaction,356475,4000\n")
    generic = (b"\xef\xbb\xbft;e;u;i;p;q;c;o;id;money;zone;consent\n1790000000000;view;u;i;1.5;2;c;o;x;EUR;Europe/Berlin;granted\n"
               b"1790000000001;order_completed;u;i;1e2;;;;;;;denied\n;;;;;;;;;;;\n")
    put("csv", "rees46", b"\0,\xff" + rees46)
    put("csv", "rees46_gzip", b"\x40,\xff" + gzip.compress(rees46, mtime=0))
    put("csv", "rees46_zstd", b"\0,\xff" + subprocess.run(["zstd", "-qc"], input=rees46, stdout=subprocess.PIPE, check=True).stdout)
    put("csv", "retailrocket", b"\1,\xff" + rocket)
    put("csv", "short_rows", b"\1,\1" + rocket)
    put("csv", "generic", b"\2;\xff" + generic)
    put("csv", "generic_iso", b"\x48;\xff" + generic.replace(b"1790000000000", b"2026-11-01T08:00:00+01:00"))


def put_model():
    """Kind, then steps of fuzz_model.c: 9 all honest rows, 7 a version, 8 the end, 0 to 3 an edited row, 10 learn."""
    version = b"\x07" + struct.pack("<q", 400)
    for kind in range(8):
        first = bytes([kind])
        put("model", f"{kind}-whole", first + b"\x09" + version + b"\x08\x0a\x01")
        put("model", f"{kind}-warm", first + b"\x08\x09" + version + b"\x0a\x02" + b"\x04\3\0" + version)
        for number in range(4):
            edit = struct.pack("<BHHB", number % 2, 31 * number, 7 * number, number + 4)
            put("model", f"{kind}-edited-{number}", first + b"\x09" + edit + version + b"\x08\x0a\x01")
    put("model", "refused", b"\0\x09\x03\5\0\3\0" + version + b"\x08\x04\5\0" + version)
    put("model", "any", b"\0\x05\0" + piece(b"b/options") + piece(b"x" * 40) + b"\x06" + piece(b"logistic/version") + piece(b""))


def put_container():
    """A byte of flags as in fuzz_container.c, then blocks: count, length, bodies; or, odd, a whole file."""
    example = golden()["example"]
    value = fastavro.schemaless_reader(io.BytesIO(example), fastavro.parse_schema(json.loads((ROOT / "schemas/example.avsc").read_text())))
    for codec, name in enumerate(["null", "deflate", "zstandard", "unknown"]):
        put("container", f"packed-{name}", bytes([codec << 2, 2]) + piece(example * 2) + b"\1" + piece(example))
    put("container", "offsets", b"\2\2" + piece(example + b"\x0c" + example + b"\x0e"))
    put("container", "wrong_counts", b"\0\2" + piece(example) + b"\xff" + piece(example) + b"\0" + piece(b""))
    put("container", "damaged", b"\x14\1" + piece(b"\x78\x9c\3\0"))
    for codec in ("null", "deflate"):
        out = io.BytesIO()
        schema = json.loads((ROOT / "schemas/example.avsc").read_text())
        fastavro.writer(out, schema, [value] * 2, codec=codec, sync_marker=b"s" * 16)
        put("container", f"whole-{codec}", b"\1" + out.getvalue())


TABLE = (b"price,brand,n,when,weight,who,bought\n9.5,red,1,2026-11-01T08:00:00Z,1,u1,yes\n,blue,2,2026-11-01T08:00:01Z,2.5,u1,no\n"
         b"-1e3,,3,2026-11-02T08:00:00Z,1,u2,yes\n120.25,\"gr\"\"een\",4,2026-11-03T08:00:00Z,0.5,u3,no\n")
VW = b"1 2 'tag|user age:0.25 new |item:0.5 shoe red:2\n-1 |user age:-1 |item hat\n0 |user old |item shoe blue\n1 | plain words:3\n"


def learned(content, *arguments):
    """A model file that `promostream learn` makes of this content."""
    with tempfile.TemporaryDirectory() as folder:
        data, model = pathlib.Path(folder, "data"), pathlib.Path(folder, "model.psm")
        data.write_bytes(content)
        subprocess.run([pathlib.Path(os.environ["PROMOSTREAM_BUILD"], "consumer/promostream"), "learn", data, "--quiet", "--save", model,
                        *arguments], stdout=subprocess.DEVNULL, check=True)
        return model.read_bytes()


def pieces_of_model(model):
    """Header and bodies of its rows, each with its length."""
    header, = struct.unpack("<Q", model[24:32])
    out, at = [piece(model[32:32 + header])], 40 + header
    while at < len(model) - 8:
        size, = struct.unpack("<I", model[at:at + 4])
        out.append(piece(model[at + 4:at + 4 + size]))
        at += 4 + size
    return b"".join(out)


def put_model_file():
    """A byte of flags as in fuzz_model_file.c, then a whole file (odd) or its pieces."""
    table = ["--weight", "weight", "--time", "when", "--group", "who"]
    net = "layers=embedding:1 dense:2:relu dense:1"
    models = {"linear": learned(TABLE, *table, "--learner", "linear", "--set", "bits=6", "--cross", "brand:n"),
              "vw": learned(VW, "--learner", "linear", "--set", "bits=6", "--cross", "u:i"),
              "regression": learned(TABLE, "--label", "price", "--task", "regression", "--set", "bits=6", "--ignore", "bought,when,who",
                                    "--skip-bad", "--set", "optimizer=coin"),
              "fm": learned(TABLE, *table, "--learner", "fm", "--set", "bits=6", "--set", "k=1", "--set", "table=collisionless"),
              "logistic": learned(TABLE, *table, "--learner", "logistic", "--set", "bits=10"),
              "dnn": learned(TABLE, *table, "--learner", "dnn", "--set", "embedding_bits=6", "--set", net),
              "wide_deep": learned(TABLE, *table, "--learner", "wide_deep", "--set", "wide_bits=6", "--set", "embedding_bits=6", "--set", net)}
    for name, model in models.items():
        put("model_file", f"{name}-pieces", b"\0" + pieces_of_model(model))
    for name in ("linear", "vw"):
        put("model_file", f"{name}-whole", b"\1" + models[name])
        put("model_file", f"{name}-sealed", b"\3" + models[name])


def put_learn_input():
    """Three bytes of options as in fuzz_learn_input.c, then types, options and a second file, then the file."""
    def taken(content, types=b"", options=b"", second=b"", flags=0, separator=b"\0"):
        return bytes([flags]) + separator + b"\xff" + piece(types) + piece(options) + piece(second) + content

    types = b"columns:\n  list:\n    - {name: price, type: numeric}\n    - {name: \"bought\", type: label}\n    - {name: who, type: group}\n"
    put("learn_input", "csv", taken(TABLE, second=TABLE))
    put("learn_input", "csv_types", taken(TABLE, types, b"\n\nweight\nwhen\n\n\nn\n\nbrand:n\n3", TABLE[:100]))
    put("learn_input", "csv_positive", taken(TABLE.replace(b",", b";"), b"", b"brand\nred\n\n\n\nprice,n", flags=9, separator=b";"))
    put("learn_input", "csv_regression", taken(TABLE, b"", b"price\n\n\n\n\n\n\nbought,when", flags=8))
    put("learn_input", "csv_gzip", taken(gzip.compress(TABLE, mtime=0)))
    put("learn_input", "vw", taken(VW, second=VW))
    put("learn_input", "vw_cross", taken(VW, options=b"\n" * 8 + b"u:item", flags=2))
    put("learn_input", "vw_regression", taken(VW.replace(b"1 2", b"2.5"), flags=8))


def golden():
    return {name: bytes.fromhex(digits) for name, digits in
            (line.split() for line in (ROOT / "tests/golden/rows.txt").read_text().splitlines())}


def row_of(name, value):
    return body(fastavro.parse_schema(json.loads((ROOT / f"schemas/{name}.avsc").read_text())), value)


def put_letters():
    """Times that a letter may be put back, then letters and notes."""
    def letter(**more):
        return piece(row_of("dead_letter", {"topic": "clickstream", "partition": 1, "offset": 7, "timestamp_ms": None,
                                            "reason": "bad_framing", "key": b"k", "value": b"\xff\x1b[31m", "cut": False,
                                            "headers": [], **more}))

    marks = [{"key": b"promostream-dead-letter", "value": b"0@4"}, {"key": b"promostream-reason", "value": b"truncated"}]
    put("letters", "golden", b"\3" + piece(golden()["dead_letter"]))
    put("letters", "several", b"\1" + letter() + letter(cut=True) + letter(topic="elsewhere") + letter(headers=marks * 2) +
        letter(key=None, value=None) + letter(partition=99, reason="\x07"))
    lines = [{"partition": 1, "offset": 0, "value_base64": "/wBh", "key": None}, {"partition": 0, "offset": 7, "value": "v", "key_base64": "eA=="},
             {"summary": [], "unreadable": 0}]
    put("letters", "edited", b"\1" + b"".join(piece(json.dumps(line).encode()) for line in lines))
    put("letters", "notes", b"\1" + letter(topic="dead-letters", partition=1, offset=1, reason="replayed", value=b"clickstream") +
        letter() + letter())


def put_recovery():
    """Epoch and positions of the group, then rows: topic and flags, key, body."""
    def row(kind, key, value):
        return bytes([kind | 0x40]) + piece(key) + piece(value)

    rows = golden()
    none = b"\xff\xff\xff"
    put("recovery", "user", none + row(1, b"u1", rows["user_state"]))
    put("recovery", "all", none + row(0, b"0", rows["partition_state"]) + row(1, b"u1", rows["user_state"]) +
        row(2, b"0" * 32, rows["open_decision"]))
    put("recovery", "tombstones", none + row(1, b"u1", rows["user_state"]) + bytes([0x81]) + piece(b"u1") + piece(b""))
    put("recovery", "sides", none + row(3, b"paused", rows["control"]) + row(4, b"i1", rows["catalogue_item"]) +
        row(5, b"u1", rows["profile"]) + bytes([0x84]) + piece(b"i1") + piece(b""))
    control = [row_of("control", {"setting": setting, "value": value, "changed_by": "me", "why": "", "changed_ms": 1})
               for setting, value in [("paused", "true"), ("champion/purchase", "logistic"), ("champion/purchase", "l" * 30)]]
    put("recovery", "control", none + row(3, b"paused", control[0]) + b"".join(row(3, b"champion/purchase", c) for c in control[1:]))


def put_registry():
    """Subject or id, then answers: status and a length each."""
    def answer(status, value):
        return struct.pack("<H", status) + piece(json.dumps(value).encode() if not isinstance(value, bytes) else value)

    schema = json.dumps({"type": "record", "name": "a.R", "fields": [{"name": "f", "type": "a.T"}, {"name": "g", "type": "a.U"}]})
    parts = [json.dumps({"type": "enum", "name": name, "symbols": ["x"]}) for name in ("a.T", "a.U")]
    refs = [{"name": name, "subject": name.lower(), "version": 1} for name in ("a.T", "a.U")]
    put("registry", "plain", b"\0" + answer(200, {"schema": '"string"'}))
    put("registry", "subject", b"\1" + answer(200, {"id": 7, "version": 1, "subject": "s", "schema": parts[0]}))
    put("registry", "references", b"\0" + answer(200, {"schema": schema, "references": refs}) +
        answer(200, {"id": 1, "schema": parts[0]}) + answer(200, {"id": 2, "schema": parts[1]}))
    loop = {"schema": schema, "references": refs}
    put("registry", "loop", b"\0" + answer(200, loop) * 20)
    names = [{"name": f"n{n}", "subject": f"s{n}", "version": n} for n in range(70)]
    put("registry", "many", b"\0" + answer(200, {"schema": schema, "references": names}) + answer(200, {"schema": parts[0]}) * 70)
    put("registry", "missing", b"\0" + answer(404, {"error_code": 40403, "message": "Schema 7 not found\n"}))
    put("registry", "page", b"\0" + answer(404, b"<html>"))
    put("registry", "json_type", b"\0" + answer(200, {"schemaType": "JSON", "schema": "{}"}))
    put("registry", "refused", b"\1" + answer(422, {"error_code": 42201, "message": "no"}) + answer(500, {"message": 5}))


def put_http():
    for number, words in enumerate([(b"GET", b"/metrics", b"Bearer secret"), (b"HEAD", b"/healthz", b""), (b"POST", b"/readyz", b"x"),
                                    (b"GET", b"/metrics", b"bearer  secre"), (b"GET", b"//", b"")]):
        put("http", f"asked-{number}", b"\0" + b"".join(map(piece, words)))
    for number, request in enumerate([
            b"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\n\r\n",
            b"GET /healthz HTTP/1.0\r\n\r\nGET /readyz HTTP/1.1\r\nHost: x\r\n\r\n",
            b"POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            b"HEAD /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 99999999999999999999\r\n\r\n",
            b"GET /%00%2e%2e/ HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n", b"\x16\x03\x01\x02\0", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 3000 + b"\r\n"]):
        put("http", f"raw-{number}", b"\1" + request)


SHAPES = [("nested", strangers.as_nested), ("unions", strangers.as_unions), ("order_lines_3", strangers.as_order_lines)]


def main():
    for file in CORPUS.glob("*/*"):
        if not file.name.startswith("regression-"):
            file.unlink()
    own = fastavro.parse_schema(json.loads((ROOT / "schemas/event.avsc").read_text()))
    put_rows()
    put_messages(own)
    put_config()
    put_decode(own)
    put_zones()
    put_csv()
    put_model()
    put_letters()
    put_recovery()
    put_registry()
    put_http()
    put_container()
    put_model_file()
    put_learn_input()
    put("sample", "json", b"\n".join(strangers.as_json(value) for value in EVENTS) + b"\n\n{}\n[")


main()
