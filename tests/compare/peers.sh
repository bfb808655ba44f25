#!/usr/bin/env bash
# Makes the Python environment of the learners that ours is compared with, once, and prints its interpreter.
set -euo pipefail
venv=${PROMOSTREAM_CACHE:-$HOME/.cache/promostream}/peers
if [ ! -e "$venv/.complete-1" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv" >&2
    "$venv/bin/pip" install -q --disable-pip-version-check vowpalwabbit==9.11.9 river==0.26.1 scikit-learn==1.9.1 >&2
    touch "$venv/.complete-1"
fi
echo "$venv/bin/python3"
