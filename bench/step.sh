#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Times training steps of the released recipe, ResNet-50 at 224 pixels, and embedding, beside PyTorch: bench/README.md has the tables. Uses the Python that
# TORCH_PYTHON names, or the one that `make parity` made. Its files lie in runs/step, made anew each time.
#
#   bench/step.sh [--device cpu|cuda] [--batch 8] [--classes 100] [--compute float32|bfloat16] [--seconds 60]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${TORCH_PYTHON:-.venv-torch/bin/python}
folder=$PWD/runs/step
export GOFLAGS=${GOFLAGS--buildvcs=false}
"$python" -c 'import torch, torchvision, safetensors' || { echo "bench/step.sh: $python lacks torch, torchvision or safetensors: name a Python that has them in TORCH_PYTHON, or run make parity once" >&2; exit 1; }

rm -rf "$folder"
mkdir -p "$folder"
go test -c -o "$folder/idml.test" ./idml
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=bench/parity "$python" bench/step.py "$folder" "$@"
