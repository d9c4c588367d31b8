#!/usr/bin/python3
"""Draws samples/ and heldout/: pictures in images/, their exact masks in truth/.

samples/: a dozen pictures in several sizes and formats, chosen for their looks, with
8-bit masks (0 and 255) of the same size in truth/. One is wide, one tall, one large and
photo-like, one stored on its side with the EXIF orientation that rights it.

heldout/: pictures 0..n-1 of a seed that neither training nor validation uses, all
of them, as JPEG of quality 95 with full-size colour; masks as PNG of 1 bit."""
import argparse
import os

import numpy as np
from PIL import Image

import draw

# stem, extension, width, height, class, background, clutter, long side, seed, save options
SAMPLES = (
    ("01-fish", "png", 128, 128, "fish", "bokeh", True, 0.86, 1, {}),
    ("02-cat", "jpg", 256, 256, "cat", "meadow", True, 0.80, 1, dict(quality=90)),
    ("03-house", "jpg", 640, 480, "house", "meadow", False, 0.84, 5, dict(quality=88)),
    ("04-butterfly", "webp", 320, 320, "butterfly", "cloudy", True, 0.80, 1, dict(quality=88)),
    ("05-car-photo", "jpg", 1600, 1200, "car", "meadow", False, 0.84, 7, dict(quality=82)),
    ("06-tree", "webp", 360, 480, "tree", "horizon", True, 0.86, 1, dict(quality=88)),
    ("07-mug", "gif", 200, 200, "mug", "flat", True, 0.78, 1, {}),
    ("08-mushroom", "bmp", 128, 128, "mushroom", "cloudy", True, 0.80, 1, {}),
    ("09-bird", "tiff", 192, 144, "bird", "horizon", True, 0.86, 1, dict(compression="tiff_adobe_deflate")),
    ("10-boat", "jpg", 512, 512, "boat", "bokeh", True, 0.84, 3, dict(quality=88)),
    ("11-fish-turned", "jpg", 320, 240, "fish", "cloudy", True, 0.86, 2, dict(quality=90)),
    ("12-butterfly", "png", 160, 160, "butterfly", "cells", False, 0.84, 3, {}),
)


def samples(out):
    for part in ("images", "truth"):
        os.makedirs(os.path.join(out, part), exist_ok=True)
    for k, (stem, ext, w, h, name, kind, busy, share, seed, how) in enumerate(SAMPLES):
        big = min(w, h) > 600
        x, m, _ = draw.render(np.random.default_rng([4, k, seed]), w, h, name, False, kind, share,
                              fine=2 if big else 3, clean=not busy)
        img = Image.fromarray(x)
        if ext == "gif":
            img = img.quantize(256)
        if "turned" in stem:  # stored a quarter turn to the left; orientation 6 turns it back
            exif = Image.Exif()
            exif[0x0112] = 6
            img, how = img.transpose(Image.ROTATE_90), dict(how, exif=exif)
        img.save(os.path.join(out, "images", f"{stem}.{ext}"), **(dict(optimize=True) if ext == "png" else {}), **how)
        Image.fromarray(np.uint8(m) * 255).save(os.path.join(out, "truth", stem + ".png"), optimize=True)


def heldout(out, n, seed):
    for part in ("images", "truth"):
        os.makedirs(os.path.join(out, part), exist_ok=True)
    x, m, y = draw.stack(n, seed)
    for i in range(n):
        stem = f"{i:03d}-{draw.CLASSES[y[i]]}"
        Image.fromarray(x[i]).save(os.path.join(out, "images", stem + ".jpg"), quality=95, subsampling=0)
        Image.fromarray(m[i]).save(os.path.join(out, "truth", stem + ".png"), optimize=True)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("what", choices=("samples", "heldout"))
    ap.add_argument("out", help="folder to write to")
    ap.add_argument("-n", type=int, default=200, help="heldout: how many (default 200)")
    ap.add_argument("--seed", type=int, default=3, help="heldout: seed (default 3)")
    a = ap.parse_args()
    samples(a.out) if a.what == "samples" else heldout(a.out, a.n, a.seed)


if __name__ == "__main__":
    main()
