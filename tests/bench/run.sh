#!/usr/bin/env bash
# Every benchmark, on a real Kafka on this machine: rooms, engine, end to end, recovery, latency, two workers. Prints them,
# the table of the README, and what changed since the run before; appends a line to tests/bench/history.jsonl.
#
#   tests/bench/run.sh            about six minutes on two cores
#   tests/bench/run.sh --quick    small sizes, about one
#
# It is no test: nothing fails because it is slow. Measure on an idle machine: broker and client share its cores.
# Environment: PROMOSTREAM_KAFKA, a broker that runs already; PROMOSTREAM_BUILD (default build/release, made if missing).
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
export HOME=${HOME:-~}
export PROMOSTREAM_CACHE=${PROMOSTREAM_CACHE:-$HOME/.cache/promostream}
export PROMOSTREAM_BUILD=${PROMOSTREAM_BUILD:-$root/build/release}

if [ ! -x "$PROMOSTREAM_BUILD/consumer/promostream" ] || [ "$PROMOSTREAM_BUILD" = "$root/build/release" ]; then
    cmake --preset release >/dev/null
    cmake --build --preset release -j "$(nproc)" --target promostream >/dev/null
fi

python=${PROMOSTREAM_PYTHON:-$PROMOSTREAM_CACHE/python/bin/python3}
if ! "$python" -c 'import confluent_kafka, fastavro' 2>/dev/null; then
    python3 -m venv "$PROMOSTREAM_CACHE/bench-python"
    python=$PROMOSTREAM_CACHE/bench-python/bin/python3
    "$python" -m pip install -q --disable-pip-version-check confluent-kafka==2.6.1 fastavro==1.9.7
fi

if [ -z "${PROMOSTREAM_KAFKA:-}" ]; then
    kafka=$(mktemp -d /tmp/promostream-bench.XXXXXX)
    trap 'tests/kafka/kafka.sh stop "$kafka" >/dev/null 2>&1 || true; rm -rf "$kafka"' EXIT
    tests/kafka/kafka.sh install
    tests/kafka/kafka.sh start "$kafka"
    PROMOSTREAM_KAFKA=$(tests/kafka/kafka.sh address "$kafka")
    export PROMOSTREAM_KAFKA
fi
"$python" tests/bench/suite.py "$@"
