# SPDX-License-Identifier: Apache-2.0
"""Writes values.mat and values_compressed.mat beside this file with SciPy: one variable of each kind.

Needs: numpy, scipy.
"""
import os

import numpy as np
from scipy.io import savemat
from scipy.sparse import csc_matrix

here = os.path.dirname(os.path.abspath(__file__))
st = np.zeros((1, 2), dtype=[("name", object), ("age", object)])
st[0, 0] = ("Ada", np.uint8([[36]]))
st[0, 1] = ("Grace", np.zeros((0, 0)))
inner = np.empty((1, 1), dtype=object)
inner[0, 0] = st
cell = np.empty((2, 2), dtype=object)
cell[0, 0], cell[0, 1], cell[1, 0], cell[1, 1] = np.int16([[-300]]), "two", inner, np.zeros((0, 0))
variables = {
    "matrix": np.array([[1.5, -2], [3, 4e300], [5, np.inf]]),
    "single": np.float32([[0.25, -8]]),
    "int8": np.int8([[-128, 127]]),
    "uint8": np.uint8([[0, 255, 7]]),
    "int16": np.int16([[-32768]]),
    "uint16": np.uint16([[65535]]),
    "int32": np.int32([[-(2**31)]]),
    "uint32": np.uint32([[2**32 - 1]]),
    "int64": np.int64([[-(2**53)]]),
    "uint64": np.uint64([[2**63]]),
    "truth": np.array([[True, False]]),
    "imaginary": np.array([[1 + 2j, 3 - 4j]]),
    "text": "añ€😀",
    "empty_text": "",
    "empty": np.zeros((0, 3)),
    "three": np.arange(6, dtype=np.uint8).reshape(1, 2, 3),
    "struct": st,
    "cell": cell,
    "rows_of_text": np.array(["ab", "cd"]),
    "sparse": csc_matrix(np.eye(3)),
}
for compressed in (False, True):
    savemat(os.path.join(here, "values_compressed.mat" if compressed else "values.mat"), variables, do_compression=compressed)
