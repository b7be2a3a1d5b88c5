#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Times how long `idml train` takes from the start of its process to its first training step, ResNet-50 at 224 pixels in batches of 8: network, baselines of four images, and compiling of both
# programs included. Batch normalization is that of the paper's recipes, frozen, then trained. Its files lie in runs/start, made anew each time.
#
#   bench/start.sh [REPEATS]      3 of each unless told
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
idml=$PWD/.tools/bin/idml
[[ -x $idml ]] || { echo "bench/start.sh: $idml is missing: make setup" >&2; exit 1; }
rm -rf runs/start
mkdir -p runs/start
python3 - "$idml" "${1:-3}" <<'PYTHON'
import os, pathlib, random, struct, subprocess, sys, time, zlib

def png(path, side=256):
    """Writes an image of 16 × 16 random squares."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = [[bytes(random.randrange(256) for _ in range(3)) * (side // 16) for _ in range(16)] for _ in range(16)]
    data = b"".join((b"\0" + b"".join(row)) * (side // 16) for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b""))

images, idml, repeats = pathlib.Path("runs/start/images"), sys.argv[1], int(sys.argv[2])
for k in range(32):
    png(images / "train" / str(k % 2) / f"{k}.png")
for k in range(4):
    png(images / "test" / str(k % 2) / f"{k}.png")
print(f"load {os.getloadavg()[0]:.1f}")
for k, norm in enumerate(["frozen", "trained"] * repeats):
    run = pathlib.Path(f"runs/start/run-{k}")
    started = time.perf_counter()
    process = subprocess.Popen([idml, "train", "--recipe", "folder", "--data", str(images), "--backbone", "resnet50", "--set", "data.image_size=224", "--set", "data.batch_size=8",
                                "--set", f"model.batch_norm={norm}", "--set", "epochs=1", "--out", str(run)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    records = run / "metrics.jsonl"
    while not (records.exists() and '"kind":"step"' in records.read_text()):
        if process.poll() is not None:
            sys.exit("bench/start.sh: training ended before its first step")
        time.sleep(0.02)
    print(f"{norm} batch normalization: {time.perf_counter() - started:.1f} s to the first step", flush=True)
    process.kill()
    process.wait()
PYTHON
