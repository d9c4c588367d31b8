"""Makes the golden pictures of the resize tests, with Pillow (9.4).

    /usr/bin/python3 make.py

FILTER-WxH.png is source.png resized, mask-FILTER-WxH.png mask.png. normalise.txt has
what torch computes for each of the 256 samples, from numpy's float32.
"""
import os
import random

import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
FILTERS = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}
rnd = random.Random(3)


def sample(x, y, c):
    if x < 20:
        return rnd.choice([0, 255])  # overshoots clip
    if y < 15:
        return rnd.randrange(256)
    return (x * (c + 3) + y * (5 - c)) % 256


W, H = 60, 48
source = Image.new("RGB", (W, H))
source.putdata([tuple(sample(x, y, c) for c in range(3)) for y in range(H) for x in range(W)])
mask = Image.new("L", (W, H))
mask.putdata([255 if (x - 30) ** 2 + (y - 20) ** 2 < 200 or rnd.random() < 0.1 else 0 for y in range(H) for x in range(W)])


def save(im, name):
    im.save(os.path.join(HERE, name), optimize=True)


save(source, "source.png")
save(mask, "mask.png")
for name, f in FILTERS.items():
    # The last two are sizes where (o + 1/2)·scale isn't the sum that nearest follows.
    for size in (20, 33), (90, 70), (60, 20), (23, 48), (60, 70), (7, 5), (1, 1), (59, 47), (13, 80), (25, 21), (22, 20):
        save(source.resize(size, f), "%s-%dx%d.png" % (name, *size))
    for size in (20, 33), (97, 75), (60, 90):
        save(mask.resize(size, f), "mask-%s-%dx%d.png" % (name, *size))

with open(os.path.join(HERE, "normalise.txt"), "w") as out:
    x = np.arange(256, dtype=np.float32) / np.float32(255)
    for mean, std in (0.485, 0.229), (0.456, 0.224), (0.406, 0.225):
        v = (x - np.float32(mean)) / np.float32(std)
        assert v.dtype == np.float32
        out.write(" ".join("%08x" % b for b in v.view(np.uint32)) + "\n")
