#!/usr/bin/env bash
# The fuzz targets under libFuzzer, which needs clang (Debian: clang-14, libclang-rt-14-dev).
#
#   tests/fuzz/run.sh                       1,000,000 executions of each target
#   tests/fuzz/run.sh 100000000             the long form; days for the slow ones
#   tests/fuzz/run.sh 100000000 plan json   of two targets
#
# The targets take turns of FUZZ_SLICE_S (60) seconds, one process at a time. What was run is kept in build/fuzz: interrupt it
# when you like, the same command goes on from there; `rm -r build/fuzz/executions` counts anew. Inputs that reach new code go to
# build/fuzz/corpus/TARGET, what crashes, leaks, hangs or takes 3 GB to build/fuzz/found/TARGET-*; that target then rests until
# the file is gone (keep it as tests/fuzz/corpus/TARGET/regression-WHAT). Ends with the table target, executions, found; exit
# status 1 if anything was found.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
wanted=${1:-1000000}
slice_s=${FUZZ_SLICE_S:-60}
targets=("${@:2}")
[ "${#targets[@]}" -gt 0 ] || mapfile -t targets < <(cut -d ' ' -f 1 tests/fuzz/targets.txt)
flags="-O1 -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined"
mkdir -p build/fuzz/found build/fuzz/executions build/fuzz/logs

build() {
    cmake -S . -B build/fuzz -G Ninja -DCMAKE_C_COMPILER="${CLANG:-clang-14}" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
        -DCMAKE_C_FLAGS="$flags" -DPROMOSTREAM_FUZZER=ON >/dev/null
    cmake --build build/fuzz --target "${targets[@]/#/fuzz_}" >build/fuzz/build.log || {
        grep -A8 error build/fuzz/build.log
        exit 1
    }
}

executions() { # TARGET
    cat "build/fuzz/executions/$1" 2>/dev/null || echo 0
}

found() { # TARGET
    find build/fuzz/found -name "$1-*" | wc -l
}

longest() { # TARGET: bytes of an input
    case $1 in
    config) echo 32768 ;;
    sample) echo 2048 ;; # drafting a mapping grows with the square of its fields
    *) echo 8192 ;;
    esac
}

# One turn of a target; what it ran is added to its count, also when it was interrupted.
slice() { # TARGET
    local target=$1 before log=build/fuzz/logs/$1.log ran code=0
    before=$(executions "$target")
    mkdir -p "build/fuzz/corpus/$target"
    "build/fuzz/tests/fuzz_$target" "build/fuzz/corpus/$target" "tests/fuzz/corpus/$target" -runs=$((wanted - before)) \
        -max_total_time="$slice_s" -max_len="$(longest "$target")" -timeout=30 -rss_limit_mb=3000 \
        -print_final_stats=1 -verbosity=0 -artifact_prefix="build/fuzz/found/$target-" >"$log" 2>&1 || code=$?
    ran=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
    echo $((before + ${ran:-0})) >"build/fuzz/executions/$target"
    if [ "$(found "$target")" -gt 0 ]; then
        echo "==== $target: found something, see $log"
    elif [ "$code" -ne 0 ] || [ -z "$ran" ]; then
        echo "run.sh: fuzz_$target ended with $code, see $log" >&2
        exit 1
    fi
}

table() {
    local target total=0
    printf '%-12s %15s %8s\n' target executions found
    for target in "${targets[@]}"; do
        printf "%-12s %'15d %8d\n" "$target" "$(executions "$target")" "$(found "$target")"
        total=$((total + $(found "$target")))
    done
    [ "$total" -eq 0 ]
}

trap 'table || true; exit 130' INT TERM
build
for ((is_busy = 1; is_busy;)); do
    is_busy=0
    for target in "${targets[@]}"; do
        if [ "$(executions "$target")" -lt "$wanted" ] && [ "$(found "$target")" -eq 0 ]; then
            is_busy=1
            slice "$target"
        fi
    done
done
table
