#!/usr/bin/env bash
# Tests the page in a real Chromium, against a server of its own.
# usage: run.sh PATH/TO/searchd          Needs Go, Node and Chromium; where they are missing it says so, and fails if SEARCHD_NO_SKIP is set.
set -euo pipefail

skip() {
  echo "SKIP: the page is not tested: $1" >&2
  [ -z "${SEARCHD_NO_SKIP:-}" ] || exit 1
  exit 0
}

binary=$(realpath "$1")
cd "$(dirname "$0")"
command -v npm >/dev/null || skip "Node is not installed"
export CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
[ -n "$CHROMIUM" ] || skip "Chromium is not installed (on Debian: apt-get install chromium)"
npm ci --silent --no-audit --no-fund || skip "its packages could not be installed"

source ../../api/clients/servers.sh

# A fake provider of models, and the server under test, without the keys of whoever runs this.
unset HF_TOKEN HUGGINGFACE_API_TOKEN
CGO_ENABLED=0 go build -C ../.. -o "$folder/provider" ./api/clients/upstream
start provider.out "$folder/provider"
export PROVIDER_URL=$url
start searchd.out "$binary" serve --addr 127.0.0.1:0 --data "$folder/data" --sample --log error --allow-private-endpoints --models ../../fixtures/encoder/models
export SEARCHD_URL=$url
# The tests look for the sample's documents: wait until they are in.
"$binary" sample load --server "$SEARCHD_URL"
npm test
