#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Compares with PyTorch: `make parity`. Uses the Python that TORCH_PYTHON names, which must have torch, torchvision and safetensors, else
# installs what requirements.txt pins into .venv-torch. Inputs and both sides' results lie in runs/parity, made anew each time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
python=${TORCH_PYTHON:-}
folder=$PWD/runs/parity
say() { printf 'parity: %s\n' "$*"; }

if [[ -z $python ]]; then
	python=.venv-torch/bin/python
	if ! cmp -s bench/parity/requirements.txt .venv-torch/requirements.txt; then
		say "installing PyTorch into .venv-torch (or name a Python that has it: make parity TORCH_PYTHON=/path/to/python)"
		"${PYTHON:-python3}" -m venv --clear .venv-torch
		"$python" -m pip install --quiet -r bench/parity/requirements.txt
		cp bench/parity/requirements.txt .venv-torch/
	fi
fi
"$python" -c 'import torch, torchvision, safetensors' || { say "$python lacks torch, torchvision or safetensors" >&2; exit 1; }
"$python" -c 'import torch, torchvision; print("parity: PyTorch", torch.__version__, "torchvision", torchvision.__version__)'

rm -rf "$folder"
mkdir -p "$folder"
say 'PyTorch: weights and inputs, network, 20 training steps thrice'
"$python" bench/parity/parity.py inputs "$folder"
"$python" bench/parity/parity.py network "$folder"
for kind in float32 perturbed bfloat16; do
	"$python" bench/parity/parity.py train "$folder" "$kind"
done
say 'ours, on the same inputs'
status=0
IDML_PARITY=$folder go test ./idml -run '^TestParity' -count=1 -timeout=2h -v || status=1
"$python" bench/parity/parity.py table "$folder" || status=1

say 'a ResNet-18, trained for an epoch and exported, in PyTorch'
.tools/bin/idml train --recipe glyphs --set epochs=1 --set model.backbone.block=basic --set model.backbone.width=64 \
	--set 'model.backbone.blocks=[2,2,2,2]' --out "$folder/run" >"$folder/train.log"
.tools/bin/idml export "$folder/run" --out "$folder/exported.safetensors"
"$python" bench/parity/export_check.py "$folder/exported.safetensors" || status=1
exit $status
