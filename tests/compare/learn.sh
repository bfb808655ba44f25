#!/usr/bin/env bash
# promostream learn and predict from end to end, without Kafka: one file in every shape, a model saved,
# loaded and scored, the same bytes twice, and messages for what is wrong. Some seconds.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
promostream=${PROMOSTREAM_BUILD:-$root/build/release}/consumer/promostream
folder=$(mktemp -d /tmp/promostream-learn.XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

fail() {
    echo "learn.sh: $*" >&2
    exit 1
}
# says TEXT COMMAND...: standard error holds the text, the exit code is that of $code.
says() {
    local text=$1 got=0
    shift
    "$promostream" "$@" >out 2>err || got=$?
    [ "$got" = "$code" ] || fail "$*: exit $got, expected $code: $(cat err)"
    [ -z "$text" ] || grep -qF -- "$text" err || fail "$*: found '$(cat err)', expected '$text'"
}
# figure PART NAME: of the last JSON report.
figure() {
    tr '{' '\n' <report | grep -A1 "\"$1\":$" | tail -n1 | tr ',' '\n' | sed -n "s/.*\"$2\"://p" | head -n1
}
near() { # FOUND LEAST MOST
    awk -v f="$1" -v a="$2" -v b="$3" 'BEGIN { exit !(f >= a && f <= b) }' || fail "found $1, expected $2 to $3"
}

# 6,000 visits: who looks at many pages and comes back buys; whoever is a robot never does.
awk 'BEGIN {
    srand(7); print "visit,pages,seconds,source,robot,day,user,bought"
    split("search,mail,ad,direct", s, ",")
    for (i = 1; i <= 6000; i++) {
        pages = int(exp(3 * rand())); k = 1 + int(4 * rand()); robot = rand() < .1
        seconds = rand() < .05 ? "" : sprintf("%.1f", pages * 40 * rand())
        logit = -2.5 + .25 * pages + (k == 2 ? 1 : 0) - (robot ? 4 : 0)
        printf "%d,%d,%s,%s,%s,2026-%02d-%02d,u%d,%s\n", i, pages, seconds, s[k], robot ? "yes" : "no",
            1 + int((i - 1) / 600), 1 + i % 28, int(i / 3), rand() < 1 / (1 + exp(-logit)) ? "yes" : "no"
    }
}' >visits.csv
columns=(--label bought --ignore visit --time day --group user)

# The same figures from a file, compressed, with tabs, and from a pipe.
"$promostream" learn visits.csv "${columns[@]}" --json --quiet --save a.psm >report
near "$(figure progressive auc)" 0.75 0.95
near "$(figure progressive ne)" 0.5 0.95
near "$(figure progressive calibration_ratio)" 0.9 1.1
want=$(figure progressive logloss)
gzip -k visits.csv
zstd -q visits.csv
tr , '\t' <visits.csv >visits.tsv
for file in visits.csv.gz visits.csv.zst visits.tsv; do
    "$promostream" learn "$file" "${columns[@]}" --json --quiet >report
    [ "$(figure progressive logloss)" = "$want" ] || fail "$file differs"
done
"$promostream" learn - "${columns[@]}" --json --quiet --save b.psm <visits.csv >report
cmp a.psm b.psm || fail "the same rows gave another model"

# Typed, written down, read back.
"$promostream" learn visits.csv "${columns[@]}" --quiet --json --save-types types.yaml >/dev/null
"$promostream" learn visits.csv --types types.yaml --quiet --json --save c.psm >/dev/null
cmp a.psm c.psm || fail "types from a file gave another model"

printf '"pri""ce ${X}",a:b,y\n1.5,x,1\n2.5,z,0\n' >odd.csv # names that YAML would take for something else
"$promostream" learn odd.csv --quiet --json --save-types odd.yaml >/dev/null
"$promostream" learn odd.csv --types odd.yaml --quiet --json >report

