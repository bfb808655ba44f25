#!/usr/bin/env bash
# The tables in which promostream learn stands beside the learners of others: six public tasks in one pass
# (Vowpal Wabbit, River, plain FTRL), a held-out test (scikit-learn, PyTorch), and speed from the same text (Vowpal Wabbit).
# Peers come from PyPI (peers.sh), PyTorch from Debian (torch.sh), once, into PROMOSTREAM_CACHE; the data are those of PROMOSTREAM_DATA.
#
#   run.sh [one-pass] [held-out] [speed]      all three by default; some minutes
#   run.sh golden                             prediction for prediction what Vowpal Wabbit computes (vw_golden.py)
#   run.sh defaults                           chooses the defaults of one pass on the simulated shop (choose_defaults.py)
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
export PROMOSTREAM_DATA=${PROMOSTREAM_DATA:-$root/../shared/data}
binary=${PROMOSTREAM_BUILD:-$root/build/release}/consumer/promostream
cache=${PROMOSTREAM_CACHE:-$HOME/.cache/promostream}
python=$(tests/compare/peers.sh)
[ "$#" -gt 0 ] || set -- one-pass held-out speed
code=0
for table in "$@"; do
    case "$table" in
    one-pass) "$python" tests/compare/learners.py "$binary" || code=1 ;;
    held-out)
        PROMOSTREAM_TORCH=$(tests/compare/torch.sh || true)
        export PROMOSTREAM_TORCH
        "$python" tests/compare/holdout.py "$binary" || code=1
        ;;
    golden) "$python" tests/compare/vw_golden.py "$binary" || code=1 ;;
    defaults) "${PROMOSTREAM_PYTHON:-$cache/python/bin/python3}" tests/compare/choose_defaults.py "${binary%/*/*}" || code=1 ;;
    speed) tests/bench/learn_vs_vw.sh || code=1 ;;
    *)
        echo "run.sh: found '$table', expected one-pass, held-out, golden, defaults or speed" >&2
        exit 2
        ;;
    esac
    echo
done
exit "$code"
