# SPDX-License-Identifier: Apache-2.0
"""torchvision's side of bench/loader.sh, which also drives ours:

    python loader.py FOLDER PROGRAM… [--images 400] [--repeats 5]

JPEG files of 500 × 375 pixels (quality 90, 4:2:0) become uint8 batches [50, 224, 224, 3] by RandomResizedCrop and HorizontalFlip, as in the paper's recipe; each PROGRAM (`go test -c ./datasets`) is our side in
one of its builds. torchvision's transforms take Pillow's images, in one process or in a DataLoader of two, which is what its users run. Both sides load the same files, all of them once an epoch, each side on one core
and then on two. Unless all agree on the middle of each image, resized and cropped, within 3 levels, the exit status is 1. Epochs are taken in turn; each ratio is our rate over torchvision's, whose
is the mean of its epochs just before and just after.
"""
import argparse
import glob
import os
import statistics
import subprocess
import sys
import time

import numpy
import PIL.Image
import torch
import torchvision
from torchvision.transforms import v2

BATCH, SIDE = 50, 224


def make(folder, count):
    """Photographs have noise on top of smooth shapes; so do these: a file has about 85 kB, as those of CUB have."""
    generator = numpy.random.default_rng(0)
    for split, n in (("train", count), ("test", 4)):
        for k in range(n):
            where = os.path.join(folder, split, ("one", "two")[k % 2])
            os.makedirs(where, exist_ok=True)
            total = numpy.zeros((375, 500, 3))
            for cells, scale in ((4, 60), (16, 30), (64, 14), (0, 6)):
                if cells:
                    coarse = generator.normal(size=(cells, cells, 3)) * scale
                    total += numpy.stack([numpy.asarray(PIL.Image.fromarray(coarse[..., c].astype(numpy.float32)).resize((500, 375), PIL.Image.BICUBIC)) for c in range(3)], -1)
                else:
                    total += generator.normal(size=total.shape) * scale
            PIL.Image.fromarray(numpy.clip(128 + total, 0, 255).astype(numpy.uint8)).save(os.path.join(where, f"{k:04}.jpg"), quality=90)


class Ours:
    def __init__(self, program, folder):
        command = [program, "-test.run", "^TestBesideTorchvision$", "-test.timeout", "0"]
        self.program = subprocess.Popen(command, env={**os.environ, "IDML_BENCH": folder}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.name = "this program, " + self.line("decoder")

    def line(self, head):
        line = self.program.stdout.readline()
        if not line.startswith(head + " "):
            sys.exit("our side ended: " + line + self.program.stdout.read())
        return line[len(head):].strip()

    def ask(self, what):
        self.program.stdin.write(what + "\n")
        self.program.stdin.flush()
        return float(self.line("seconds"))

    def epoch(self, cores):
        os.sched_setaffinity(self.program.pid, sorted(os.sched_getaffinity(0))[:cores])
        for thread in os.listdir(f"/proc/{self.program.pid}/task"):
            os.sched_setaffinity(int(thread), sorted(os.sched_getaffinity(0))[:cores])
        return self.ask(f"epoch {cores}")


class Images(torch.utils.data.Dataset):
    def __init__(self, folder, transform):
        self.names, self.transform = sorted(glob.glob(os.path.join(folder, "train", "one", "*"))) + sorted(glob.glob(os.path.join(folder, "train", "two", "*"))), transform

    def __len__(self):
        return len(self.names)

    def __getitem__(self, i):
        return self.transform(PIL.Image.open(self.names[i]).convert("RGB"))


class Theirs:
    name = "torchvision"

    def __init__(self, folder):
        transform = v2.Compose([v2.RandomResizedCrop(SIDE), v2.RandomHorizontalFlip(), v2.PILToTensor()])
        data = Images(folder, transform)
        self.loaders = {1: torch.utils.data.DataLoader(data, BATCH, shuffle=True),
                        2: torch.utils.data.DataLoader(data, BATCH, shuffle=True, num_workers=2, persistent_workers=True)}

    def epoch(self, cores):
        if cores == 1:
            os.sched_setaffinity(0, CORES[:1])
        start, count = time.perf_counter(), 0
        for batch in self.loaders[cores]:
            count += len(batch.permute(0, 2, 3, 1).contiguous())
        os.sched_setaffinity(0, CORES)
        return time.perf_counter() - start


def check(folder, sides):
    """Ends the program unless each side's middles are Pillow's, within 3 levels."""
    transform = v2.Compose([v2.Resize(256), v2.CenterCrop(SIDE), v2.PILToTensor()])
    want = numpy.stack([v.permute(1, 2, 0).numpy() for v in Images(folder, transform)]).astype(int)
    for side in sides:
        side.ask("show")
        got = numpy.fromfile(os.path.join(folder, "shown.bin"), numpy.uint8).reshape(want.shape)
        worst = abs(got - want).max()
        print(f"{side.name}: at most {worst} levels from Pillow", flush=True)
        if worst > 3:
            sys.exit("bench/loader.py: the sides don't load the same")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("folder")
    p.add_argument("programs", nargs="+")
    p.add_argument("--images", type=int, default=400)
    p.add_argument("--repeats", type=int, default=5)
    o = p.parse_args()
    make(o.folder, o.images)
    size = statistics.mean(map(os.path.getsize, Images(o.folder, None).names))
    torch.set_num_threads(1)
    print(f"{o.images} files of {size / 1000:.0f} kB; torchvision {torchvision.__version__}, Pillow {PIL.__version__}, load {os.getloadavg()[0]:.1f}", flush=True)
    ours, theirs = [Ours(program, o.folder) for program in o.programs], Theirs(o.folder)
    check(o.folder, ours)
    for cores in (1, 2):
        theirs.epoch(cores), [side.epoch(cores) for side in ours]  # files are in memory, processes begun
        times, rates = {side.name: [] for side in ours}, [theirs.epoch(cores)]
        for _ in range(o.repeats):
            for side in ours:
                times[side.name].append(side.epoch(cores))
            rates.append(theirs.epoch(cores))
        print(f"\n| {cores} core{'s' * (cores > 1)}: images/s | min | median | max | ratio: min | median | max |\n|---|---|---|---|---|---|---|")
        fast = [o.images / t for t in rates]
        print(f"| torchvision | {min(fast):.0f} | {statistics.median(fast):.0f} | {max(fast):.0f} | | | |")
        for name, took in times.items():
            fast = [o.images / t for t in took]
            ratios = [(a + b) / 2 / t for t, a, b in zip(took, rates, rates[1:])]
            print(f"| {name} | {min(fast):.0f} | {statistics.median(fast):.0f} | {max(fast):.0f} | {min(ratios):.2f} | {statistics.median(ratios):.2f} | {max(ratios):.2f} |", flush=True)


CORES = sorted(os.sched_getaffinity(0))[:2]

if __name__ == "__main__":
    os.sched_setaffinity(0, CORES)
    main()
