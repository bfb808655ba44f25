#!/usr/bin/env bash
# promostream in one command: installs what is missing, builds, and runs the main job on an embedded broker, fed by the
# simulated shop: rates, pushes in readable form with their reasons, and a summary. Ends by itself.
#
#   deploy/demo.sh [SECONDS]     how long the shop sends (default 40)
#
# The embedded broker is librdkafka's mock cluster inside the promostream process, on loopback. It is for looking, not
# for proving: exactly-once is proved on a real Kafka by tests/run.sh.
set -euo pipefail

seconds=${1:-40}
rate=20000
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
work=$(mktemp -d /tmp/promostream-demo.XXXXXX)
build=${PROMOSTREAM_BUILD:-$root/build/release}
run_pid=

clean_up() {
    [ -z "$run_pid" ] || kill "$run_pid" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT

fail() {
    echo "demo.sh: $*" >&2
    [ ! -s "$work/run.log" ] || tail -n 20 "$work/run.log" >&2
    exit 1
}

say() {
    printf '\n== %s\n' "$*"
}

say "packages and build"
deploy/packages.sh demo
if [ -z "${PROMOSTREAM_BUILD:-}" ]; then
    cmake --preset release >"$work/cmake.log" 2>&1 || fail "$(cat "$work/cmake.log")"
    cmake --build --preset release -j "$(nproc)" --target promostream clickfeed | tail -n 1
fi

say "promostream run --embedded-broker"
port_base=$((21000 + RANDOM % 8000))
"$build/consumer/promostream" run --config deploy/demo.yaml --embedded-broker --bootstrap-file "$work/address" \
    --http "127.0.0.1:$port_base" --console 2>"$work/run.log" &
run_pid=$!
http=http://127.0.0.1:$port_base
for ((i = 0; ; i++)); do
    curl -fsS "$http/readyz" >/dev/null 2>&1 && break
    kill -0 "$run_pid" 2>/dev/null || fail "promostream ended early"
    [ "$i" -lt 300 ] || fail "promostream was not ready after 30 s"
    sleep 0.1
done
address=$(cat "$work/address")

say "clickfeed simulate: a shop with carts that go quiet, at $rate events a second for $seconds s"
"$build/producer/clickfeed" simulate --world base --seed 1 --users 60000 --days 90 --count "$((rate * seconds))" \
    --brokers "$address" --topic clickstream --catalogue-topic catalogue --profiles-topic profiles --rate "$rate" \
    --summary-file "$work/produced.json" >"$work/clickfeed.log" 2>&1 || fail "$(cat "$work/clickfeed.log")"

# What was produced must be what was consumed: the embedded broker drops the oldest when somebody falls behind.
number() { # NAME: a counter of /metrics, summed over workers
    curl -fsS "$http/metrics" | awk -v name="$1" 'index($1, name "{") == 1 || $1 == name { sum += $2 } END { printf "%d", sum }'
}
produced=$(sed -n 's/.*"produced": *\([0-9]*\).*/\1/p' "$work/produced.json" | head -n 1)
for ((i = 0; i < 200; i++)); do
    consumed=$(number promostream_clean_polled_total)
    [ "$consumed" -lt "$produced" ] || break
    sleep 0.1
done
pushes=$(number promostream_emit_pushes_total)
kill -TERM "$run_pid"
wait "$run_pid" || fail "promostream ended with $?"
run_pid=

say "produced $produced events, consumed $consumed, pushed $pushes"
[ "$produced" = "$consumed" ] || fail "produced and consumed differ"
[ "$pushes" -gt 0 ] || fail "nothing was pushed"
