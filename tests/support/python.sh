#!/usr/bin/env bash
# Runs a Python test with the interpreter that has the foreign clients (tests/run.sh makes it); skips without it.
set -euo pipefail
python=${PROMOSTREAM_PYTHON:-python3}
"$python" -c 'import confluent_kafka, fastavro' 2>/dev/null || {
    echo "skipped: $python has no confluent_kafka and fastavro (tests/run.sh installs them)"
    exit 77
}
script=$1
shift
case $(basename "$script") in
trainer_rounds.py)
    [ "${PROMOSTREAM_TESTS:-fast}" != full ] || set -- --rounds 20 "$@"
    ;;
esac
exec "$python" "$script" "$@"
