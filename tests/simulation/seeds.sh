#!/usr/bin/env bash
# Seeds of one lane, always from the first one on: for SECONDS, or in the full form (PROMOSTREAM_TESTS=full) COUNT of them.
#
#   seeds.sh SIMULATE LANE SECONDS COUNT
set -euo pipefail
if [ "${PROMOSTREAM_TESTS:-fast}" = full ]; then
    exec "$1" --lane "$2" --seeds "$4"
fi
exec "$1" --lane "$2" --seconds "$3"
