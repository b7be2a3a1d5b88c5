# SPDX-License-Identifier: Apache-2.0
"""Writes vectors.json beside this file: logits with the metrics that PyTorch computes of them in float64.

    python make_vectors.py

top-k by a stable descending sort, so that the lower class comes first among equal logits; loss by
torch.nn.functional.cross_entropy; the calibration error by the sums over bins of Guo et al. (arXiv:1706.04599), written down here.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

BINS = 15


def calibration_error(probabilities, right):
    edges = torch.arange(BINS + 1, dtype=torch.float64) / BINS
    error = torch.zeros((), dtype=torch.float64)
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (probabilities > low) & (probabilities <= high)
        if inside.any():
            error += inside.double().mean() * (right[inside].double().mean() - probabilities[inside].mean()).abs()
    return error.item()


def case(name, logits, labels):
    logits = logits.float()
    z = logits.double()
    order = torch.sort(z, dim=1, descending=True, stable=True).indices
    hits = order == labels[:, None]
    softmax = F.softmax(z, dim=1)
    first = order[:, 0]
    return {
        "name": name,
        "logits": logits.tolist(),
        "labels": labels.tolist(),
        "order": order[:, :5].tolist(),
        "probabilities": softmax.gather(1, order[:, :5]).tolist(),
        "expected": {
            "top@1": hits[:, :1].any(1).double().mean().item(),
            "top@5": hits[:, :5].any(1).double().mean().item(),
            "loss": F.cross_entropy(z, labels).item(),
            "ece": calibration_error(softmax.gather(1, first[:, None])[:, 0], first == labels),
        },
    }


def main():
    torch.manual_seed(0)
    labels = torch.randint(0, 10, (40,))
    own = F.one_hot(labels, 10).double()
    cases = [
        case("random", torch.randn(40, 10) * 2, labels),
        case("trained", torch.randn(40, 10) + 2.5 * own, labels),
        case("ties", (torch.randn(60, 7) * 1.5).round(), torch.randint(0, 7, (60,))),
        case("all equal", torch.zeros(15, 5), torch.arange(15) % 5),
        case("three classes", torch.randn(20, 3) * 3, torch.randint(0, 3, (20,))),
        case("large", torch.randn(20, 10) * 300, torch.randint(0, 10, (20,))),
        case("perfect", 40 * own, labels),
        case("worst", 40 * own.roll(1, 1) - 40 * own, labels),
    ]
    text = ",\n".join(json.dumps(c) for c in cases)
    pathlib.Path(__file__).with_name("vectors.json").write_text(f"[\n{text}\n]\n")


if __name__ == "__main__":
    main()
