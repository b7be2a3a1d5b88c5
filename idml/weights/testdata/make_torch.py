# SPDX-License-Identifier: Apache-2.0
"""Writes the files of torch.save that the tests of this package read, and safetensors files of the same tensors: python make_torch.py"""
import collections
import os
import tempfile

import torch
from safetensors.torch import save_file

torch.manual_seed(0)
base = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 7


def views():
    """Tensors of every type that is read, and views of one storage."""
    return collections.OrderedDict(
        base=base,
        transposed=base.t(),
        columns=base[1:, 2:5],
        every_second=base.view(-1)[1::2],
        corner=base[3:, 5:],
        tail=base[2:],
        permuted=torch.randn(2, 3, 4).permute(2, 0, 1),
        expanded=torch.tensor([1.5, -2.0]).expand(3, 2),
        parameter=torch.nn.Parameter(torch.tensor([[0.25, -float("inf")]])),
        double=torch.tensor([0.1, -1e300], dtype=torch.float64),
        half=torch.tensor([1, -2.5, 6e-8, 65504], dtype=torch.float16),
        bfloat=torch.tensor([1, -2.5, 3e38], dtype=torch.bfloat16),
        long=torch.tensor([[3, -(2**40)]]),
        int=torch.tensor([0, -1, 2147483647], dtype=torch.int32),
        short=torch.tensor([-32768, 5], dtype=torch.int16),
        char=torch.tensor([-128, 127], dtype=torch.int8),
        byte=torch.tensor([0, 7, 255], dtype=torch.uint8),
        bool=torch.tensor([True, False, True]),
        scalar=torch.tensor(0.5),
        empty=torch.zeros(0, 4),
    )


def checkpoint():
    """What a training program saves: a module's state beside other things, with storages that aren't read."""
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, bias=False), torch.nn.BatchNorm2d(4), torch.nn.ReLU())
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    net(torch.randn(2, 3, 5, 5)).sum().backward()
    optimizer.step()
    return {"epoch": 7, "best": 0.5, "arch": "tiny", "note": None, "state_dict": net.state_dict(), "optimizer": optimizer.state_dict()}


def contiguous(tensors):
    return {name: t.detach().clone().contiguous() for name, t in tensors.items()}


state, whole = views(), checkpoint()
save_file(contiguous(state), "views.safetensors")
save_file(contiguous(whole["state_dict"]), "checkpoint.safetensors")
for suffix, options in {"": {}, "_legacy": {"_use_new_zipfile_serialization": False}}.items():
    torch.save(state, f"views{suffix}.pth", **options)
    torch.save(whole, f"checkpoint{suffix}.pth", **options)
torch.save(dict(state), "views_protocol4.pth", pickle_protocol=4)
torch.save(torch.nn.Linear(1, 1), "module.pth")
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "script.pt")
    torch.jit.save(torch.jit.script(torch.nn.ReLU()), path)
    os.replace(path, "script.pth")
