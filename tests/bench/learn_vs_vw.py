#!/usr/bin/env python3
"""Examples per CPU second from one text file: promostream learn beside Vowpal Wabbit, both with a
table of 2^22 weights and namespaces a and d crossed, predicting before learning.

    learn_vs_vw.py PROMOSTREAM [ROWS]     2,000,000 rows of 14 features by default

CPU seconds are user + system of the whole process, files are in the page cache. The runs take turns; a
figure is the median of the rounds with the least and the most beside it, and the ratio is that of one
round's two runs. The log-losses are of the same predictions-before-learning. Exit 1 where the median
ratio is below 3 or the log-loss is worse; 77 without the package vowpalwabbit."""
import json
import math
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile

ROUNDS = 5


def write_file(path, rows):
    """Ad (a: 3 features), context (b: 4), device (c: 4), shopper (d: 3); ids by a Zipf-like law."""
    draw = random.Random(1)
    bias = {}

    def weight(name, scale):
        if name not in bias:
            bias[name] = draw.gauss(0, scale)
        return bias[name]

    def some(space, count):
        return f"{space}{int(count * draw.random() ** 3)}"

    with open(path, "w") as out:
        for _ in range(rows):
            a = [some("ad", 20000), some("campaign", 500), some("shop", 200)]
            b = [some("page", 50000), some("slot", 40), some("hour", 24), some("day", 7)]
            c = [some("os", 12), some("model", 4000), some("browser", 60), some("lang", 40)]
            d = [some("user", 200000), some("region", 300), some("age", 12)]
            logit = -1.5 + sum(weight(x, 0.3) for x in a + b + c + d)
            logit += weight(a[1] + d[2], 0.5) + weight(a[2] + d[1], 0.5)
            label = 1 if draw.random() < 1 / (1 + math.exp(-logit)) else -1
            out.write(f"{label} |a {' '.join(a)} |b {' '.join(b)} |c {' '.join(c)} "
                      f"|d {' '.join(d)}\n")


def cpu_seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
            done.stdout + done.stderr)


def vw_loss(text):
    return next(float(line.split("=")[1]) for line in text.splitlines()
                if line.startswith("average loss"))


def spread(values, shape):
    return f"{statistics.median(values):{shape}} ({min(values):{shape}} to {max(values):{shape}})"


def main():
    try:
        import vowpalwabbit  # noqa: F401
    except ImportError:
        print("skipped: no vowpalwabbit (tests/compare/run.sh installs it)")
        return 77
    binary = sys.argv[1]
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 2000000
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "examples.vw")
        write_file(path, rows)
        with open(path, "rb") as text:
            while text.read(1 << 20):
                pass
        vw = [sys.executable, "-m", "vowpalwabbit", "-d", path, "-b", "22", "-q", "ad",
              "--loss_function", "logistic", "--no_stdin", "-P", "1000000"]
        runs = {"VW": vw, "VW --ftrl": vw + ["--ftrl"], "VW --coin": vw + ["--coin"],
                "promostream learn": [binary, "learn", path, "--cross", "a:d", "--set", "bits=22",
                                      "--quiet", "--json"]}
        speeds, loss = {name: [] for name in runs}, {}
        for _ in range(ROUNDS):
            for name, command in runs.items():
                seconds, text = cpu_seconds(command)
                speeds[name].append(rows / seconds)
                loss[name] = (json.loads(text)["progressive"]["logloss"] if "learn" in name
                              else vw_loss(text))
    print(f"| {rows:,} rows, {ROUNDS} rounds, {os.uname().machine} | rows per CPU second | log-loss |\n|---|---|---|")
    for name in runs:
        print(f"| {name} | {spread(speeds[name], ',.0f')} | {loss[name]:.5f} |")
    ratios = [ours / vw for ours, vw in zip(speeds["promostream learn"], speeds["VW"])]
    print(f"\npromostream learn / VW: {spread(ratios, '.2f')}")
    is_good = statistics.median(ratios) >= 3 and loss["promostream learn"] <= loss["VW"]
    return 0 if is_good else 1


sys.exit(main())
