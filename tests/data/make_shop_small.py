#!/usr/bin/env python3
"""Writes shop_small.csv: a small shop's log that goes where timers and carts are easily wrong.

    make_shop_small.py [--check]     --check: exit 1 unless the file beside this script is what it would write

Every user's events follow one another by gaps that are often exactly an idle time (20 or 60 minutes), a millisecond less
or more, or nothing at all; carts are added to, partly or wholly emptied, told to drop what is not in them or more than
is, bought, or left. Users are merged in time order; at equal times their order is drawn, each user's own order stays.
"""

import io
import pathlib
import random
import sys

SEED = 20250106
USERS = 300
START_MS = 1736121600000  # 2025-01-06T00:00:00Z
MINUTE_MS = 60_000
ITEMS = [(f"sku-{number:03d}", f"{5 + number * 37 % 190}.{number * 53 % 100:02d}", ("shoes", "coats", "hats")[number % 3],
          ("Acme", "Umbra, Ltd", "")[number % 5 % 3]) for number in range(60)]

# (gap in ms, weight): what passes between two events of a user.
GAPS = [(0, 4), (1, 1), (1_500, 12), (45_000, 14), (4 * MINUTE_MS, 10), (19 * MINUTE_MS + 59_999, 3), (20 * MINUTE_MS, 5),
        (20 * MINUTE_MS + 1, 3), (35 * MINUTE_MS, 4), (59 * MINUTE_MS + 59_999, 3), (60 * MINUTE_MS, 5),
        (60 * MINUTE_MS + 1, 3), (5 * 60 * MINUTE_MS, 3), (26 * 60 * MINUTE_MS, 1)]
STEPS = [("view", 24), ("add", 30), ("add again", 7), ("remove some", 8), ("remove all", 6), ("remove more", 3),
         ("remove absent", 6), ("look", 4), ("checkout", 5), ("order", 9)]


def drawn(rng, weighted):
    values, weights = zip(*weighted)
    return rng.choices(values, weights)[0]


class Shopper:
    """One user's walk; keeps the cart only to choose steps that mean something."""

    def __init__(self, rng, number):
        self.rng, self.name, self.cart, self.orders = rng, f"user-{number:03d}", {}, 0
        # A third of the users begin at a whole minute, so that their events meet others' at equal times.
        self.now_ms = START_MS + rng.randrange(20 * 60) * MINUTE_MS + (rng.randrange(60_000) if number % 3 else 0)

    def held(self):
        return self.rng.choice(sorted(self.cart)) if self.cart else None

    def row(self, kind, item=None, quantity="", order=""):
        sku, price, category, brand = ITEMS[item] if item is not None else ("", "", "", "")
        return self.now_ms, (kind, self.name, sku, price, str(quantity), category, brand, order)

    def add(self, item):
        quantity = drawn(self.rng, [("", 5), (1, 3), (2, 3), (3, 1)])
        self.cart[item] = self.cart.get(item, 0) + (quantity or 1)
        return self.row("product_added", item, quantity)

    def remove(self, item, quantity):
        left = self.cart.get(item, 0) - (quantity or 1)
        if item in self.cart:
            self.cart[item] = left
        if left <= 0:
            self.cart.pop(item, None)
        return self.row("product_removed", item, quantity)

    def order(self):
        item = self.held()
        self.cart.clear()
        self.orders += 1
        return self.row("order_completed", item, 1, f"{self.name}-{self.orders}")

    def step(self):
        kind, item, other = drawn(self.rng, STEPS), self.held(), self.rng.randrange(len(ITEMS))
        if kind == "add again" and item is not None:
            return self.add(item)
        if kind == "remove some" and item is not None:
            return self.remove(item, self.rng.choice(["", 1]))
        if kind == "remove all" and item is not None:
            return self.remove(item, self.cart[item])
        if kind == "remove more" and item is not None:
            return self.remove(item, self.cart[item] + 1)
        if kind == "remove absent":
            return self.remove(next(n % len(ITEMS) for n in range(other, 999) if n % len(ITEMS) not in self.cart), "")
        if kind == "order" and item is not None:
            return self.order()
        if kind == "add":
            return self.add(other)
        if kind == "look":
            return self.row("cart_viewed")
        if kind == "checkout" and item is not None:
            return self.row("checkout_started")
        return self.row("product_viewed", other)

    def walk(self):
        for _ in range(self.rng.randrange(4, 24)):
            yield self.step()
            self.now_ms += drawn(self.rng, GAPS)


def shop():
    rng = random.Random(SEED)
    rows = []
    for number in range(USERS):
        shopper, last_ms, tie = Shopper(rng, number), -1, 0.0
        for time_ms, row in shopper.walk():
            # Among equal times: a draw, but never before the same user's last event.
            tie = rng.uniform(tie, 1) if time_ms == last_ms else rng.random()
            last_ms = time_ms
            rows.append((time_ms, tie, row))
    rows.sort(key=lambda row: row[:2])
    return rows


def text():
    out = io.StringIO()
    out.write("time,type,user,item,price,quantity,category,brand,order\n")
    for time_ms, _, row in shop():
        fields = [f'"{field}"' if "," in field else field for field in row]
        out.write(",".join([str(time_ms), *fields]) + "\n")
    return out.getvalue()


def main():
    path = pathlib.Path(__file__).with_name("shop_small.csv")
    if sys.argv[1:] == ["--check"]:
        return 0 if path.read_text() == text() else 1
    path.write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
