#!/usr/bin/python3
"""Draws the demo's images: one object of ten classes on a random background,
with its exact mask. As a program it writes image and mask files; as a module,
render() draws one picture of any size and stack() many of 128 x 128."""
import argparse
import multiprocessing
import os

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

import animals
import background
import things
from geometry import Affine, rotate
from parts import mix, palette
from textures import ALL

CLASSES = ("fish", "bird", "car", "tree", "mug", "house", "mushroom", "butterfly", "boat", "cat")
SIZE = 128


def shape(r, name, free):
    """The parts of one object; free: colours of any kind."""
    f = getattr(animals, name, None) or getattr(things, name)
    return f(r, palette(r, name, free))


def place(r, parts, w, h, share=None):
    """Where the object goes: flipped, turned, stretched, anywhere, cut by at most 6 %."""
    pts = np.vstack([p.points for p in parts])
    a = rotate(np.eye(2), np.radians(np.clip(r.normal(0, 14), -40, 40))).T
    a = np.diag([r.uniform(0.86, 1.16), 1.0]) @ a @ np.diag([-1.0 if r.random() < 0.5 else 1.0, 1.0])
    q = pts @ a.T
    lo, hi = q.min(0), q.max(0)
    long = (r.uniform(0.45, 0.88) if share is None else share) * min(w, h)
    k = long / (hi - lo).max()
    size, room = (hi - lo) * k, np.array([w, h])
    slack = 0.06 * size
    at = np.array([r.uniform(-o, max(m - s + o, -o + 1e-6)) for o, m, s in zip(slack, room, size)])
    return Affine(a * k, at - lo * k), at, size


def paint(scene, mask, parts, frame):
    """Paints the parts into scene (RGB) and mask (L), both PIL, in the frame."""
    w, h = scene.size
    for p in parts:
        pts = frame(p.points)
        wide = p.edge * frame.scale
        pad = wide / 2 + 1
        x0, y0 = np.maximum(np.floor(pts.min(0) - pad), 0).astype(int)
        x1, y1 = np.minimum(np.ceil(pts.max(0) + pad), [w, h]).astype(int)
        if x1 <= x0 or y1 <= y0:
            continue
        box = (x0, y0, x1, y1)
        local = [tuple(q) for q in pts - [x0, y0]]
        inside = Image.new("L", (x1 - x0, y1 - y0))
        ImageDraw.Draw(inside).polygon(local, fill=255, outline=255)
        if p.texture == "flat":
            scene.paste(tuple(int(255 * c) for c in p.a), box, inside)
        else:
            scene.paste(_surface(p, frame, box), box, inside)
        mask.paste(255, box, inside)
        if wide > 0:
            line = Image.new("L", inside.size)
            ImageDraw.Draw(line).line(local + local[:2], fill=255, width=max(1, round(wide)), joint="curve")
            scene.paste(tuple(int(255 * c) for c in mix(p.a, (0.08, 0.06, 0.08), 0.62)), box, line)
            mask.paste(255, box, line)


def _surface(p, frame, box):
    u, v = frame.grid(*box)
    s, t = u, v
    if p.turn:
        c, n = np.float32(np.cos(p.turn)), np.float32(np.sin(p.turn))
        s, t = c * u + n * v, c * v - n * u
    mixed = ALL[p.texture](s, t, p.cell, **p.args)[..., None]
    tone = (np.float32(1.0) - np.float32(0.13) * v - np.float32(0.05) * u)[..., None]
    a, b = np.float32(p.a) * 255, np.float32(p.b) * 255
    return Image.fromarray(np.clip((a + (b - a) * mixed) * tone, 0, 255).astype(np.uint8))


