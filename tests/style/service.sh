#!/usr/bin/env bash
# deploy/promostream.service is one that systemd reads and calls well sandboxed, and promostream needs nothing that it takes
# away: it runs as nobody, without capabilities, with no memory that is both writable and executable.
#
#   service.sh PROMOSTREAM
set -euo pipefail
cd "$(dirname "$0")/../.."
binary=$1
exposure_max=15 # of 100, as systemd counts: 12 with network and no list of addresses
nobody=65534
work=$(mktemp -d /tmp/promostream-service.XXXXXX)
pid=
clean_up() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT

fail() {
    echo "service.sh: $*" >&2
    [ ! -s "$work/log" ] || cat "$work/log" >&2
    exit 1
}

cp "$binary" "$work/promostream"
chmod 755 "$work" "$work/promostream"
sed "s|/usr/local/bin/promostream|$work/promostream|" deploy/promostream.service >"$work/promostream.service"
if command -v systemd-analyze >/dev/null; then
    said=$(systemd-analyze verify "$work/promostream.service" 2>&1) || fail "systemd-analyze verify: $said"
    [ -z "$said" ] || fail "systemd-analyze verify: $said"
    said=$(systemd-analyze security --offline=yes --threshold=$exposure_max "$work/promostream.service") ||
        fail "more exposed than $exposure_max: $said"
    tail -n 1 <<<"$said"
else
    echo "no systemd-analyze: the unit was not checked"
fi

mkdir "$work/state"
port=$((21000 + RANDOM % 8000))
printf 'topics: {partitions: 1}\nstate: {users_max: 1000}\nops: {http_listen: "127.0.0.1:%s"}\n' "$port" >"$work/pipeline.yaml"
as_nobody=()
if [ "$(id -u)" = 0 ]; then
    chown $nobody "$work/state"
    as_nobody=(setpriv --reuid=$nobody --regid=$nobody --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs)
fi
(
    cd "$work/state"
    ulimit -c 0
    exec env -i "${as_nobody[@]}" "$work/promostream" run --config "$work/pipeline.yaml" --embedded-broker
) >"$work/log" 2>&1 &
pid=$!
for ((i = 0; i < 600; i++)); do
    curl -fsS --noproxy '*' --max-time 2 "http://127.0.0.1:$port/readyz" >/dev/null 2>&1 && break
    kill -0 "$pid" 2>/dev/null || fail "promostream ended as nobody"
    sleep 0.1
done
[ "$i" -lt 600 ] || fail "not ready within 60 s"
status=$(cat "/proc/$pid/status")
grep -q '^CapEff:[[:space:]]*0*$' <<<"$status" || fail "it has capabilities: $(grep ^Cap <<<"$status")"
grep -q '^Uid:[[:space:]]*0[[:space:]]' <<<"$status" && fail "it runs as root"
grep ' .wx' "/proc/$pid/maps" && fail "memory that is writable and executable"
kill -TERM "$pid"
code=0
wait "$pid" || code=$?
pid=
[ "$code" = 0 ] || fail "SIGTERM: exit $code"
[ -z "$(ls -A "$work/state")" ] || fail "it left files: $(ls -A "$work/state")"
echo "runs as nobody: ready, drained"
