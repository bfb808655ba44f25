#!/usr/bin/env python3
"""Which carts were abandoned, computed by brute force from a shop's log, against the decisions that promostream made.

    abandoned_carts.py rees46|retailrocket|generated FILE --idle MINUTES --brokers ADDRESS --topic DECISIONS
    abandoned_carts.py rees46|retailrocket|generated FILE --idle MINUTES --expected-only

FILE is the log itself (.csv or .csv.zst), read here with Python's own csv module: nothing of the C code is used, and
nothing clever is done. Each user's events stand in a list, in the order of the file; every question is answered by
looking at the list from its beginning.

A cart is abandoned when it is not empty and nobody adds to it or removes from it for MINUTES:
  - product_added puts its quantity into the cart and arms the trigger (again, after it fired).
  - product_removed takes its quantity out; a line leaves at 0. It moves the deadline of an armed trigger, also when the
    item was not in the cart; it never arms one.
  - order_completed empties the cart. A cart that becomes empty disarms the trigger.
  - The deadline is the last of these events + MINUTES. An event at exactly the deadline comes too late: the trigger
    fires first. It fires once per arming. At the end of the log everything armed fires.

The decisions of trigger cart_abandoned and attempt 0 must be exactly these (user, deadline) pairs, each once and each
with a reason. Exit 0: equal. 1: not. 2: the log is not one that this script understands.
"""

import argparse
import collections
import csv
import datetime
import io
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

ADDED, REMOVED, ORDERED = "product_added", "product_removed", "order_completed"
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MILLISECOND = datetime.timedelta(milliseconds=1)

Event = collections.namedtuple("Event", "time_ms type item quantity")


def utc_ms(text):
    """2019-10-01 00:00:00 UTC"""
    moment = datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=datetime.timezone.utc)
    return (moment - EPOCH) // MILLISECOND


def rees46(row):
    types = {"view": "product_viewed", "cart": ADDED, "remove_from_cart": REMOVED, "purchase": ORDERED}
    return row["user_id"], Event(utc_ms(row["event_time"]), types[row["event_type"]], row["product_id"], 1)


def retailrocket(row):
    types = {"view": "product_viewed", "addtocart": ADDED, "transaction": ORDERED}
    return row["visitorid"], Event(int(row["timestamp"]), types[row["event"]], row["itemid"], 1)


def generated(row):
    return row["user"], Event(int(row["time"]), row["type"], row["item"], int(row["quantity"] or 1))


FORMATS = {"rees46": rees46, "retailrocket": retailrocket, "generated": generated}


def read_log(path, parse):
    """Each user's events in file order. The log must be in time order, or "at the deadline" would have no meaning."""
    if path.endswith(".zst"):
        text = subprocess.run(["zstd", "-dcq", path], check=True, stdout=subprocess.PIPE).stdout.decode()
    else:
        text = pathlib.Path(path).read_text()
    users = collections.defaultdict(list)
    last_ms = 0
    for number, row in enumerate(csv.DictReader(io.StringIO(text)), start=2):
        try:
            user, event = parse(row)
        except (KeyError, ValueError, TypeError) as error:
            print(f"{path}:{number}: {error!r}", file=sys.stderr)
            sys.exit(2)
        if event.time_ms < last_ms or not user:
            print(f"{path}:{number}: earlier than the row before it, or without a user", file=sys.stderr)
            sys.exit(2)
        last_ms = event.time_ms
        users[user].append(event)
    return users


def cart_after(events):
    """The cart after these events, from the beginning: item -> quantity."""
    cart = {}
    for event in events:
        if event.type == ORDERED:
            cart = {}
        elif event.type == ADDED:
            cart[event.item] = cart.get(event.item, 0) + event.quantity
        elif event.type == REMOVED and event.item in cart:
            cart[event.item] -= event.quantity
            if cart[event.item] <= 0:
                del cart[event.item]
    return cart


