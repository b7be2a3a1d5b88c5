# SPDX-License-Identifier: Apache-2.0
"""Checks that PyTorch loads what `idml export` writes, by the lines that docs/weights.md shows: exit status 1 if it doesn't.

    python export_check.py FILE.safetensors

The backbone must be one of torchvision's residual networks: "architecture" in the file's metadata.
"""
import sys

import safetensors.torch
import torch
import torchvision

path = sys.argv[1]
with safetensors.safe_open(path, "pt") as f:
    architecture = (f.metadata() or {}).get("architecture")
if architecture is None:
    sys.exit(f"{path}: the backbone is none of torchvision's networks: its metadata names no architecture")

# The three lines, and the two heads.
state = safetensors.torch.load_file(path)
net = getattr(torchvision.models, architecture)()
net.fc = torch.nn.Identity()
net.load_state_dict({k: v for k, v in state.items() if k in net.state_dict()})  # strict


def embed(images):
    x = net.maxpool(net.relu(net.bn1(net.conv1(images))))
    x = net.layer4(net.layer3(net.layer2(net.layer1(x))))
    x = x.mean((2, 3)) + x.amax((2, 3))
    semantic = torch.nn.functional.linear(x, state["embedding.weight"], state["embedding.bias"])
    uncertainty = torch.nn.functional.linear(x, state["uncertainty.weight"], state["uncertainty.bias"])
    return torch.nn.functional.normalize(semantic), uncertainty


heads = {"embedding.weight", "embedding.bias", "uncertainty.weight", "uncertainty.bias"}
loaded = {k for k in net.state_dict() if not k.endswith("num_batches_tracked")}
left = state.keys() - loaded
if left - {"proxies"} != heads or loaded - state.keys():
    sys.exit(f"{path}: arrays {sorted(left - heads)} too much, {sorted((loaded | heads) - state.keys())} missing")
for name in loaded:
    if not torch.equal(net.state_dict()[name], state[name]):
        sys.exit(f"{path}: {name} differs after loading")
net.eval()
with torch.no_grad():
    semantic, uncertainty = embed(torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0)))
dim = state["embedding.bias"].numel()
if semantic.shape != (2, dim) or uncertainty.shape != (2, dim) or not (semantic.isfinite().all() and uncertainty.isfinite().all()):
    sys.exit(f"{path}: embeddings {tuple(semantic.shape)}, {tuple(uncertainty.shape)}, finite: {bool(semantic.isfinite().all())}, {bool(uncertainty.isfinite().all())}")
print(f"export: PyTorch {torch.__version__} loads {len(loaded)} arrays of {architecture} (strict) and two heads of {dim} dimensions")
