# SPDX-License-Identifier: Apache-2.0
"""Writes losses.safetensors: values and gradients of pytorch-metric-learning's losses, in float64 from float32 inputs.

Run: python make_losses.py [seed], with pytorch-metric-learning 0.9.99, torch, numpy and safetensors.

Each case NAME is a batch: NAME.X, float32 [batch, dim], rows of any length; NAME.y, int32 [batch]; NAME.P, float32 [classes, dim], proxies;
NAME.uniform, float32 [batch, batch]. Results are NAME.LOSS, a float32 scalar, NAME.LOSS.dX and, with proxies, NAME.LOSS.dP. Distances and reducers are the
library's defaults, stated below: it normalizes rows itself, so that gradients are by rows of any length.
"""

import pathlib
import sys

import numpy as np
import pytorch_metric_learning as pml
import torch
from pytorch_metric_learning import distances, losses, miners, reducers
from pytorch_metric_learning.utils import loss_and_miner_utils
from safetensors.torch import save_file

VERSION = "0.9.99"
assert pml.__version__ == VERSION, f"this is pytorch-metric-learning {pml.__version__}, want {VERSION}"

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
rng = np.random.default_rng(seed)
BATCH, DIM, CLASSES = 24, 16, 9


def euclidean():
    """The distance of normalized rows."""
    return distances.LpDistance(normalize_embeddings=True, p=2, power=1)


def squared():
    """Its square."""
    return distances.LpDistance(normalize_embeddings=True, p=2, power=2)


def cosine():
    return distances.CosineSimilarity()


def average():
    """The mean of the terms above 0."""
    return reducers.AvgNonZeroReducer()


def with_proxies(loss, proxies):
    loss.proxies.data = proxies.detach().clone()
    loss.proxies.requires_grad_(True)
    return loss


def sampled_triplets(x, y, uniform):
    """Each pair of a class with the negative whose share of the miner's weights holds the pair's uniform number."""
    miner = miners.DistanceWeightedMiner(cutoff=0.5, nonzero_loss_cutoff=1.4, distance=euclidean())
    seen = {}
    original = loss_and_miner_utils.get_random_triplet_indices

    def record(labels, ref_labels=None, t_per_anchor=None, weights=None):
        seen["weights"] = weights.detach().numpy()
        return tuple(torch.zeros(0, dtype=torch.long) for _ in range(3))

    loss_and_miner_utils.get_random_triplet_indices = record
    try:
        miner(x, y)
    finally:
        loss_and_miner_utils.get_random_triplet_indices = original
    weights, labels = seen["weights"], y.numpy()
    triplets = []
    for a in range(len(labels)):
        if not weights[a].sum() > 0:  # no negative within reach
            continue
        share = np.cumsum(weights[a]) / weights[a].sum()
        for p in range(len(labels)):
            if p != a and labels[p] == labels[a]:
                triplets.append((a, p, int(np.argmax(share > uniform[a, p]))))
    return tuple(torch.tensor(column, dtype=torch.long) for column in np.array(triplets, dtype=np.int64).reshape(-1, 3).T)


def values(x, p, y, uniform):
    """Each loss's value; x and p take the gradients."""
    yield "contrastive", losses.ContrastiveLoss(pos_margin=0, neg_margin=0.5, distance=euclidean(), reducer=average())(x, y)
    semihard = miners.TripletMarginMiner(margin=0.1, type_of_triplets="semihard", distance=euclidean())
    yield "triplet", losses.TripletMarginLoss(margin=0.1, distance=euclidean(), reducer=average())(x, y, semihard(x, y))
    # Its reducer: the sum over the number of terms above 0.
    margin = losses.MarginLoss(margin=0.2, nu=0, beta=1.2, distance=euclidean(), reducer=reducers.DivisorReducer())
    yield "margin", margin(x, y, sampled_triplets(x, y, uniform))
    similar = miners.MultiSimilarityMiner(epsilon=0.1, distance=cosine())
    multi = losses.MultiSimilarityLoss(alpha=2, beta=50, base=0.5, distance=cosine(), reducer=reducers.MeanReducer())
    yield "multi-similarity", multi(x, y, similar(x, y))
    yield "fastap", losses.FastAPLoss(num_bins=10, distance=squared(), reducer=reducers.MeanReducer())(x, y)
    nca = losses.ProxyNCALoss(CLASSES, DIM, softmax_scale=32, distance=squared(), reducer=reducers.MeanReducer())
    yield "proxy-nca", with_proxies(nca, p)
    # Its reducer: sums over the number of proxies, of those of classes in the batch for the first.
    anchor = losses.ProxyAnchorLoss(CLASSES, DIM, margin=0.1, alpha=32, distance=cosine(), reducer=reducers.DivisorReducer())
    yield "proxy-anchor", with_proxies(anchor, p)


def case(labels):
    """A batch whose images of a class are near each other."""
    y = torch.tensor(labels, dtype=torch.int64)
    centers = rng.normal(size=(CLASSES, DIM))
    x = torch.tensor(centers[labels] + rng.normal(size=(BATCH, DIM)), dtype=torch.float32)
    p = torch.tensor(centers + rng.normal(size=(CLASSES, DIM)), dtype=torch.float32)
    uniform = rng.random((BATCH, BATCH), dtype=np.float32)
    out = {"X": x, "P": p, "y": y.to(torch.int32), "uniform": torch.tensor(uniform)}
    inputs = x.double().requires_grad_(True), p.double().requires_grad_(True)
    for name, value in values(*inputs, y, uniform):
        gradients = {"dX": inputs[0]}
        if isinstance(value, torch.nn.Module):
            gradients["dP"] = value.proxies
            value = value(inputs[0], y)
        found = torch.autograd.grad(value, list(gradients.values()), allow_unused=True)
        out[name] = value.detach().float().reshape(())
        for key, node, gradient in zip(gradients, gradients.values(), found):
            out[f"{name}.{key}"] = (torch.zeros_like(node) if gradient is None else gradient).float()
    return out


cases = {
    "balanced": case(np.arange(BATCH) % 6),
    "uneven": case(np.repeat([0, 1, 2, 3, 8], [10, 7, 4, 2, 1])),
    "few_positives": case(rng.permutation(np.arange(BATCH) % CLASSES)),
    "one_class": case(np.full(BATCH, 4)),
}
tensors = {f"{name}.{key}": value.contiguous() for name, tensors in cases.items() for key, value in tensors.items()}
metadata = {"pytorch-metric-learning": VERSION, "torch": torch.__version__, "seed": str(seed)}
save_file(tensors, pathlib.Path(__file__).with_name("losses.safetensors"), metadata=metadata)