def is_armed_after(events, idle_ms):
    """Whether the trigger is armed once the last of these cart events has happened."""
    if not events or not cart_after(events):
        return False
    last = events[-1]
    if last.type == ADDED:
        return True
    # A removal from a cart that stays: armed only if it was armed before, and had not fired in between.
    return is_armed_after(events[:-1], idle_ms) and last.time_ms < events[-2].time_ms + idle_ms


def abandoned(events, idle_ms):
    """Deadlines of one user's abandoned carts."""
    events = [event for event in events if event.type in (ADDED, REMOVED, ORDERED)]
    deadlines = []
    for i, event in enumerate(events):
        deadline_ms = event.time_ms + idle_ms
        is_quiet = i + 1 == len(events) or events[i + 1].time_ms >= deadline_ms
        if is_quiet and is_armed_after(events[:i + 1], idle_ms):
            deadlines.append(deadline_ms)
    return deadlines


def milliseconds(value):
    """A timestamp-millis as an integer, however the reader gives it."""
    return value if isinstance(value, int) else (value - EPOCH) // MILLISECOND


def read_decisions(address, topic):
    """(pairs, reasons, faults) of the first attempts at cart_abandoned."""
    import shop

    pairs, reasons, faults = collections.Counter(), collections.Counter(), []
    for row in shop.read_topic(address, topic):
        decision = shop.decode("decision", row.value)
        if decision["trigger"] != "cart_abandoned" or decision["attempt"] != 0:
            continue
        pair = decision["user_id"], milliseconds(decision["deadline_ms"])
        pairs[pair] += 1
        reasons["sent" if decision["sent"] else "held", decision["reason"]] += 1
        if not decision["reason"]:
            faults.append(f"no reason: {pair}")
        if row.key != decision["user_id"].encode():
            faults.append(f"key {row.key!r} is not the user: {pair}")
    return pairs, reasons, faults


def show(title, pairs):
    print(f"{title}: {sum(pairs.values())}")
    for (user, deadline_ms), count in sorted(pairs.items(), key=lambda item: item[0][1])[:10]:
        print(f"  user {user} deadline_ms {deadline_ms} ({EPOCH + deadline_ms * MILLISECOND:%Y-%m-%d %H:%M:%S}) x{count}")


def compare(expected, address, topic):
    pairs, reasons, faults = read_decisions(address, topic)
    missing, surplus = expected - pairs, pairs - expected
    print(f"decided: {sum(pairs.values())}")
    for (fate, reason), count in sorted(reasons.items()):
        print(f"  {fate} {reason or '(no reason)'}: {count}")
    if missing:
        show("missing decisions", missing)
    if surplus:
        show("decisions that should not be", surplus)
    for fault in faults[:10]:
        print(fault)
    is_equal = not missing and not surplus and not faults
    print("equal" if is_equal else "NOT EQUAL")
    return is_equal


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("format", choices=FORMATS)
    parser.add_argument("file")
    parser.add_argument("--idle", type=float, required=True, metavar="MINUTES")
    parser.add_argument("--brokers", metavar="ADDRESS")
    parser.add_argument("--topic", default="promotion-decisions")
    parser.add_argument("--expected-only", action="store_true", help="print the pairs, one a line, and end")
    options = parser.parse_args()
    if not options.expected_only and not options.brokers:
        parser.error("--brokers or --expected-only is needed")

    sys.setrecursionlimit(100000)
    users = read_log(options.file, FORMATS[options.format])
    idle_ms = round(options.idle * 60000)
    expected = collections.Counter((user, deadline_ms) for user, events in users.items()
                                   for deadline_ms in abandoned(events, idle_ms))
    if options.expected_only:
        for user, deadline_ms in sorted(expected.elements(), key=lambda pair: (pair[1], pair[0])):
            print(user, deadline_ms)
        return 0
    print(f"{options.format}, idle {options.idle:g} min: {sum(map(len, users.values()))} events, {len(users)} users, "
          f"expected: {sum(expected.values())}")
    return 0 if compare(expected, options.brokers, options.topic) else 1


if __name__ == "__main__":
    sys.exit(main())
