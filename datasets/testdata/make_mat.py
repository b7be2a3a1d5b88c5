# SPDX-License-Identifier: Apache-2.0
"""Writes cars_annos.mat and mat/*.mat beside this file: annotations like those of Cars196, and each but one in mat in another wrong shape. See README.md.

Needs: numpy, scipy.
"""
import os

import numpy as np
from scipy.io import savemat

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mat")
os.makedirs(here, exist_ok=True)


def write(name, field="relative_im_path", prefix="car_ims/", paths=None, classes=(1, 2, 99, 100), fields=None, **more):
    paths = paths or [f"{prefix}{i + 1:06d}.jpg" for i in range(4)]
    fields = fields or [field, "class"]
    rows = np.zeros((1, 4), dtype=[(f, object) for f in fields])
    for i in range(4):
        values = {field: paths[i], "class": classes[i] if isinstance(classes[i], (str, float)) else np.uint8([[classes[i]]])}
        rows[0, i] = tuple(values[f] for f in fields)
    variables = {"annotations": rows, **more}
    savemat(os.path.join(here, name + ".mat"), {k: v for k, v in variables.items() if v is not None}, do_compression=True)


names = np.array([[f"car {k + 1}" for k in range(4)]], dtype=object)
numbers = np.empty((1, 196), dtype=object)
numbers[0, :] = [np.uint8([[k]]) for k in range(196)]
ones = [np.uint8([[1]])] * 4

write("fname", field="fname", prefix="")
write("no_annotations", annotations=None, other=names)
write("annotations_cell", annotations=names)
write("no_class", fields=["relative_im_path"])
write("class_text", classes=(1, "2", 99, 100))
write("class_0", classes=(1, 2, 0, 100))
write("class_half", classes=(1.5, 2, 99, 100))
write("path_number", paths=ones)
write("path_out", paths=[f"car_ims/{i + 1:06d}.jpg" for i in range(3)] + ["../car_ims/000004.jpg"])
write("path_twice", paths=[f"car_ims/{i % 3 + 1:06d}.jpg" for i in range(4)])
write("few_names", class_names=names)
write("names_numbers", class_names=numbers)

fields = ["relative_im_path", "bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "test"]
rows = np.zeros((1, 392), dtype=[(f, object) for f in fields])
for i in range(392):
    boxes = [np.uint16([[v]]) for v in (5 + i, 7, 200 + i, 150)]
    rows[0, i] = (f"car_ims/{i + 1:06d}.jpg", *boxes, np.uint8([[i % 196 + 1]]), np.uint8([[i % 2]]))
names = np.array([[f"Make Model {k + 1} 2012" for k in range(196)]], dtype=object)
savemat(os.path.join(here, "..", "cars_annos.mat"), {"annotations": rows, "class_names": names}, do_compression=True)
