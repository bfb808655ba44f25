#!/usr/bin/env bash
# The whole ritual: installs what is missing, builds, starts a real Kafka and a schema registry, runs every test, closes
# with ctest's line.
#
#   tests/run.sh          the same as fast
#   tests/run.sh fast     what CI runs: under 15 minutes on two cores
#   tests/run.sh full     the long forms: more kill rounds, more seeds
#
# Environment: PROMOSTREAM_CACHE (default ~/.cache/promostream) keeps the jars and the Python packages;
# PROMOSTREAM_DATA (default ../shared/data beside the checkout) is where the public logs are, if they are there.
set -euo pipefail

mode=${1:-fast}
case "$mode" in
fast | full) ;;
*)
    echo "run.sh: found '$mode', expected fast or full" >&2
    exit 2
    ;;
esac

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
export HOME=${HOME:-~} # cron and containers leave it out
export PROMOSTREAM_CACHE=${PROMOSTREAM_CACHE:-$HOME/.cache/promostream}
export PROMOSTREAM_DATA=${PROMOSTREAM_DATA:-$root/../shared/data}
export PROMOSTREAM_TESTS=$mode
jobs=$(nproc)
kafka=$(mktemp -d /tmp/promostream-kafka.XXXXXX)
registry=$(mktemp -d /tmp/promostream-registry.XXXXXX)
failed=()
summary=()

clean_up() {
    tests/kafka/registry.sh stop "$registry" >/dev/null 2>&1 || true
    tests/kafka/kafka.sh stop "$kafka" >/dev/null 2>&1 || true
    rm -rf "$kafka" "$registry"
}
trap clean_up EXIT

# suite NAME BUDGET_S COMMAND...: runs it, prints its time beside its budget, remembers a failure and goes on.
suite() {
    local name=$1 budget_s=$2 start_s=$SECONDS verdict=passed
    shift 2
    printf '\n==== %s (budget %s s)\n' "$name" "$budget_s"
    if ! "$@"; then
        verdict=FAILED
        failed+=("$name")
    fi
    summary+=("$(printf '%-34s %5s s of %5s s  %s' "$name" "$((SECONDS - start_s))" "$budget_s" "$verdict")")
}

build() { # PRESET [TARGET...]
    local preset=$1
    shift
    cmake --preset "$preset" >"build-$preset.log" 2>&1 || {
        cat "build-$preset.log"
        return 1
    }
    cmake --build --preset "$preset" -j "$jobs" ${1:+--target "$@"} -- -k 0 >>"build-$preset.log" 2>&1 || {
        grep -E -A12 'error|FAILED' "build-$preset.log"
        return 1
    }
}

python_packages() {
    local venv=$PROMOSTREAM_CACHE/python
    if [ -e "$venv/.complete-2" ]; then
        "$venv/bin/python3" -c 'import numpy' 2>/dev/null || "$venv/bin/pip" install -q --disable-pip-version-check numpy==1.26.4
        return
    fi
    rm -rf "$venv"
    # The second line is what confluent_kafka.schema_registry imports.
    python3 -m venv "$venv" &&
        "$venv/bin/pip" install -q --disable-pip-version-check confluent-kafka==2.6.1 fastavro==1.9.7 numpy==1.26.4 \
            requests==2.32.3 urllib3==2.2.3 idna==3.10 charset-normalizer==3.4.0 certifi==2024.8.30 &&
        "$venv/bin/python3" -c 'from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer' &&
        touch "$venv/.complete-2"
}

start_servers() {
    tests/kafka/kafka.sh start "$kafka" && tests/kafka/registry.sh start "$registry"
}

tests_of() { # PRESET CTEST_ARGUMENTS...
    ctest --test-dir "build/$1" --output-on-failure "${@:2}"
}

mkdir -p "$PROMOSTREAM_CACHE"
suite "packages" 180 deploy/packages.sh test
suite "build" 180 build ci
[ "${#failed[@]}" -eq 0 ] || exit 1
suite "build with ASan and UBSan" 180 build asan all
threaded=(test_broker_mock test_trainer_mock test_http test_console test_log test_metrics test_registry)
suite "build with TSan" 60 build tsan "${threaded[@]}"
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
suite "unit, simulation ... (ASan, UBSan)" 160 tests_of asan -L 'unit|property|golden|simulation' -j "$jobs"
suite "fuzz: corpora, mutations (ASan, UBSan)" 60 tests_of asan -L fuzz -j "$jobs"
suite "threads: broker, http, registry (TSan)" 90 tests_of tsan -R "/($(IFS="|"; echo "${threaded[*]}"))\$"
suite "simulated seeds" 45 tests_of ci -L simulation -j "$jobs"
suite "Kafka, registry, Python: fetch" 120 eval 'tests/kafka/kafka.sh install && tests/kafka/registry.sh install && python_packages'
suite "start Kafka and the registry" 60 start_servers
PROMOSTREAM_KAFKA=$(tests/kafka/kafka.sh address "$kafka")
PROMOSTREAM_REGISTRY=$(tests/kafka/registry.sh address "$registry")
PROMOSTREAM_REGISTRY_TLS=$(tests/kafka/registry.sh secure "$registry")
export PROMOSTREAM_KAFKA PROMOSTREAM_REGISTRY PROMOSTREAM_REGISTRY_TLS PROMOSTREAM_REGISTRY_CA=$registry/server.crt
export PROMOSTREAM_PYTHON=$PROMOSTREAM_CACHE/python/bin/python3
[ -d "$PROMOSTREAM_DATA" ] || echo "run.sh: no public logs in $PROMOSTREAM_DATA: comparisons with them are skipped"
budget_s=600
[ "$mode" = full ] && budget_s=5400
# Most of them wait for a broker most of their time: three at once. What measures has RUN_SERIAL.
suite "mock, kafka, compare, chaos, demo" "$budget_s" tests_of ci -LE 'unit|property|golden|fuzz|simulation' -j 3

printf '\n==== suites\n'
printf '%s\n' "${summary[@]}"
printf 'in all %s s\n' "$SECONDS"
if [ "${#failed[@]}" -gt 0 ]; then
    printf 'FAILED: %s\n' "${failed[@]}"
    exit 1
fi
# ctest's own line closes: the plain build's unit tests, which also prove that the shipped build works.
ctest --test-dir build/ci -L 'unit|property|golden' -j "$jobs" --output-on-failure | tail -n 12
