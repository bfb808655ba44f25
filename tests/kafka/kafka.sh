#!/usr/bin/env bash
# One real Kafka broker for tests: KRaft, one node, loopback, no container.
#
#   kafka.sh install        fetch the jars from Maven Central (once; cached outside the tree)
#   kafka.sh start DIR      format DIR on first use, start, wait until it answers; DIR/port, DIR/pid, DIR/log
#   kafka.sh stop DIR       SIGTERM and wait (SIGKILL after 30 s)
#   kafka.sh kill DIR       SIGKILL and wait: a crash; start again on the same DIR is a restart after it
#   kafka.sh restart DIR    stop, then start on the same port and data
#   kafka.sh address DIR [LISTENER]   host:port, for PROMOSTREAM_KAFKA; LISTENER: one of KAFKA_LISTENERS
#
# Needs: java (default-jre-headless), mvn (maven). Environment: PROMOSTREAM_CACHE (default ~/.cache/promostream),
# KAFKA_VERSION (default 3.9.1; 4.1.1 works too), KAFKA_HEAP (default 512m),
# KAFKA_BROKER_SESSION_MS (default 3000: after a kill the next start waits this long; less, and a busy machine loses its
# broker). When DIR is formatted: KAFKA_LISTENERS (further listeners, NAME:PROTOCOL[:ADVERTISED_PORT] with spaces between;
# DIR/port.NAME; who goes through a proxy is told the proxy's port),
# KAFKA_PROPERTIES (a file, added to the broker's properties), KAFKA_FORMAT (further words for the storage tool),
# KAFKA_CONTROLLER_PORT and KAFKA_CLUSTER_ID (default: any). See secure.sh and kafka3.sh.
set -euo pipefail

version=${KAFKA_VERSION:-3.9.1}
cache=${PROMOSTREAM_CACHE:-$HOME/.cache/promostream}
jars=$cache/kafka-$version
ready_timeout_s=${KAFKA_READY_TIMEOUT_S:-90}

fail() {
    echo "kafka.sh: $*" >&2
    exit 1
}

write_pom() { # FILE
    cat >"$1" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>promostream.tests</groupId>
  <artifactId>kafka-jars</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>$binding</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
POM
}

install_jars() {
    [ -e "$jars/.complete" ] && return 0
    command -v mvn >/dev/null || fail "mvn is missing (Debian: apt-get install maven)"
    mkdir -p "$cache"
    work=$(mktemp -d "$cache/install.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    binding=slf4j-reload4j
    [ "${version%%.*}" -ge 4 ] && binding=slf4j-simple
    write_pom "$work/pom.xml"
    echo "kafka.sh: fetching Kafka $version into $jars" >&2
    local try
    for try in 1 2 3; do
        if mvn -B -q -f "$work/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
            -DoutputDirectory="$work/jars"; then
            break
        fi
        [ "$try" = 3 ] && fail "Maven Central did not give the jars"
        sleep 5
    done
    touch "$work/jars/.complete"
    rm -rf "$jars"
    mv "$work/jars" "$jars"
}

is_taken() { # PORT
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

free_port() { # [ports to avoid]; below the ephemeral range, so that no client socket takes it during a restart
    local port
    for _ in $(seq 100); do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 10000))
        if [[ " $* " != *" $port "* ]] && ! is_taken "$port"; then
            echo "$port"
            return
        fi
    done
    fail "no free port"
}

