#!/usr/bin/env bash
# promostream learn beside Vowpal Wabbit on the same text (learn_vs_vw.py says how); both from the
# environment that tests/compare/peers.sh makes.
#
#   learn_vs_vw.sh [ROWS]      PROMOSTREAM_BUILD names the build, build/release by default
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
python=$("$root/tests/compare/peers.sh")
exec "$python" "$root/tests/bench/learn_vs_vw.py" "${PROMOSTREAM_BUILD:-$root/build/release}/consumer/promostream" "$@"
