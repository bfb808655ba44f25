#!/usr/bin/env python3
"""Access and secrets, on a real Kafka that asks who is there (secure.sh): TLS, SASL, client certificates, rights.

The main job runs over TLS and SASL. Everything that can be wrong with access ends in one error that says what to do, with
the exit code of the manual. All that the commands print, logs with every debug line of librdkafka included, is searched for
the secrets that they were given and for users' ids: none may be there.
"""

import atexit
import http.client
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import shop  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
WAIT_S = 120
SLOW = 4  # the last cases of wrong_access
DONE, UNREACHABLE, REFUSED = 0, 3, 6
TOKEN = "mark-token-4f6a1c0de9"
PSEUDONYM_KEY = "mark-pseudonym-0a8d3c"
WRONG_PASSWORD = "mark-wrong-9b1e77"
REGISTRY_PASSWORD = "mark-registry-55c0aa"
SECRETS = [TOKEN, PSEUDONYM_KEY, WRONG_PASSWORD, REGISTRY_PASSWORD]

DECIDE = """
decide:
  quiet_hours: ""
  control_share: 0
  none_share: 0
  consent_unknown_is_granted: true
  offers: [{id: ten, kind: percent_off, value: 10, title: "For {user_id}", body: "{items}"}]
  rules:
    - {trigger: cart_abandoned, offer: ten}
    - {trigger: checkout_abandoned, offer: ten}
    - {trigger: browse_abandoned, offer: ten}
"""

failures = 0


def expect(is_true, what, *details):
    global failures
    print(("ok    " if is_true else "FAILED ") + what, *(details if not is_true else ()), flush=True)
    failures += not is_true


class Kafka:
    def __init__(self, folder):
        self.folder = folder
        self.script("start")
        atexit.register(lambda: self.script("stop"))
        self.passwords = dict(line.split() for line in (folder / "passwords").read_text().split("\n") if line)
        for name, password in self.passwords.items():
            (folder / name).write_text(password + "\n")
        SECRETS.extend(self.passwords.values())
        SECRETS.extend(line for line in (folder / "tls/client.key").read_text().split("\n")[1:] if len(line) == 64)
        self.clear = self.script("address", "").strip()  # no name asked, every right

    def script(self, *words):
        command, *rest = words
        done = subprocess.run([HERE / "secure.sh", command, self.folder, *rest], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"secure.sh {command}: {done.stderr}")
        return done.stdout

    def address(self, listener):
        return self.script("address", listener).strip()

    def login(self, user="promostream", mechanism="SCRAM-SHA-512", password=None, ca="ca.crt", **more):
        """Properties of a client; the password comes from a file unless it is given."""
        return {"security.protocol": "SASL_SSL", "sasl.mechanism": mechanism, "sasl.username": user,
                "sasl.password": password or f"${{file:{self.folder}/{user}}}",
                "ssl.ca.location": self.folder / "tls" / ca, **{name.replace("_", "."): v for name, v in more.items()}}

    def tls(self, ca="ca.crt", **more):
        return {"security.protocol": "SSL", "ssl.ca.location": self.folder / "tls" / ca, **more}

    def client_certificate(self):
        tls = self.folder / "tls"
        return {"ssl.certificate.pem": f"${{file:{tls}/client.crt}}", "ssl.key.pem": f"${{file:{tls}/client.key}}"}


class Command:
    """One command, started at once; its output is kept for the search."""

    everything = []

    def __init__(self, name, *words, environment=None):
        self.name, self.path = name, work / f"{name}.log"
        self.started = time.monotonic()
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen(list(map(str, words)), stdout=out, stderr=out,
                                            env={**os.environ, **(environment or {})})
        atexit.register(lambda: self.process.poll() is None and self.process.kill())
        Command.everything.append(self)

    def wait(self):
        code = self.process.wait(timeout=WAIT_S)
        self.seconds = time.monotonic() - self.started
        return code

    def text(self):
        return self.path.read_text(errors="replace")

    def ends(self, code, *phrases):
        found = self.wait()
        text = self.text()
        errors = [line for line in text.split("\n")
                  if " error " in line or line.startswith(("promostream", "clickfeed", str(work)))]
        is_right = found == code and all(any(phrase in line for line in errors) for phrase in phrases)
        expect(is_right, f"{self.name}: exit {code}, {self.seconds:.1f} s" + "".join(f", '{p}'" for p in phrases),
               f"\nexit {found}\n{text[-2500:]}")


