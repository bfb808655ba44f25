#!/usr/bin/env python3
"""The same numbers as Vowpal Wabbit's: 2,000 generated examples in its text format, read by both, predicted before each
is learned, also over ten passes. VW's own 0001.dat is in no package; this file of our own does its job.

    vw_golden.py PROMOSTREAM      with vowpalwabbit (tests/compare/run.sh golden)

Exit 1 when a probability differs by more than 2e-5 (both keep weights in single precision). VW's raw prediction (-r)
is compared: with --coin, -p writes another number than the one that the example's loss is of."""
import math
import os
import random
import subprocess
import sys
import tempfile

TOLERANCE = 2e-5
# title, VW's options, ours, how often the examples are read
PAIRS = [
    ("FTRL, alpha .1, l2 1", ["--ftrl", "--ftrl_alpha", "0.1", "--ftrl_beta", "1", "--l2", "1"],
     ["--lr", "0.1", "--l2", "1"], 1),
    ("FTRL, alpha .5, beta .5, l1 .3", ["--ftrl", "--ftrl_alpha", "0.5", "--ftrl_beta", "0.5", "--l1", "0.3"],
     ["--lr", "0.5", "--l2", "0", "--l1", "0.3", "--set", "ftrl_beta=0.5"], 1),
    ("the same, ten passes", ["--ftrl", "--ftrl_alpha", "0.5", "--ftrl_beta", "0.5", "--l1", "0.3"],
     ["--lr", "0.5", "--l2", "0", "--l1", "0.3", "--set", "ftrl_beta=0.5"], 10),
    ("coin betting", ["--coin"], ["--set", "optimizer=coin", "--l2", "0"], 1),
    ("coin betting, ten passes", ["--coin"], ["--set", "optimizer=coin", "--l2", "0"], 10),
    ("SGD, rate .3", ["--sgd", "-l", "0.3", "--power_t", "0"],
     ["--set", "optimizer=sgd", "--lr", "0.3", "--l2", "0"], 1),
]


def write_examples(path, times):
    rng = random.Random(5)
    weights = {f"f{i}": rng.gauss(0, 1) for i in range(60)}
    lines = []
    for _ in range(2000):
        names = rng.sample(sorted(weights), rng.randint(3, 12))
        values = [round(math.exp(rng.gauss(-1, 1)), 4) for _ in names]
        logit = sum(weights[n] * x for n, x in zip(names, values)) - 0.5
        label = "1" if rng.random() < 1 / (1 + math.exp(-logit)) else "-1"
        lines.append(f"{label} |f " + " ".join(f"{n}:{x}" for n, x in zip(names, values)) + "\n")
    with open(path, "w") as out:
        out.write("".join(lines) * times)


def vw(options, path, folder):
    out = os.path.join(folder, "raw")
    subprocess.run([sys.executable, "-m", "vowpalwabbit", "--quiet", "--loss_function", "logistic", "-b", "22",
                    "-d", path, "-r", out] + options, check=True)
    with open(out) as lines:
        return [1 / (1 + math.exp(-float(line.split()[0]))) for line in lines]


def ours(binary, options, path, folder):
    out = os.path.join(folder, "ours.csv")
    subprocess.run([binary, "learn", path, "--quiet", "--json", "--progressive", "--predictions", out,
                    "--set", "prior_p=0.5", "--set", "calibration_rate=0", "--set", "bits=22"] + options,
                   check=True, stdout=subprocess.DEVNULL)
    with open(out) as lines:
        return [float(line.split(",")[0]) for line in list(lines)[1:]]


def main():
    code = 0
    print("| settings | largest difference of a probability |\n|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "examples.vw")
        for title, theirs, own, times in PAIRS:
            write_examples(path, times)
            pairs = list(zip(vw(theirs, path, folder), ours(sys.argv[1], own, path, folder), strict=True))
            largest = max(abs(a - b) for a, b in pairs)
            code = 1 if not largest <= TOLERANCE else code
            print(f"| {title} | {largest:.1e} |")
    return code


sys.exit(main())
