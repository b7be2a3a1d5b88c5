# SPDX-License-Identifier: Apache-2.0
"""The PyTorch side of the comparison that `make parity` makes: ResNet-50 at 224 pixels, and 20 training steps of the released recipe.

    python parity.py inputs FOLDER [RATE] [RESIDUAL]   weights, images, λ and permutations, seed 0: inputs.safetensors
    python parity.py network FOLDER              torchvision's feature maps and gradients: network-*.safetensors
    python parity.py train FOLDER float32        losses of the training steps: losses-float32.safetensors
    python parity.py train FOLDER bfloat16       the same under autocast
    python parity.py train FOLDER perturbed      in float32 from weights changed by one part in 10 million
    python parity.py table FOLDER                both sides' results as tables; exit status 1 if a goal is missed

Between the first and the last, `IDML_PARITY=FOLDER go test ./idml -run Parity` runs our side on the same inputs.
"""
import json
import os
import sys
import time

import torch
import torch.nn.functional as F
import torchvision
from safetensors.torch import load_file, save_file

BATCH, SIDE, CLASSES, DIM, STEPS = 8, 224, 100, 512, 20
# The released recipe of CUB-200-2011, where one step counts as an epoch: five of warm-up, and the rate, there 6e-4, halves after every five.
SETTINGS = dict(proxy_factor=100.0, weight_decay=1e-4, clip=10.0, decay_every=5, decay_factor=0.5, warmup_steps=5)
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
GOALS = {"float32": 1e-3, "bfloat16": 5e-2}


class TwoHeadResNet50(torchvision.models.ResNet):
    """torchvision's ResNet-50 with a semantic and an uncertainty head on the global average plus the global maximum."""

    def __init__(self):
        super().__init__(torchvision.models.resnet.Bottleneck, [3, 4, 6, 3])
        self.embedding, self.uncertainty = torch.nn.Linear(2048, DIM), torch.nn.Linear(2048, DIM)
        torch.nn.init.kaiming_normal_(self.embedding.weight, mode="fan_out")
        torch.nn.init.zeros_(self.embedding.bias)
        del self.fc

    def features(self, images):
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))

    def forward(self, images):
        x = self.features(images)
        x = x.mean((2, 3)) + x.amax((2, 3))
        return self.embedding(x), self.uncertainty(x)


def l2_normalize(x):
    return x / torch.sqrt(x.pow(2).sum(dim=1, keepdim=True) + 1e-12)


def released_similarity(X, V, P):
    """[batch, classes]: 1 - (1 - cos) * exp(-(|V|^2 + 4) / (5 |X - P|^2)), P raw in the distance."""
    cos = l2_normalize(X) @ l2_normalize(P).T
    d = (X.pow(2).sum(1, keepdim=True) + P.pow(2).sum(1)[None] - 2 * X @ P.T).clamp_min(1e-6)
    return 1 - (1 - cos) * torch.exp(-(V.pow(2).sum(1, keepdim=True) + 4) / (5 * d))


def proxy_anchor(similarity, y, alpha=32.0, margin=0.1):
    """Proxy-Anchor loss (arXiv:2003.13911) of a [batch, classes] similarity matrix."""
    positive = F.one_hot(y, similarity.shape[1]).bool()
    zero = torch.zeros_like(similarity)
    pos = torch.where(positive, torch.exp(-alpha * (similarity - margin)), zero).sum(0)
    neg = torch.where(~positive, torch.exp(alpha * (similarity + margin)), zero).sum(0)
    return torch.log1p(pos).sum() / positive.any(0).sum() + torch.log1p(neg).sum() / similarity.shape[1]


