#!/usr/bin/env bash
# Does expected profit pay? promostream's own rooms and learner in the simulated shop (policy_lab.c), worlds whose truth is
# known: the share of the Bayes rule's gain in `exact`, what is lost in `null` where nothing pays, calibration.
#
#   tests/compare/policy.sh [SEED...]      default: seeds 101 to 120, or 101 and 102 if PROMOSTREAM_TESTS is fast
#
# Judged: decisions 10,000 to 30,000 outside the control group. Goals (exit 1 if one is missed; with fewer than 8 seeds only
# the means are held to them): exact: mean share >= 65 %, mean - 2 SE > 50 %; null: loss <= .10 per decision; calibration by
# METHODS 0, rule 11, over all seeds. Environment: PROMOSTREAM_BUILD, the build folder (default build/ci, else build/release).
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${PROMOSTREAM_BUILD:-build/ci}
[ -x "$build/tests/policy_lab" ] || build=build/release
[ -x "$build/tests/policy_lab" ] || {
    echo "policy.sh: no policy_lab in $build/tests: build it first (cmake --build --preset ci --target policy_lab)" >&2
    exit 2
}
seeds=("$@")
if [ "${#seeds[@]}" -eq 0 ]; then
    last=120
    [ "${PROMOSTREAM_TESTS:-full}" = fast ] && last=102
    mapfile -t seeds < <(seq 101 "$last")
fi
work=$(mktemp -d /tmp/promostream-policy.XXXXXX)
trap 'rm -rf "$work"' EXIT

lab() { # WORLD SEED: 200,000 users make about 1,000 decisions a day; a week more until labels are final
    "$build/tests/policy_lab" tests/compare/policy.yaml "$1" "$2" 200000 45 10000 30000 >"$work/$1-$2.json"
}
export -f lab
export build work
printf '%s\n' "${seeds[@]}" | xargs -P "$(nproc)" -I{} bash -c 'lab exact {} && lab null {}'
exec python3 tests/compare/policy_report.py "$work"/*.json
