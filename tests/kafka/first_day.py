#!/usr/bin/env python3
"""What a marketer asks on the first day, on a real Kafka, live, with a foreign producer and consumer.

Events are written by confluent-kafka and fastavro; `promostream run` follows the log with idle ticks, so that a cart
going quiet is noticed although nobody sends anything. Every wait is for a row to appear, bounded.
"""

import http.client
import io
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import shop  # noqa: E402

PARTITIONS = 2
WAIT_S = 40
CONFIG = """
epoch: {{interval: 100ms, idle_after: 200ms}}
clean: {{lateness: 100ms}}
triggers:
  cart_abandoned: {{idle: 1s}}
  checkout_abandoned: {{enabled: false}}
  browse_abandoned: {{enabled: false}}
  observe: {{share: 0}}
decide:
  mode: {mode}
  control_share: 0
  none_share: {none_share}
  quiet_hours: ""
  cap_per_user_day: 1
  offers:
    - {{id: ten, kind: percent_off, value: 10, coupon_code: BACK10, title: "For {{user_id}}", body: "{{items}}"}}
  rules:
    - {{trigger: cart_abandoned, offer: ten}}
ops: {{http_listen: "127.0.0.1:{port}", log_level: info}}
"""


def expect(is_true, what, *details):
    print(("ok    " if is_true else "FAILED ") + what, *(details if not is_true else ()), flush=True)
    if not is_true:
        sys.exit(1)


class Shop:
    """One prefix: producer of events, the running promostream, and readers of its topics."""

    def __init__(self, address, name, mode="apprentice", none_share=0):
        from confluent_kafka import Producer

        self.address, self.prefix = address, f"{name}-{int(time.time())}-"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="promostream-day-"))
        self.port = 22000 + int(time.time() * 10) % 7000
        text = CONFIG.format(mode=mode, none_share=none_share, port=self.port)
        self.config = shop.write_config(self.folder / "pipeline.yaml", text, address, prefix=self.prefix,
                                        partitions=PARTITIONS)
        self.producer = Producer({"bootstrap.servers": address, "linger.ms": 0, "enable.idempotence": True})
        self.process = None

    def start(self):
        command = [shop.binaries()[0], "run", "--config", self.config, "--group", self.prefix + "g", "--worker-name",
                   self.prefix + "w"]
        self.process = shop.spawn(command, self.folder / "run.log")
        self.wait_for("ready", lambda: self.get("/readyz")[0] == 200)

    def stop(self):
        return shop.terminate(self.process, 30)

    def get(self, path):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""

    def wait_for(self, what, condition):
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            found = condition()
            if found:
                return found
            if self.process.poll() is not None:
                break
        print((self.folder / "run.log").read_text()[-3000:])
        expect(False, f"waited for: {what}")

    def command(self, *words):
        return shop.run(shop.binaries()[0], *words, "--config", self.config)

    def send(self, user, kind, topic="clickstream", partition=-1, **fields):
        import fastavro

        event = {"type": kind, "event_ms": int(time.time() * 1000), "user_id": user, **fields}
        schema = shop.schema("event")
        body = io.BytesIO()
        fastavro.schemaless_writer(body, schema, event)
        canonical = fastavro.schema.to_parsing_canonical_form(schema)
        header = b"\xc3\x01" + bytes.fromhex(fastavro.schema.fingerprint(canonical, "CRC-64-AVRO"))
        self.send_bytes(user.encode(), header + body.getvalue(), topic, partition)

    def send_bytes(self, key, value, topic="clickstream", partition=-1):
        self.producer.produce(self.prefix + topic, key=key, value=value, partition=partition)
        self.producer.flush(10)

    def add(self, user, consent="granted"):
        line = {"item_id": "shoe-1", "price": 50.0, "quantity": 1}
        self.send(user, "product_added", consent=consent, currency="EUR", lines=[line])

    def rows(self, schema, topic):
        return [(row.partition, shop.decode(schema, row.value)) for row in shop.read_topic(self.address, self.prefix + topic)]

    def decision(self, user):
        found = [row for _, row in self.rows("decision", "promotion-decisions") if row["user_id"] == user]
        return found[-1] if found else None

    def pushes(self, user, kind="push"):
        return [(place, row) for place, row in self.rows("push", "promotion-pushes")
                if row["user_id"] == user and row["kind"] == kind]

    def metric(self, name):
        lines = self.get("/metrics")[1].splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name + "{"))


def sends_and_revokes(day):
    day.add("anna")
    row = day.wait_for("anna's decision", lambda: day.decision("anna"))
    expect(row["sent"] and row["reason"] == "rule", "a quiet cart is sent by the written rule", row)
    expect(abs(sum(a["p"] for a in row["actions"]) - 1) < 1e-9, "probabilities of the eligible set sum to 1", row)
    expect(row["policy"] == "rule" and row["scores"][0]["learner"] == "logistic" and
           len(row["scores"][0]["p"]) == len(row["actions"]), "what the learner would say of each is frozen with it", row)
    _, push = day.pushes("anna")[0]
    for field in ("push_id", "decision_id", "trigger", "offer_id", "channel", "not_before", "expires_at", "title", "body",
                  "reason", "coupon_code", "currency"):
        expect(push.get(field) or push.get(field + "_ms"), f"the push carries {field}", push)
    expect(push["title"] == "For anna" and "shoe-1" in push["body"], "title and body are rendered", push)
    day.send("anna", "order_completed", total=50.0)
    revoked = day.wait_for("anna's revocation", lambda: day.pushes("anna", "push_revoked"))[0][1]
    expect(revoked["push_id"] == push["push_id"] and revoked["decision_id"] == push["decision_id"],
           "an order before delivery revokes the push under its own id", revoked)


