# SPDX-License-Identifier: Apache-2.0
"""Writes optimizers.json: what PyTorch's optimizers make of given gradients. Run: python make_optimizers.py [seed]"""

import json
import pathlib
import sys

import torch

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
start, gradients = torch.randn(6), torch.randn(5, 6)
gradients[:, 0] = 0
rate, decay, momentum = 0.02, 0.1, 0.9
optimizers = {
    "adamw": lambda p: torch.optim.AdamW([p], lr=rate, weight_decay=decay),
    "adam": lambda p: torch.optim.Adam([p], lr=rate, weight_decay=decay),
    "sgd": lambda p: torch.optim.SGD([p], lr=rate, weight_decay=decay, momentum=momentum, nesterov=True),
    "rmsprop": lambda p: torch.optim.RMSprop([p], lr=rate, weight_decay=decay, momentum=momentum, alpha=0.9),
}
values = {}
for name, make in optimizers.items():
    p = torch.nn.Parameter(start.clone())
    optimizer = make(p)
    values[name] = []
    for g in gradients:
        p.grad = g.clone()
        optimizer.step()
        values[name].append(p.tolist())
out = {"torch": torch.__version__, "lr": rate, "weight_decay": decay, "momentum": momentum,
       "start": start.tolist(), "gradients": gradients.tolist(), "values": values}
pathlib.Path(__file__).with_name("optimizers.json").write_text(json.dumps(out) + "\n")
