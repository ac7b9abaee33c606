#!/usr/bin/env bash
# Holds a running server to the openapi.yaml that it serves: schemathesis makes requests of the document, good ones and bad
# ones, and compares each answer with what the document says.
# usage: contract.sh PATH/TO/searchd     CONTRACT_SECONDS (60) is how long, CONTRACT_SEED (1) which requests; anything else
# goes to schemathesis. Needs Go and Python 3, and on the first run the registry; where they are missing it says so, and fails if
# SEARCHD_NO_SKIP is set.
set -euo pipefail

skip() {
  echo "SKIP: the server is not held to its document: $1" >&2
  [ -z "${SEARCHD_NO_SKIP:-}" ] || exit 1
  exit 0
}

binary=$(realpath "$1")
shift
cd "$(dirname "$0")"
work=$(realpath ../..)/.work/contract
mkdir -p "$work"
command -v go >/dev/null || skip "Go is not installed"
command -v python3 >/dev/null || skip "Python 3 is not installed"
[ -x "$work/venv/bin/pip" ] || python3 -m venv "$work/venv" || skip "Python has no venv (on Debian: apt-get install python3-venv)"
if ! cmp -s contract-requirements.txt "$work/installed"; then
  "$work/venv/bin/pip" install --quiet --disable-pip-version-check --requirement contract-requirements.txt || skip "schemathesis could not be installed"
  cp contract-requirements.txt "$work/installed"
fi
CGO_ENABLED=0 go build -o "$work/upstream" ./upstream

# Only what is said here: no keys, no settings of other programs.
unset HF_TOKEN HUGGINGFACE_API_TOKEN
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1

source servers.sh

# All that the document tells of can be asked for: a provider, a classifier, a reranker, and some documents.
start upstream "$work/upstream"
upstream=$url
start searchd "$binary" serve --addr 127.0.0.1:0 --data "$folder/data" --log error --allow-private-endpoints --models ../../fixtures/encoder/models
server=$url
"$binary" provider add huggingface --name upstream --endpoint "$upstream" --model example/chat-1b --set-default --server "$server" >/dev/null
"$binary" sample load --server "$server" >/dev/null

# The folder is for what schemathesis writes. A phase of fuzzing goes on until the time is up.
here=$PWD
export PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1
cd "$folder"
"$work/venv/bin/schemathesis" --config-file "$here/contract.toml" run "$server/openapi.yaml" --url "$server" \
  --seed "${CONTRACT_SEED:-1}" --max-time "${CONTRACT_SECONDS:-60}" --workers 1 --no-color "$@"
