#!/usr/bin/python3
"""Trains the demo's CRATE from class labels alone: no mask is ever looked at.

The same command gives the same checkpoint on the same machine and number of
threads. The checkpoint is F16 and says how it was made in its metadata; which
reading of its attention is best is choose.py's affair."""
import argparse
import ctypes
import math
import os
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy reads it

import numpy as np
import torch
from torch.nn import functional as F

import crate
import draw
import weights


def options():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("out", help="the checkpoint to write, .safetensors")
    ap.add_argument("--images", type=int, default=30000, help="how many images to draw (default 30000)")
    ap.add_argument("--see", type=int, default=400000, help="how many to see, with repetition (default 400000)")
    ap.add_argument("--data-seed", type=int, default=1)
    ap.add_argument("--seed", type=int, default=7, help="of weights, order and augmentation (default 7)")
    ap.add_argument("--dim", type=int, default=128)
    ap.add_argument("--depth", type=int, default=6)
    ap.add_argument("--heads", type=int, default=4)
    ap.add_argument("--batch", type=int, default=64)
    ap.add_argument("--lr", type=float, default=1.5e-3)
    ap.add_argument("--decay", type=float, default=0.05, help="weight decay, on matrices (default 0.05)")
    ap.add_argument("--keep", type=int, default=32, help="patches kept of 256 (default 32)")
    ap.add_argument("--whole", type=float, default=0.08, help="last share of the steps, with all patches")
    ap.add_argument("--mean-loss", type=float, default=0.5, help="weight of the loss on the mean patch (default 0.5)")
    ap.add_argument("--threads", type=int, default=1, help="default 1; the last digits depend on it")
    ap.add_argument("--cache", help="keep the drawn images in this .npy file")
    ap.add_argument("--random", action="store_true", help="write the untrained weights and stop")
    return ap.parse_args()


def keep_memory():
    """Tells glibc to keep freed memory: the steps ask for the same again and again."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(-4, 0), mallopt(-1, 2**31 - 1), mallopt(-2, 2**27)  # M_MMAP_MAX, M_TRIM_THRESHOLD, M_TOP_PAD
    except (OSError, AttributeError):
        pass


def images(a):
    """Images and labels; the masks are dropped here."""
    labels = np.arange(a.images) % len(draw.CLASSES)
    if a.cache and os.path.exists(a.cache):
        x = np.load(a.cache, mmap_mode="r")
        if len(x) == a.images:
            return x, labels
    x, _, y = draw.stack(a.images, a.data_seed, say=print)
    assert (y == labels).all()
    if a.cache:
        np.save(a.cache, x)
    return x, labels


def shifted(x, r, most=20):
    """Each image moved by up to most pixels (the edge mirrored), half of them flipped."""
    n = x.shape[1]
    out = np.empty_like(x)
    for i, q in enumerate(x):
        ix, iy = (np.abs(np.arange(n) + int(s)) for s in r.integers(-most, most + 1, 2))
        ix, iy = (np.where(j >= n, 2 * n - 2 - j, j) for j in (ix, iy))
        out[i] = q[iy][:, ix[::-1] if r.random() < 0.5 else ix]
    return out


def main():
    a = options()
    keep_memory()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    torch.use_deterministic_algorithms(True)
    r = np.random.default_rng([a.seed, 1])
    model = crate.Crate(a.dim, a.depth, a.heads)
    meta = weights.metadata(model, draw.CLASSES)
    if a.random:
        weights.save_model(a.out, model, dict(meta, **{"crate.note": f"untrained, torch seed {a.seed}"}))
        return
    print(f"{sum(p.numel() for p in model.parameters())} parameters", flush=True)
    began = time.time()
    x, y = images(a)
    print(f"images ready after {time.time() - began:.0f} s", flush=True)

    matrices = [p for n, p in model.named_parameters() if p.ndim == 2]
    others = [p for n, p in model.named_parameters() if p.ndim != 2]
    opt = torch.optim.AdamW([dict(params=matrices, weight_decay=a.decay), dict(params=others, weight_decay=0.0)],
                            lr=a.lr, betas=(0.9, 0.99))
    steps = a.see // a.batch
    warm, whole = 0.03 * steps, int(steps * (1 - a.whole))
    order, at, began, cpu, mean = np.empty(0, np.int64), 0, time.time(), time.process_time(), None
    model.train()
    for step in range(steps):
        if at + a.batch > len(order):
            order, at = r.permutation(len(x)), 0
        pick = order[at:at + a.batch]
        at += a.batch
        xb = model.patches(torch.from_numpy(shifted(x[pick], r)))
        yb = torch.from_numpy(y[pick])
        gain = torch.from_numpy(np.tile(r.normal(1, 0.12, (a.batch, 1, 3)), (1, 1, 64)).astype(np.float32))
        lift = torch.from_numpy(np.tile(r.normal(0, 0.15, (a.batch, 1, 3)), (1, 1, 64)).astype(np.float32))
        keep = None
        if step < whole:
            dice = r.random((a.batch, xb.shape[1]), dtype=np.float32)
            keep = torch.from_numpy(np.argsort(dice, 1)[:, :a.keep].copy())
        for g in opt.param_groups:
            g["lr"] = a.lr * min(step / warm, 0.5 + 0.5 * math.cos(math.pi * max(0, step - warm) / (steps - warm)))
        one, two = model(xb, keep, gain=(gain, lift))
        loss = F.cross_entropy(one, yb, label_smoothing=0.05)
        if a.mean_loss:
            loss = loss + a.mean_loss * F.cross_entropy(two, yb, label_smoothing=0.05)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        hit = (one.argmax(1) == yb).float().mean().item()
        mean = hit if mean is None else 0.98 * mean + 0.02 * hit
        if (step + 1) % 250 == 0 or step + 1 == steps:
            print(f"step {step + 1}/{steps} loss {loss.item():.3f} accuracy {mean:.3f} "
                  f"wall {time.time() - began:.0f} s cpu {time.process_time() - cpu:.0f} s", flush=True)
            weights.save_model(a.out + ".part", model, meta)
    os.replace(a.out + ".part", a.out)


if __name__ == "__main__":
    main()
