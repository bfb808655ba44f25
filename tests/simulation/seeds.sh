#!/usr/bin/env bash
# Seeds of one lane: for SECONDS, always the same first ones; in the full form (PROMOSTREAM_TESTS=full) 10,000.
#
#   seeds.sh SIMULATE LANE SECONDS
set -euo pipefail
if [ "${PROMOSTREAM_TESTS:-fast}" = full ]; then
    exec "$1" --lane "$2" --seeds 10000
fi
exec "$1" --lane "$2" --seconds "$3"