def does_not_revoke_what_arrived(day):
    day.add("bert")
    place, push = day.wait_for("bert's push", lambda: day.pushes("bert"))[0]
    before = day.metric("promostream_clean_applied_total")
    day.send("bert", "push_delivered", topic="push-feedback", partition=place, decision_id=push["decision_id"])
    day.wait_for("feedback applied", lambda: day.metric("promostream_clean_applied_total") > before)
    day.send("bert", "order_completed", total=50.0)
    day.wait_for("order applied", lambda: day.metric("promostream_clean_applied_total") > before + 1)
    day.send_bytes(b"zoe", b"garbage")  # a row after it, to know that the order's epoch is committed
    letter = day.wait_for("the dead letter", lambda: day.rows("dead_letter", "dead-letters"))[0][1]
    expect(letter["value"] == b"garbage" and letter["key"] == b"zoe" and letter["reason"] == "bad_framing",
           "undecodable bytes go to dead-letters as they were, with the reason", letter)
    expect(not day.pushes("bert", "push_revoked"), "a delivered push is not revoked by an order")
    day.send("bert", "push_opened", topic="push-feedback", partition=1 - place, decision_id=push["decision_id"])
    day.wait_for("wrong partition counted", lambda: day.metric("promostream_clean_wrong_partition_total") == 1)
    expect(True, "feedback sent to another partition is counted as wrong_partition")


def holds_with_the_gates_name(day):
    day.add("carl", consent="unknown")
    row = day.wait_for("carl's decision", lambda: day.decision("carl"))
    expect(not row["sent"] and row["reason"] == "consent_unknown", "unknown consent holds", row)
    day.command("pause", "--why", "wrong price")
    day.add("dora")
    row = day.wait_for("dora's decision", lambda: day.decision("dora"))
    expect(not row["sent"] and row["reason"] == "paused", "pause reaches the worker", row)
    day.command("resume")
    day.add("emil")
    row = day.wait_for("emil's decision", lambda: day.decision("emil"))
    expect(row["sent"], "resume reaches the worker", row)
    day.add("emil")
    row = day.wait_for("emil's second decision", lambda: day.decision("emil")["reason"] != "rule" and day.decision("emil"))
    expect(row["reason"] == "user_cap" and row["would_have"] == "ten", "the cap per user holds and says what it held", row)


def survives_a_restart(day):
    counts = [len(day.rows("decision", "promotion-decisions")), len(day.rows("push", "promotion-pushes"))]
    expect(day.stop() == 0, "SIGTERM drains and ends with 0")
    day.start()
    day.add("frida")
    day.wait_for("frida's push", lambda: day.pushes("frida"))
    expect(len(day.rows("decision", "promotion-decisions")) == counts[0] + 1, "after a restart nothing is decided twice")
    expect(day.metric("promostream_state_recovered_users_total") >= 5, "users were read back from user-state")
    checked = day.command("validate", "--against-broker")
    expect(checked.returncode == 0, "validate --against-broker finds nothing wrong", checked.stdout)
    expect(day.stop() == 0, "and ends again with 0")


def observes_only(address):
    day = Shop(address, "observe", mode="observe")
    day.start()
    day.add("gustav")
    row = day.wait_for("gustav's decision", lambda: day.decision("gustav"))
    expect(row["reason"] == "mode_observe" and row["would_have"] == "ten", "observe decides, logs and does not send", row)
    expect(day.stop() == 0 and not day.pushes("gustav"), "observe never sends")


def explores(address):
    day = Shop(address, "explore", none_share=0.5)
    day.start()
    users = [f"user-{number}" for number in range(60)]
    for user in users:
        day.add(user)
    day.wait_for("60 decisions", lambda: len(day.rows("decision", "promotion-decisions")) >= len(users))
    rows = [row for _, row in day.rows("decision", "promotion-decisions")]
    sent = sum(row["sent"] for row in rows)
    expect(15 <= sent <= 45, "half of the decisions explore none", sent)
    expect(all(row["action_p"] == 0.5 for row in rows), "with the probability that is logged")
    expect(all(row["reason"] == ("rule" if row["sent"] else "explored_none") for row in rows), "and the reason says so")
    expect(day.stop() == 0, "ends with 0")


def main():
    address = shop.kafka_address()
    day = Shop(address, "day")
    day.start()
    sends_and_revokes(day)
    does_not_revoke_what_arrived(day)
    holds_with_the_gates_name(day)
    survives_a_restart(day)
    observes_only(address)
    explores(address)


if __name__ == "__main__":
    main()
