#!/usr/bin/env bash
# Installs what a bare Debian 12 lacks, by apt, and nothing if nothing is missing.
#
#   packages.sh build    compiler, cmake and the libraries
#   packages.sh demo     the above and what demo.sh calls
#   packages.sh test     the above and what tests/run.sh calls: a JRE and Maven for a real Kafka, Python for checkers, a fast linker
set -euo pipefail

build=(gcc libc6-dev cmake ninja-build pkg-config librdkafka-dev libavro-dev libopenblas-dev libyaml-dev
    libmicrohttpd-dev libxxhash-dev libjansson-dev libzstd-dev zlib1g-dev libcurl4-openssl-dev libsodium-dev libcmocka-dev
    tzdata)
demo=("${build[@]}" curl)
test=("${demo[@]}" default-jre-headless maven openssl mold python3 python3-venv zstd git)

case "${1:-build}" in
build) wanted=("${build[@]}") ;;
demo) wanted=("${demo[@]}") ;;
test) wanted=("${test[@]}") ;;
*)
    echo "packages.sh: found '$1', expected build, demo or test" >&2
    exit 2
    ;;
esac

missing=()
for package in "${wanted[@]}"; do
    status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done
[ "${#missing[@]}" -eq 0 ] && exit 0

echo "packages.sh: installing ${missing[*]}" >&2
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "packages.sh: run as root or install sudo; missing: ${missing[*]}" >&2
        exit 1
    }
    as_root=(sudo)
fi
"${as_root[@]}" apt-get update -qq >&2
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
