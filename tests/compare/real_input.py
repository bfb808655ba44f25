#!/usr/bin/env python3
"""Real clickstreams through the main job on a real Kafka, against an independent brute force.

    real_input.py rees46|retailrocket|generated IDLE_MINUTES

Imports the log with clickfeed, runs `promostream run --until-end --at-end=fire` on it, and lets abandoned_carts.py compute
from the log file which (user, deadline) pairs are abandoned carts. The decisions of attempt 0 must be exactly those.
Quiet hours, ticks and the bot rule are off, lateness is 0, capacities are above the data's.
"""

import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import shop  # noqa: E402

DATA = pathlib.Path(os.environ.get("PROMOSTREAM_DATA", shop.ROOT.parent / "shared" / "data"))
FILES = {
    "rees46": DATA / "rees46_2019oct_prefix" / "2019-Oct_first_17434.csv.zst",
    "retailrocket": DATA / "retailrocket_sample" / "events_sample.csv.zst",
    "generated": shop.ROOT / "tests" / "data" / "shop_small.csv",
}
MAP = ["--map", "time=time", "--map", "type=type", "--map", "user=user", "--map", "item=item", "--map", "price=price",
       "--map", "quantity=quantity"]
CONFIG = """
epoch: {{interval: 100ms, ticks: false}}
clean: {{lateness: 0ms}}
state: {{users_max: 100000, bot_events_per_minute: 0, bot_events_per_day: 0}}
triggers:
  cart_abandoned: {{idle: {idle}m}}
decide:
  quiet_hours: ""
  offers:
    - {{id: reminder, kind: reminder, title: "Still there", body: "{{items}}"}}
  rules:
    - {{trigger: cart_abandoned, offer: reminder}}
ops: {{http_listen: ""}}
"""


def main():
    kind, idle = sys.argv[1], int(sys.argv[2])
    address = shop.kafka_address()
    source = FILES[kind]
    if not source.exists():
        print(f"skipped: {source.name} is not on this machine")
        sys.exit(shop.SKIPPED)
    promostream, clickfeed = shop.binaries()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="promostream-real-"))
    prefix = f"{kind}{idle}-{int(time.time())}-"
    topic = prefix + "input"
    importer = ["csv", *MAP] if kind == "generated" else [kind]
    imported = shop.run(clickfeed, "import", *importer, source, "--brokers", address, "--topic", topic, "--partitions", 4,
                        "--consent", "granted" if kind == "generated" else "unknown")
    print((imported.stdout + imported.stderr).strip().splitlines()[-1])
    config = shop.write_config(folder / "pipeline.yaml", CONFIG.format(idle=idle), address, clickstream=topic,
                               prefix=prefix, partitions=4)
    began = time.monotonic()
    shop.run(promostream, "run", "--config", config, "--group", prefix + "group", "--worker-name", prefix + "a",
             "--until-end", "--at-end", "fire")
    print(f"promostream run: {time.monotonic() - began:.1f} s")
    checked = shop.run(sys.executable, pathlib.Path(__file__).with_name("abandoned_carts.py"), kind, source, "--idle", idle,
                       "--brokers", address, "--topic", prefix + "promotion-decisions", check=False)
    print(checked.stdout.strip(), checked.stderr.strip(), sep="\n")
    sys.exit(checked.returncode)


if __name__ == "__main__":
    main()
