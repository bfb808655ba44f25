#!/usr/bin/env python3
"""Scores a CSV by a JSON of `promostream learn --export-json`, with NumPy alone (consumer/learn/export.h
has the formula), and compares with the CSV that `promostream predict` wrote.

    score_json.py MODEL.json ROWS.csv SCORES.csv      exit 1 where one differs by more than 1e-6"""
import csv
import json
import sys

import numpy as np

MISSING = {"", "na", "n/a", "nan", "null", "none"}


def numeric(column, texts):
    v = np.array([np.nan if t.lower() in MISSING else float(t) for t in texts])
    low, high = (np.nan if column[k] is None else column[k] for k in ("low", "high"))
    flags = np.where(v < low, column["low_flag"], 0) + np.where(v > high, column["high_flag"], 0)
    v = np.where(v < low, low, np.where(v > high, high, v))
    m, e = np.frexp(np.abs(v))
    keys = ["0" if x == 0 else ("n" if x < 0 else "p") + str(2 * b + int(a >= 0.5 ** 0.5))
            for x, a, b in zip(v, m, e)]
    buckets = np.array([0.0 if np.isnan(x) else column["buckets"][k] for x, k in zip(v, keys)])
    u = np.sign(v) * np.log1p(np.abs(v))
    return flags + np.where(np.isnan(v), 0, buckets + column["slope"] * u)


def categorical(column, texts):
    return np.array([column["effects"].get(t, 0.0) for t in texts])


def main():
    model = json.load(open(sys.argv[1]))
    rows = list(csv.DictReader(open(sys.argv[2])))
    raw = np.full(len(rows), model["bias"])
    for column in model["columns"]:
        parts = column["name"].split(" x ")  # a cross
        texts = [" x ".join(row[p] for p in parts) for row in rows]
        raw += (numeric if column["type"] == "numeric" else categorical)(column, texts)
    p = 1 / (1 + np.exp(-(model["slope"] * raw + model["offset"])))
    p = raw if model["task"] == "regression" else p
    theirs = np.array([float(line.split(",")[1]) for line in list(open(sys.argv[3]))[1:]])
    print(f"{len(rows)} rows, largest difference {np.max(np.abs(p - theirs)):.3g}")
    return 0 if np.max(np.abs(p - theirs)) <= 1e-6 else 1


sys.exit(main())
