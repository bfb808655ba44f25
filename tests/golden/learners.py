#!/usr/bin/env python3
"""Makes tests/golden/ftrl20.txt and coin.txt, independently of our C.

    learners.py ftrl20 > ftrl20.txt     FTRL-proximal in 50 decimal digits (McMahan et al. 2013, algorithm 1)
    learners.py coin > coin.txt         Vowpal Wabbit's own --coin (pip install vowpalwabbit), its raw predictions
"""
import math
import random
import subprocess
import sys
import tempfile
from decimal import Decimal as D, getcontext

NAMES = ["bias", "a", "b", "c"]


def ftrl20():
    """20 steps over a bias and three features of both signs; z crosses l1 in both directions."""
    getcontext().prec = 50
    alpha, beta, l1, l2 = D("0.3"), D("0.7"), D("0.25"), D("0.5")
    rng = random.Random(20)
    z, n = {k: D(0) for k in NAMES}, {k: D(0) for k in NAMES}
    print("# alpha 0.3, beta 0.7, l1 0.25, l2 0.5, logistic loss; of each step: label, x of bias a b c (0 = absent),")
    print("# p before learning, then z and n of bias a b c after it")
    signs = []
    for step in range(20):
        x = {"bias": D(1)}
        for k in NAMES[1:]:
            x[k] = D(rng.choice([0, -1, 1, -2, 2])) * D(rng.choice(["0.5", "0.75", "1"]))
        y = D(step % 2 if step < 8 else rng.choice([0, 1]))
        w = {k: D(0) if abs(z[k]) <= l1 else
             -(z[k] - l1.copy_sign(z[k])) / ((beta + n[k].sqrt()) / alpha + l2) for k in NAMES}
        p = 1 / (1 + (-sum(w[k] * x[k] for k in NAMES)).exp())
        for k in NAMES:
            g = (p - y) * x[k]
            s = ((n[k] + g * g).sqrt() - n[k].sqrt()) / alpha
            z[k] += g - s * w[k]
            n[k] += g * g
        signs.append([0 if abs(z[k]) <= l1 else 1 if z[k] > 0 else -1 for k in NAMES])
        values = [y] + [x[k] for k in NAMES] + [p] + [v for k in NAMES for v in (z[k], n[k])]
        print(" ".join("%.20g" % v for v in values))
    crossings = sum(a != b for one, two in zip(signs, signs[1:]) for a, b in zip(one, two))
    assert crossings >= 8 and {-1, 0, 1} <= {s for row in signs for s in row}, crossings


def coin():
    """100 examples of features of very different sizes; what --coin said of each before it learned it."""
    rng = random.Random(7)
    rows = []
    for _ in range(100):
        x = [round(rng.gauss(0, 1), 3) * scale if rng.random() < 0.7 else 0 for scale in (1, 100, 0.01)]
        logit = 1.5 * x[0] - 0.01 * x[1] + 60 * x[2] - 0.3
        rows.append((1 if rng.random() < 1 / (1 + math.exp(-logit)) else 0, x))
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/in", "w") as file:
            for y, x in rows:
                file.write("%d |" % (2 * y - 1))
                file.write("".join(" %s:%r" % (k, v) for k, v in zip("abc", x) if v) + "\n")
        subprocess.run([sys.executable, "-m", "vowpalwabbit", "--coin", "--loss_function", "logistic", "-d", folder + "/in",
                        "-r", folder + "/out", "--quiet"], check=True)
        raw = [float(line.split()[0]) for line in open(folder + "/out")]
    print("# vw --coin --loss_function logistic; of each example: label, x of a b c (0 = absent), raw prediction")
    for (y, x), r in zip(rows, raw):
        print(y, *["%.9g" % v for v in x], "%.9g" % r)


{"ftrl20": ftrl20, "coin": coin}[sys.argv[1]]()
