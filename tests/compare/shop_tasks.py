"""One-pass tasks made of the simulated shop alone: seeds 1 to 10, each with a world and a size of its own. What the
defaults of learners are chosen on (choose_defaults.py); no file of the public data is read.

Seed i has 4,000 * 16^((i - 1) / 9) rows of each kind: 4,000 to 64,000. Kinds, with about their share of yes:

    next        is a visitor's event a step to an order, not a view? Known: the item, what he did before     .07
    session     does a session that has ended hold an order? In odd seeds what went into the cart is known   .04
    item        will the item that is viewed go into the cart in this session? 2,000 items, 60 brands        .04
    visit       does a visitor come back in the next week?                                                   .35
    conversion  does he order in the next three days?                                                        .01
    cart        is an abandoned cart bought, after an offer drawn at random?                                 .18
    examples    promostream's own examples, each with its last label: a first one that is learned back later
                would be judged by what it is not (what taking back costs: tests/property/test_delayed_labels.c)  .10
"""
import json
import os
import subprocess

import learner_tasks

SEEDS = range(1, 11)
WORLDS = ["base", "drift", "dirty", "interact", "shock", "persuade", "wait", "forward", "base", "dirty"]
KINDS = ["next", "session", "item", "visit", "conversion", "cart", "examples"]
DAYS = 30
START_MS = 1736121600000  # 2025-01-06, clickfeed's own
HOUR_MS, DAY_MS, WEEK_MS = 3600 * 1000, 86400 * 1000, 7 * 86400 * 1000
# Users of whom a row of each kind is to be had in 30 days, with room.
USERS_A_ROW = {"events": 1.0, "cart": 7.5, "examples": 4.5}


def rows_of(seed):
    return round(4000 * 16 ** ((seed - 1) / 9))


def users_of(seed, what):
    return round(rows_of(seed) * USERS_A_ROW[what])


def simulate(build, seed, what, *options):
    subprocess.run([os.path.join(build, "producer/clickfeed"), "simulate", "--quiet", "--world", WORLDS[seed - 1],
                    "--seed", str(seed), "--users", str(users_of(seed, what)), "--days", str(DAYS)] + list(options),
                   check=True, stdout=subprocess.DEVNULL)


class Rows:
    """A task that grows: columns in the order of the first row, numbers where the value is not a text."""

    def __init__(self, title, most):
        self.title, self.most, self.rows, self.labels = title, most, [], []

    def add(self, label, **row):
        if len(self.rows) < self.most:
            self.rows.append({c: None if value != value else value for c, value in row.items()})
            self.labels.append(int(label))

    def task(self):
        numbers = [c for c, value in self.rows[0].items() if not isinstance(value, str)]
        names = [c for c, value in self.rows[0].items() if isinstance(value, str)]
        return learner_tasks.Task(self.title, numbers, names, self.rows, self.labels)


class Visitor:
    def __init__(self, now):
        self.first = self.at = now
        self.views = self.carts = self.orders = self.sessions = 0
        self.spent, self.last = 0.0, "none"
        self.items = {}
        self.session = None
        self.starts, self.order_times = [], []


class Session:
    def __init__(self, event, now):
        self.key, self.first, self.at = event["session_id"], now, now
        self.views = self.searches = self.added = 0
        self.prices, self.categories, self.added_items, self.seen = [], set(), set(), []
        self.has_order = False
        self.place, self.device = event["place"] or "", event["device"] or ""
        self.locale = event["locale"] or ""


