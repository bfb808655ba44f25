#!/usr/bin/env bash
# promostream in one command: installs what is missing, builds, and runs it on an embedded broker against the simulated shop,
# four weeks in a minute: rates, pushes in readable form with their reasons, and what it learned. Ends by itself.
#
#   deploy/demo.sh [SECONDS]     how long the shop's days take, half a day each (default 56: four weeks); the week after them,
#                                in which the last decisions come to their end, takes 16 s more. Below 42 (three weeks) there
#                                is too little time to learn what pays, and it is not asked for
#
# The embedded broker is librdkafka's mock cluster inside the promostream process, on loopback. It is for looking, not
# for proving: exactly-once is proved on a real Kafka by tests/run.sh.
set -euo pipefail

seconds=${1:-56}
day_seconds=2
users=200000
seed=1
start=2025-01-06
days=$((seconds / day_seconds))
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
work=$(mktemp -d /tmp/promostream-demo.XXXXXX)
build=${PROMOSTREAM_BUILD:-$root/build/release}
run_pid=
sample_pid=

clean_up() {
    [ -z "$sample_pid" ] || kill "$sample_pid" 2>/dev/null || true
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

[ "$days" -ge 2 ] || fail "found $seconds seconds, expected at least $((2 * day_seconds))"

say "packages and build"
deploy/packages.sh demo
if [ -z "${PROMOSTREAM_BUILD:-}" ]; then
    cmake --preset release >"$work/cmake.log" 2>&1 || fail "$(cat "$work/cmake.log")"
    cmake --build --preset release -j "$(nproc)" --target promostream clickfeed | tail -n 1
fi

say "promostream run --embedded-broker: worker and trainer in one process"
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

number() { # NAME: a counter of /metrics, summed over workers
    curl -fsS "$http/metrics" | awk -v name="$1" 'index($1, name "{") == 1 || $1 == name { sum += $2 } END { printf "%d", sum }'
}

# SECONDS DECISIONS BOUGHT LOGLOSS of carts; nothing before the first event has been polled.
sample_progress() {
    curl -fsS "$http/metrics" 2>/dev/null | awk -v now="$(date +%s.%N)" '
        /^promostream_clean_polled_total/ { polled = $2 }
        /^promostream_progress_.*origin="cart_abandoned"/ { sub(/\{.*/, "", $1); value[$1] = $2 }
        END {
            name = "promostream_progress_"
            if (polled > 0) {
                print now, value[name "decisions_total"] + 0, value[name "bought_total"] + 0, value[name "logloss"] + 0
            }
        }' || true
}
while sleep 1; do
    sample_progress
done >"$work/progress" &
sample_pid=$!

say "clickfeed simulate: $days days of a shop with $users shoppers, $day_seconds s a day; pushes reach them, feedback returns"
report_from=$((days > 21 ? days - 7 : days / 2))
"$build/producer/clickfeed" simulate --world deploy/demo_world.yaml --seed "$seed" --users "$users" --start "$start" \
    --days "$days" --speed $((86400 / day_seconds)) --brokers "$address" --property fetch.wait.max.ms=20 \
    --topic clickstream --catalogue-topic catalogue --profiles-topic profiles --listen promotion-pushes \
    --feedback-topic push-feedback --listen-grace 1s --report-from-day "$report_from" --truth "$work/truth.jsonl" \
    --summary-file "$work/produced.json" >"$work/clickfeed.log" 2>&1 || fail "$(cat "$work/clickfeed.log")"

# What was produced must be what was consumed, and what was written as an example must be learned, but for a batch that is
# not full: the embedded broker drops the oldest when somebody falls behind.
of() { # NAME: a number of clickfeed's summary
    sed -n 's/.*"'"$1"'": *\(-\{0,1\}[0-9.]*\).*/\1/p' "$work/produced.json" | head -n 1
}
produced=$(($(of produced) + $(of feedback)))
for ((i = 0; i < 200; i++)); do
    consumed=$(number promostream_clean_polled_total)
    examples=$(number promostream_outcomes_examples_total)
    learned=$(number promostream_trainer_examples_total)
    version=$(number promostream_score_model_offset)
    [ "$consumed" -lt "$produced" ] || [ "$learned" -lt "$examples" ] || [ "$version" -le $((examples - 32)) ] || break
    sleep 0.1
done
pushes=$(number promostream_emit_pushes_total)
mature=$(number promostream_score_arms_mature)
kill "$sample_pid"
wait "$sample_pid" 2>/dev/null || true
sample_pid=
sample_progress >>"$work/progress"
kill -TERM "$run_pid"
wait "$run_pid" || fail "promostream ended with $?"
run_pid=

say "produced $produced events with feedback, consumed $consumed, pushed $pushes; wrote $examples examples, learned $learned, served up to $version"
[ "$produced" = "$consumed" ] || fail "produced and consumed differ"
[ "$pushes" -gt 0 ] || fail "nothing was pushed"
[ "$learned" -gt 0 ] || fail "nothing was learned"
[ "$examples" = "$learned" ] || fail "examples were lost on their way to the trainer"
[ "$version" -gt $((examples - 32)) ] || fail "what was learned did not reach the worker"

gain_of() { # POLICY: its profit per cart, standard error, share of carts that got an offer
    sed -n 's/.*"'"$1"'":{"gain":\([-0-9.]*\),"se":\([0-9.]*\),"sent":\([0-9.]*\).*/\1 \2 \3/p' "$work/produced.json"
}
write_gain() { # TITLE GAIN ERROR SENT
    printf '  %-42s %+9.3f  +- %.3f   sent to %3.0f %%\n' "$1" "$2" "$3" "$(awk "BEGIN { print 100 * $4 }")"
}
sed -n 's/.*"in_force":{"policy":"listened","gain":\([-0-9.]*\),"se":\([0-9.]*\),"sent":\([0-9.]*\).*/\1 \2 \3/p' \
    "$work/produced.json" >"$work/ours"
[ -s "$work/ours" ] || fail "no push reached the shop"

say "what it learned, week by week; the shop knows the truth about every cart"
opened=$(awk 'NR == 1 { print $1 }' "$work/progress")
awk -v opened="$opened" -v day="$day_seconds" '{ print ($1 - opened) / day, $2, $3, $4 }' "$work/progress" >"$work/samples"
learns=true
awk -v weeks=$(((days + 6) / 7)) -v start_ms="$(date -u -d "$start" +%s)000" -f deploy/demo_weeks.awk \
    "$work/samples" "$work/truth.jsonl" || learns=false

say "profit per cart in EUR against sending nothing, days $report_from to $days, $(of decisions) carts; $mature of 4 offers are out of apprenticeship"
# shellcheck disable=SC2046 # words are meant
{
    write_gain "nothing" $(gain_of none)
    write_gain "rule: 10 % to everybody" $(gain_of rule)
    write_gain "a reminder to everybody" $(gain_of remind)
    write_gain "promostream, a tenth is the control group" $(cat "$work/ours")
    write_gain "Bayes: the best observer of this shop" $(gain_of bayes)
}
awk -v share="$(of share_of_bayes)" -v floor="$(of normalised_entropy_floor)" \
    'BEGIN { printf "  promostream reaches %.0f %% of what Bayes gains; floor of the normalised entropy %.3f\n", 100 * share, floor }'
printf '  %s pushes were delivered, %s of them before the shopper had decided\n' "$(of delivered)" "$(of before_decision)"
cat <<'TEXT'
  Profit is by the truth: expected, without the luck of who bought. Normalised entropy is log-loss as a share of the constant
  model's. promostream's label is any order of the user within 7 days of the decision, the shop's truth is about this cart: the
  two entropies are near, not the same. The first week tries offers at random, on purpose.
TEXT

[ "$days" -ge 21 ] || exit 0
"$learns" || fail "what was promised in the last week is no better than the constant model"
awk -v ours="$(cut -d' ' -f1 "$work/ours")" -v rule="$(gain_of rule | cut -d' ' -f1)" \
    'BEGIN { exit !(ours > 0 && ours > rule) }' || fail "promostream's offers did not pay more than nothing and the rule"
