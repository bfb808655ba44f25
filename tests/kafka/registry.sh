#!/usr/bin/env bash
# One real schema registry for tests: Apicurio, which speaks the Confluent API, in memory, loopback, no container.
#
#   registry.sh install        fetch it from Maven Central (142 MB, once; cached outside the tree)
#   registry.sh start DIR      start, wait until it answers; DIR/port, DIR/pid, DIR/log
#   registry.sh stop DIR       SIGTERM and wait (SIGKILL after 30 s); a later start has the same port and no schemas
#   registry.sh address DIR    http://127.0.0.1:PORT/apis/ccompat/v7, for PROMOSTREAM_REGISTRY
#   registry.sh secure DIR     https://127.0.0.1:PORT/..., for PROMOSTREAM_REGISTRY_TLS; DIR/server.crt is what to trust
#
# (No basic auth: Apicurio gives that to a Keycloak. It is tested on a server of ours, tests/unit/test_registry_http.c.)
# Needs: java (default-jre-headless), mvn (maven), curl, openssl. Environment: PROMOSTREAM_CACHE (default ~/.cache/promostream),
# REGISTRY_HEAP (default 256m).
set -euo pipefail

version=2.6.13.Final # the last one for Java 17
cache=${PROMOSTREAM_CACHE:-$HOME/.cache/promostream}
jars=$cache/apicurio-$version
ready_timeout_s=${REGISTRY_READY_TIMEOUT_S:-90}

fail() {
    echo "registry.sh: $*" >&2
    exit 1
}

install_jars() {
    [ -e "$jars/.complete" ] && return 0
    command -v mvn >/dev/null || fail "mvn is missing (Debian: apt-get install maven)"
    mkdir -p "$cache"
    work=$(mktemp -d "$cache/install.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    echo "registry.sh: fetching Apicurio $version into $jars" >&2
    local try
    for try in 1 2 3; do
        # Away from the tree and from any pom.xml above it.
        if (cd "$work" && mvn -B -q org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
            -Dartifact="io.apicurio:apicurio-registry-app:$version:tar.gz:all" -DoutputDirectory="$work"); then
            break
        fi
        [ "$try" = 3 ] && fail "Maven Central did not give it"
        sleep 5
    done
    mkdir "$work/jars"
    tar -xzf "$work/apicurio-registry-app-$version-all.tar.gz" -C "$work/jars"
    touch "$work/jars/.complete"
    rm -rf "$jars"
    mv "$work/jars" "$jars"
}

free_port() { # [port to avoid]; below the ephemeral range, so that no client socket takes it during a restart
    local port
    for _ in $(seq 100); do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 10000))
        if [ "$port" != "${1:-}" ] && ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return
        fi
    done
    fail "no free port"
}

address() {
    echo "http://127.0.0.1:$(cat "$dir/port")/apis/ccompat/v7"
}

secure() {
    echo "https://127.0.0.1:$(cat "$dir/port.tls")/apis/ccompat/v7"
}

certificate() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=registry -addext subjectAltName=IP:127.0.0.1 \
        -keyout "$dir/server.key" -out "$dir/server.crt" >>"$dir/log" 2>&1 || fail "openssl failed, see $dir/log"
}

is_running() {
    [ -s "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null
}

answers() {
    curl -fsS --noproxy '*' --max-time 2 "$(address)/subjects" >/dev/null 2>&1
}

start() {
    is_running && fail "already running in $dir"
    install_jars
    [ -s "$dir/port" ] || free_port >"$dir/port"
    [ -s "$dir/port.tls" ] || free_port "$(cat "$dir/port")" >"$dir/port.tls"
    [ -s "$dir/server.crt" ] || certificate
    # Its own session, so that a signal to the test's process group does not reach it.
    setsid java -Xmx"${REGISTRY_HEAP:-256m}" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
        -Dquarkus.http.host=127.0.0.1 -Dquarkus.http.port="$(cat "$dir/port")" -Dquarkus.log.level=WARN \
        -Dquarkus.http.ssl-port="$(cat "$dir/port.tls")" -Dquarkus.http.ssl.certificate.files="$dir/server.crt" \
        -Dquarkus.http.ssl.certificate.key-files="$dir/server.key" \
        -jar "$jars/apicurio-registry-app-$version-runner.jar" >>"$dir/log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    local waited
    for ((waited = 0; waited < ready_timeout_s * 5; waited++)); do
        answers && return 0
        is_running || fail "the registry ended at start, see $dir/log"
        sleep 0.2
    done
    fail "no answer within $ready_timeout_s s, see $dir/log"
}

stop() {
    is_running || {
        rm -f "$dir/pid"
        return 0
    }
    local pid waited
    pid=$(cat "$dir/pid")
    kill -TERM "$pid" 2>/dev/null || true
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
start | stop | address | secure) [ -n "${2:-}" ] || fail "usage: registry.sh $command DIR" ;;
*) fail "usage: registry.sh install|start|stop|address|secure [DIR]" ;;
esac
mkdir -p "$2"
dir=$(cd "$2" && pwd)
"$command"
