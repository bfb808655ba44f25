#!/usr/bin/env python3
"""Reads what policy_lab printed, one JSON file a run, and prints the table and the verdicts of policy.sh."""

import json
import math
import sys

ARMS = ["none", "remind", "ship", "10%", "20%"]
FEW = 8  # seeds, below which an interval over seeds says nothing


def mean(values):
    return sum(values) / len(values)


def standard_error(values):
    middle = mean(values)
    return math.sqrt(sum((value - middle) ** 2 for value in values) / (len(values) - 1) / len(values)) if len(values) > 1 else 0


def print_runs(world, runs):
    print(f"\nworld {world}: gain per decision against sending nothing, EUR")
    print("  seed  promostream   Bayes  oracle   all10  propensity  share   sent: " + " ".join(f"{arm:>6}" for arm in ARMS) +
          "   ratio [95 %]             NE   floor")
    for run in runs:
        all_arms = run["calibration"]["all"]
        print(f"  {run['seed']:>4}  {run['gain']:>+11.3f} {run['bayes']:>+7.3f} {run['oracle']:>+7.3f} {run['all10']:>+7.3f}"
              f" {run['propensity']:>+11.3f}  {run['share_of_bayes']:>5.1%}         " +
              " ".join(f"{run['sent'][arm]:>6.1%}" for arm in ARMS) +
              f"   {all_arms['ratio']:.3f} [{all_arms['low']:.3f}, {all_arms['high']:.3f}]  {run['ne']:.4f}  {run['ne_floor']:.4f}")

    def mean_of(name):
        return mean([run[name] for run in runs])

    print(f"  mean  {mean_of('gain'):>+11.3f} {mean_of('bayes'):>+7.3f} {mean_of('oracle'):>+7.3f} {mean_of('all10'):>+7.3f}"
          f" {mean_of('propensity'):>+11.3f}  {mean_of('share_of_bayes'):>5.1%}         " +
          " ".join(f"{mean([run['sent'][arm] for run in runs]):>6.1%}" for arm in ARMS))


def pooled(runs, arm):
    """Bought / promised over all runs, by promostream's own labels, with the interval of the pooled sums."""
    promised = bought = variance = count = 0.0
    for run in runs:
        cell = run["calibration"][arm]
        if cell["n"] == 0 or cell["promised"] == 0:
            continue
        count += cell["n"]
        promised += cell["promised"]
        bought += cell["ratio"] * cell["promised"]
        variance += ((cell["high"] - cell["ratio"]) / 1.96 * cell["promised"]) ** 2
    half = 1.96 * math.sqrt(variance) / promised if promised else math.nan
    ratio = bought / promised if promised else math.nan
    return count, ratio, ratio - half, ratio + half


def check(verdicts, holds, text):
    verdicts.append(holds)
    print(f"  {'met   ' if holds else 'MISSED'}  {text}")


def gate(runs, arm, low, high):
    """The share of runs whose own interval meets the gate: rule 11 is about one shop."""
    met = [run["calibration"][arm]["high"] >= low and run["calibration"][arm]["low"] <= high for run in runs]
    return sum(met)


def main():
    runs = [json.load(open(path)) for path in sys.argv[1:]]
    verdicts = []
    worlds = {world: sorted((run for run in runs if run["world"] == world), key=lambda run: run["seed"])
              for world in ("exact", "null")}
    for world, of_world in worlds.items():
        if of_world:
            print_runs(world, of_world)
    exact, null = worlds["exact"], worlds["null"]
    shares = [run["share_of_bayes"] for run in exact]
    error = standard_error(shares)
    print(f"\n{len(exact)} seeds")
    check(verdicts, mean(shares) >= 0.65, f"exact: mean share of the Bayes gain {mean(shares):.1%} (goal 65 %), SE {error:.1%}")
    if len(shares) >= FEW:
        check(verdicts, mean(shares) - 2 * error > 0.5, f"exact: mean - 2 SE {mean(shares) - 2 * error:.1%} (goal above 50 %)")
    loss = -mean([run["gain"] for run in null])
    check(verdicts, loss <= 0.10, f"null: loss per decision {loss:.3f} EUR (goal at most .10; all10 loses "
                                  f"{-mean([run['all10'] for run in null]):.3f})")
    print("\ncalibration, bought / promised, frozen at the decision, labels 7 days later (METHODS 0, rule 11)")
    for arm, (low, high) in [("all", (0.98, 1.02))] + [(arm, (0.9, 1.1)) for arm in ARMS]:
        count, ratio, from_, to = pooled(exact, arm)
        met = gate(exact, arm, low, high)
        enough = count / len(exact) >= 500
        text = f"exact, {arm:>6}: pooled {ratio:.3f} [{from_:.3f}, {to:.3f}], gate [{low}, {high}] met by {met} of {len(exact)} seeds"
        if enough:
            check(verdicts, met * 2 > len(exact), text)
        else:
            print(f"          {text}: not enough data")
    print(f"\nnormalised entropy {mean([run['ne'] for run in exact]):.4f}, constant model 1, floor of the Bayes posterior "
          f"{mean([run['ne_floor'] for run in exact]):.4f} (labels count any order of the user, the floor this cart alone)")
    print(f"{sum(verdicts)} of {len(verdicts)} gates met")
    sys.exit(0 if all(verdicts) else 1)


if __name__ == "__main__":
    main()
