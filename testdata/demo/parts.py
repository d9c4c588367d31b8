"""A shape is a list of parts, painted in order."""
import colorsys
from dataclasses import dataclass, field

import numpy as np

from geometry import ellipse, tube


@dataclass
class Part:
    """A polygon in the shape's frame filled with a pattern of two colours."""
    points: np.ndarray
    a: tuple                  # first colour, 0..1
    b: tuple = (0, 0, 0)      # second colour
    texture: str = "flat"
    cell: float = 0.16        # size of a cell of the pattern
    edge: float = 0.022       # outline, 0 for none
    turn: float = 0.0         # pattern turned against the frame, radians
    args: dict = field(default_factory=dict)


@dataclass
class Palette:
    """Two tones of the body, two of an accent; dark for outlines and eyes."""
    a: tuple
    b: tuple
    c: tuple
    d: tuple
    dark: tuple = (0.09, 0.07, 0.09)
    white: tuple = (0.97, 0.96, 0.93)


def hsv(h, s, v):
    return colorsys.hsv_to_rgb(h % 1.0, min(max(s, 0.0), 1.0), min(max(v, 0.0), 1.0))


# What a class usually looks like: hue, saturation, value of a, b, c, d.
TYPICAL = {
    "fish": ((0.06, 0.85, 0.95), (0.11, 0.30, 1.00), (0.02, 0.85, 0.85), (0.10, 0.55, 1.0)),
    "bird": ((0.57, 0.75, 0.85), (0.15, 0.70, 0.98), (0.09, 0.90, 0.95), (0.60, 0.80, 0.60)),
    "car": ((0.99, 0.85, 0.80), (0.98, 0.32, 1.00), (0.55, 0.30, 0.85), (0.55, 0.08, 1.0)),
    "tree": ((0.36, 0.80, 0.33), (0.27, 0.75, 0.75), (0.07, 0.65, 0.35), (0.08, 0.50, 0.62)),
    "mug": ((0.60, 0.08, 0.98), (0.61, 0.80, 0.65), (0.06, 0.65, 0.35), (0.07, 0.45, 0.55)),
    "house": ((0.03, 0.62, 0.70), (0.10, 0.18, 0.95), (0.50, 0.45, 0.38), (0.50, 0.22, 0.78)),
    "mushroom": ((0.98, 0.85, 0.80), (0.12, 0.08, 1.00), (0.11, 0.20, 0.96), (0.07, 0.45, 0.72)),
    "butterfly": ((0.77, 0.68, 0.62), (0.14, 0.62, 1.00), (0.80, 0.60, 0.30), (0.14, 0.5, 1.0)),
    "boat": ((0.07, 0.62, 0.62), (0.05, 0.70, 0.26), (0.12, 0.16, 0.98), (0.99, 0.70, 0.72)),
    "cat": ((0.09, 0.62, 0.90), (0.06, 0.75, 0.40), (0.10, 0.20, 0.98), (0.97, 0.45, 0.85)),
}


def palette(r, name, free):
    """The class's colours with jitter, or, if free, any colours."""
    if not free:
        shift = r.normal(0, 0.022)
        return Palette(*(hsv(h + shift + r.normal(0, 0.010), s * r.uniform(0.82, 1.12),
                             v * r.uniform(0.85, 1.08)) for h, s, v in TYPICAL[name]))
    h = r.random()
    k = h + r.choice([0.5, 0.33, -0.33, 0.08]) + r.normal(0, 0.04)
    lo = hsv(h, r.uniform(0.45, 0.95), r.uniform(0.25, 0.60))
    hi = hsv(k, r.uniform(0.10, 0.70), r.uniform(0.80, 1.0))
    a, b = (lo, hi) if r.random() < 0.5 else (hi, lo)
    m = r.random()
    return Palette(a, b, hsv(m, r.uniform(0.4, 0.9), r.uniform(0.3, 0.7)),
                   hsv(m + r.normal(0, 0.1), r.uniform(0.1, 0.5), r.uniform(0.75, 1.0)))


def mix(a, b, t):
    return tuple(x + (y - x) * t for x, y in zip(a, b))


def eye(x, y, s, pal, iris=None, look=0.25):
    """A round eye with a highlight."""
    iris = iris or pal.dark
    return [Part(ellipse(x, y, s, s), pal.white, edge=0.016),
            Part(ellipse(x + look * s, y, 0.62 * s, 0.62 * s), iris, edge=0),
            Part(ellipse(x + look * s, y, 0.40 * s, 0.44 * s), pal.dark, edge=0),
            Part(ellipse(x + look * s - 0.2 * s, y - 0.24 * s, 0.17 * s, 0.17 * s), pal.white, edge=0)]


def stroke(path, w, colour, w1=None):
    return Part(tube(path, w, w if w1 is None else w1), colour, edge=0)
