# SPDX-License-Identifier: Apache-2.0
"""Writes sample.safetensors by the safetensors library, for the tests of this package: python make_sample.py"""
import numpy as np
from safetensors.numpy import save_file

save_file(
    {
        "matrix": np.array([[1, -2.5, 3e-5], [0, np.inf, 65504]], np.float32),
        "half": np.array([1, -2.5, 6e-8, 65504, -np.inf, 0.1], np.float16),
        "double": np.array([0.1, -1e300, 7], np.float64),
        "labels": np.array([0, -1, 2147483647], np.int32),
        "long": np.array([[3, -(2**40)]], np.int64),
        "bytes": np.array([0, 7, 255], np.uint8),
        "scalar": np.array(0.5, np.float32),
        "empty": np.zeros((0, 4), np.float32),
    },
    "sample.safetensors",
    metadata={"made by": "safetensors", "text": 'ä <&> "quoted"'},
)
