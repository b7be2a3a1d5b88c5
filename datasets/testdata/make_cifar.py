# SPDX-License-Identifier: Apache-2.0
"""Writes cifar/ beside this file: small archives of CIFAR-10 and CIFAR-100 as Python pickles. See README.md.

Run by Python 2.7 it writes the archives, as the published ones were written: by cPickle, protocol 2. Run by Python 3 after that, it reads a
file of them and writes it again in the ways in which Python 3 may.

Needs: numpy.
"""
import os
import sys

import numpy as np

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cifar")
ten = "airplane automobile bird cat deer dog frog horse ship truck".split()


def pixels(half, first, n):
    """The planes of n images of a half (0 trains, 1 tests), from that of number first on: [n, 3072]."""
    image = np.arange(first, first + n)[:, None]
    k = np.arange(3072)[None, :]
    return ((31 * image + 7 * k + 50 * (k // 1024) + 13 * half) % 256).astype(np.uint8)


def batch10(half, first, n, label):
    return {
        "batch_label": label,
        "labels": [(3 * i + half) % 10 for i in range(first, first + n)],
        "data": pixels(half, first, n),
        "filenames": ["drawn_s_%06d.png" % i for i in range(first, first + n)],
    }


def batch100(half, n, label):
    fine = [(7 * i + 5 * half) % 100 for i in range(n)]
    return {
        "batch_label": label,
        "fine_labels": fine,
        "coarse_labels": [f % 20 for f in fine],
        "data": pixels(half, 0, n),
        "filenames": ["drawn_s_%06d.png" % i for i in range(n)],
    }


def write(name, value, protocol=2):
    import pickle
    if sys.version_info[0] == 2:
        import cPickle as pickle
    name = os.path.join(here, name)
    if not os.path.isdir(os.path.dirname(name)):
        os.makedirs(os.path.dirname(name))
    with open(name, "wb") as f:
        pickle.dump(value, f, protocol)


def archives():
    for i in range(5):
        write("cifar-10-batches-py/data_batch_%d" % (i + 1), batch10(0, 2 * i, 2, "training batch %d of 5" % (i + 1)))
    write("cifar-10-batches-py/test_batch", batch10(1, 0, 2, "testing batch 1 of 1"))
    write("cifar-10-batches-py/batches.meta", {"num_cases_per_batch": 2, "label_names": ten, "num_vis": 3072})
    write("cifar-100-python/train", batch100(0, 3, "training batch 1 of 1"))
    write("cifar-100-python/test", batch100(1, 2, "testing batch 1 of 1"))
    write("cifar-100-python/meta", {
        "fine_label_names": ["fine_%02d" % i for i in range(100)],
        "coarse_label_names": ["coarse_%02d" % i for i in range(20)],
    })


def again():
    import pickle
    for encoding, kind in ("latin1", "text"), ("bytes", "bytes"):
        def read(name):
            with open(os.path.join(here, "cifar-10-batches-py", name), "rb") as f:
                return pickle.load(f, encoding=encoding)
        test, meta = read("test_batch"), read("batches.meta")
        for protocol in 2, 3, 4:
            write("again/test_batch-%s-%d" % (kind, protocol), test, protocol)
            write("again/batches.meta-%s-%d" % (kind, protocol), meta, protocol)
    test["data" if "data" in test else b"data"] = np.asfortranarray(pixels(1, 0, 2))
    write("again/test_batch-columns-4", test, 4)
    test[b"data"] = pixels(1, 0, 2).astype(np.float32)
    write("wrong/floats", test, 4)
    test[b"data"] = pixels(1, 0, 2)[:, :3000]
    write("wrong/3000", test, 4)
    test[b"data"] = list(range(3))
    write("wrong/list", test, 4)
    write("wrong/protocol-5", batch10(1, 0, 2, ""), 5)
    write("wrong/datetime", {b"data": __import__("datetime").date(2009, 4, 8)}, 4)


archives() if sys.version_info[0] == 2 else again()
