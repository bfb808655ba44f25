#!/usr/bin/env bash
# The fuzz targets under libFuzzer, which needs clang (Debian: clang-14, libclang-rt-14-dev); what they find goes to build/fuzz/found.
#
#   tests/fuzz/run.sh              60 seconds of each target
#   tests/fuzz/run.sh 600 plan     600 seconds of one
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
seconds=${1:-60}
targets=("${@:2}")
[ "${#targets[@]}" -gt 0 ] || targets=(event message rows json plan config)
flags="-O1 -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined"
cmake -S . -B build/fuzz -G Ninja -DCMAKE_C_COMPILER="${CLANG:-clang-14}" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCMAKE_C_FLAGS="$flags" -DPROMOSTREAM_FUZZER=ON >/dev/null
cmake --build build/fuzz --target "${targets[@]/#/fuzz_}" >build/fuzz/build.log || {
    grep -A8 error build/fuzz/build.log
    exit 1
}
for target in "${targets[@]}"; do
    mkdir -p "build/fuzz/corpus/$target" build/fuzz/found
    echo "==== $target, $seconds s"
    "build/fuzz/tests/fuzz_$target" "build/fuzz/corpus/$target" "tests/fuzz/corpus/$target" -max_total_time="$seconds" \
        -max_len=8192 -timeout=10 -rss_limit_mb=3000 -print_final_stats=0 -verbosity=0 \
        -artifact_prefix="build/fuzz/found/$target-"
done
