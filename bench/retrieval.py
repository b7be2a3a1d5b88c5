# SPDX-License-Identifier: Apache-2.0
"""FAISS's side of bench/retrieval.sh, which also drives ours:

    python retrieval.py FOLDER [--rows 20000] [--classes 3740] [--neighbors 101] [--iterations 20] [--repeats 5] [--whole]

Rows of 512 dimensions and length 1, in classes of their own direction. Timed in turn on two cores: the exact nearest neighbors of all rows (FAISS: IndexFlatL2, which finds the row itself too, so it is
asked for one more), and k-means with as many clusters as classes. FOLDER/retrieval.test (`go test -c ./idml/retrieval`) is our side.

The exit status is 1 unless our neighbors are as near as FAISS's, and our clusters' objective at most 1 % above. --whole times our whole evaluation alone: recalls, R-precision, MAP@R, k-means, NMI,
AMI and F1. A ratio is FAISS's time over ours, so above 1 ours is faster.
"""
import argparse
import os
import platform
import statistics
import subprocess
import sys
import time

import faiss
import numpy as np

DIM = 512


class Ours:
    """The Go program, which does what each line says and answers with the seconds that it took."""

    def __init__(self, folder):
        # The package's tests compile without optimizations unless XLA_FLAGS is set; 3 is XLA's own level.
        env = {"XLA_FLAGS": "--xla_backend_optimization_level=3", **os.environ, "IDML_BENCH": folder}
        command = [os.path.join(folder, "retrieval.test"), "-test.run", "^TestBesideFAISS$", "-test.timeout", "0"]
        self.program = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *words):
        self.program.stdin.write(" ".join(map(str, words)) + "\n")
        self.program.stdin.flush()
        line = self.program.stdout.readline()
        if not line.startswith("seconds "):
            sys.exit("our side ended: " + line + self.program.stdout.read())
        return float(line.split()[1])

    def memory(self):
        """The most memory that the process has held, in GiB."""
        with open(f"/proc/{self.program.pid}/status") as f:
            return next(int(line.split()[1]) / 2**20 for line in f if line.startswith("VmHWM"))


def rows(n, classes):
    rng = np.random.default_rng(0)
    labels = np.sort(rng.permutation(np.arange(n) % classes)).astype(np.int32)
    x = rng.standard_normal((classes, DIM), dtype=np.float32)[labels] + rng.standard_normal((n, DIM), dtype=np.float32)
    return x / np.linalg.norm(x, axis=1, keepdims=True), labels


def check_neighbors(x, ours, theirs):
    """How much farther a neighbor is than the one that the other side has in its place, at most, as squared distances in float64, of some rows."""
    worst = 0.0
    for i in range(0, len(x), max(1, len(x) // 500)):
        a, b = (np.sort(((x[js].astype(np.float64) - x[i]) ** 2).sum(1)) for js in (ours[i], theirs[i]))
        worst = max(worst, (a - b).max())
    return worst


def objective(x, clusters, k):
    """Sum of squared distances to the means of the clusters."""
    means = np.zeros((k, DIM))
    np.add.at(means, clusters, x)
    means /= np.maximum(np.bincount(clusters, minlength=k), 1)[:, None]
    return sum(((x[s : s + 4096] - means[clusters[s : s + 4096]]) ** 2).sum() for s in range(0, len(x), 4096))


def find(x, k):
    start = time.perf_counter()
    index = faiss.IndexFlatL2(DIM)
    index.add(x)
    _, found = index.search(x, k + 1)
    return time.perf_counter() - start, found


def cluster(x, k, iterations):
    start = time.perf_counter()
    means = faiss.Kmeans(DIM, k, niter=iterations, seed=1, max_points_per_centroid=10**9, min_points_per_centroid=1)
    means.train(x)
    _, clusters = means.index.search(x, 1)
    return time.perf_counter() - start, clusters[:, 0]


def without_self(found):
    return [row[row != i][: found.shape[1] - 1] for i, row in enumerate(found)]


def table(what, theirs, ours):
    ratios = [(a + b) / 2 / t for t, a, b in zip(ours, theirs, theirs[1:])]
    print(f"\n| {what} | min | median | max |\n|---|---|---|---|")
    for name, v in (("FAISS " + faiss.__version__, theirs), ("this program, XLA", ours)):
        print(f"| {name} | {min(v):.2f} s | {statistics.median(v):.2f} s | {max(v):.2f} s |")
    print(f"| times ours | {min(ratios):.2f} | {statistics.median(ratios):.2f} | {max(ratios):.2f} |", flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("folder")
    p.add_argument("--rows", type=int, default=20000)
    p.add_argument("--classes", type=int, default=3740)
    p.add_argument("--neighbors", type=int, default=101)
    p.add_argument("--iterations", type=int, default=20)
    p.add_argument("--repeats", type=int, default=5)
    p.add_argument("--whole", action="store_true")
    o = p.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    faiss.omp_set_num_threads(2)
    with open("/proc/cpuinfo") as f:
        name = next((line.partition(":")[2].strip() for line in f if line.startswith("model name")), platform.machine())
    print(f"{name}, 2 cores, load {os.getloadavg()[0]:.1f}, {o.rows} rows of {DIM}, {o.classes} classes", flush=True)
    x, labels = rows(o.rows, o.classes)
    x.tofile(os.path.join(o.folder, "rows.float32"))
    labels.tofile(os.path.join(o.folder, "labels.int32"))
    ours = Ours(o.folder)
    if o.whole:
        print(f"whole evaluation: {ours.ask('evaluate', 0, 25):.1f} s; most memory held: {ours.memory():.2f} GiB")
        return
    read = lambda name, *shape: np.fromfile(os.path.join(o.folder, name), np.int32).reshape(*shape)

    ours.ask("neighbors", o.neighbors, 0)
    worst = check_neighbors(x, read("neighbors.int32", o.rows, o.neighbors), without_self(find(x, o.neighbors)[1]))
    print(f"our neighbors are at most {worst:.1e} farther, squared (goal 1e-6)", flush=True)
    theirs, our = [find(x, o.neighbors)[0]], []
    for _ in range(o.repeats):
        our.append(ours.ask("neighbors", o.neighbors, 0))
        theirs.append(find(x, o.neighbors)[0])
    table(f"{o.neighbors} exact neighbors of {o.rows} rows", theirs, our)

    ours.ask("kmeans", o.classes, o.iterations)
    of_ours, of_theirs = (objective(x, c, o.classes) for c in (read("clusters.int32", o.rows), cluster(x, o.classes, o.iterations)[1]))
    print(f"\nobjective of k-means, ours over FAISS's: {of_ours / of_theirs:.4f} (goal at most 1.01)", flush=True)
    if worst > 1e-6 or of_ours > 1.01 * of_theirs:
        sys.exit("bench/retrieval.py: the sides don't do the same work")
    theirs, our = [cluster(x, o.classes, o.iterations)[0]], []
    for _ in range(max(1, o.repeats // 2)):
        our.append(ours.ask("kmeans", o.classes, o.iterations))
        theirs.append(cluster(x, o.classes, o.iterations)[0])
    table(f"k-means, {o.classes} clusters, at most {o.iterations} iterations", theirs, our)
    print(f"\nmost memory held by our process: {ours.memory():.2f} GiB")


if __name__ == "__main__":
    main()
