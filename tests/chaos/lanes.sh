#!/usr/bin/env bash
# The campaign on every pair of client and broker that we say we work with:
# {librdkafka 2.0.2 of Debian 12, 2.16 of the confluent-kafka wheel} x {Kafka 3.9.1, 4.1.1}.
#
#   lanes.sh [ROUNDS] [CAMPAIGN_ARGUMENT...]     ROUNDS of each lane, default 20; see campaign.py
#
# Our binaries stay as they are: a link named librdkafka.so.1 to the wheel's library on LD_LIBRARY_PATH is what they load
# instead. The wheel has a Python environment of its own in the cache; the foreign client that reads results stays the same.
# Environment: PROMOSTREAM_BUILD, PROMOSTREAM_PYTHON, PROMOSTREAM_CACHE, as tests/run.sh sets them.
set -euo pipefail

rounds=${1:-20}
shift || true
here=$(cd "$(dirname "$0")" && pwd)
cache=${PROMOSTREAM_CACHE:-$HOME/.cache/promostream}
export PROMOSTREAM_PYTHON=${PROMOSTREAM_PYTHON:-$cache/python/bin/python3}
export PROMOSTREAM_BUILD=${PROMOSTREAM_BUILD:-$here/../../build/ci}
wheel=2.16.1
client=$cache/librdkafka-wheel-$wheel

install_wheel() {
    [ -e "$client/.complete" ] && return 0
    rm -rf "$client"
    python3 -m venv "$client"
    "$client/bin/pip" install -q --disable-pip-version-check "confluent-kafka==$wheel"
    mkdir "$client/library"
    ln -s "$client"/lib/python3*/site-packages/confluent_kafka.libs/librdkafka-*.so.1 "$client/library/librdkafka.so.1"
    touch "$client/.complete"
}

loaded() { # what promostream loads; the lane is worth nothing if it is not that
    LD_LIBRARY_PATH=$1 ldd "$PROMOSTREAM_BUILD/consumer/promostream" | awk '/librdkafka/ { print $3 }'
}

install_wheel
unset PROMOSTREAM_KAFKA # each lane has a broker of its own
bad=0
for kafka in 3.9.1 4.1.1; do
    for library in "" "$client/library"; do
        used=$(loaded "$library")
        [ -z "$library" ] || [ "$used" = "$library/librdkafka.so.1" ] || {
            echo "lanes.sh: found $used loaded, expected $library/librdkafka.so.1" >&2
            exit 1
        }
        printf '\n==== Kafka %s, %s\n' "$kafka" "$used"
        KAFKA_VERSION=$kafka LD_LIBRARY_PATH=$library "$PROMOSTREAM_PYTHON" "$here/campaign.py" --rounds "$rounds" "$@" || bad=1
    done
done
exit "$bad"
