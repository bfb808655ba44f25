"""How fast a restarted worker has its users back from a real broker: it is killed while it runs, started again, and says so
in its log."""

import pathlib
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import shop  # noqa: E402
from latency import wait_for_log  # noqa: E402


def start(address, promostream, run_id, folder, log):
    prefix = f"bench-{run_id}-"
    command = [promostream, "run", "--config", folder / f"bench-{run_id}.yaml", "--brokers", address, "--group", prefix,
               "--worker-name", prefix, "--http", ""]
    log.unlink(missing_ok=True)
    process = shop.spawn(command, log)
    wait_for_log(log, r"assigned worker=.* recovery_ms=\d+\n", process, seconds=120)
    return process


def measure(address, promostream, run_id, folder):
    """After `bench end-to-end --keep --run-id RUN_ID`: kill, restart. {"users", "recovery_ms", "users_per_s", "wall_ms"};
    wall_ms is from exec to the line that says that everything is assigned."""
    log = pathlib.Path(folder) / f"recovery-{run_id}.log"
    process = start(address, promostream, run_id, pathlib.Path(folder), log)
    process.kill()
    process.wait()
    begin = time.monotonic()
    process = start(address, promostream, run_id, pathlib.Path(folder), log)
    wall_ms = 1000 * (time.monotonic() - begin)
    text = log.read_text()
    shop.terminate(process)
    log.unlink()
    users = sum(int(number) for number in re.findall(r"recovered partition=\d+ users=(\d+)", text))
    recovery_ms = int(re.search(r"assigned worker=.* recovery_ms=(\d+)", text).group(1))
    return {"users": users, "recovery_ms": recovery_ms, "users_per_s": round(1000 * users / max(recovery_ms, 1)),
            "wall_ms": round(wall_ms)}
