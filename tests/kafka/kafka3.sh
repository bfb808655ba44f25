#!/usr/bin/env bash
# Three real Kafka brokers for tests, each of them a controller too: replication factor 3, min.insync.replicas 2.
#
#   kafka3.sh start DIR [N]    all three, or one again that was stopped or killed; DIR/1, DIR/2, DIR/3 are kafka.sh's folders
#   kafka3.sh kill DIR [N]     SIGKILL and wait
#   kafka3.sh stop DIR [N]     SIGTERM and wait
#   kafka3.sh address DIR      three times host:port, for PROMOSTREAM_KAFKA
#
# Environment: as kafka.sh; KAFKA_HEAP is of one broker (default 320m).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
export KAFKA_HEAP=${KAFKA_HEAP:-320m}

fail() {
    echo "kafka3.sh: $*" >&2
    exit 1
}

each() { # FUNCTION: at once, for a lone controller has no quorum
    local node job jobs=() bad=0
    for node in $nodes; do
        "$1" "$node" &
        jobs+=($!)
    done
    for job in "${jobs[@]}"; do
        wait "$job" || bad=1
    done
    return "$bad"
}

# Ports of the controllers are fixed before the first start: every broker's configuration names all three.
prepare() {
    local node port=$((10000 + RANDOM % 1900)) voters=""
    for node in 1 2 3; do
        mkdir -p "$dir/$node"
        echo $((port + node)) >"$dir/$node/controller_port"
        voters+=${voters:+,}$node@127.0.0.1:$((port + node))
    done
    for node in 1 2 3; do
        cat >"$dir/$node/more.properties" <<PROPERTIES
node.id=$node
controller.quorum.voters=$voters
controller.quorum.fetch.timeout.ms=4000
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
transaction.state.log.num.partitions=3
share.coordinator.state.topic.replication.factor=3
share.coordinator.state.topic.min.isr=2
PROPERTIES
    done
}

start_one() { # NODE; kafka.sh formats at its first start, by what stands in the environment
    KAFKA_CLUSTER_ID=cHJvbW9zdHJlYW0tdGVzdA KAFKA_CONTROLLER_PORT=$(cat "$dir/$1/controller_port") \
        KAFKA_PROPERTIES=$dir/$1/more.properties "$here/kafka.sh" start "$dir/$1"
}

end_one() { # NODE
    "$here/kafka.sh" "$command" "$dir/$1"
}

command=${1:-}
case $command in
start | stop | kill | address) [ -n "${2:-}" ] || fail "usage: kafka3.sh $command DIR" ;;
*) fail "usage: kafka3.sh start|stop|kill|address DIR [1|2|3]" ;;
esac
mkdir -p "$2"
dir=$(cd "$2" && pwd)
nodes=${3:-1 2 3}
case $command in
start)
    "$here/kafka.sh" install
    [ -e "$dir/1/controller_port" ] || prepare
    each start_one
    ;;
stop | kill) each end_one ;;
address) echo "127.0.0.1:$(cat "$dir/1/port"),127.0.0.1:$(cat "$dir/2/port"),127.0.0.1:$(cat "$dir/3/port")" ;;
esac
