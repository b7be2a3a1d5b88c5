# SPDX-License-Identifier: Apache-2.0
"""Prints tables of what the uncertainty is worth, as Markdown, from files that `idml uncertainty --csv` wrote:

    python uncertainty.py SCORES FILE.csv…

A row for each setting, a column for each measure; with several seeds mean ± standard deviation. SCORES are the names of the scores, with commas: norm, mean-beta, features, proxy; each gives a table.
"""
import csv
import statistics
import sys

MEASURES = {
    ("AUROC", "wrong R@1"): "wrong R@1", ("gain", "rejecting wrong R@1"): "gain", ("AUROC", "made ambiguous by blend"): "blend",
    ("AUROC", "made ambiguous by occlusion"): "occluded", ("AUROC", "made ambiguous by blur"): "blurred", ("AUROC", "noise 3"): "noise 3", ("AUROC", "blur 3"): "blur 3",
    ("AUROC", "occlusion 3"): "occlusion 3", ("AUROC", "low resolution 2"): "coarse 2", ("AUROC", "crop 3"): "crop 3",
    ("AUROC", "another domain"): "other domain", ("AUROC", "mixed half and half"): "mixes",
}


def cell(values):
    """Mean ± standard deviation; a dash if a seed has no value."""
    if not values or any(v == "" for v in values):
        return "–"
    numbers = [float(v) for v in values]
    text = f"{statistics.mean(numbers):.2f}".replace("-", "−")
    return text + (f" ± {statistics.stdev(numbers):.2f}" if len(numbers) > 1 else "")


rows = [row for path in sys.argv[2:] for row in csv.DictReader(open(path, encoding="utf-8"))]
shown = [m for m in MEASURES if any((r["measure"], r["of"]) == m for r in rows)]
for score in sys.argv[1].split(","):
    found = {}
    for r in rows:
        if r["score"] == score:
            found.setdefault((r["data"], r["setting"]), {}).setdefault((r["measure"], r["of"]), []).append(r["value"])
    print(f"\n**{score}**\n\n| | " + " | ".join(MEASURES[m] for m in shown) + " |\n|" + "---|" * (1 + len(shown)))
    for (_, setting), values in found.items():
        print(f"| {setting} | " + " | ".join(cell(values.get(m)) for m in shown) + " |")
