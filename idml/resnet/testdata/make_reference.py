# SPDX-License-Identifier: Apache-2.0
"""Writes what the tests of the package compare with, from torchvision, into this folder:

    python make_reference.py [SEED] [FOLDER]

resnet{18,34,50,101}.txt list the arrays of torchvision's networks in the order of state_dict: a name and its dimensions a line.
basic.safetensors holds a narrow network of basic blocks, computed in float64 from float32 values (seed 0): "weights.*"; images
[2, 3, 64, 32]; its feature maps with stored statistics and, in train mode, with the batch's, as well as two of the statistics
that the latter leaves; and with the stored ones the gradients "gradients.*" of Σ features·w for each array and the images.

Needs torch, torchvision and safetensors (made with 2.15, 0.29 and 0.8).
"""
import os
import sys

import torch
import torchvision
from safetensors.torch import save_file

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
folder = sys.argv[2] if len(sys.argv) > 2 else os.path.dirname(os.path.abspath(__file__))

for name in ["resnet18", "resnet34", "resnet50", "resnet101"]:
    state = getattr(torchvision.models, name)(weights=None).state_dict()
    with open(os.path.join(folder, name + ".txt"), "w") as f:
        f.writelines(" ".join([key, *map(str, value.shape)]) + "\n" for key, value in state.items())


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