class Tasks:
    """All kinds that are made of events, in one reading."""

    def __init__(self, seed):
        self.seed, self.visitors = seed, {}
        most = rows_of(seed)
        self.next, self.session, self.item, self.visit, self.conversion = (Rows(kind, most) for kind in KINDS[:5])
        self.item_views, self.item_adds = {}, {}
        self.weeks = []

    def event(self, event):
        now, kind = event["event_ms"], event["type"]
        line = event["lines"][0] if event["lines"] else {}
        visitor = self.visitors.setdefault(event["user_id"], Visitor(now))
        session = visitor.session
        if session is None or event["session_id"] != session.key:
            if session is not None:
                self.end_session(visitor)
            session = visitor.session = Session(event, now)
            visitor.starts.append(now)
        if kind != "cart_viewed":
            self.add_next(visitor, session, event, line)
        self.learn(visitor, session, event, line)

    def add_next(self, visitor, session, event, line):
        now = event["event_ms"]
        self.next.add(event["type"] in ("product_added", "checkout_started", "order_completed"),
                      views=visitor.views, carts=visitor.carts, orders=visitor.orders,
                      in_session=session.views + session.searches, idle=(now - visitor.at) / 1000,
                      age=(now - visitor.first) / 1000, met=visitor.items.get(line.get("item_id"), 0),
                      price=number(line.get("price")), last=visitor.last, category=line.get("category") or "",
                      brand=line.get("brand") or "", device=session.device)

    def learn(self, visitor, session, event, line):
        now, kind, item = event["event_ms"], event["type"], line.get("item_id", "")
        if kind == "product_viewed":
            session.seen.append(self.item_row(visitor, session, line))
            session.views += 1
            visitor.views += 1
            session.categories.add(line.get("category"))
            session.prices.append(line.get("price") or 0)
            visitor.items[item] = visitor.items.get(item, 0) + 1
            self.item_views[item] = self.item_views.get(item, 0) + 1
        elif kind == "products_searched":
            session.searches += 1
        elif kind == "product_added":
            session.added += 1
            visitor.carts += 1
            session.added_items.add(item)
            self.item_adds[item] = self.item_adds.get(item, 0) + 1
        elif kind == "order_completed":
            session.has_order = True
            visitor.orders += 1
            visitor.spent += event["total"] or 0
            visitor.order_times.append(now)
        visitor.last, visitor.at, session.at = kind, now, now

    def item_row(self, visitor, session, line):
        item = line.get("item_id", "")
        return {"price": number(line.get("price")), "position": session.views, "met": visitor.items.get(item, 0),
                "item_views": self.item_views.get(item, 0), "item_adds": self.item_adds.get(item, 0),
                "orders": visitor.orders, "item": item, "category": line.get("category") or "",
                "brand": line.get("brand") or "", "place": session.place, "locale": session.locale}

    def end_session(self, visitor):
        session = visitor.session
        hour = session.first // HOUR_MS
        cart = {"added": session.added} if self.seed % 2 else {}
        self.session.add(session.has_order, views=session.views, searches=session.searches,
                         seconds=(session.at - session.first) / 1000, mean_price=mean(session.prices),
                         top_price=max(session.prices, default=0), categories=len(session.categories),
                         sessions=visitor.sessions, orders=visitor.orders, **cart, hour=str(hour % 24),
                         weekday=str(hour // 24 % 7), place=session.place, device=session.device,
                         is_new=str(visitor.sessions == 0))
        for row in session.seen:
            self.item.add(row["item"] in session.added_items, **row)
        visitor.sessions += 1

    def week(self, now):
        """Every visitor so far, as he is known now; labels come later."""
        for user, visitor in self.visitors.items():
            session = visitor.session
            spent = visitor.spent
            self.weeks.append((now, user, {
                "recency": (now - visitor.at) / DAY_MS, "history": spent, "sessions": len(visitor.starts),
                "views": visitor.views, "carts": visitor.carts,
                "segment": "0" if spent == 0 else str(len(str(int(spent)))), "newbie": str(len(visitor.starts) == 1),
                "place": session.place, "device": session.device, "last": visitor.last,
                "place_device": session.place + "/" + session.device}))

    def end_weeks(self):
        for now, user, row in self.weeks:
            visitor = self.visitors[user]
            self.visit.add(any(now < t <= now + WEEK_MS for t in visitor.starts), **row)
            self.conversion.add(any(now < t <= now + 3 * DAY_MS for t in visitor.order_times), **row)


def number(value):
    return float("nan") if value is None else value


def mean(values):
    return sum(values) / len(values) if values else 0.0


def tasks_of_events(build, folder, seed):
    import fastavro
    path = os.path.join(folder, "shop.avro")
    simulate(build, seed, "events", "--output", path)
    tasks, next_week = Tasks(seed), START_MS + WEEK_MS
    with open(path, "rb") as file:
        for event in fastavro.reader(file):
            if event["session_id"] is None:
                continue
            if next_week < event["event_ms"] < next_week + DAY_MS and next_week <= START_MS + 3 * WEEK_MS:
                tasks.week(next_week)
                next_week += WEEK_MS
            tasks.event(event)
    os.remove(path)
    tasks.end_weeks()
    return [rows.task() for rows in (tasks.next, tasks.session, tasks.item, tasks.visit, tasks.conversion)]


def carts(build, folder, seed):
    path = os.path.join(folder, "truth.json")
    simulate(build, seed, "cart", "--policy", "random", "--truth", path, "--dry-run")
    rows, past = Rows("cart", rows_of(seed)), {}
    with open(path) as lines:
        for line in lines:
            cart = json.loads(line)
            count, at, bought = past.get(cart["user_id"], (0, 0, "none"))
            hour = cart["deadline_ms"] // HOUR_MS
            rows.add(cart["is_bought"], value=cart["cart_value"], fatigue=cart["fatigue"],
                     coupons=cart["coupons_30d"], before=count,
                     days=(cart["deadline_ms"] - at) / DAY_MS if at else float("nan"), offer=cart["arm"],
                     is_bought_before=bought, hour=str(hour % 24), weekday=str(hour // 24 % 7),
                     offer_again=f"{cart['arm']}/{count > 0}",
                     offer_large=f"{cart['arm']}/{cart['cart_value'] > 100}")
            past[cart["user_id"]] = (count + 1, cart["deadline_ms"], str(cart["is_bought"]))
    os.remove(path)
    return rows.task()


def examples(build, folder, seed):
    """Path of a container file: each decision once, with its last label."""
    import fastavro
    path, every = os.path.join(folder, f"examples-{seed}.avro"), os.path.join(folder, "every.avro")
    config = os.path.join(os.path.dirname(os.path.abspath(__file__)), "policy.yaml")
    subprocess.run([os.path.join(build, "tests/policy_lab"), config, WORLDS[seed - 1], str(seed),
                    str(users_of(seed, "examples")), str(DAYS), "0", "1000000", every],
                   check=True, stdout=subprocess.DEVNULL)
    with open(every, "rb") as file:
        labels = {row["decision_id"]: row["label"] for row in fastavro.reader(file)}
    with open(every, "rb") as file, open(path, "wb") as out:
        reader = fastavro.reader(file)
        fastavro.writer(out, reader.writer_schema, ({**row, "label": labels[row["decision_id"]]} for row in reader
                                                    if row["revision"] == 0))
    os.remove(every)
    return path


def write_all(build, folder):
    """Writes all tasks; (seed, kind, path, arguments of `promostream learn`) of each."""
    written = []
    for seed in SEEDS:
        for task in tasks_of_events(build, folder, seed) + [carts(build, folder, seed)]:
            path = os.path.join(folder, f"{task.title}-{seed}.csv")
            task.write_csv(path)
            written.append((seed, task.title, path, ["--label", "label", "--numeric", ",".join(task.numbers),
                                                     "--categorical", ",".join(task.names)]))
        written.append((seed, "examples", examples(build, folder, seed), []))
    return written
