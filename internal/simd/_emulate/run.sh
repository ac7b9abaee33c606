#!/usr/bin/env bash
# The tests of the kernels for processors that this machine may not have, in an emulator.
#	internal/simd/_emulate/run.sh        # needs Linux on amd64, python3 with pip and venv, cc, go
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../../.. && pwd)
work=$root/.work/emulate
python=$work/venv/bin/python
export CGO_ENABLED=0

mkdir -p "$work"
[ -x "$python" ] || python3 -m venv "$work/venv"
"$python" -c 'import bochscpu' 2>/dev/null || "$python" -m pip install -q --disable-pip-version-check bochscpu-python==0.4.0 || exit 1
cc -O3 -march=x86-64-v3 -ffp-contract=off -Wall -shared -fPIC -o "$work/machine.so" machine.c -ldl

emulate() { (cd "$1" && shift && LD_PRELOAD=$work/machine.so "$python" "$root/internal/simd/_emulate/emulate.py" "$@"); }

# tests PACKAGE PATTERN runs those tests of a package, natively but for what is illegal here.
tests() {
  program=$work/$(basename "$1").test
  go -C "$root" test -c -tags emulate -o "$program" "./$1"
  echo "== $1 $2"
  emulate "$root/$1" "$program" -test.run "$2" -test.skip TestGenerated -test.short
}

tests internal/simd '.*/^avx512$'
tests internal/simd 'Tile.*/^amx$'
tests internal/simd 'TestGuards|TestSelfCheck|TestSetLevel'
tests hf/encoder '^(TestLayers)$/^(amx|avx512)$'
tests hf/encoder '^(TestBatchDoesNotMatter|TestThreadsDoNotMatter)$/^amx$'
tests hf/encoder TestTiles
tests hf/encoder '^TestInt8$/.*/^avx512$'

# Tiles are what is emulated on most machines.
echo "== damaged results must fail"
if grep -q amx_tile /proc/cpuinfo; then
  echo "nothing is emulated here"
elif emulate "$root/internal/simd" --break "$work/simd.test" -test.run '^TestSelfCheck$' >"$work/break.txt" 2>&1 ||
  ! grep -q -- '--- FAIL: TestSelfCheck' "$work/break.txt"; then
  cat "$work/break.txt"
  echo "the tests do not notice wrong results"
  exit 1
fi
