#!/usr/bin/env python3
"""Chooses the defaults of the learner `linear` for one pass, on tasks made of the simulated shop alone (shop_tasks.py:
seven kinds, seeds 1 to 10, 4,000 to 64,000 rows). The six public tasks of learners.py are never read.

    choose_defaults.py BUILD      about 10 minutes; tests/compare/run.sh defaults

The rule, which was written down before the first result was seen:

 1. A configuration's figure on a task is its normalised entropy: log-loss of predictions made before each row is
    learned, over that of the constant model.
 2. Its figure is the mean over tasks. For files (`promostream learn`) these are the six kinds other than `examples`;
    for the stream, `examples` alone.
 3. The best is the lowest mean. Equal to it is whatever lies above it by no more than one standard error of the
    paired difference, over the ten seeds (the kinds of a seed share a shop: they are averaged first).
 4. Of those equal, the one with the fewest options that differ from the stream's default is taken; of these, the one
    with the lowest mean. So the stream's default stays unless something is better by more than one standard error,
    and a file's default is the stream's unless files have reasons of their own."""
import concurrent.futures
import itertools
import json
import os
import subprocess
import sys
import tempfile

import shop_tasks

STREAM = {"optimizer": "ftrl", "lr": "0.1", "l2": "1", "numbers": "both", "calibration_rate": "0.005", "prior_p": "0.1"}


def grid():
    """The stream's default first; each configuration once."""
    numbers, rates = ("both", "bucket", "scale"), ("0.005", "0")
    changes = [{}]
    for lr, l2, n, c in itertools.product(("0.05", "0.07", "0.1", "0.14", "0.2"), ("0.3", "1", "3"), numbers, rates):
        changes.append({"lr": lr, "l2": l2, "numbers": n, "calibration_rate": c})
    for n, c in itertools.product(numbers, rates):
        changes.append({"optimizer": "coin", "lr": "0", "l2": "0", "numbers": n, "calibration_rate": c})
    for lr, n in itertools.product(("0.02", "0.05", "0.1"), numbers):
        changes.append({"optimizer": "adagrad", "lr": lr, "l2": "0", "numbers": n, "calibration_rate": "0"})
    for p, lr, c in itertools.product(("0.02", "0.5"), ("0.07", "0.1"), rates):
        changes.append({"prior_p": p, "lr": lr, "calibration_rate": c})
    configurations = []
    for change in changes:
        configuration = STREAM | change
        if configuration not in configurations:
            configurations.append(configuration)
    return configurations


def changed(configuration):
    return sum(configuration[option] != value for option, value in STREAM.items())


def name(configuration):
    return ", ".join(f"{option} {value}" for option, value in configuration.items())


def entropy(build, path, arguments, configuration):
    sets = [part for option, value in configuration.items() for part in ("--set", f"{option}={value}")]
    done = subprocess.run([os.path.join(build, "consumer/promostream"), "learn", path, "--progressive", "--quiet",
                           "--json"] + arguments + sets, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)["progressive"]["ne"]


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def choose(by_seed):
    """By the rule; by_seed[configuration][seed]. Prints the table; the place of the choice in the grid."""
    configurations = grid()
    means = [mean(figures) for figures in by_seed]
    best = min(range(len(means)), key=means.__getitem__)
    rows = []
    for i, figures in enumerate(by_seed):
        differences = [a - b for a, b in zip(figures, by_seed[best])]
        above = mean(differences)
        error = (mean((d - above) ** 2 for d in differences) / (len(differences) - 1)) ** 0.5
        rows.append((i, above, error))
    equal = [i for i, above, error in rows if above <= error]
    chosen = min(equal, key=lambda i: (changed(configurations[i]), means[i]))
    print("| normalised entropy | above the best ± se | configuration |\n|---|---|---|")
    shown = sorted(rows, key=lambda row: row[1])[:15] + [rows[0], rows[chosen]]
    for i, above, error in sorted(set(shown), key=lambda row: row[1]):
        notes = (" (the stream's default)" if i == 0 else "") + (" **chosen**" if i == chosen else "")
        print(f"| {means[i]:.5f} | {above:.5f} ± {error:.5f} | {name(configurations[i])}{notes} |")
    print(f"\n{len(equal)} of {len(rows)} are equal to the best; chosen: {name(configurations[chosen])}")
    return chosen


def main():
    build, configurations = sys.argv[1], grid()
    with tempfile.TemporaryDirectory() as folder:
        tasks = shop_tasks.write_all(build, folder)
        jobs = list(itertools.product(range(len(configurations)), range(len(tasks))))
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            found = list(pool.map(lambda job: entropy(build, tasks[job[1]][2], tasks[job[1]][3],
                                                      configurations[job[0]]), jobs))
    figures = [found[i * len(tasks):(i + 1) * len(tasks)] for i in range(len(configurations))]

    def by_seed(row, kinds):
        return [mean(figure for figure, (task_seed, kind, _, _) in zip(row, tasks)
                     if task_seed == seed and kind in kinds) for seed in shop_tasks.SEEDS]

    files = [kind for kind in shop_tasks.KINDS if kind != "examples"]
    print(f"## files: {len(shop_tasks.SEEDS)} seeds of {', '.join(files)}\n")
    chosen = choose([by_seed(row, files) for row in figures])
    print("\n## stream: examples\n")
    choose([by_seed(row, ["examples"]) for row in figures])
    print("\n| kind | " + " | ".join(("the stream's default", "chosen for files", "best of the grid")) + " |\n"
          "|---|---|---|---|")
    for kind in shop_tasks.KINDS:
        of_kind = [mean(by_seed(row, [kind])) for row in figures]
        print(f"| {kind} | {of_kind[0]:.5f} | {of_kind[chosen]:.5f} | {min(of_kind):.5f} |")


if __name__ == "__main__":
    main()
