# SPDX-License-Identifier: Apache-2.0
"""Writes crops.json beside this file: how torchvision's RandomResizedCrop places its crops. See README.md.

Needs: pillow, numpy, torch, torchvision.
"""
import json
import os

import numpy as np
import torch
import torchvision
from PIL import Image
from torchvision.transforms import RandomResizedCrop

DRAWS = 200_000
here = os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(0)
cases = []
for width, height, scale in ((500, 375, (0.08, 1)), (375, 500, (0.08, 1)), (224, 224, (0.08, 1)), (120, 600, (0.08, 1)), (640, 200, (0.3, 1)), (9, 7, (0.08, 1))):
    image = Image.new("RGB", (width, height))
    draws = np.array([RandomResizedCrop.get_params(image, scale, (3 / 4, 4 / 3)) for _ in range(DRAWS)], dtype=float)
    top, left, h, w = draws.T
    quantities = {
        "share": w * h / (width * height),
        "log_ratio": np.log(w / h),
        "left": left / np.maximum(width - w, 1),
        "top": top / np.maximum(height - h, 1),
    }
    case = {"width": width, "height": height, "scale": scale, "distributions": {}}
    for name, values in quantities.items():
        points = np.unique(np.quantile(values, np.linspace(0.025, 0.975, 39)).round(6)) + 1e-9  # so that rounding moves no draw across
        case["distributions"][name] = {"points": points.tolist(), "below": [float((values <= p).mean()) for p in points]}
    cases.append(case)
with open(os.path.join(here, "crops.json"), "w") as f:
    json.dump({"torchvision": torchvision.__version__, "draws": DRAWS, "cases": cases}, f, indent=None)
    f.write("\n")
