#!/usr/bin/python3
"""Measures a checkpoint on a folder of images with exact masks, as PyTorch sees it:
float32 arithmetic on the F16 weights, images as Pillow decodes them. The rules of
every reading and of the Jaccard index are at the head of readout.py.

The folder holds images/NNN-class.jpg (or .png) of 128 x 128 pixels and
truth/NNN-class.png.
With --any-size it may hold pictures of any size and format: each is turned upright
by its EXIF orientation, resized to 128 x 128 by Pillow's bilinear filter, aspect
ignored, and its mask goes back to its own size by nearest; class and Jaccard index
are given for each, nothing else is."""
import argparse
import glob
import hashlib
import json
import os

import numpy as np
from PIL import Image, ImageOps

import crate
import draw
import readout
import weights


def folder(path):
    """Images uint8, masks bool, labels, file names."""
    names = sorted(os.path.basename(p) for e in ("jpg", "png") for p in glob.glob(os.path.join(path, "images", "*-*." + e)))
    if not names:
        raise SystemExit(f"{path}: no NNN-class.jpg or .png in it")
    x, m, y = [], [], []
    for n in names:
        stem = os.path.splitext(n)[0]
        x.append(np.array(Image.open(os.path.join(path, "images", n)).convert("RGB")))
        m.append(np.asarray(Image.open(os.path.join(path, "truth", stem + ".png")).convert("L")) > 127)
        y.append(draw.CLASSES.index(stem.split("-")[1]))
        if x[-1].shape != (128, 128, 3) or m[-1].shape != (128, 128):
            raise SystemExit(f"{n}: image {x[-1].shape}, truth {m[-1].shape}, want 128 x 128")
    return np.stack(x), np.stack(m), np.array(y), names


def any_size(path, model_path):
    """What the default reading gives on pictures of any size: [{file, ...}]."""
    model, meta = weights.load_model(model_path)
    how, out = readout.Reading.parse(meta["crate.readout"]), []
    for n in sorted(os.listdir(os.path.join(path, "images"))):
        stem, ext = os.path.splitext(n)
        if ext not in (".png", ".jpg", ".webp", ".gif", ".bmp", ".tiff"):
            continue
        img = ImageOps.exif_transpose(Image.open(os.path.join(path, "images", n))).convert("RGB")
        truth = np.asarray(Image.open(os.path.join(path, "truth", stem + ".png")).convert("L")) > 127
        small = np.array(img.resize((128, 128), Image.BILINEAR))
        logits, attention, _, _ = crate.look(model, small[None])
        mask = Image.fromarray(how.masks(attention)[0]).resize(img.size, Image.NEAREST)
        out.append(dict(file=n, width=img.width, height=img.height, predicted=draw.CLASSES[logits[0].argmax()],
                        jaccard=round(float(readout.jaccard(np.asarray(mask)[None], truth[None])[0]), 5)))
    return dict(model=os.path.basename(model_path), readout=str(how), images=out)


def readings(default, depth):
    """What is reported: the paper's plain rule, the same bilinear, the last layer, averages, the default."""
    out = [readout.Reading([l], "mean", "mass:0.6", u)
           for l in sorted({3, depth - 2, depth - 1}) for u in ("nearest", "bilinear")]
    out += [readout.Reading(range(1, depth), "mean", "mass:0.6", "bilinear"),
            readout.Reading([depth - 2, depth - 1], "mean", "mass:0.6", "bilinear"),
            readout.Reading([depth - 2, depth - 1], "mean", "mass:0.75", "nearest"),
            readout.Reading([depth - 2, depth - 1], "mean", "mass:0.75", "bilinear")]
    if str(default) not in map(str, out):
        out.append(default)
    return out


def oracle(attention, layer, truth):
    """Of the heads of a layer, mass 0.6, the best for each image: mean, nearest and bilinear."""
    out = {}
    for u in ("nearest", "bilinear"):
        j = [readout.jaccard(readout.Reading([layer], str(k), "mass:0.6", u).masks(attention), truth)
             for k in range(attention.shape[2])]
        out[u] = np.max(j, 0).mean()
    return out


