# Starts servers for a test, and stops them when it ends. To be sourced; $folder is theirs, and is removed with them.

folder=$(mktemp -d)
started=()
stop() {
  for pid in "${started[@]}"; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$folder"
}
trap stop EXIT

# start NAME COMMAND… runs a server and answers its address in $url.
start() {
  "${@:2}" >"$folder/$1" &
  started+=($!)
  for _ in $(seq 100); do
    grep -q listening "$folder/$1" && break
    sleep 0.1
  done
  url=$(sed -n 's/^listening on //p' "$folder/$1")
  [ -n "$url" ] || { echo "$1 did not start" >&2; exit 1; }
}
