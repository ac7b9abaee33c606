#!/usr/bin/env bash
# Tests the page in a real Chromium, against a server of its own.
# usage: run.sh PATH/TO/searchd          Needs Node and Chromium; where they are missing it says so, and fails if SEARCHD_NO_SKIP is set.
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

folder=$(mktemp -d)
"$binary" serve --addr 127.0.0.1:0 --data "$folder/data" --sample --log error >"$folder/out" &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
for _ in $(seq 100); do
  grep -q listening "$folder/out" && break
  sleep 0.1
done
SEARCHD_URL=$(sed -n 's/^listening on //p' "$folder/out")
export SEARCHD_URL
[ -n "$SEARCHD_URL" ] || { echo "the server did not start" >&2; exit 1; }
# The tests look for the sample's documents: wait until they are in.
"$binary" sample load --server "$SEARCHD_URL"
npm test
