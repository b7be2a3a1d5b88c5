#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Times the loader, from JPEG files to batches, beside torchvision on one core and on two: bench/README.md has the table. Uses the Python that TORCH_PYTHON names, which must have torch,
# torchvision, Pillow and numpy, or the one that `make parity` made. Where libjpeg-turbo's headers are installed, that build is timed too. Its files lie in runs/loader, made anew each time.
#
#   bench/loader.sh [--images 400] [--repeats 5]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${TORCH_PYTHON:-.venv-torch/bin/python}
folder=$PWD/runs/loader
export GOFLAGS=${GOFLAGS--buildvcs=false}
"$python" -c 'import torch, torchvision, PIL, numpy' || { echo "bench/loader.sh: $python lacks torch, torchvision, Pillow or numpy: name a Python that has them in TORCH_PYTHON, or run make parity once" >&2; exit 1; }

rm -rf "$folder"
mkdir -p "$folder"
go test -c -o "$folder/plain.test" ./datasets
programs=("$folder/plain.test")
if pkg-config --exists libjpeg 2>/dev/null; then
	go test -c -tags turbojpeg -o "$folder/turbo.test" ./datasets
	programs+=("$folder/turbo.test")
else
	echo 'bench/loader.sh: without the build with libjpeg-turbo: its headers are not installed' >&2
fi
PYTHONDONTWRITEBYTECODE=1 "$python" bench/loader.py "$folder" "${programs[@]}" "$@"
