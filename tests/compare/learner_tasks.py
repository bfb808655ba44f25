"""The six one-pass tasks on public data (METHODS: shoppers, shoppers without PageValues, Hillstrom
visit and conversion, RetailRocket, REES46): rows as lists of features that every learner gets alike."""
import csv
import math
import os
import subprocess

DATA = os.environ.get("PROMOSTREAM_DATA", "../shared/data")


def read(path):
    """Rows of a CSV in Zstandard; the program zstd unpacks it."""
    text = subprocess.run(["zstd", "-dcq", os.path.join(DATA, path)], check=True,
                          capture_output=True, text=True).stdout
    return list(csv.DictReader(text.splitlines()))


class Task:
    """numbers, names: columns; rows: dicts of texts; labels: 0 or 1."""

    def __init__(self, title, numbers, names, rows, labels):
        self.title, self.numbers, self.names = title, numbers, names
        self.rows, self.labels = rows, labels

    def write_csv(self, path):
        with open(path, "w", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(self.numbers + self.names + ["label"])
            for row, label in zip(self.rows, self.labels):
                writer.writerow([row[c] for c in self.numbers + self.names] + [label])

    def write_vw(self, path):
        """Numbers as sgn(v) log1p |v|, names as name=value."""
        with open(path, "w") as out:
            for row, label in zip(self.rows, self.labels):
                parts = ["1" if label else "-1", "|f"]
                for c in self.numbers:
                    parts.append(f"{c}:{squeezed(float(row[c])):.6g}")
                for c in self.names:
                    value = row[c].replace(" ", "_").replace(":", "_").replace("|", "_")
                    parts.append(f"{c}={value}")
                out.write(" ".join(parts) + "\n")


def squeezed(value):
    return math.copysign(math.log1p(abs(value)), value)


def shoppers(has_page_values):
    rows = read("online_shoppers_intention/online_shoppers_intention.csv.zst")
    columns = list(rows[0])[:-1]
    numbers = [c for c in columns[:10] if has_page_values or c != "PageValues"]
    title = "shoppers" if has_page_values else "shoppers without PageValues"
    return Task(title, numbers, columns[10:], rows, [int(r["Revenue"] == "TRUE") for r in rows])


def hillstrom(label):
    rows = read("hillstrom_email_rct/hillstrom.csv.zst")
    for row in rows:
        row["segment_mens"] = row["segment"] + "/" + row["mens"]
        row["segment_womens"] = row["segment"] + "/" + row["womens"]
    names = ["history_segment", "mens", "womens", "zip_code", "newbie", "channel", "segment",
             "segment_mens", "segment_womens"]
    return Task("hillstrom " + label, ["recency", "history"], names, rows,
                [int(r[label]) for r in rows])


def retailrocket():
    """Is the next event of a visitor a cart or a purchase? Known: what the visitor did before."""
    rows, labels, seen = [], [], {}
    for event in read("retailrocket_sample/events_sample.csv.zst"):
        now = int(event["timestamp"]) / 1000
        past = seen.setdefault(event["visitorid"], {
            "views": 0, "carts": 0, "buys": 0, "last": "none", "at": now, "first": now,
            "session": "", "in_session": 0, "items": {}})
        if event["session_id"] != past["session"]:
            past["session"], past["in_session"] = event["session_id"], 0
        rows.append({
            "views": past["views"], "carts": past["carts"], "buys": past["buys"],
            "in_session": past["in_session"], "idle": now - past["at"],
            "age": now - past["first"], "met": past["items"].get(event["itemid"], 0),
            "last": past["last"]})
        kind = event["event"]
        labels.append(int(kind != "view"))
        past["views"] += kind == "view"
        past["carts"] += kind == "addtocart"
        past["buys"] += kind == "transaction"
        past["last"], past["at"] = kind, now
        past["in_session"] += 1
        past["items"][event["itemid"]] = past["items"].get(event["itemid"], 0) + 1
    numbers = ["views", "carts", "buys", "in_session", "idle", "age", "met"]
    return Task("retailrocket", numbers, ["last"], rows, labels)


def seconds(text):
    day, hour = text.split(" ")[:2]
    h, m, s = hour.split(":")
    return int(day[-2:]) * 86400 + int(h) * 3600 + int(m) * 60 + int(s)


def rees46():
    """Is this event a cart or a purchase? Known: the item, and what its user did before."""
    rows, labels, seen = [], [], {}
    for event in read("rees46_2019oct_prefix/2019-Oct_first_17434.csv.zst"):
        now = seconds(event["event_time"])
        past = seen.setdefault(event["user_id"], {"n": 0, "carts": 0, "buys": 0, "at": now,
                                                  "first": now, "last": "none", "items": {}})
        rows.append({
            "price": event["price"], "before": past["n"], "carts": past["carts"],
            "buys": past["buys"], "idle": now - past["at"], "age": now - past["first"],
            "met": past["items"].get(event["product_id"], 0), "last": past["last"],
            "category": event["category_code"].split(".")[0], "brand": event["brand"]})
        kind = event["event_type"]
        labels.append(int(kind != "view"))
        past["n"] += 1
        past["carts"] += kind == "cart"
        past["buys"] += kind == "purchase"
        past["at"], past["last"] = now, kind
        past["items"][event["product_id"]] = past["items"].get(event["product_id"], 0) + 1
    numbers = ["price", "before", "carts", "buys", "idle", "age", "met"]
    return Task("rees46", numbers, ["last", "category", "brand"], rows, labels)


def all_tasks():
    return [shoppers(True), shoppers(False), hillstrom("visit"), hillstrom("conversion"),
            retailrocket(), rees46()]


def is_there():
    return os.path.isdir(os.path.join(DATA, "online_shoppers_intention"))
