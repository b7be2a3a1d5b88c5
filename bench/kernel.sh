#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Times cells of the kernel "IDML (Go)" beside those of GoNB as it installs itself, in turn, and prints a table: docs/kernel.md tells of it. Needs what `make setup`
# makes; its files lie in runs/kernel, made anew each time. Takes some minutes, most of them for GoNB's cells.
#
#   bench/kernel.sh [REPEATS]      5 unless told
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
folder=$root/runs/kernel
for file in .venv/bin/python .tools/bin/gonb .tools/bin/gopls .tools/bin/goimports; do
	[[ -x $file ]] || { echo "bench/kernel.sh: $file is missing: make setup" >&2; exit 1; }
done
export GOMLX_NO_AUTO_INSTALL=1 GOMLX_BACKEND=${GOMLX_BACKEND:-xla:cpu}

rm -rf "$folder"
mkdir -p "$folder/bin" "$folder/jupyter/kernels/gonb"
ln -s "$root"/.tools/bin/{gonb,gopls,goimports} "$folder/bin/"
GOFLAGS=-buildvcs=false go build -o "$folder/bin/idml" ./cmd/idml
GOFLAGS="-buildvcs=false '-ldflags=-s -w'" go build ./...
JUPYTER_DATA_DIR=$folder/jupyter "$folder/bin/idml" kernel install --project "$root" >/dev/null
printf '{"argv": ["%s", "--kernel", "{connection_file}", "--logtostderr", "-go_work=%s"], "display_name": "Go (gonb)", "language": "go", "env": {"PATH": "%s:${PATH}"}}\n' \
	"$folder/bin/gonb" "$root" "$folder/bin" >"$folder/jupyter/kernels/gonb/kernel.json"
"$folder/bin/idml" train --recipe glyphs --set epochs=1 --set model.backbone.width=16 --out "$folder/run" >"$folder/train.log" 2>&1
"$folder/bin/idml" embed --run "$folder/run" --split test --out "$folder/index.safetensors" >>"$folder/train.log" 2>&1

unset GOFLAGS GOPROXY # but for what a kernelspec sets
cd "$folder"
JUPYTER_PATH=$folder/jupyter PYTHONDONTWRITEBYTECODE=1 "$root/.venv/bin/python" "$root/bench/kernel.py" "${1:-5}"
