# SPDX-License-Identifier: Apache-2.0
"""PyTorch's side of bench/step.sh, which also drives ours:

    python step.py FOLDER [--device cpu|cuda] [--batch N] [--compute float32|bfloat16] [--classes N] [--seconds S]

A step is one of the released recipe: ResNet-50 at 224 pixels with two heads, stored statistics of batch normalization, N images and their N mixes forward as one batch, Proxy-Anchor
through the released form of the metric, backward, gradients clipped by value, AdamW with the proxies at 100 times the rate. Pixels are uint8 on the host and go to the device in each step. Embedding is the
network alone on N images. FOLDER/idml.test (`go test -c ./idml`) is our side.

PyTorch is timed in the ways that its users would choose: channels last, and on a GPU also compiled with a fused AdamW, as well as plainly, in PyTorch's own layout. Both sides have the same
weights and inputs; unless the first two losses and the embeddings agree, the exit status is 1. Then all take steps in turn: each waits while another works, and the first steps, which
compile and allocate, don't count. Each step's ratio is PyTorch's time over ours, so above 1 ours is faster; PyTorch's is the mean of its steps just before and just after.
"""
import argparse
import os
import platform
import statistics
import subprocess
import sys
import time

import torch
import torch.nn.functional as F
from parity import DEVIATION, DIM, MEAN, TwoHeadResNet50, l2_normalize, proxy_anchor, released_similarity
from safetensors.torch import load_file, save_file

RATE, FACTOR, DECAY, CLIP, WARM_UP = 1e-5, 100.0, 1e-4, 10.0, 2
LOSSES = {"float32": 1e-3, "bfloat16": 5e-2}  # goals of relative differences of the first two losses
EMBEDDINGS = {"float32": 1e-3, "bfloat16": 5e-2}  # and of relative L2 of embeddings


class Ours:
    """The Go program, which does what each line says and answers with a line."""

    def __init__(self, o):
        # The package's tests compile without optimizations unless XLA_FLAGS is set; 3 is XLA's own level.
        env = {"XLA_FLAGS": "--xla_backend_optimization_level=3", "GOMLX_BACKEND": "xla:" + o.device, **os.environ, "IDML_BENCH": o.folder}
        command = [os.path.join(o.folder, "idml.test"), "-test.run", "^TestBesidePyTorch$", "-test.timeout", "0"]
        self.program = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, what):
        """Returns the seconds and the loss of a step; of an embedding the seconds alone."""
        self.program.stdin.write(what + "\n")
        self.program.stdin.flush()
        line = self.program.stdout.readline()
        if not line.startswith("seconds "):
            sys.exit("our side ended: " + line + self.program.stdout.read())
        return [float(v) for v in line.split()[1:]]

    def memory(self):
        """The most memory that the process has held, in MiB."""
        with open(f"/proc/{self.program.pid}/status") as f:
            return next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmHWM"))

    def end(self):
        self.program.stdin.close()
        rest = self.program.stdout.read()
        if self.program.wait() != 0:
            sys.exit("our side failed: " + rest)


class Theirs:
    """PyTorch, in one of its ways."""

    def __init__(self, given, o, best):
        self.o, self.given = o, given
        net = TwoHeadResNet50()
        net.load_state_dict({k[8:]: v for k, v in given.items() if k.startswith("weights.")}, strict=False)
        self.net, self.layout = net.eval().to(o.device), torch.channels_last if best else torch.contiguous_format
        self.net.to(memory_format=self.layout)
        self.proxies = torch.nn.Parameter(given["proxies"].to(o.device))
        groups = [{"params": list(net.parameters())}, {"params": [self.proxies], "lr": RATE * FACTOR}]
        self.optimizer = torch.optim.AdamW(groups, lr=RATE, weight_decay=DECAY, fused=best and o.device == "cuda" or None)
        self.mean, self.deviation = (torch.tensor(v, device=o.device).view(1, 3, 1, 1) for v in (MEAN, DEVIATION))
        self.run = torch.compile(self.forward) if best and o.device == "cuda" else self.forward
        self.name = "PyTorch, channels last" + (", compiled, fused AdamW" if o.device == "cuda" else "") if best else "PyTorch, plain"

    def forward(self, pixels):
        with torch.autocast(self.o.device, torch.bfloat16, enabled=self.o.compute == "bfloat16"):
            return self.net(pixels)

    def pixels(self):
        x = self.given["images"].to(self.o.device, non_blocking=True).permute(0, 3, 1, 2).float() / 255
        return ((x - self.mean) / self.deviation).to(memory_format=self.layout)

    def wait(self):
        if self.o.device == "cuda":
            torch.cuda.synchronize()

    def step(self):
        start = time.perf_counter()
        images, y = self.pixels(), self.given["labels"].long().to(self.o.device)
        permutation, lam, n = self.given["permutation"].long().to(self.o.device), self.given["lambda"].item(), len(y)
        semantic, uncertainty = self.run(torch.cat([images, lam * images + (1 - lam) * images[permutation]]))
        similarity = released_similarity(l2_normalize(semantic.float()), l2_normalize(uncertainty.float()), self.proxies)
        own, mix = similarity[:n], similarity[n:]
        loss = proxy_anchor(own, y) + lam * proxy_anchor(mix, y) + (1 - lam) * proxy_anchor(mix, y[permutation])
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_value_([p for p in [*self.net.parameters(), self.proxies] if p.grad is not None], CLIP)
        self.optimizer.step()
        value = loss.item()  # waits for the device
        return time.perf_counter() - start, value

    def embed(self):
        start = time.perf_counter()
        with torch.no_grad():
            semantic, uncertainty = self.run(self.pixels())
            out = l2_normalize(semantic.float()).cpu(), uncertainty.float().cpu()
        return time.perf_counter() - start, out