def configuration(name, address, properties, prefix, level="info", more=""):
    lines = ["kafka:", f"  bootstrap_servers: {address}", f"  group_id: {prefix}g", f"  worker_name: {prefix}w", "  properties:"]
    lines += [f"    {key}: {value}" for key, value in properties.items()] or ["    client.id: promostream"]
    lines += [f"topics: {{prefix: {prefix}, partitions: 2, clickstream: clickstream}}", DECIDE, more,
              f"ops: {{http_listen: \"\", log_level: {level}, http_token: {TOKEN}, pseudonym_key: {PSEUDONYM_KEY}}}"]
    path = work / f"{name}.yaml"
    path.write_text("\n".join(lines) + "\n")
    return path


def run(name, address, properties, prefix=None, level="info", more="", words=(), environment=None):
    config = configuration(name, address, properties, prefix or f"{name}-", level, more)
    return Command(name, promostream, "run", "--config", config, "--until-end", "--at-end=fire", *words, environment=environment)


def feed(name, address, properties, *words, environment=None):
    given = [word for key, value in properties.items() for word in ("-X", f"{key}={value}")]
    return Command(name, clickfeed, "simulate", "--users", 300, "--days", 2, "--brokers", address, "--topic", "clickstream",
                   "--partitions", 2, *given, *words, environment=environment)


def main_job():
    """clickstream made, read, decided, pushed, all over TLS and SASL, with each of librdkafka's debug lines."""
    address = kafka.address("SASL")
    secret = {"KAFKA_PASSWORD": kafka.passwords["promostream"]}
    feed("feed", address, kafka.login(mechanism="SCRAM-SHA-256", password="${KAFKA_PASSWORD}"), environment=secret).ends(DONE)
    feed("feed_unread", kafka.clear, {"client.id": "feed"}, "--topic", "unread").ends(DONE)
    mutual = {**kafka.tls(), **kafka.client_certificate(), "debug": "conf,security"}
    jobs = [run("job", address, kafka.login(debug="all"), level="debug", words=("--console",)),
            run("plain", address, kafka.login(mechanism="PLAIN", password="${KAFKA_PASSWORD}"), environment=secret)]
    for job in jobs:
        job.ends(DONE)
    run("mutual", kafka.address("MTLS"), mutual, level="debug").ends(DONE)
    pushes = {prefix: sorted(row.key for row in shop.read_topic(kafka.clear, f"{prefix}-promotion-pushes"))
              for prefix in ("job", "plain", "mutual")}
    expect(len(pushes["job"]) > 10, f"{len(pushes['job'])} pushes over TLS and SASL")
    expect(pushes["job"] == pushes["plain"] == pushes["mutual"], "the same pushes by SCRAM, PLAIN and client certificate")
    return {row.key for row in shop.read_topic(kafka.clear, "clickstream")}


