# SPDX-License-Identifier: Apache-2.0
"""PyTorch's side of bench/classify.sh, which also drives ours:

    python classify.py FOLDER [SECONDS]

A step is what training does to the backbone: forward in train mode, backward of the mean of features·w, and w ← w − 0.5·gradient, of PyramidNet-29
with α̃ = 48 on 64 images of 32 × 32, in float32. FOLDER/resnet.test (`go test -c ./idml/resnet`) is our side. Both have the same weights and
images, and the first step's feature maps and arrays must agree, else the exit status is 1. Then both take steps in turn on the same two cores:
each waits while the other works, and the first steps, which compile and allocate, don't count. They end after SECONDS (40) or 50 steps each. A
step's ratio is ours to the mean of PyTorch's just before and just after. Other programs on the machine lengthen the times, less so the
processor time, which is of all threads.
"""
import os
import platform
import statistics
import subprocess
import sys
import time

import torch
from pyramid import PyramidNet
from safetensors.torch import load_file, save_file

BATCH, SIDE, RATE, WARM_UP, MOST = 64, 32, 0.5, 3, 50
FEATURES, UPDATE = 1e-4, 1e-2  # goals of relative L2 between two float32 programs
folder = sys.argv[1]
limit = float(sys.argv[2]) if len(sys.argv) > 2 else 40.0


class Ours:
    """The Go program, which takes a step for each line it is given."""

    def __init__(self):
        # The package's tests compile without optimizations unless XLA_FLAGS is set; 3 is XLA's own level.
        env = {"XLA_FLAGS": "--xla_backend_optimization_level=3", **os.environ, "IDML_BENCH": folder}
        command = [os.path.join(folder, "resnet.test"), "-test.run", "^TestBesidePyTorch$"]
        self.program = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def step(self):
        self.program.stdin.write("step\n")
        self.program.stdin.flush()
        line = self.program.stdout.readline()
        if not line.startswith("seconds "):
            sys.exit("our side ended: " + line + self.program.stdout.read())
        return float(line.split()[1])

    def processor_time(self):
        with open(f"/proc/{self.program.pid}/stat") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        self.program.stdin.close()
        rest = self.program.stdout.read()
        if self.program.wait() != 0:
            sys.exit("our side failed: " + rest)


def step():
    start = time.perf_counter()
    features = net(images)
    (features * w).mean().backward()
    with torch.no_grad():
        for p in net.parameters():
            p -= RATE * p.grad
            p.grad = None
    return time.perf_counter() - start, features.detach()


def cpu():
    """The processor's name."""
    with open("/proc/cpuinfo") as f:
        return next((line.partition(":")[2].strip() for line in f if line.startswith("model name")), platform.machine())


def compare(features, before):
    """Prints how far the first step of both sides is apart, and ends the program if it is too far."""
    theirs, ours = net.state_dict(), load_file(os.path.join(folder, "first.safetensors"))
    gap = ((ours["features"].permute(0, 3, 1, 2) - features).norm() / features.norm()).item()
    difference = sum((ours[k] - theirs[k]).pow(2).sum() for k in before)
    update = (difference / sum((theirs[k] - before[k]).pow(2).sum() for k in before)).sqrt().item()
    print(f"first step, relative L2: feature maps {gap:.1e} (goal {FEATURES:g}), change of all arrays {update:.1e} (goal {UPDATE:g})")
    if not (gap <= FEATURES and update <= UPDATE):
        sys.exit("bench/classify.py: the two sides don't compute the same")


cores = sorted(os.sched_getaffinity(0))[:2]
os.sched_setaffinity(0, cores)
torch.set_num_threads(2)
torch.manual_seed(0)
net = PyramidNet([3, 3, 3], 16, 48).train().to(memory_format=torch.channels_last)
images = torch.randn(BATCH, 3, SIDE, SIDE).to(memory_format=torch.channels_last)
before = {k: v.clone() for k, v in net.state_dict().items() if "num_batches" not in k}
w = torch.randn(BATCH, before["bn_final.weight"].numel(), SIDE // 4, SIDE // 4).to(memory_format=torch.channels_last)
inputs = {"weights." + k: v.contiguous() for k, v in before.items()}
nhwc = {"images": images.permute(0, 2, 3, 1).contiguous(), "w": w.permute(0, 2, 3, 1).contiguous()}
save_file(inputs | nhwc, os.path.join(folder, "inputs.safetensors"))

ours = Ours()
ours.step()
compare(step()[1], before)
for _ in range(WARM_UP - 1):
    ours.step(), step()
start, processor = time.perf_counter(), (time.process_time(), ours.processor_time())
theirs, our = [step()[0]], []
while len(our) < MOST and time.perf_counter() - start < limit:
    our.append(ours.step())
    theirs.append(step()[0])
processor = (time.process_time() - processor[0]) / len(theirs), (ours.processor_time() - processor[1]) / len(our)
ours.end()

ratios = [o / ((a + b) / 2) for o, a, b in zip(our, theirs, theirs[1:])]
print(f"{cpu()}, {len(cores)} cores, PyTorch {torch.__version__}, load {os.getloadavg()[0]:.1f}, {len(our)} steps each")
print("| time of a step | min | median | max | processor time, mean |\n|---|---|---|---|---|")
for name, times, used in (("PyTorch, channels last", theirs, processor[0]), ("this program, XLA", our, processor[1])):
    print(f"| {name} | {min(times):.2f} s | {statistics.median(times):.2f} s | {max(times):.2f} s | {used:.2f} s |")
print(f"| ratio | {min(ratios):.2f} | {statistics.median(ratios):.2f} | {max(ratios):.2f} | {processor[1] / processor[0]:.2f} |")
