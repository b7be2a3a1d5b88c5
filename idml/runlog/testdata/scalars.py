# SPDX-License-Identifier: Apache-2.0
"""Prints what TensorBoard reads in a run folder, as JSON.

The output is {reader: {tag: [[step, value], …]}} for two readers of TensorBoard's: "scalars" keeps the scalars as they were
written, "tensors" is what its pages show.
"""

import json
import sys

from tensorboard.backend.event_processing import event_accumulator, plugin_event_accumulator
from tensorboard.util import tensor_util

folder = sys.argv[1]

plain = event_accumulator.EventAccumulator(folder, size_guidance={event_accumulator.SCALARS: 0})
plain.Reload()
pages = plugin_event_accumulator.EventAccumulator(folder, tensor_size_guidance={"scalars": 0})
pages.Reload()

json.dump(
    {
        "scalars": {tag: [[e.step, e.value] for e in plain.Scalars(tag)] for tag in plain.Tags()["scalars"]},
        "tensors": {
            tag: [[e.step, tensor_util.make_ndarray(e.tensor_proto).item()] for e in pages.Tensors(tag)]
            for tag in pages.Tags()["tensors"]
        },
    },
    sys.stdout,
)