def wrong_access():
    """Those that may heal by themselves take their 10 s, so all run at once."""
    sasl, mutual = kafka.address("SASL"), kafka.address("MTLS")
    login = kafka.login()
    cases = [
        (run("wrong_password", sasl, kafka.login(password=WRONG_PASSWORD, debug="all"), level="debug"), REFUSED,
         "refuses the login; check sasl.mechanism, sasl.username and sasl.password"),
        (run("unknown_user", sasl, kafka.login(user="nobody", password=WRONG_PASSWORD)), REFUSED, "refuses the login"),
        (run("foreign_ca", sasl, kafka.login(ca="stranger.crt")), REFUSED, "ssl.ca.location"),
        (run("expired", kafka.address("EXPIRED"), kafka.tls()), REFUSED, "certificate is over"),
        (run("other_host", kafka.address("OTHER"), kafka.tls()), REFUSED, "certificate is for another host"),
        (run("no_certificate", mutual, kafka.tls()), REFUSED, "ssl.certificate.location and ssl.key.location"),
        (feed("feed_wrong_password", sasl, kafka.login(password=WRONG_PASSWORD)), REFUSED, "refuses the login"),
        (feed("feed_foreign_ca", sasl, kafka.login(ca="stranger.crt")), REFUSED, "ssl.ca.location"),
        (Command("validate_wrong_password", promostream, "validate", "--against-broker", "--config",
                 configuration("validate", sasl, kafka.login(password=WRONG_PASSWORD), "v-")), REFUSED, "refuses the login"),
        (run("no_such_ca", sasl, {**login, "ssl.ca.location": "/no/such/file"}), 1, "ssl.ca.location failed"),
        (run("no_mechanism", sasl, {k: v for k, v in login.items() if k != "sasl.mechanism"}), 1, "set sasl.mechanism"),
        (run("wrong_name", sasl, {**login, "sasl.pasword": WRONG_PASSWORD}), 2, "kafka: sasl.pasword: librdkafka knows no"),
        (run("wrong_value", sasl, {**login, "ssl.key.pem": WRONG_PASSWORD}), 1, "ssl.key.pem"),
        (run("no_file", sasl, {**login, "sasl.password": "${file:/no/such/file}"}), 2,
         "kafka.properties.sasl.password: found ${file:/no/such/file}: No such file"),
        (feed("feed_wrong_form", sasl, login, "--property", WRONG_PASSWORD), 2, "expected NAME=VALUE"),
        (run("clear_to_tls", sasl, {}), UNREACHABLE, "set security.protocol to SSL or SASL_SSL"),
        (run("tls_to_clear", kafka.clear, kafka.tls()), UNREACHABLE, "set security.protocol to PLAINTEXT"),
        (run("no_login", kafka.address("CLEAR"), {}), UNREACHABLE, "if its port wants a login"),
        (feed("feed_clear_to_tls", sasl, {}), UNREACHABLE, "set security.protocol to SSL or SASL_SSL"),
    ]
    return cases


def check(cases):
    for command, code, *phrases in cases:
        command.ends(code, *phrases)


def give_rights():
    """Guest may do everything under a case's prefix but one thing."""
    from confluent_kafka.admin import (AclBinding, AclOperation, AclPermissionType, AdminClient, ResourcePatternType,
                                       ResourceType)

    allow, deny = AclPermissionType.ALLOW, AclPermissionType.DENY
    literal, prefixed = ResourcePatternType.LITERAL, ResourcePatternType.PREFIXED
    topic, group, transaction = ResourceType.TOPIC, ResourceType.GROUP, ResourceType.TRANSACTIONAL_ID

    def acl(resource, name, pattern, operation, permission):
        return AclBinding(resource, name, pattern, "User:guest", "*", operation, permission)

    rights = [acl(topic, "clickstream", literal, AclOperation.READ, allow),
              acl(topic, "unread", literal, AclOperation.DESCRIBE, allow),
              acl(topic, "unread", literal, AclOperation.DESCRIBE_CONFIGS, allow)]
    for case in ("write", "read", "group", "transaction"):
        rights.append(acl(topic, f"{case}-", prefixed, AclOperation.ALL, allow))
        if case != "group":
            rights.append(acl(group, f"{case}-", prefixed, AclOperation.ALL, allow))
        if case != "transaction":
            rights.append(acl(transaction, f"{case}-", prefixed, AclOperation.ALL, allow))
            rights.append(acl(transaction, f"promostream-{case}-", prefixed, AclOperation.ALL, allow))
    rights.append(acl(topic, "write-promotion-decisions", literal, AclOperation.WRITE, deny))
    rights.append(acl(topic, "read-push-feedback", literal, AclOperation.READ, deny))
    admin = AdminClient({"bootstrap.servers": kafka.clear})
    for done in admin.create_acls(rights).values():
        done.result(timeout=10)