def normalize(pixels):
    """uint8 [n, h, w, 3] to normalized float32 [n, 3, h, w]."""
    x = pixels.permute(0, 3, 1, 2).float() / 255
    return (x - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(DEVIATION).view(1, 3, 1, 1)


def synthetic_images():
    """Colored clouds with some noise: uint8 [BATCH, SIDE, SIDE, 3]."""
    x = sum(F.interpolate(torch.randn(BATCH, 3, n, n), size=SIDE, mode="bicubic") * 90 / n**0.25 for n in (4, 14, 56))
    return (128 + x + 8 * torch.randn(x.shape)).clamp(0, 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def path(folder, name):
    return os.path.join(folder, name + ".safetensors")


def inputs(folder, rate="6e-5", residual="0.2"):
    """RESIDUAL is the scale of the last batch normalization of each block: 1 is torchvision's default. The less it is, the
    less a random network amplifies rounding: see docs/parity.md."""
    torch.manual_seed(0)
    net, pixels = TwoHeadResNet50(), synthetic_images()
    for name, m in net.named_modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.momentum = 1.0
            if name.endswith("bn3"):
                torch.nn.init.constant_(m.weight, float(residual))
    with torch.no_grad():
        net.train()(normalize(pixels))  # one pass: the stored statistics become these images'
    labels = torch.arange(BATCH) // 2 * 7
    proxies = torch.randn(CLASSES, DIM) * (2 / CLASSES) ** 0.5
    permutations = torch.stack([torch.randperm(BATCH) for _ in range(STEPS)])
    lambdas = torch.distributions.Beta(1.0, 1.0).sample((STEPS,))
    tensors = {"weights." + k: v for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}
    tensors |= {"proxies": proxies, "images": pixels, "labels": labels.int(), "permutations": permutations.int(), "lambdas": lambdas}
    tensors |= {"settings." + k: torch.tensor(float(v)) for k, v in {**SETTINGS, "lr": rate}.items()}
    save_file({k: v.contiguous() for k, v in tensors.items()}, path(folder, "inputs"))


def load(folder):
    given = load_file(path(folder, "inputs"))
    net = TwoHeadResNet50()
    net.load_state_dict({k[8:]: v for k, v in given.items() if k.startswith("weights.")}, strict=False)
    return given, net.eval().to(memory_format=torch.channels_last)


def network(folder):
    """Feature maps [n, h, w, 2048] and the gradients of Σ w·(mean over h and w), for the statistics that torchvision starts with and the
    calibrated ones: network-initial.safetensors and network-calibrated.safetensors, each computed in float32 and in float64."""
    given, net = load(folder)
    images, w = normalize(given["images"]), torch.rand(BATCH, 2048)
    for statistics in ("calibrated", "initial"):
        if statistics == "initial":
            for m in net.modules():
                if isinstance(m, torch.nn.BatchNorm2d):
                    m.reset_running_stats()
        out = {"w": w, "images": images.permute(0, 2, 3, 1)}
        for kind, dtype in (("float64", torch.float64), ("float32", torch.float32)):
            net.to(dtype).zero_grad()
            features = net.features(images.to(dtype))
            (features.mean((2, 3)) * w.to(dtype)).sum().backward()
            out[kind + ".features"] = features.detach().permute(0, 2, 3, 1)
            out |= {f"{kind}.gradients.{k}": p.grad.clone() for k, p in net.named_parameters() if p.grad is not None}
        save_file({k: v.float().contiguous() for k, v in out.items()}, path(folder, "network-" + statistics))
        print(f"torchvision, {statistics} statistics: done", flush=True)


def train(folder, kind):
    given, net = load(folder)
    settings = {k[9:]: v.item() for k, v in given.items() if k.startswith("settings.")}
    images, y, P = normalize(given["images"]), given["labels"].long(), torch.nn.Parameter(given["proxies"].clone())
    images = images.to(memory_format=torch.channels_last)
    if kind == "perturbed":
        torch.manual_seed(2)
        for p in net.parameters():
            p.data *= 1 + 1e-7 * torch.randn_like(p)
    late = [p for k, p in net.named_parameters() if not k.startswith("embedding")]
    groups = [{"params": list(net.parameters())}, {"params": [P], "lr": settings["lr"] * settings["proxy_factor"]}]
    optimizer = torch.optim.AdamW(groups, lr=settings["lr"], weight_decay=settings["weight_decay"])
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, int(settings["decay_every"]), settings["decay_factor"])
    losses, seconds = [], []
    for step in range(STEPS):
        start = time.time()
        for p in late:
            p.requires_grad_(step >= settings["warmup_steps"])
        permutation, lam = given["permutations"][step].long(), given["lambdas"][step]
        mixed = lam * images + (1 - lam) * images[permutation]
        with torch.autocast("cpu", torch.bfloat16, enabled=kind == "bfloat16"):
            semantic, uncertainty = net(torch.cat([images, mixed]))
        X, V = l2_normalize(semantic.float()), l2_normalize(uncertainty.float())
        loss_of = lambda part, labels: proxy_anchor(released_similarity(X[part], V[part], P), labels)
        own, mix = slice(0, BATCH), slice(BATCH, None)
        loss = loss_of(own, y) + lam * loss_of(mix, y) + (1 - lam) * loss_of(mix, y[permutation])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_value_([p for p in [*net.parameters(), P] if p.grad is not None], settings["clip"])
        optimizer.step(), schedule.step()
        losses.append(loss.item()), seconds.append(time.time() - start)
        print(f"PyTorch, {kind}: step {step}, loss {losses[-1]:.6f}, {seconds[-1]:.1f} s", flush=True)
    save_file({"losses": torch.tensor(losses), "seconds": torch.tensor(seconds)}, path(folder, "losses-" + kind))


def table(folder):
    """Prints the tables and returns whether every goal is met."""
    ok = True
    rows = json.load(open(os.path.join(folder, "network.json")))
    print("| statistics | comparison | features | gradients, worst array |\n|---|---|---|---|")
    for r in rows:
        goal = " (no goal)" if r["goal"] == 0 else ""
        print(f"| {r['statistics']} | {r['comparison']}{goal} | {r['features']:.1e} | {r['gradients']:.1e} |")
        ok &= r["goal"] == 0 or (r["features"] <= 1e-5 and r["gradients"] <= 1e-3)
    for kind, goal in GOALS.items():
        theirs = load_file(path(folder, "losses-" + kind))["losses"].tolist()
        result = json.load(open(os.path.join(folder, f"losses-{kind}.json")))
        print(f"\n| step | PyTorch, {kind} | ours, {kind} | relative difference |\n|---|---|---|---|")
        difference = [abs(a - b) / abs(b) for a, b in zip(result["losses"], theirs, strict=True)]
        for step, row in enumerate(zip(theirs, result["losses"], difference)):
            print(f"| {step} | {row[0]:.6f} | {row[1]:.6f} | {row[2]:.1e} |")
        print(f"\nworst {max(difference):.1e}, goal {goal:.0e}")
        ok &= max(difference) <= goal
    perturbed, base = (load_file(path(folder, "losses-" + k))["losses"] for k in ("perturbed", "float32"))
    print(f"PyTorch against itself, weights changed by 1e-7: worst {((perturbed - base).abs() / base).max():.1e}")
    return ok


if __name__ == "__main__":
    torch.set_num_threads(os.cpu_count())
    command, folder, *kind = sys.argv[1:]
    done = {"inputs": inputs, "network": network, "train": train, "table": table}[command](folder, *kind)
    sys.exit(0 if done is not False else 1)
