# SPDX-License-Identifier: Apache-2.0
"""Prints tables of what the uncertainty is worth, as Markdown, from files that `idml uncertainty --csv` wrote:

    python uncertainty.py SCORES FILE.csv…

A row for each setting, a column for each measure, beginning with the R@1 of the same images; with several seeds mean ± standard deviation. SCORES are the names of the scores, with commas: norm, mean-beta,
features, proxy; each gives a table. Settings are shortened: "relu, τ 5" is model.uncertainty_activation=relu and metric.tau=5, "init" model.uncertainty_init.
"""
import csv
import re
import statistics
import sys

MEASURES = {
    ("AUROC", "wrong R@1"): "wrong R@1", ("gain", "rejecting wrong R@1"): "gain", ("AUROC", "made ambiguous by blend"): "blend",
    ("AUROC", "made ambiguous by occlusion"): "occluded", ("AUROC", "made ambiguous by blur"): "blurred", ("AUROC", "noise 3"): "noise 3", ("AUROC", "blur 3"): "blur 3",
    ("AUROC", "occlusion 3"): "occlusion 3", ("AUROC", "low resolution 2"): "coarse 2", ("AUROC", "crop 3"): "crop 3",
    ("AUROC", "another domain"): "other domain", ("AUROC", "mixed half and half"): "mixes",
}


def cell(values, places=2):
    """Mean ± standard deviation; a dash if a seed has no value."""
    if not values or any(v == "" for v in values):
        return "–"
    numbers = [float(v) for v in values]
    text = f"{statistics.mean(numbers):.{places}f}".replace("-", "−")
    return text + (f" ± {statistics.stdev(numbers):.{places}f}" if len(numbers) > 1 else "")


def shorten(setting):
    name, *values = setting.removeprefix("proxy-anchor ").split(", ")
    values = [re.sub('"', "", v) for v in values]
    order = {"model.uncertainty_activation": "", "metric.tau": "τ ", "model.uncertainty_init": "init "}
    return ", ".join([f"`{name.split()[0]}`{name[len(name.split()[0]):]}", *(order[k] + v.removeprefix(k + "=") for k in order for v in values if v.startswith(k + "="))])


rows = [row for path in sys.argv[2:] for row in csv.DictReader(open(path, encoding="utf-8"))]
shown = [m for m in MEASURES if any((r["measure"], r["of"]) == m for r in rows)]
right = {}
for r in rows:
    if r["measure"] == "area" and r["score"] == "norm":  # chance is the error of all images
        right.setdefault((r["data"], r["setting"]), []).append(1 - float(r["chance"]))
for score in sys.argv[1].split(","):
    found = {}
    for r in rows:
        if r["score"] == score:
            found.setdefault((r["data"], r["setting"]), {}).setdefault((r["measure"], r["of"]), []).append(r["value"])
    print(f"\n**{score}**\n\n| | R@1 | " + " | ".join(MEASURES[m] for m in shown) + " |\n|" + "---|" * (2 + len(shown)))
    for key, values in sorted(found.items(), key=lambda item: shorten(item[0][1])):
        print(f"| {shorten(key[1])} | {cell(right[key], 3)} | " + " | ".join(cell(values.get(m)) for m in shown) + " |")
