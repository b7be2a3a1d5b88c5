# SPDX-License-Identifier: Apache-2.0
"""Writes what the tests of the package compare with, from torchvision, into this folder:

    python make_reference.py [SEED] [FOLDER]

resnet{18,34,50,101}.txt and pyramid.txt list the arrays of torchvision's networks and of a small PyramidNet (pyramid.py) in the order of
state_dict: a name and its dimensions a line.
basic.safetensors holds a narrow network of basic blocks, computed in float64 from float32 values (seed 0): "weights.*"; images
[2, 3, 64, 32]; its feature maps with stored statistics and, in train mode, with the batch's, as well as two of the statistics
that the latter leaves; and with the stored ones the gradients "gradients.*" of Σ features·w for each array and the images.
{basic,pyramid}_steps.safetensors hold three steps of gradient descent in train mode, in float64, of two networks with the small stem on
images with odd sides: "weights.*" and running statistics at the start; w; and of step i, from 0, "i.images", "i.stored" and "i.features", the
feature maps with stored statistics and with the batch's, the gradients "i.gradients.*" of Σ features·w/N, and the statistics that the step
leaves, "i.moved.*". N is the number of features; the rate is 0.5.

Needs torch, torchvision and safetensors (made with 2.15, 0.29 and 0.8).
"""
import os
import sys

import torch
import torchvision
from safetensors.torch import save_file

from pyramid import PyramidNet

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
folder = sys.argv[2] if len(sys.argv) > 2 else os.path.dirname(os.path.abspath(__file__))


def write_list(net, name):
    with open(os.path.join(folder, name + ".txt"), "w") as f:
        f.writelines(" ".join([key, *map(str, value.shape)]) + "\n" for key, value in net.state_dict().items())


for name in ["resnet18", "resnet34", "resnet50", "resnet101"]:
    write_list(getattr(torchvision.models, name)(weights=None), name)


class Basic(torchvision.models.ResNet):
    """torchvision's network of basic blocks with 4 channels behind the stem instead of 64."""

    def __init__(self, layers, width):
        super().__init__(torchvision.models.resnet.BasicBlock, layers)
        self.inplanes = width
        self.conv1 = torch.nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(width)
        for i, count in enumerate(layers):
            block = self._make_layer(torchvision.models.resnet.BasicBlock, width << i, count, 1 if i == 0 else 2)
            setattr(self, f"layer{i + 1}", block)
        self.avgpool = self.fc = torch.nn.Identity()

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


torch.manual_seed(seed)
net = Basic([2, 1, 1, 1], 4).double()
for m in net.modules():
    if isinstance(m, torch.nn.BatchNorm2d):
        m.running_mean.normal_(0, 0.1), m.running_var.uniform_(0.5, 1.5)
        m.weight.data.uniform_(0.5, 1.5), m.bias.data.normal_(0, 0.1)
for p in [*net.parameters(), *net.buffers()]:
    if p.is_floating_point():
        p.data = p.data.float().double()
images = torch.randn(2, 3, 64, 32).double().requires_grad_()
out = {"weights." + k: v.clone() for k, v in net.state_dict().items() if "num_batches" not in k}

net.eval()
features = net(images)
w = torch.randn(features.shape).double()
(features * w).sum().backward()
out |= {"gradients." + k: p.grad for k, p in net.named_parameters()}
out |= {"images": images, "gradients.images": images.grad, "w": w, "features": features}
net.train()
out |= {"train_features": net(images)}
out |= {"moved." + k: v for k, v in net.state_dict().items() if k.startswith("layer3.0.downsample.1.running")}
save_file({k: v.detach().float().contiguous() for k, v in out.items()}, os.path.join(folder, "basic.safetensors"))


class SmallBasic(Basic):
    """Two stages of torchvision's blocks behind the small stem."""

    def __init__(self, layers, width):
        super().__init__([*layers, 1, 1], width)
        self.conv1 = torch.nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.maxpool = self.layer3 = self.layer4 = torch.nn.Identity()


def steps(net, name, height, width, count=3, rate=0.5):
    net = net.double()
    for m in net.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.running_mean.normal_(0, 0.1), m.running_var.uniform_(0.5, 1.5)
            m.weight.data.uniform_(0.5, 1.5), m.bias.data.normal_(0, 0.1)
    for p in [*net.parameters(), *net.buffers()]:
        if p.is_floating_point():
            p.data = p.data.float().double()
    state = lambda: {k: v.clone() for k, v in net.state_dict().items() if "num_batches" not in k}
    out = {"weights." + k: v for k, v in state().items()}
    for i in range(count):
        images = (torch.randn(3, 3, height, width) + 0.5 * i).double()
        with torch.no_grad():
            stored = net.eval()(images)
        if i == 0:
            out["w"] = torch.randn(stored.shape).double()
        features = net.train()(images)
        net.zero_grad()
        (features * out["w"]).mean().backward()
        out |= {f"{i}.images": images, f"{i}.stored": stored, f"{i}.features": features}
        out |= {f"{i}.gradients.{k}": p.grad.clone() for k, p in net.named_parameters()}
        out |= {f"{i}.moved.{k}": v for k, v in state().items() if "running" in k}
        with torch.no_grad():
            for p in net.parameters():
                p -= rate * p.grad
    save_file({k: v.detach().float().contiguous() for k, v in out.items()}, os.path.join(folder, name + "_steps.safetensors"))


torch.manual_seed(seed)
steps(SmallBasic([1, 1], 4), "basic", 9, 6)
net = PyramidNet([1, 2, 1], 4, 6)
write_list(net, "pyramid")
steps(net, "pyramid", 10, 7)
