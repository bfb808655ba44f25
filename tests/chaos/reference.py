"""The undisturbed run that rounds are compared with: mode live with a frozen model.

Workers and trainer see the whole stream once; what the trainer learned is copied into every round's own topic `model`, and
no trainer of that topic runs in the rounds. So expected profit decides, and still everything compares. Ticks are off, there
is no feedback, side topics and control stay as they are (DESIGN 2, "promised to repeat")."""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import results  # noqa: E402
import shop  # noqa: E402
import workers  # noqa: E402

# What may be sent, by which rule; the end of a configuration.
OFFERS = """  offers:
    - {id: ten_percent, kind: percent_off, value: 10, title: "Ten percent", body: "{item_count} items wait: {items}"}
    - {id: reminder, kind: reminder, title: "Still there", body: "Your cart of {cart_value} {currency}"}
    - {id: free_ship, kind: free_shipping, cost: 5, minimum_basket: 50, title: "Free shipping", body: "{item}"}
  rules:
    - {trigger: cart_abandoned, offer: ten_percent, basket_min: 40}
    - {trigger: cart_abandoned, offer: reminder}
    - {trigger: checkout_abandoned, offer: reminder}
    - {trigger: browse_abandoned, offer: reminder}
ops:
  http_listen: ""
  log_level: info
"""
CONFIG = """
epoch:
  interval: 20ms
  backlog_interval: 20ms
  events_max: EVENTS_MAX
  ticks: false
clean:
  lateness: 5s
state:
  users_max: 400
triggers:
  cart_abandoned: {idle: 20m}
  checkout_abandoned: {idle: 10m}
  browse_abandoned: {idle: 15m}
  observe: {share: 0.1}
outcomes: {trigger_window: 6h}
learn:
  publish_interval: 100ms
  alarm_ratio: 0
  arm_decisions_min: 100
  arm_age_min: 12h
decide:
  mode: live
  trial_share: 0.3
  uncertainty: 0.5
  contact_cost: 0
  consent_unknown_is_granted: true
  cap_per_hour: 60
  cap_per_user_day: 2
  cap_per_user_week: 4
  quiet_hours: "22:00-08:00"
  default_timezone: Europe/Berlin
  attribution_window: 3d
""" + OFFERS
LARGE = 2000  # events of an undisturbed epoch: nothing depends on it


def config(events_max):
    return CONFIG.replace("EVENTS_MAX", str(events_max))


def feed(address, topic, seed):
    """A shop of a few days; dirty, so that late, duplicate and bot events are part of it."""
    clickfeed = shop.binaries()[1]
    workers.create(address, topic, "delete", workers.PARTITIONS)  # with as many replicas as all other topics
    workers.create(address, topic + "-catalogue", "compact")
    shop.run(clickfeed, "simulate", "--world", "dirty", "--seed", seed, "--users", 12000, "--days", 5, "--brokers", address,
             "--topic", topic, "--catalogue-topic", topic + "-catalogue")


class Reference:
    def __init__(self, folder, address, run_name):
        self.folder, self.address, self.run_name, self.clickstream = folder, address, run_name, run_name + "clickstream"
        began = time.monotonic()
        feed(address, self.clickstream, 7)
        self.model = self.train()
        calm = self.frozen("calm-", LARGE)
        calm.start("a", "--leave")
        calm.finish()
        self.expected, self.ends = results.read_results(address, calm.prefix), workers.positions(calm)
        self.events = sum(self.ends.values())
        print("undisturbed: " + ", ".join(f"{topic} {len(rows)}" for topic, rows in self.expected.items()) +
              f" in {time.monotonic() - began:.1f} s", flush=True)
        self.check_enough()

    def train(self):
        """The rows of `model` as they were committed."""
        prefix = self.run_name + "learn-"
        learning = workers.Workers(self.folder, self.address, prefix, self.clickstream, config(LARGE), roles="both")
        learning.start("a", "--leave")
        learning.finish()
        rows = shop.read_topic(self.address, prefix + "model")
        versions = [row for row in rows if row.key.endswith(b"/version")]
        if not versions or rows[-1] != versions[-1]:
            raise SystemExit(f"the training left no whole version; see {learning.log('a')}")
        final = {row.key: row for row in rows}
        return sorted(final.values(), key=lambda row: row.offset)

    def frozen(self, round_name, events_max, kafka=""):
        """Workers with the model that was trained: a plain producer wrote it, all of it before a worker starts."""
        from confluent_kafka import Producer

        prefix = self.run_name + round_name
        workers.create(self.address, prefix + "model", "compact")
        client = Producer({"bootstrap.servers": self.address, "enable.idempotence": True, "log_level": 0})
        for row in self.model:
            client.produce(prefix + "model", key=row.key, value=row.value, partition=0)
        if client.flush(20):
            raise SystemExit(f"{prefix}model: not everything was written")
        return workers.Workers(self.folder, self.address, prefix, self.clickstream, config(events_max), kafka=kafka)

    def check_enough(self):
        """Does the undisturbed run say what it is there for?"""
        decisions = self.expected["promotion-decisions"]
        policies = results.count_policies(decisions)
        scorers = {score["version_offset"] for _, _, value in decisions
                   for score in shop.decode("decision", value)["scores"]}
        print(f"decided by: {dict(policies)}, scored by versions {scorers}", flush=True)
        if (len(self.expected["promotion-pushes"]) < 50 or len(decisions) < 200 or
                len(self.expected["examples"]) < 200 or policies["value"] < 100 or policies["trial"] < 20 or
                len(scorers) != 1 or 0 in scorers):
            raise SystemExit("the undisturbed run did too little to prove anything")