write_properties() { # DIR PORT CONTROLLER_PORT
    local listener name protocol seen port listeners=PLAINTEXT://127.0.0.1:$2 protocols=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
    local advertised=$listeners
    for listener in ${KAFKA_LISTENERS:-}; do
        IFS=: read -r name protocol seen <<<"$listener"
        port=$(free_port "$2" "$3" $(cat "$1"/port.* 2>/dev/null || true))
        echo "$port" >"$1/port.$name"
        listeners+=,$name://127.0.0.1:$port
        advertised+=,$name://127.0.0.1:${seen:-$port}
        protocols+=,$name:$protocol
    done
    cat >"$1/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$3
listeners=$listeners,CONTROLLER://127.0.0.1:$3
advertised.listeners=$advertised
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=$protocols
log.dirs=$1/data
num.network.threads=1
num.io.threads=2
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=${KAFKA_BROKER_SESSION_MS:-3000}
broker.heartbeat.interval.ms=500
PROPERTIES
    if [ "${version%%.*}" -ge 4 ]; then
        printf 'share.coordinator.state.topic.%s\n' replication.factor=1 min.isr=1 >>"$1/server.properties"
    fi
    [ -z "${KAFKA_PROPERTIES:-}" ] || cat "$KAFKA_PROPERTIES" >>"$1/server.properties"
    cat >"$1/log4j.properties" <<'PROPERTIES'
log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %c{1} %m%n
PROPERTIES
}

java_tool() { # MAIN ARGUMENTS: a short-lived JVM
    java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
        -Dlog4j.configuration="file:$dir/log4j.properties" -cp "$jars/*" "$@"
}

format() {
    local port controller_port id
    port=$(free_port)
    controller_port=${KAFKA_CONTROLLER_PORT:-$(free_port "$port")}
    write_properties "$dir" "$port" "$controller_port"
    id=${KAFKA_CLUSTER_ID:-$(java_tool kafka.tools.StorageTool random-uuid | tail -n 1)}
    # shellcheck disable=SC2086 # words
    java_tool kafka.tools.StorageTool format -t "$id" -c "$dir/server.properties" ${KAFKA_FORMAT:-} >>"$dir/log" 2>&1 ||
        fail "formatting failed, see $dir/log"
    echo "$port" >"$dir/port"
}

is_running() {
    [ -s "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null
}

# Sends one Metadata request (version 1, no topics) and wants a broker in the answer: a fenced broker lists none.
answers() { # PORT
    local count
    count=$(timeout 2 bash -c '
        exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
        printf "\0\0\0\016\0\003\0\001\0\0\0\001\377\377\0\0\0\0" >&3
        head -c 12 <&3 | od -An -tu1 | awk "{ print \$12 }"' answers "$1" 2>/dev/null) || return 1
    [ "${count:-0}" -ge 1 ]
}

start() {
    is_running && fail "already running in $dir"
    install_jars
    [ -s "$dir/port" ] || format
    local port
    port=$(cat "$dir/port")
    # Its own session, so that a signal to the test's process group does not reach it.
    setsid java -Xms256m -Xmx"${KAFKA_HEAP:-512m}" -XX:+UseSerialGC \
        -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dlog4j.configuration="file:$dir/log4j.properties" \
        -cp "$jars/*" kafka.Kafka "$dir/server.properties" >>"$dir/log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    local waited
    for ((waited = 0; waited < ready_timeout_s * 5; waited++)); do
        answers "$port" && return 0
        is_running || fail "the broker ended at start, see $dir/log"
        sleep 0.2
    done
    fail "no answer within $ready_timeout_s s, see $dir/log"
}

end() { # SIGNAL
    is_running || {
        rm -f "$dir/pid"
        return 0
    }
    local pid waited
    pid=$(cat "$dir/pid")
    kill "-$1" "$pid" 2>/dev/null || true
    for ((waited = 0; waited < 300; waited++)); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
    rm -f "$dir/pid"
}

command=${1:-}
case $command in
install) install_jars && exit 0 ;;
start | stop | kill | restart | address) [ -n "${2:-}" ] || fail "usage: kafka.sh $command DIR" ;;
*) fail "usage: kafka.sh install|start|stop|kill|restart|address [DIR]" ;;
esac
mkdir -p "$2"
dir=$(cd "$2" && pwd)
case $command in
start) start ;;
stop) end TERM ;;
kill) end KILL ;;
restart)
    end TERM
    start
    ;;
address) echo "127.0.0.1:$(cat "$dir/port${3:+.$3}")" ;;
esac
