#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Times training steps of a small PyramidNet beside PyTorch on two cores of the CPU: bench/README.md has the table. Uses the Python that
# TORCH_PYTHON names, or the one that `make parity` made. Takes two minutes; its files lie in runs/classify, made anew each time.
#
#   bench/classify.sh [SECONDS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${TORCH_PYTHON:-.venv-torch/bin/python}
folder=$PWD/runs/classify
export GOFLAGS=${GOFLAGS--buildvcs=false}
"$python" -c 'import torch, safetensors' || { echo "bench/classify.sh: $python lacks torch or safetensors: name a Python that has them in TORCH_PYTHON, or run make parity once" >&2; exit 1; }

rm -rf "$folder"
mkdir -p "$folder"
go test -c -o "$folder/resnet.test" ./idml/resnet
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=idml/resnet/testdata "$python" bench/classify.py "$folder" "$@"
