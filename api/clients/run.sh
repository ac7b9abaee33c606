#!/usr/bin/env bash
# Tests searchd with other people's clients, as their registries have them, against a server of its own and a fake provider.
# usage: run.sh PATH/TO/searchd     Needs Go, Python 3 and Node, and on the first run the registries; where they are missing it
# says so, and fails if SEARCHD_NO_SKIP is set.
set -euo pipefail

skip() {
  echo "SKIP: other people's clients are not tested: $1" >&2
  [ -z "${SEARCHD_NO_SKIP:-}" ] || exit 1
  exit 0
}

binary=$(realpath "$1")
cd "$(dirname "$0")"
work=$(realpath ../..)/.work/clients
mkdir -p "$work"
command -v go >/dev/null || skip "Go is not installed"
command -v python3 >/dev/null || skip "Python 3 is not installed"
command -v npm >/dev/null || skip "Node is not installed"
[ -x "$work/venv/bin/pip" ] || python3 -m venv "$work/venv" || skip "Python has no venv (on Debian: apt-get install python3-venv)"
if ! cat requirements.txt constraints.txt | cmp -s - "$work/installed"; then
  "$work/venv/bin/pip" install --quiet --disable-pip-version-check --requirement requirements.txt --constraint constraints.txt ||
    skip "the Python packages could not be installed"
  cat requirements.txt constraints.txt >"$work/installed"
fi
npm ci --silent --no-audit --no-fund || skip "the Node packages could not be installed"
CGO_ENABLED=0 go build -o "$work/upstream" ./upstream

# Only what is said here: no keys, no settings of other programs.
unset HF_TOKEN HUGGINGFACE_API_TOKEN HF_HUB_OFFLINE TRANSFORMERS_OFFLINE OPENAI_BASE_URL
export HF_HUB_DISABLE_IMPLICIT_TOKEN=1 HF_HUB_DISABLE_TELEMETRY=1 NO_PROXY=127.0.0.1 no_proxy=127.0.0.1
export CHAT_MODEL=example/chat-1b SUMMARY_MODEL=facebook/bart-large-cnn TRANSLATION_MODEL=Helsinki-NLP/opus-mt-en-fr
export CLASSIFIER_MODEL=distilbert/sst-2-english

source servers.sh

start upstream "$work/upstream"
upstream=$url
start searchd "$binary" serve --addr 127.0.0.1:0 --data "$folder/data" --log error --allow-private-endpoints
export SEARCHD_URL=$url

# Another server has a classifier and a reranker of its own: small ones, with what the reference makes of them beside.
export TINY_MODELS="$folder/models/tiny"
mkdir -p "$TINY_MODELS"
cp -r ../../fixtures/encoder/models/{bert-classifier,bert-reranker} "$TINY_MODELS"
start searchd-models "$binary" serve --addr 127.0.0.1:0 --data "$folder/data-models" --log error --models "$folder/models"
export SEARCHD_MODELS_URL=$url
"$binary" provider add huggingface --name upstream --endpoint "$upstream" --model "$CHAT_MODEL" --set-default --server "$SEARCHD_URL" >/dev/null

failed=0
"$work/venv/bin/python" -W ignore -m unittest discover --start-directory python || failed=1
npm --silent test || failed=1
exit $failed
