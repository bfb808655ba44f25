#!/usr/bin/env python3
"""Scores a CSV by a JSON of `promostream learn --export-json`, with NumPy alone (consumer/learn/export.h
has the formula), and compares with the CSV that `promostream predict` wrote.

    score_json.py MODEL.json ROWS.csv SCORES.csv      exit 1 where one differs by more than 1e-6 (of a
    regression relative to values beyond 1)"""
import csv
import json
import sys
import numpy as np

ACTIVATIONS = {"linear": lambda x: x, "relu": lambda x: np.maximum(x, 0), "tanh": np.tanh,
               "sigmoid": lambda x: 1 / (1 + np.exp(-x))}


def add(x, at, effects):
    effects = np.array(effects).reshape(len(x), -1)
    x[:, at:at + effects.shape[1]] += effects


def add_numeric(x, column, texts, missing):
    v = np.array([np.nan if t.lower() in missing | {"na", "n/a", "nan", "null", "none"} else float(t) for t in texts])
    low, high = (np.nan if column[k] is None else column[k] for k in ("low", "high"))
    add(x, column["flag_at"], np.outer(v < low, column["low_flag"]) + np.outer(v > high, column["high_flag"]))
    m, e = np.frexp(np.abs(v := np.where(v < low, low, np.where(v > high, high, v))))
    keys = ["0" if z == 0 else ("n" if z < 0 else "p") + str(2 * b + int(a >= 0.5 ** 0.5)) for z, a, b in zip(v, m, e)]
    zero = np.zeros(np.size(column["slope"]))
    for i in np.flatnonzero(~np.isnan(v)):
        u = np.sign(v[i]) * np.log1p(abs(v[i]))
        x[i, column["at"]:column["at"] + len(zero)] += column["buckets"][keys[i]] + u * (zero + column["slope"])


def layer(x, of):
    if of["kind"] == "norm":
        x = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + of["least"])
        return np.array(of["gain"]) * x + of["bias"]
    return ACTIVATIONS[of["activation"]](x @ np.array(of["weights"]) + of["bias"])


model, rows = json.load(open(sys.argv[1])), list(csv.DictReader(open(sys.argv[2])))
missing, x = {""} | set(model["missing"]), np.tile(np.atleast_1d(model["input"]), (len(rows), 1))
for column in model["columns"]:
    parts = column["name"].split(" x ")  # a cross
    texts = [" x ".join("" if row[p] in missing else row[p] for p in parts) for row in rows]
    if column["type"] == "numeric":
        add_numeric(x, column, texts, missing)
    else:
        none = np.zeros(np.size(column["unknown"]))
        add(x, column["at"], [column["effects"].get(t, column["unknown"] if t else none) + none for t in texts])
for of in model["layers"]:
    x = layer(x, of)
raw = model["start"] + model["scale"] * x[:, 0]
scores = raw if model["task"] == "regression" else 1 / (1 + np.exp(-(model["slope"] * raw + model["offset"])))
theirs = np.array([float(line.split(",")[1]) for line in list(open(sys.argv[3]))[1:]])
worst = np.max(np.abs(scores - theirs) / np.maximum(1, np.abs(theirs)))
print(f"{len(rows)} rows, largest difference {worst:.3g}")
sys.exit(not worst <= 1e-6)
