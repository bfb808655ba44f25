#!/usr/bin/env python3
"""One pass, predict then learn, over six public tasks: promostream learn in its default
configuration beside Vowpal Wabbit, River and plain FTRL, on the same features.

    learners.py PROMOSTREAM [--tasks a,b]     prints a Markdown table

Exit 1 when ours is worse than a row's best peer by more than two standard errors of the paired
difference, or better on fewer than three. Needs vowpalwabbit and river (tests/compare/run.sh);
exits 77 without the public data."""
import math
import os
import subprocess
import sys
import tempfile

import learner_tasks

LEAST = 1e-6


def losses(ps, labels):
    return [-math.log(max(LEAST, p if y else 1 - p)) for p, y in zip(ps, labels)]


def auc(ps, labels):
    order = sorted(zip(ps, labels))
    rank_sum, i = 0.0, 0
    while i < len(order):
        j = i
        while j < len(order) and order[j][0] == order[i][0]:
            j += 1
        rank_sum += sum(y for _, y in order[i:j]) * (i + j + 1) / 2
        i = j
    n1 = sum(labels)
    n0 = len(labels) - n1
    return (rank_sum - n1 * (n1 + 1) / 2) / (n1 * n0)


def ours(binary, task, folder):
    path, out = os.path.join(folder, "task.csv"), os.path.join(folder, "ours.csv")
    task.write_csv(path)
    subprocess.run([binary, "learn", path, "--label", "label", "--numeric", ",".join(task.numbers),
                    "--categorical", ",".join(task.names), "--progressive", "--quiet", "--json",
                    "--predictions", out], check=True, stdout=subprocess.DEVNULL)
    with open(out) as lines:
        return [float(line.split(",")[0]) for line in list(lines)[1:]]


def vw(arguments):
    """By VW's raw predictions: with --coin, -p writes others (vw_golden.py)."""
    def run(task, folder):
        path, out = os.path.join(folder, "task.vw"), os.path.join(folder, "vw.txt")
        task.write_vw(path)
        subprocess.run([sys.executable, "-m", "vowpalwabbit", "-d", path, "-r", out, "--quiet",
                        "--loss_function", "logistic", "-b", "18"] + arguments, check=True)
        with open(out) as lines:
            return [1 / (1 + math.exp(-float(line.split()[0]))) for line in lines]
    return run


def plain_ftrl(task, _):
    """McMahan 2013 with alpha .1, beta 1, l2 1; numbers by a running z-score of log1p."""
    z, n, ps, moments = {}, {}, [], {}
    for row, label in zip(task.rows, task.labels):
        x = {"bias": 1.0}
        for c in task.numbers:
            u = learner_tasks.squeezed(float(row[c]))
            count, mean, square = moments.get(c, (0, 0.0, 0.0))
            count += 1
            delta = u - mean
            mean += delta / count
            square += delta * (u - mean)
            moments[c] = (count, mean, square)
            sd = math.sqrt(square / count)
            x[c] = (u - mean) / sd if sd > 1e-9 else 0.0
        for c in task.names:
            x[c + "=" + row[c]] = 1.0
        w = {k: -z.get(k, 0.0) / ((1 + math.sqrt(n.get(k, 0.0))) / 0.1 + 1) for k in x}
        p = 1 / (1 + math.exp(-max(-30, min(30, sum(w[k] * x[k] for k in x)))))
        ps.append(p)
        for k in x:
            g = (p - label) * x[k]
            before = n.get(k, 0.0)
            n[k] = before + g * g
            z[k] = z.get(k, 0.0) + g - (math.sqrt(n[k]) - math.sqrt(before)) / 0.1 * w[k]
    return ps


def river(task, _):
    """AdaGrad, numbers scaled, names one-hot."""
    from river import compose, linear_model, optim, preprocessing
    model = (compose.Select(*task.numbers) | preprocessing.StandardScaler()) + \
        (compose.Select(*task.names) | preprocessing.OneHotEncoder())
    model |= linear_model.LogisticRegression(optimizer=optim.AdaGrad(0.1), l2=0.0)
    ps = []
    for row, label in zip(task.rows, task.labels):
        x = {c: learner_tasks.squeezed(float(row[c])) for c in task.numbers}
        x.update({c: row[c] for c in task.names})
        ps.append(model.predict_proba_one(x).get(True, 0.5))
        model.learn_one(x, bool(label))
    return ps


PEERS = [("VW adaptive", vw([])), ("VW ftrl", vw(["--ftrl"])),
         ("VW ftrl .1/l2 1", vw(["--ftrl", "--ftrl_alpha", "0.1", "--l2", "1"])),
         ("VW coin", vw(["--coin"])), ("FTRL .1/l2 1, running z", plain_ftrl),
         ("River AdaGrad, scaled", river)]


def compare(binary, task, folder):
    """The row of the table, and ours minus the best peer's log-loss with its standard error."""
    mine = ours(binary, task, folder)
    base = losses(mine, task.labels)
    rate = sum(task.labels) / len(task.labels)
    cells, best = [], None
    for name, run in PEERS:
        ps = run(task, folder)
        assert len(ps) == len(task.labels), name
        loss = losses(ps, task.labels)
        mean = sum(loss) / len(loss)
        cells.append(f"{mean:.4f} {auc(ps, task.labels):.4f}")
        if best is None or mean < best[0]:
            best = (mean, name, loss)
    differences = [a - b for a, b in zip(base, best[2])]
    mean = sum(differences) / len(differences)
    variance = sum((d - mean) ** 2 for d in differences) / (len(differences) - 1)
    error = math.sqrt(variance / len(differences))
    constant = -rate * math.log(rate) - (1 - rate) * math.log(1 - rate)
    width = len(task.numbers) + len(task.names)
    print(f"| {task.title} ({len(base):,}, {rate:.3f}, {width}) | {constant:.4f} | "
          f"{sum(base) / len(base):.4f} {auc(mine, task.labels):.4f} | "
          f"{mean:+.4f} ± {error:.4f} | " + " | ".join(cells) + " |", flush=True)
    return mean, error


def main():
    if not learner_tasks.is_there():
        print(f"skipped: no public data in {learner_tasks.DATA} (PROMOSTREAM_DATA)")
        return 77
    binary = sys.argv[1]
    print("| task (rows, base rate, features) | constant | **promostream learn** | ours - best peer | "
          + " | ".join(name for name, _ in PEERS) + " |")
    print("|---" * (len(PEERS) + 4) + "|")
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for task in learner_tasks.all_tasks():
            results.append(compare(binary, task, folder))
    worse = sum(mean > 2 * error for mean, error in results)
    better = sum(mean < 0 for mean, _ in results)
    print(f"\nlog-loss and AUC of one pass; worse than the best peer by over 2 se: {worse} of "
          f"{len(results)}; better: {better}")
    return 0 if worse == 0 and better >= 3 else 1


sys.exit(main())
