#!/usr/bin/env bash
# Tests the AVX-512 kernels: natively where the processor has the instructions, else emulated (README.md). Usage, from anywhere:
#     tools/emulator/test.sh [FLAG...]
# FLAGs are those of a test binary (-test.skip ...) and count for the emulated tests, those of the folders PACKAGES. The exit
# status is 125 if something to run the emulator is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
PACKAGES=${PACKAGES:-internal/tensor/kernel internal/tensor}

native=true
for feature in avx512f avx512bw avx512dq avx512vl; do grep -qsw $feature /proc/cpuinfo || native=false; done
if $native; then
  VAELAB_KERNEL=avx512 go test -count=1 ./internal/tensor/... ./internal/grad ./internal/train
  exit
fi

tests=$(mktemp -d)
trap 'rm -rf "$tests"' EXIT
for package in $PACKAGES; do
  CGO_ENABLED=0 GOOS=linux GOARCH=amd64 go test -c -o "$tests/binary" "./$package"
  echo "$package, emulated"
  tools/emulator/run.sh VAELAB_KERNEL=avx512 "$tests/binary" -test.v "$@" | tee "$tests/output"
  # Which is skipped without AVX-512.
  [ "$package" != internal/tensor/kernel ] || grep -q '^--- PASS: TestTilesAgree' "$tests/output"
done
