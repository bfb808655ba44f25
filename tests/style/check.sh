#!/usr/bin/env bash
# The house's rules that a machine can check: who may include whom, where a library may live, headers that compile alone,
# functions that one can hold in the head, calls that hide a race, and formatting.
set -euo pipefail
cd "$(dirname "$0")/../.."
bad=0
complain() {
    echo "$*"
    bad=1
}
sources() { git ls-files "$@" -- ':!build*'; }

# Dependencies point down: base <- broker, schemas, model <- rooms <- pipeline <- commands.
forbid() { # WHERE PATTERN WHY
    local found
    found=$(grep -nE "#include [\"<]$2" -r $1 --include='*.[ch]' || true)
    [ -z "$found" ] || complain "$3:"$'\n'"$found"
}
forbid base '(broker|schemas|model|consumer|producer)/' "base knows nobody"
forbid "broker schemas" '(consumer|producer)/' "broker and schemas know no rooms"
forbid model '(broker|schemas|consumer|producer)/' "model knows base alone"
forbid model '(stdio_ext|pthread|time|unistd|sys/).*' "model has no clock, no thread, no I/O"
forbid schemas 'broker/' "schemas know no broker"
forbid broker 'schemas/' "the seam carries bytes"
forbid consumer 'producer/' "promostream does not know its feeder"
forbid producer 'consumer/' "clickfeed does not know promostream"
forbid consumer/rooms 'consumer/(pipeline|worker|recovery|commands|ops)' "rooms know neither pipeline nor commands"
forbid "base schemas model consumer producer" 'librdkafka/' "librdkafka lives in broker/"
forbid "base broker consumer producer" 'avro' "Avro-C lives in schemas/"
forbid "broker schemas consumer producer" 'yaml\.h' "libyaml lives in base/config"

for header in $(sources 'base/*.h' 'broker/*.h' 'schemas/*.h' 'model/*.h' 'consumer/*.h' 'producer/*.h'); do
    echo "#include \"$header\"" | gcc -std=c11 -D_GNU_SOURCE -Wall -Wextra -I. -fsyntax-only -x c - 2>/tmp/header.$$ ||
        complain "$header does not compile alone: $(head -n 2 /tmp/header.$$)"
done
rm -f /tmp/header.$$

found=$(grep -nE '\b(strcpy|strcat|sprintf|gets|strtok|rand|srand|system)\(' -r base broker schemas model consumer producer --include='*.c' || true)
[ -z "$found" ] || complain "banned calls:"$'\n'"$found"
found=$(sources '*.c' '*.h' | xargs awk 'length($0) > 100 { print FILENAME ":" FNR ": " length($0) " columns" }')
[ -z "$found" ] || complain "long lines:"$'\n'"$found"
found=$(sources '*.c' | xargs wc -l | awk '$2 != "total" && $1 > 500 { print $2 ": " $1 " lines" }')
[ -z "$found" ] || complain "files over 500 lines:"$'\n'"$found"
# A function begins at a line that ends in "{" in column 0 scope and ends at "}" in column 0.
found=$(sources '*.c' | xargs awk '
    FNR == 1 { start = 0 }
    /^[a-z].*\) \{$/ || /^ .*\) \{$/ && start == 0 && prev !~ /^ / { if (!start) start = FNR }
    /^}/ { if (start && FNR - start + 1 > 70) print FILENAME ":" start ": " FNR - start + 1 " lines"; start = 0 }
    { prev = $0 }')
[ -z "$found" ] || complain "functions over 70 lines:"$'\n'"$found"
if command -v clang-format >/dev/null; then
    found=$(sources '*.c' '*.h' | xargs clang-format --dry-run 2>&1 | grep -c 'warning: code should' || true)
    [ "$found" = 0 ] || complain "clang-format would change $found places (clang-format -i)"
fi
[ "$bad" = 0 ] && echo "the house's rules hold"
exit "$bad"
