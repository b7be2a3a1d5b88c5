# SPDX-License-Identifier: Apache-2.0
"""Writes vectors.json beside this file: scores with the measures that scikit-learn and SciPy compute of them.

    python make_vectors.py

auroc by sklearn.metrics.roc_auc_score and spearman by scipy.stats.spearmanr, both with ties; the area under the curve of errors
against rejections by sorting, for scores without ties, as the mean of the errors of the first 1, 2, … images.
"""

import json
import pathlib

import numpy as np
import scipy
import sklearn
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score


def case(name, scores, wrong, quantity):
    out = {
        "name": name,
        "scores": scores.tolist(),
        "wrong": wrong.tolist(),
        "quantity": quantity.tolist(),
        "auroc": float(roc_auc_score(wrong, scores)),
        "spearman": float(spearmanr(scores, quantity).statistic),
    }
    if len(np.unique(scores)) == len(scores):
        def area(order):
            return float(np.mean(np.cumsum(wrong[order]) / np.arange(1, len(wrong) + 1)))

        out["area"], out["perfect"] = area(np.argsort(scores)), area(np.argsort(wrong, kind="stable"))
    return out


rng = np.random.default_rng(7)
cases = []
for name, n, levels in [("plain", 60, 0), ("few", 5, 0), ("ties", 80, 6), ("two values", 40, 2)]:
    scores = rng.normal(size=n)
    if levels:
        scores = rng.integers(levels, size=n).astype(float)
    wrong = rng.random(n) < 0.25 + 0.2 * (scores > np.median(scores))
    wrong[0], wrong[1] = True, False
    quantity = np.round(scores + 2 * rng.normal(size=n), 1)
    cases.append(case(name, scores, wrong, quantity))

versions = {"numpy": np.__version__, "scikit-learn": sklearn.__version__, "scipy": scipy.__version__}
path = pathlib.Path(__file__).with_name("vectors.json")
path.write_text(json.dumps({"versions": versions, "cases": cases}, indent=1) + "\n")
