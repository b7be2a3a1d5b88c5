"""Writes resize.json and decode.json beside this file: what Pillow makes of small images. See README.md.

Needs: pillow, numpy.
"""
import base64
import io
import json
import os

import numpy as np
import PIL
from PIL import Image

here = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(0)


def text(data):
    return base64.b64encode(data).decode()


def write(name, cases):
    with open(os.path.join(here, name), "w") as f:
        json.dump({"pillow": PIL.__version__, "cases": cases}, f, indent=1)
        f.write("\n")


resize = []
noise = rng.integers(0, 256, (23, 37, 3), dtype=np.uint8)
white = np.full((50, 61, 3), 255, dtype=np.uint8)
steps = (np.indices((40, 30)).sum(0)[..., None] // 7 % 2 * 255 * np.ones(3)).astype(np.uint8)
for pixels, sizes in (
    (noise, [(1, 1), (7, 5), (37, 11), (12, 23), (23, 37), (36, 22), (38, 24), (64, 64), (5, 70)]),
    (white, [(7, 13), (90, 3)]),
    (steps, [(17, 13), (30, 41), (61, 79)]),
    (noise[:1, :1], [(5, 3)]),
    (noise[:1], [(9, 4)]),
):
    image = Image.fromarray(pixels)
    for size in sizes:
        resize.append({
            "width": image.width, "height": image.height, "pix": text(image.tobytes()),
            "to_width": size[0], "to_height": size[1], "want": text(image.resize(size, Image.BILINEAR).tobytes()),
        })
write("resize.json", resize)

decode = []


def add(name, image, format="PNG", **options):
    out = io.BytesIO()
    image.save(out, format, **options)
    read = Image.open(io.BytesIO(out.getvalue()))
    rgb = read.convert("RGB")
    decode.append({"name": name, "mode": read.mode, "file": text(out.getvalue()), "width": rgb.width, "height": rgb.height, "want": text(rgb.tobytes())})


color = Image.fromarray(rng.integers(0, 256, (9, 11, 4), dtype=np.uint8))  # RGBA with every alpha
smooth = Image.fromarray(noise).resize((35, 21), Image.BICUBIC)
add("gray", color.convert("L"))
add("gray and alpha", color.convert("LA"))
add("gray, one is transparent", color.convert("L"), transparency=int(np.asarray(color.convert("L"))[0, 0]))
add("two levels", color.convert("1"))
add("color", color.convert("RGB"))
add("color and alpha", color)
add("color, one is transparent", color.convert("RGB"), transparency=color.getpixel((0, 0))[:3])
add("palette", color.convert("RGB").quantize(16))
add("palette with transparency", color.convert("RGB").quantize(16), transparency=bytes(range(0, 256, 16)))
for name, subsampling in (("4:4:4", 0), ("4:2:2", 1), ("4:2:0", 2)):
    for progressive in (False, True):
        add(f"JPEG {name}{', progressive' if progressive else ''}", smooth, "JPEG", quality=90, subsampling=subsampling, progressive=progressive)
add("JPEG 4:2:0, odd", smooth.crop((0, 0, 17, 19)), "JPEG", quality=90, subsampling=2)
add("JPEG 4:2:0, narrow", smooth.crop((0, 0, 3, 9)), "JPEG", quality=90, subsampling=2)
add("JPEG gray", smooth.convert("L"), "JPEG", quality=90)
add("JPEG CMYK", smooth.convert("CMYK"), "JPEG", quality=90)
write("decode.json", decode)