def missing_rights():
    sasl, guest = kafka.address("SASL"), kafka.login(user="guest")
    cases = [
        (run("create", sasl, guest), "creating topic create-push-feedback", "right Describe on this topic, or Create"),
        (run("write", sasl, guest), '"write-promotion-decisions"', "right Write on this topic"),
        (run("read", sasl, guest), "read-push-feedback", "right Read on this topic"),
        (run("group", sasl, guest), "right Read on the group kafka.group_id"),
        (run("transaction", sasl, guest), "rights Write and Describe on the transactional id"),
        (feed("feed_create", sasl, guest, "--topic", "forbidden"), "creating topic forbidden", "Create"),
        (feed("feed_write", sasl, guest), "topic clickstream", "right Write on this topic"),
    ]
    sample = configuration("sample", sasl, guest, "write-").read_text().replace("clickstream: clickstream", "clickstream: unread")
    (work / "sample.yaml").write_text(sample)
    cases.append((Command("sample", promostream, "validate", "--against-broker", "--config", work / "sample.yaml"),
                  "reading unread", "right Read on this topic"))
    return [(command, REFUSED, *phrases) for command, *phrases in cases]


def shown_configuration():
    config = configuration("shown", kafka.address("SASL"), kafka.login(), "shown-",
                           more=f"registry: {{url: 'http://127.0.0.1:1', user: me, password: {REGISTRY_PASSWORD}}}")
    shown = Command("print_config", promostream, "validate", "--print-config", "--config", config)
    shown.ends(DONE)
    expect(shown.text().count('"***"') == 4, "--print-config masks four secrets", shown.text())
    registry = run("registry", kafka.address("SASL"), kafka.login(), more="decode: {framing: confluent}\n"
                   f"registry: {{url: 'http://127.0.0.1:1', user: me, password: {REGISTRY_PASSWORD}, register_outputs: true}}")
    return registry


def metrics():
    """The endpoint of a running process: /metrics asks for the token, probes do not."""
    port = 22000 + os.getpid() % 7000
    config = configuration("live", kafka.address("SASL"), kafka.login(), "live-")
    live = Command("live", promostream, "run", "--config", config, "--http", f":{port}")

    def ask(path, **headers):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""

    shop.wait_for("ready", lambda: ask("/readyz")[0] == 200)
    expect(ask("/metrics")[0] == 401, "/metrics without the token: 401")
    status, page = ask("/metrics", Authorization=f"Bearer {TOKEN}")
    expect(status == 200 and "promostream_" in page, "/metrics with the token: 200")
    (work / "metrics.log").write_text(page + ask("/healthz", Authorization=f"Bearer {TOKEN}")[1])
    expect(shop.terminate(live.process) == DONE, "live: SIGTERM ends in order", live.text())


def search(users):
    """No output holds a secret, and no log a user."""
    expect(len(SECRETS) > 20 and len(users) > 30, "there are secrets and users to look for")
    marks = [mark.encode() for mark in SECRETS]
    found = [(path.name, mark[:12]) for path in sorted(work.glob("*.log")) for mark in marks if mark in path.read_bytes()]
    expect(not found, "no secret in any output", found[:10])
    named = [(path.name, user) for path in sorted(work.glob("*.log")) for user in users if user in path.read_bytes()]
    expect(not named, "no user's id in any output", named[:10])
    log = (work / "job.log").read_bytes()
    expect(b"u_" in log and b" debug kafka: " in log, "users by pseudonym, librdkafka's debug lines: they were there to search")


shop.kafka_address()  # skipped where tests/run.sh has fetched no Kafka
work = pathlib.Path(tempfile.mkdtemp(prefix="promostream-secure-"))
promostream, clickfeed = shop.binaries()
kafka = Kafka(work)
users = main_job()
registry = shown_configuration()
give_rights()
wrong = wrong_access()
check(wrong[:-SLOW])
check(missing_rights() + wrong[-SLOW:])
metrics()
registry.process.terminate()
registry.wait()
search(users)
sys.exit(failures > 0)
