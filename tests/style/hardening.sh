#!/usr/bin/env bash
# Reads from the binaries whether they are hardened as cmake/harden.cmake says.
#
#   hardening.sh FILE...
set -euo pipefail
command -v readelf >/dev/null || {
    echo "skipped: no readelf (Debian: binutils)"
    exit 77
}
bad=0
want() { # WHAT TEXT PATTERN
    grep -qE "$3" <<<"$2" && return 0
    echo "$file: no $1"
    bad=1
}
for file in "$@"; do
    header=$(readelf -hW "$file")
    segments=$(readelf -lW "$file")
    dynamic=$(readelf -dW "$file")
    symbols=$(readelf --dyn-syms -W "$file")
    want "position-independent code" "$header" 'Type: +DYN'
    want "PIE flag" "$dynamic" 'FLAGS_1.* PIE'
    want "read-only relocations (relro)" "$segments" 'GNU_RELRO'
    want "binding at start (now)" "$dynamic" 'FLAGS.* (BIND_NOW|NOW)'
    want "stack that is not executable" "$segments" 'GNU_STACK( +0x[0-9a-f]+)+ +RW +'
    want "stack canaries" "$symbols" ' __stack_chk_fail@'
    want "checked copies (fortify)" "$symbols" ' __(memcpy|snprintf|vsnprintf|fprintf|printf)_chk@'
    # The C library's own start files may have none, and then the file as a whole is not marked: look for our functions' marks.
    if [ "$(uname -m)" = x86_64 ] && [ "$(LC_ALL=C grep -aoP '\xf3\x0f\x1e\xfa' "$file" | wc -l)" -lt 100 ]; then
        echo "$file: no control-flow marks (endbr64)"
        bad=1
    fi
done
[ "$bad" = 0 ] && echo "hardened: $*"
exit "$bad"