# The learner from a file; the command line wins.
printf 'learner:\n  kind: fm\n  options: {k: 3, bits: 12}\n' >learner.yaml
"$promostream" learn visits.csv "${columns[@]}" --config learner.yaml --set bits=13 --quiet --json --save f.psm >report
grep -aq '"learner":"fm"' f.psm && grep -aq '"k":"3"' f.psm && grep -aq '"bits":"13"' f.psm || fail "learner.yaml"

# Every learner: several passes with a stop condition, from groups, save, score, explain.
for learner in $("$promostream" learn --help | sed -n '/^LEARNERS/,$p' | awk '/^  / { print $1 }'); do
    "$promostream" learn visits.csv "${columns[@]}" --learner "$learner" --test 0.3 --valid 0.1 --passes 4 \
        --patience 2 --json --quiet --save m.psm --predictions judged.csv --seed 3 >report
    [ "$learner" != dnn ] || grep -aq '"seed":"3"' m.psm || fail "$learner: --seed did not reach it"
    near "$(figure test auc)" 0.7 0.95
    near "$(figure test n)" 1500 2100
    [ "$(wc -l <judged.csv)" = $(($(figure test n) + 1)) ] || fail "$learner: predictions of another number"
    "$promostream" predict visits.csv --load m.psm --id visit >scores.csv
    [ "$(wc -l <scores.csv)" = 6001 ] || fail "$learner: $(wc -l <scores.csv) scores"
    awk -F, 'NR > 1 && !($2 > 0 && $2 < 1) { exit 1 }' scores.csv || fail "$learner: no probability"
    head -n 4 visits.csv | "$promostream" predict - --load m.psm --explain >explained.csv
    [ "$(wc -l <explained.csv)" = 4 ] || fail "$learner: explains $(wc -l <explained.csv)"
    "$promostream" predict visits.csv --load m.psm >scores.csv
    cut -d, -f1,2 explained.csv | cmp - <(head -n 4 scores.csv) || fail "$learner: scores depend on the batch"
done
# The linear model and a network as JSON, scored by NumPy.
python=${PROMOSTREAM_PYTHON:-python3}
"$promostream" learn visits.csv "${columns[@]}" --cross source:robot --quiet --json --save e.psm --export-json e.json >/dev/null
"$promostream" predict visits.csv --load e.psm >scores.csv
if "$python" -c 'import numpy' 2>/dev/null; then
    "$python" "$root/tests/compare/score_json.py" e.json visits.csv scores.csv
    for layers in "embedding:8 dropout:0.2 dense:32:relu dropout:0.2 dense:1" "embedding:3 norm dense:9:tanh dense:4:sigmoid dense:1"; do
        "$promostream" learn visits.csv "${columns[@]}" --learner dnn --cross source:robot --set numbers=both \
            --set "layers=$layers" --missing mail --quiet --json --save e.psm --export-json e.json >/dev/null
        "$promostream" predict visits.csv --load e.psm >scores.csv
        "$python" "$root/tests/compare/score_json.py" e.json visits.csv scores.csv
    done
else
    echo "learn.sh: no NumPy: the JSON is not scored"
fi
cut -d, -f1-7 visits.csv >unlabelled.csv # predict needs no label
"$promostream" predict unlabelled.csv --load a.psm --out scores.csv
"$promostream" learn visits.csv --load a.psm --quiet --json --save d.psm >/dev/null # and learning goes on
cmp -s a.psm d.psm && fail "--load learned nothing"

# By time, with a gap; figures by slice; regression; VW text.
"$promostream" learn visits.csv "${columns[@]}" --test after:2026-08-01 --gap 30d --slice source --quiet --json >report
tr '{' '\n' <report | grep -q '"mail":$' || fail "no slices"
"$promostream" learn visits.csv --label pages --task regression --ignore visit,day,user --quiet --json >report
near "$(figure progressive rmse)" 1 6
awk -F, 'NR > 1 { print ($8 == "yes" ? 1 : -1) " |s source_" $4 " robot_" $5 " |n pages:" $2 }' visits.csv >visits.vw
"$promostream" learn visits.vw --cross s:n --quiet --json >report
near "$(figure progressive auc)" 0.75 0.95

