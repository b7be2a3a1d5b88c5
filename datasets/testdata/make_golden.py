# SPDX-License-Identifier: Apache-2.0
"""Writes resize.json and decode.json beside this file: what Pillow makes of small images. See README.md.

Needs: pillow, numpy, imagecodecs.
"""
import base64
import io
import json
import os
import struct
import zlib

import imagecodecs
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


def add_file(name, data):
    read = Image.open(io.BytesIO(data))
    rgb = read.convert("RGB")
    decode.append({"name": name, "mode": read.mode, "file": text(data), "width": rgb.width, "height": rgb.height, "want": text(rgb.tobytes())})


def add(name, image, format="PNG", **options):
    out = io.BytesIO()
    image.save(out, format, **options)
    add_file(name, out.getvalue())


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def rows(samples, depth):
    """Returns the bytes of an image whose rows are not filtered; samples is [height, width, channels]."""
    out = b""
    for row in samples.reshape(len(samples), -1):
        bits = "".join(format(v, f"0{depth}b") for v in row)
        bits += "0" * (-len(bits) % 8)
        out += b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")
    return out


def png(samples, depth, color, interlaced=False, chunks=b""):
    """Returns a PNG file, which Pillow can't write in all these forms."""
    height, width = samples.shape[:2]
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    data = b"".join(rows(samples[y::dy, x::dx], depth) for x, y, dx, dy in passes if samples[y::dy, x::dx].size)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced)))
    return b"\x89PNG\r\n\x1a\n" + header + chunks + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


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

# PNG's color types by number: 0 gray, 2 color, 3 palette, 4 gray and alpha, 6 color and alpha.
for channels, kind, name, depths in ((1, 0, "gray", (1, 2, 4, 16)), (3, 2, "color", (16,)), (2, 4, "gray and alpha", (16,)), (4, 6, "color and alpha", (16,))):
    for depth in depths:
        samples = rng.integers(0, 2**depth, (9, 11, channels))
        add_file(f"{name}, {depth} bits", png(samples, depth, kind))
        if channels in (1, 3):
            transparent = chunk(b"tRNS", struct.pack(f">{channels}H", *samples[0, 0].tolist()))
            add_file(f"{name}, {depth} bits, one is transparent", png(samples, depth, kind, chunks=transparent))
add_file("gray, 16 bits, dark", png(rng.integers(0, 300, (9, 11, 1)), 16, 0))
for depth in (1, 2, 4):
    palette = chunk(b"PLTE", rng.bytes(3 * 2**depth))
    samples = rng.integers(0, 2**depth, (9, 11, 1))
    add_file(f"palette, {depth} bits", png(samples, depth, 3, chunks=palette))
    add_file(f"palette, {depth} bits, one is transparent", png(samples, depth, 3, chunks=palette + chunk(b"tRNS", b"\0")))
for channels, kind, name in ((1, 0, "gray"), (3, 2, "color"), (4, 6, "color and alpha")):
    add_file(f"{name}, interlaced", png(rng.integers(0, 256, (9, 11, channels)), 8, kind, interlaced=True))
add_file("gray, 1 bit, interlaced", png(rng.integers(0, 2, (9, 11, 1)), 1, 0, interlaced=True))
add_file("color, gamma", png(rng.integers(0, 256, (9, 11, 3)), 8, 2, chunks=chunk(b"gAMA", struct.pack(">I", 45455))))

turned = Image.Exif()
turned[0x0112] = 6  # orientation: turn right, which Pillow's open leaves to others
add("JPEG, orientation", smooth, "JPEG", quality=90, exif=turned)
add("JPEG RGB", smooth, "JPEG", quality=90, keep_rgb=True)
add("JPEG restart markers", smooth, "JPEG", quality=90, restart_marker_blocks=2)
add("JPEG gray, progressive", smooth.convert("L"), "JPEG", quality=90, progressive=True)
inks = Image.fromarray(rng.integers(0, 256, (5, 7, 4), dtype=np.uint8), "CMYK").resize((35, 21), Image.BICUBIC)
add("JPEG CMYK with black, progressive", inks, "JPEG", quality=90, progressive=True)
out = io.BytesIO()
inks.save(out, "JPEG", quality=90)
cmyk = out.getvalue()
adobe = cmyk.index(b"Adobe")
# What is stored as CMYK, read as YCCK: the last byte of Adobe's segment says so.
add_file("JPEG YCCK 4:4:4", cmyk[:adobe + 11] + b"\2" + cmyk[adobe + 12:])
# Without the segment, which has 2 bytes of marker and 2 of length before the name.
add_file("JPEG CMYK, not Adobe's", cmyk[:adobe - 4] + cmyk[adobe + 12:])
add_file("JPEG YCCK 4:2:0", imagecodecs.jpeg8_encode(np.asarray(inks), level=90, colorspace="CMYK", outcolorspace="YCCK"))
write("decode.json", decode)