def measure(path, x, truth, y, default=None):
    """Everything that depends on the weights."""
    model, meta = weights.load_model(path)
    default = default or readout.Reading.parse(meta["crate.readout"])
    logits, attention, rate, zero = crate.look(model, x)
    depth = attention.shape[1]
    got = {str(r): readout.jaccard(r.masks(attention), truth) for r in readings(default, depth)}
    heads = {}
    for l in range(depth):
        for k in range(attention.shape[2]):
            r = readout.Reading([l], str(k), "mass:0.6", "bilinear")
            heads[str(r)] = readout.jaccard(r.masks(attention), truth).mean()
    each = [readout.jaccard(readout.Reading([l], "mean", "mass:0.6", "bilinear").masks(attention),
                            truth).mean() for l in range(depth)]
    cover = truth.reshape(-1, 16, 8, 16, 8).mean((2, 4)).reshape(len(truth), -1)
    share = [(readout.maps(attention, [l]) * cover).sum(1).mean() for l in range(depth)]
    return dict(
        file=os.path.basename(path), sha256=hashlib.sha256(open(path, "rb").read()).hexdigest(), default=str(default),
        accuracy=(logits.argmax(1) == y).mean(),
        jaccard={k: v.mean() for k, v in got.items()},
        jaccard_default=got[str(default)].mean(), standard_error_default=got[str(default)].std(ddof=1) / len(y) ** 0.5,
        jaccard_default_by_class={c: got[str(default)][y == i].mean() for i, c in enumerate(draw.CLASSES)},
        jaccard_mass_0_6_bilinear_by_layer=each,
        best_fixed_head_of_any_layer=max(heads.items(), key=lambda q: q[1]),
        best_head_per_image_by_layer=[oracle(attention, l, truth) for l in range(depth)],
        attention_on_object_by_layer=share,
        attention_on_itself_by_layer=attention[..., 0].mean((0, 2)),
        coding_rate_by_layer=dict(mean=rate.mean(0), std=rate.std(0, ddof=1)),
        zero_share_by_layer=dict(mean=zero.mean(0), std=zero.std(0)),
    ), logits.argmax(1), got[str(default)]


def plain(v, digits=5):
    """Numbers rounded, arrays as lists: for JSON."""
    if isinstance(v, dict):
        return {k: plain(q) for k, q in v.items()}
    if isinstance(v, (list, tuple, np.ndarray)):
        return [plain(q) for q in v]
    return round(float(v), digits) if isinstance(v, (float, np.floating)) else v


def finish(out, path, quiet=False):
    text = json.dumps(out, indent=1)
    if not quiet:
        print(text)
    if path:
        with open(path, "w") as f:
            f.write(text + "\n")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("model", help="the checkpoint, .safetensors, with crate.readout")
    ap.add_argument("folder", help="heldout, or another folder like it")
    ap.add_argument("--random", help="an untrained checkpoint, read the same way")
    ap.add_argument("--any-size", action="store_true", help="the folder's pictures have any size; see above")
    ap.add_argument("--write", help="write the figures to this .json file")
    a = ap.parse_args()
    if a.any_size:
        finish(any_size(a.folder, a.model), a.write)
        return
    x, truth, y, names = folder(a.folder)
    trained, guess, each = measure(a.model, x, truth, y)
    out = dict(n=len(x), classes=draw.CLASSES, mean_object_area=truth.mean(), trained=trained)
    if a.random:
        out["random_weights"] = measure(a.random, x, truth, y, readout.Reading.parse(trained["default"]))[0]
    out["without_a_model"] = {
        "centred box of the mean area": readout.jaccard(readout.centred_box(truth), truth).mean(),
        "Otsu luminance": readout.jaccard(readout.otsu(x), truth).mean(),
        "everything is object": readout.jaccard(np.ones_like(truth), truth).mean(),
        "best possible mask of 16x16 patches": readout.best_patches(truth).mean()}
    out = plain(out)
    print(json.dumps(out, indent=1))
    out["images"] = [dict(file=n, predicted=draw.CLASSES[g], jaccard=round(float(j), 5))
                     for n, g, j in zip(names, guess, each)]
    if a.write:
        finish(out, a.write, quiet=True)


if __name__ == "__main__":
    main()
