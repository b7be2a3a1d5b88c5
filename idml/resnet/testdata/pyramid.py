# SPDX-License-Identifier: Apache-2.0
"""PyramidNet (Han et al., arXiv:1610.02915) of bottleneck blocks in PyTorch, with the small stem and without the classifier."""
import torch


class Pyramid(torch.nn.Module):
    """A bottleneck block of PyramidNet: normalization before each convolution and at the end, two ReLUs, a shortcut without parameters."""

    def __init__(self, before, inner, stride):
        super().__init__()
        self.stride = stride
        self.bn1, self.conv1 = torch.nn.BatchNorm2d(before), torch.nn.Conv2d(before, inner, 1, bias=False)
        self.bn2, self.conv2 = torch.nn.BatchNorm2d(inner), torch.nn.Conv2d(inner, inner, 3, stride, 1, bias=False)
        self.bn3, self.conv3 = torch.nn.BatchNorm2d(inner), torch.nn.Conv2d(inner, 4 * inner, 1, bias=False)
        self.bn4 = torch.nn.BatchNorm2d(4 * inner)

    def forward(self, x):
        y = self.conv1(self.bn1(x))
        y = self.conv2(torch.relu(self.bn2(y)))
        y = self.bn4(self.conv3(torch.relu(self.bn3(y))))
        if self.stride > 1:
            x = torch.nn.functional.avg_pool2d(x, 2, 2, ceil_mode=True)
        return y + torch.nn.functional.pad(x, (0, 0, 0, 0, 0, y.shape[1] - x.shape[1]))


class PyramidNet(torch.nn.Module):
    """PyramidNet with the small stem: no ReLU behind the stem, batch normalization and a ReLU behind the last block."""

    def __init__(self, blocks, width, widening):
        super().__init__()
        self.conv1, self.bn1 = torch.nn.Conv2d(3, width, 3, 1, 1, bias=False), torch.nn.BatchNorm2d(width)
        self.stages, before, exact = len(blocks), width, float(width)
        for stage, count in enumerate(blocks):
            made = []
            for i in range(count):
                exact += widening / sum(blocks)
                made.append(Pyramid(before, round(exact), 2 if stage > 0 and i == 0 else 1))
                before = 4 * round(exact)
            setattr(self, f"layer{stage + 1}", torch.nn.Sequential(*made))
        self.bn_final = torch.nn.BatchNorm2d(before)

    def forward(self, x):
        x = self.bn1(self.conv1(x))
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return torch.relu(self.bn_final(x))
