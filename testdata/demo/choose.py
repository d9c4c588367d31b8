#!/usr/bin/python3
"""Chooses the reading of a checkpoint's attention on a validation set, which is
drawn here and shares no image with training or with heldout/, and writes it into
the checkpoint's metadata as crate.readout."""
import argparse
import itertools

import numpy as np

import crate
import draw
import readout
import weights

SHARES = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9]


def table(attention, truth, most=3):
    """Mean Jaccard of every reading tried: {reading: value}."""
    depth, heads = attention.shape[1:3]
    sets = [s for k in range(1, most + 1) for s in itertools.combinations(range(depth), k)]
    tries = [(s, "mean", up) for s in sets for up in ("nearest", "bilinear")]
    tries += [((l,), str(k), "bilinear") for l in range(depth) for k in range(heads)]
    out = {}
    for layers, head, up in tries:
        q = readout.spread(readout.maps(attention, layers, head), up)
        order = readout.ranked(q)
        for share in SHARES:
            m = readout.keep(q, share, sorted_=order)
            out[str(readout.Reading(layers, head, f"mass:{share}", up))] = float(readout.jaccard(m, truth).mean())
    return out


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("model", help="the checkpoint, .safetensors")
    ap.add_argument("-n", type=int, default=600, help="validation images (default 600)")
    ap.add_argument("--seed", type=int, default=2, help="of the validation images (default 2)")
    ap.add_argument("--show", type=int, default=12, help="how many readings to print (default 12)")
    ap.add_argument("--cache", help="keep the validation images in this .npz file")
    ap.add_argument("--also", help="write the same reading into this checkpoint, the untrained one")
    ap.add_argument("--dry", action="store_true", help="print only, leave the file alone")
    a = ap.parse_args()
    try:
        z = np.load(a.cache or "")
        x, m, y = z["x"], z["m"], z["y"]
    except FileNotFoundError:
        x, m, y = draw.stack(a.n, a.seed)
        if a.cache:
            np.savez(a.cache, x=x, m=m, y=y)
    model, meta = weights.load_model(a.model)
    logits, attention, rate, zero = crate.look(model, x)
    t = table(attention, m)
    best = sorted(t, key=lambda k: -t[k])
    print(f"{len(x)} images, accuracy {(logits.argmax(1) == y).mean():.4f}")
    print(f"coding rate {rate.mean(0).round(1)}, zeros {zero.mean(0).round(3)}")
    for k in best[:a.show]:
        print(f"{t[k]:.4f}  {k}")
    for l in range(model.config["depth"]):
        row = [t[f"layers={l} head=mean keep=mass:0.6 upsample={u}"] for u in ("nearest", "bilinear")]
        print(f"layer {l}, head mean, mass:0.6: nearest {row[0]:.4f}, bilinear {row[1]:.4f}")
    one = max((k for k in t if "head=mean" not in k), key=t.get)
    print(f"best fixed head: {t[one]:.4f}  {one}")
    if not a.dry:
        tensors, meta = weights.load(a.model)
        weights.save(a.model, tensors, {**meta, "crate.readout": best[0]})
        if a.also:
            tensors, meta = weights.load(a.also)
            weights.save(a.also, tensors, {**meta, "crate.readout": best[0]})


if __name__ == "__main__":
    main()
