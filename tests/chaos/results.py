"""What workers have committed, read back with a foreign client and compared.

Compared per partition, in order: promotion-decisions, promotion-pushes, dead-letters. Compared as final rows per key:
user-state, open-decisions, partition-state (without its epoch number, which depends on where epochs were cut). Compared
as sets: examples, for all workers write to their one partition, and none of it twice."""

import collections
import concurrent.futures
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import shop  # noqa: E402

ORDERED = ["promotion-decisions", "promotion-pushes", "dead-letters"]
UNORDERED = ["examples"]
BY_KEY = ["user-state", "open-decisions", "partition-state"]


def read_topics(address, prefix, topics):
    """All at once: most of a short read is waiting for a client's first answers."""
    with concurrent.futures.ThreadPoolExecutor(len(topics)) as pool:
        return dict(zip(topics, pool.map(lambda topic: shop.read_topic(address, prefix + topic), topics)))


def read_results(address, prefix):
    read, results = read_topics(address, prefix, ORDERED + UNORDERED + BY_KEY + ["journal"]), {}
    for topic in ORDERED:
        results[topic] = [(row.partition, row.key, row.value) for row in read[topic]]
    for topic in UNORDERED:
        results[topic] = sorted((row.key, row.value) for row in read[topic])
    check_examples(results["examples"])
    check_journal(read["journal"])
    for topic in BY_KEY:
        rows = {}
        for row in read[topic]:
            rows[row.partition, row.key] = row.value
        results[topic] = {key: value for key, value in rows.items() if value is not None}
    for key, value in results["partition-state"].items():
        row = shop.decode("partition_state", value)
        del row["epoch"]
        results["partition-state"][key] = row
    return results


def check_examples(rows):
    """Every decision's revisions are 0, 1, 2, ..., each once."""
    revisions = collections.defaultdict(list)
    for key, value in rows:
        row = shop.decode("example", value)
        if row["decision_id"].encode() != key:
            raise SystemExit(f"examples: key {key} of decision {row['decision_id']}")
        revisions[key].append(row["revision"])
    for key, found in revisions.items():
        if sorted(found) != list(range(len(found))):
            raise SystemExit(f"examples: decision {key} has revisions {sorted(found)}")


def check_journal(rows):
    """Of each partition: epoch follows epoch, and the input of the one begins where that of the other ended."""
    last = {}
    for row in rows:
        epoch = shop.decode("journal", row.value)
        before = last.get(row.partition)
        if before and (epoch["epoch"] != before["epoch"] + 1 or
                       epoch["clickstream_from_offset"] != before["clickstream_to_offset"]):
            raise SystemExit(f"journal of partition {row.partition}: after {before} comes {epoch}")
        last[row.partition] = epoch


def show_rows(topic, expected, found):
    for at, (left, right) in enumerate(zip(expected, found)):
        if left != right:
            print(f"  first difference at row {at} of {topic}:\n    {left}\n    {right}")
            return


def show_keys(expected, found):
    """Prints some of the keys whose rows differ; how many do."""
    keys = [key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)]
    for key in sorted(keys)[:3]:
        print(f"  {key}:\n    {expected.get(key)}\n    {found.get(key)}")
    return len(keys)


def difference(expected, found):
    """The first topic that differs; None if none does."""
    for topic in ORDERED + UNORDERED + BY_KEY:
        if expected[topic] != found[topic]:
            print(f"  {topic}: {len(expected[topic])} rows expected, {len(found[topic])} found")
            if topic in BY_KEY:
                show_keys(expected[topic], found[topic])
            else:
                show_rows(topic, expected[topic], found[topic])
            return topic
    return None


def count_policies(rows):
    """Decisions by who chose; (partition, key, value) each."""
    return collections.Counter(shop.decode("decision", value)["policy"] for _, _, value in rows)