def render(r, w=SIZE, h=SIZE, name=None, free=None, kind=None, share=None, fine=3, clean=False):
    """One picture: (RGB uint8 [h w 3], mask bool [h w], class). r is a numpy Generator;
    what is not given is drawn by lot. fine is the supersampling, clean leaves clutter out."""
    s = min(w, h) / 128
    ground = background.base(r, w, h, kind)
    extra = int(r.integers(2**62))
    light = 1 + r.uniform(0.0, 0.35) * (background.ramp(r, w, h) - 0.5)
    grain, soft, dusk = r.uniform(0, 6) / 255 * (r.random() < 0.7), r.random(), r.random()
    if name is None:  # only now: what stands behind cannot depend on it
        name = CLASSES[int(r.integers(len(CLASSES)))]
    parts = shape(r, name, r.random() < 0.2 if free is None else free)
    frame, at, size = place(r, parts, w, h, share)

    scene = Image.fromarray(np.uint8(ground * 255)).resize((w * fine, h * fine), Image.NEAREST)
    if not clean:
        background.clutter(np.random.default_rng(extra), scene)
    if dusk < 0.5:  # a contact shadow
        dark = Image.new("L", (w, h))
        x, y = at[0] + size[0] / 2, at[1] + size[1]
        ImageDraw.Draw(dark).ellipse([x - 0.46 * size[0], y - 0.10 * size[1], x + 0.46 * size[0], y + 0.03 * size[1]],
                                     fill=130)
        dark = dark.filter(ImageFilter.GaussianBlur(2.5 * s)).resize(scene.size, Image.BILINEAR)
        scene.paste((12, 10, 16), (0, 0), dark)
    mask = Image.new("L", scene.size)
    paint(scene, mask, parts, Affine(frame.a * fine, frame.b * fine))
    scene, mask = scene.reduce(fine), mask.reduce(fine)
    if soft < 0.2:
        scene = scene.filter(ImageFilter.GaussianBlur(s * 2.5 * soft))
    x = np.asarray(scene, np.float32) * light[..., None]
    if grain > 0:
        x = x + r.standard_normal(x.shape, dtype=np.float32) * np.float32(grain * 255)
    return np.clip(np.rint(x), 0, 255).astype(np.uint8), np.asarray(mask) >= 128, name


def one(job):
    seed, i, free = job
    # Classes go round in order of i; the background has its own dice, thrown first.
    x, m, name = render(np.random.default_rng([seed, i]), name=CLASSES[i % len(CLASSES)], free=free)
    return x, m, CLASSES.index(name)


def stack(n, seed, free=None, workers=None, say=None):
    """n pictures: images uint8 [n 128 128 3], masks bool, labels. Picture i depends
    on (seed, i) alone, whatever the number of workers."""
    x, m, y = np.empty((n, SIZE, SIZE, 3), np.uint8), np.empty((n, SIZE, SIZE), bool), np.empty(n, np.int64)
    with multiprocessing.get_context("fork").Pool(workers or min(os.cpu_count() or 1, 2)) as pool:
        for i, (a, b, c) in enumerate(pool.imap(one, ((seed, i, free) for i in range(n)), chunksize=64)):
            x[i], m[i], y[i] = a, b, c
            if say and (i + 1) % 2000 == 0:
                say(f"drawn {i + 1} of {n}")
    return x, m, y


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("out", help="folder to write to: NNN-class.png and truth/NNN-class.png (1 bit)")
    ap.add_argument("-n", type=int, default=20, help="how many (default 20)")
    ap.add_argument("--seed", type=int, default=1, help="picture i depends on (seed, i) alone (default 1)")
    ap.add_argument("--size", default="128", help="N or WxH (default 128)")
    ap.add_argument("--class", dest="name", choices=CLASSES, help="one class only (default: all in turn)")
    ap.add_argument("--colours", choices=("mixed", "typical", "random"), default="mixed",
                    help="mixed: a fifth of the pictures ignore the class's colours (default)")
    a = ap.parse_args()
    w, h = (int(v) for v in (a.size.split("x") if "x" in a.size else (a.size, a.size)))
    free = {"mixed": None, "typical": False, "random": True}[a.colours]
    os.makedirs(os.path.join(a.out, "truth"), exist_ok=True)
    for i in range(a.n):
        name = a.name or CLASSES[i % len(CLASSES)]
        x, m, _ = render(np.random.default_rng([a.seed, i]), w, h, name=name, free=free)
        Image.fromarray(x).save(os.path.join(a.out, f"{i:03d}-{name}.png"), optimize=True)
        Image.fromarray(m).save(os.path.join(a.out, "truth", f"{i:03d}-{name}.png"), optimize=True)


if __name__ == "__main__":
    main()