def inputs(o):
    """Weights, of which the stored statistics are those of the images, and a batch. Residual branches count a fifth, so that rounding is not amplified: see docs/parity.md."""
    torch.manual_seed(0)
    net, n = TwoHeadResNet50(), o.batch
    images = sum(F.interpolate(torch.randn(n, 3, k, k), size=224, mode="bicubic") * 90 / k**0.25 for k in (4, 14, 56))
    images = (128 + images + 8 * torch.randn(images.shape)).clamp(0, 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()
    for name, m in net.named_modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.momentum = 1.0
            if name.endswith("bn3"):
                torch.nn.init.constant_(m.weight, 0.2)
    x = images[:8].permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        net.train()((x - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(DEVIATION).view(1, 3, 1, 1))
    given = {"weights." + k: v for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}
    given |= {"images": images, "labels": (torch.arange(n) // 2 % o.classes).int(), "permutation": torch.randperm(n).int(), "lambda": torch.tensor([0.7])}
    given |= {"proxies": torch.randn(o.classes, DIM) * (2 / o.classes) ** 0.5}
    given |= {"settings." + k: torch.tensor([float(v)]) for k, v in dict(lr=RATE, proxy_factor=FACTOR, weight_decay=DECAY, clip=CLIP, bfloat16=o.compute == "bfloat16").items()}
    given = {k: v.contiguous() for k, v in given.items()}
    save_file(given, os.path.join(o.folder, "inputs.safetensors"))
    return given


def compare(o, ours, sides):
    """Takes the first two steps and an embedding of each side, and ends the program unless they agree."""
    embedded = [s.embed()[1] for s in sides]
    ours.ask("embed")
    got = load_file(os.path.join(o.folder, "embedded.safetensors"))
    losses = [ours.ask("step")[1] for _ in range(2)]
    ok = True
    for side, (semantic, uncertainty) in zip(sides, embedded):
        gaps = [((got[k] - v).norm() / v.norm()).item() for k, v in (("semantic", semantic), ("uncertainty", uncertainty))]
        differences = [abs(a - b) / abs(b) for a, b in zip(losses, [side.step()[1] for _ in range(2)])]
        print(f"ours and {side.name}: embeddings {max(gaps):.1e} (goal {EMBEDDINGS[o.compute]:g}), first two losses {max(differences):.1e} (goal {LOSSES[o.compute]:g})", flush=True)
        ok &= max(gaps) <= EMBEDDINGS[o.compute] and max(differences) <= LOSSES[o.compute]
    if not ok:
        sys.exit("bench/step.py: the sides don't compute the same")


def race(o, what, ours, sides):
    """Prints a table of the times of what, "step" or "embed", in turn."""
    takes = {s.name: (lambda s=s: getattr(s, what)()[0]) for s in sides}
    for _ in range(WARM_UP):
        ours.ask(what), [t() for t in takes.values()]
    times, our = {k: [t()] for k, t in takes.items()}, []
    start = time.perf_counter()
    while len(our) < 3 or time.perf_counter() - start < o.seconds and len(our) < 200:
        our.append(ours.ask(what)[0])
        for k, t in takes.items():
            times[k].append(t())
    images = o.batch * (2 if what == "step" else 1)
    print(f"\n| {what}, {images} images forward, {o.compute} | min | median | max | images a second, median |\n|---|---|---|---|---|")
    for k, v in {**times, "this program, XLA": our}.items():
        print(f"| {k} | {min(v):.3f} s | {statistics.median(v):.3f} s | {max(v):.3f} s | {images / statistics.median(v):.1f} |")
    for k, v in times.items():
        ratios = [(a + b) / 2 / t for t, a, b in zip(our, v, v[1:])]
        print(f"| {k}: times ours | {min(ratios):.2f} | {statistics.median(ratios):.2f} | {max(ratios):.2f} | |", flush=True)


def machine(o):
    if o.device == "cuda":
        return torch.cuda.get_device_name()
    with open("/proc/cpuinfo") as f:
        name = next((line.partition(":")[2].strip() for line in f if line.startswith("model name")), platform.machine())
    return f"{name}, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}"


def main():
    p = argparse.ArgumentParser()
    p.add_argument("folder")
    p.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    p.add_argument("--batch", type=int, default=8)
    p.add_argument("--classes", type=int, default=100)
    p.add_argument("--compute", default="float32", choices=["float32", "bfloat16"])
    p.add_argument("--seconds", type=float, default=60)
    o = p.parse_args()
    if o.device == "cpu":
        cores = sorted(os.sched_getaffinity(0))[:2]
        os.sched_setaffinity(0, cores)
        torch.set_num_threads(len(cores))
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    print(f"{machine(o)}, PyTorch {torch.__version__}, batch {o.batch}, {o.classes} proxies, {o.compute}", flush=True)
    given = inputs(o)
    ours = Ours(o)
    sides = [Theirs(given, o, best=True)] + ([Theirs(given, o, best=False)] if o.device == "cuda" else [])
    compare(o, ours, sides)
    race(o, "step", ours, sides)
    race(o, "embed", ours, sides)
    if o.device == "cuda":
        print(f"\nmost memory: PyTorch {torch.cuda.max_memory_allocated() / 2**20:.0f} MiB allocated by all ways together; ours: see nvidia-smi")
    else:
        print(f"\nmost memory held by our process: {ours.memory():.0f} MiB")
    ours.end()


if __name__ == "__main__":
    main()
