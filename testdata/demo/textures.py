"""Surface patterns. Each gives t in [0,1], the share of the second colour, on
a grid of (u, v) in the shape's frame; c is the size of one cell there.

One pattern belongs to one class and covers the whole body: it is what a patch
of 8 x 8 pixels can be told by, wherever on the object it lies.
"""
import numpy as np


def _frac(x):
    return x - np.floor(x)


def hash01(i, j, k=0.0):
    """A number in [0,1) for every integer cell: the same on every machine to 1e-6."""
    x = np.sin(i * 12.9898 + j * 78.233 + k * 37.719).astype(np.float32) * 437.585
    return _frac(x)


def flat(u, v, c):
    return np.zeros_like(u)


def scales(u, v, c):
    """Fish: rows of arcs, each row half a scale along."""
    y = v / (0.62 * c)
    row = np.floor(y)
    du = _frac(u / c + 0.5 * np.mod(row, 2)) - 0.5
    d = _frac(y) + 2.6 * du * du
    d = np.where(d > 1, d - 1, d)
    return np.where(d < 0.32, 1.0, 0.25 * d).astype(np.float32)


def rays(u, v, c, cx=0.0, cy=0.0):
    """Fins: bands from a point, crossed by arcs."""
    a = np.arctan2(v - cy, u - cx)
    r = np.hypot(u - cx, v - cy)
    t = (_frac(a * 3.2 / np.pi / (1.6 * c)) < 0.5) * 0.75
    return np.where(_frac(r / (1.3 * c)) < 0.25, 1.0, t).astype(np.float32)


def chevrons(u, v, c):
    """Bird: feathers as rows of small V."""
    y = v / (0.8 * c)
    du = np.abs(_frac(u / c) - 0.5)
    return (_frac(y + 1.5 * du) < 0.42).astype(np.float32)


def gloss(u, v, c):
    """Car: diagonal reflections, a broad and a narrow one in turn."""
    x = _frac((u + 0.9 * v) / (1.55 * c))
    return np.where(x < 0.36, 1.0, np.where((x > 0.56) & (x < 0.70), 0.85, 0.0)).astype(np.float32)


def leaves(u, v, c):
    """Tree: leaves lying every way, two layers of them."""
    t = np.zeros_like(u)
    for k, (ox, oy) in enumerate(((0.0, 0.0), (0.5, 0.37))):
        x, y = u / c + ox, v / c + oy
        i, j = np.floor(x), np.floor(y)
        a = hash01(i, j, k) * np.pi
        dx, dy = x - i - 0.5, y - j - 0.5
        ca, sa = np.cos(a), np.sin(a)
        e = ((dx * ca + dy * sa) / 0.56) ** 2 + ((dy * ca - dx * sa) / 0.24) ** 2
        t = np.where(e < 1, 0.55 + 0.45 * hash01(i, j, k + 3), t)
    return t.astype(np.float32)


def bark(u, v, c):
    """Tree, trunk: short upright strokes."""
    i = np.floor(u / (0.55 * c))
    y = v / (1.6 * c) + hash01(i, i)
    return ((_frac(u / (0.55 * c)) < 0.5) & (_frac(y) < 0.72)).astype(np.float32)


def plaid(u, v, c):
    """Mug: gingham."""
    return (0.5 * (_frac(u / c) < 0.5) + 0.5 * (_frac(v / c) < 0.5)).astype(np.float32)


def bricks(u, v, c):
    """House: mortar, and every brick of its own tone."""
    y = v / (0.62 * c)
    j = np.floor(y)
    x = u / (1.35 * c) + 0.5 * np.mod(j, 2)
    i = np.floor(x)
    mortar = (x - i < 0.13) | (y - j < 0.24)
    return np.where(mortar, 1.0, 0.28 * hash01(i, j)).astype(np.float32)


def spots(u, v, c):
    """Mushroom: dots of several sizes in shifted rows."""
    y = v / (0.87 * c)
    j = np.floor(y)
    x = u / c + 0.5 * np.mod(j, 2)
    i = np.floor(x)
    r = 0.25 + 0.13 * hash01(i, j)
    return (np.hypot(x - i - 0.5, (y - j - 0.5) * 0.87) < r).astype(np.float32)


def rings(u, v, c, cx=0.0, cy=0.0):
    """Butterfly: circles round a point of the wing."""
    return (_frac(np.hypot(u - cx, v - cy) / c) < 0.5).astype(np.float32)


def planks(u, v, c, nails=True):
    """Boat: boards with dark seams, their joints and, in wood, their nails."""
    y = v / (0.72 * c)
    j = np.floor(y)
    x = u / (3.4 * c) + hash01(j, j)
    seam = (y - j < 0.25) | (_frac(x) < 0.05)
    nail = (np.abs(_frac(x * 2) - 0.12) < 0.05) & (np.abs(y - j - 0.62) < 0.14)
    return np.where(seam | nail if nails else seam, 1.0, 0.35 * np.mod(j, 2)).astype(np.float32)


def tabby(u, v, c):
    """Cat: wavering stripes across the body."""
    x = u / (1.05 * c) + 0.32 * np.sin(v * 2.1 / c) + 0.12 * np.sin(v * 5.3 / c)
    return (_frac(x) < 0.46).astype(np.float32)


ALL = {f.__name__: f for f in (flat, scales, rays, chevrons, gloss, leaves, bark,
                               plaid, bricks, spots, rings, planks, tabby)}