# What is wrong is said, with file and line; bad rows are skipped when asked for.
printf '# mine\nlearner:\n  kid: fm\n' >bad.yaml
code=2
says "no column \"boguht\", did you mean \"bought\"?" learn visits.csv --label boguht
says "linear: lrr: found an option that linear does not have, did you mean \"lr\"?" learn visits.csv --set lrr=1
says "expected one of logistic, linear" learn visits.csv --learner xgboost
says "expected two values" learn visits.csv --label source
says "--gap: lies before after:TIME" learn visits.csv "${columns[@]}" --test 0.1 --gap 3d
says "--export-json: found fm, expected linear or dnn" learn visits.csv --learner fm --export-json e.json
awk 'BEGIN { for (i = 0; i < 300; i++) printf "c%d,", i; print "y"; for (r = 0; r < 9; r++) {
    for (i = 0; i < 300; i++) printf "%d,", i; print r % 2 } }' >wide.csv
says "standard input cannot" learn - --export-json e.json
says "--positive: --task regression takes numbers" learn visits.csv --task regression --positive 3
says "--patience: needs rows" learn visits.csv --patience 2
says "bad.yaml:3: learner.kid: found an unknown key" learn visits.csv --config bad.yaml
says "found 0 numeric and 300 categorical columns, linear takes 256 and 256" learn wide.csv
says "logistic learns from columns, not from VW text" learn visits.vw --learner logistic
code=1
says "--test after:2027-01-01 holds no rows" learn visits.csv "${columns[@]}" --test after:2027-01-01
says "visits.csv: rows take more than 100 KiB" learn visits.csv "${columns[@]}" --passes 2 --memory-max 100K
says "--save: visits.csv is what is read" learn visits.csv "${columns[@]}" --save visits.csv
says "--predictions: ./visits.csv is what is read" learn visits.csv "${columns[@]}" --predictions ./visits.csv
says "--save: visits.csv is what is read" learn visits.csv --pipeline types.yaml --save visits.csv
says "--out: a.psm is what is read" predict visits.csv --load a.psm --out a.psm
says "--save: . is no file" learn visits.csv "${columns[@]}" --save .
says "nowhere/a.psm: No such file" learn visits.csv "${columns[@]}" --save nowhere/a.psm
says "visits.psm: No such file" predict visits.csv --load visits.psm
says "is not a model" predict visits.csv --load visits.csv
says "visits.vw: is vw, the model learned from columns" predict visits.vw --load a.psm
"$promostream" learn visits.vw --quiet --json --save vw.psm >/dev/null
says "visits.csv: is csv, the model learned from VW text" predict visits.csv --load vw.psm
head -c 5000 a.psm >short.psm
says "truncated" predict visits.csv --load short.psm
says "no column \"pages\", which the model needs" predict types.yaml --load a.psm
: >empty.csv
says "empty.csv: the file is empty" learn empty.csv
sed '100s/.*/1,2/' visits.csv >bad.csv
says "bad.csv:100: found 2 fields, expected 8 as in the header" learn bad.csv "${columns[@]}"
"$promostream" predict bad.csv --load a.psm --skip-bad 2>/dev/null | diff - <("$promostream" predict visits.csv --load a.psm) >out &&
    fail "no row was skipped"
[ "$(grep -c '^[<>]' out)$(grep '^<' out)" = "2< 99," ] || fail "--skip-bad: $(cat out)"
code=0
says "" learn bad.csv "${columns[@]}" --skip-bad --quiet --json
grep -q '"skipped":1' out || fail "no skipped row: $(cat out)"
echo "learn and predict: as they should"
