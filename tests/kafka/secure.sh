#!/usr/bin/env bash
# One real Kafka broker that asks who is there: TLS, SASL, client certificates, rights. Certificates are made by openssl.
#
#   secure.sh start DIR               make certificates in DIR/tls, start; DIR as kafka.sh has it
#   secure.sh stop DIR
#   secure.sh address DIR LISTENER    host:port of SASL, MTLS, EXPIRED, OTHER or CLEAR
#
#   SASL      TLS, and SASL by PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
#   MTLS      TLS, and the client shows a certificate: DIR/tls/client.{crt,key}
#   EXPIRED   TLS with a certificate that is over
#   OTHER     TLS with a certificate for another host
#   CLEAR     SASL without TLS
#   (kafka.sh address DIR: no TLS, no name, every right)
#
# Users, with the passwords in DIR/passwords (USER PASSWORD on a line): promostream, as the client certificate too, may do
# everything; guest has no right but those that a test gives it. DIR/tls/ca.crt signed all certificates, stranger.crt none.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)

fail() {
    echo "secure.sh: $*" >&2
    exit 1
}

certificate() { # NAME SUBJECT ALTERNATIVE_NAME: signed by the test's own authority
    openssl req -newkey rsa:2048 -nodes -subj "$2" -keyout "$1.key" -out "$1.csr"
    printf 'subjectAltName=%s\n' "$3" >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days "${4:-2}" -extfile "$1.ext" -out "$1.crt"
    cat "$1.key" "$1.crt" >"$1.pem" # a store as the broker reads it
}

certificates() {
    mkdir -p "$dir/tls"
    (
        cd "$dir/tls"
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-authority -keyout ca.key -out ca.crt
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=stranger -keyout stranger.key -out stranger.crt
        certificate server /CN=broker IP:127.0.0.1
        certificate expired /CN=broker IP:127.0.0.1 -1
        certificate other /CN=broker DNS:elsewhere.example
        certificate client /CN=promostream DNS:client
    ) >"$dir/tls.log" 2>&1 || fail "openssl failed, see $dir/tls.log"
}

keystore() { # LISTENER NAME
    printf 'listener.name.%s.ssl.%s\n' "$1" keystore.type=PEM "$1" "keystore.location=$dir/tls/$2.pem" "$1" truststore.type=PEM \
        "$1" "truststore.location=$dir/tls/ca.crt"
}

properties() {
    local mechanism listener
    for listener in sasl clear; do
        echo "listener.name.$listener.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
        echo "listener.name.$listener.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required" \
            "user_promostream=\"$1\" user_guest=\"$2\";"
        for mechanism in scram-sha-256 scram-sha-512; do
            echo "listener.name.$listener.$mechanism.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule" \
                "required;"
        done
    done
    keystore sasl server
    keystore mtls server
    keystore expired expired
    keystore other other
    cat <<PROPERTIES
listener.name.mtls.ssl.client.auth=required
listener.name.mtls.ssl.principal.mapping.rules=RULE:^CN=([^,]+).*$/\$1/
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:promostream
PROPERTIES
}

start() {
    mkdir -p "$dir"
    if [ ! -s "$dir/port" ]; then
        certificates
        local promostream guest mechanism words=
        promostream=$(openssl rand -hex 16)
        guest=$(openssl rand -hex 16)
        printf '%s\n' "promostream $promostream" "guest $guest" >"$dir/passwords"
        properties "$promostream" "$guest" >"$dir/secure.properties"
        for mechanism in SCRAM-SHA-256 SCRAM-SHA-512; do
            words+=" --add-scram $mechanism=[name=promostream,password=$promostream]"
            words+=" --add-scram $mechanism=[name=guest,password=$guest]"
        done
        export KAFKA_LISTENERS="SASL:SASL_SSL MTLS:SSL EXPIRED:SSL OTHER:SSL CLEAR:SASL_PLAINTEXT"
        export KAFKA_PROPERTIES=$dir/secure.properties KAFKA_FORMAT=$words
    fi
    "$here/kafka.sh" start "$dir"
}

case ${1:-} in
start | stop | address) [ -n "${2:-}" ] || fail "usage: secure.sh $1 DIR" ;;
*) fail "usage: secure.sh start|stop|address DIR [LISTENER]" ;;
esac
mkdir -p "$2"
dir=$(cd "$2" && pwd)
case $1 in
start) start ;;
stop) "$here/kafka.sh" stop "$dir" ;;
address) "$here/kafka.sh" address "$dir" "${3:-}" ;;
esac
