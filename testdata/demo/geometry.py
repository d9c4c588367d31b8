"""Points, curves and affine frames: what the shapes are built from.

A shape lives in its own frame, x to the right and y down, about two units
long. Curves are lists of points already; nothing here knows about pixels
until an Affine is asked for them.
"""
import math

import numpy as np


def closed(points, steps=6):
    """A smooth closed curve (Catmull-Rom) through the points, as a polygon."""
    p = np.asarray(points, np.float64)
    return _catmull(np.roll(p, 1, 0), p, np.roll(p, -1, 0), np.roll(p, -2, 0), steps)


def smooth(points, steps=6):
    """A smooth open curve through the points."""
    p = np.asarray(points, np.float64)
    p = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    return np.vstack([_catmull(p[:-3], p[1:-2], p[2:-1], p[3:], steps), p[-2:-1]])


def _catmull(p0, p1, p2, p3, steps):
    t = (np.arange(steps) / steps)[None, :, None]
    p0, p1, p2, p3 = (q[:, None, :] for q in (p0, p1, p2, p3))
    q = 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
               + (3 * p1 - p0 - 3 * p2 + p3) * t**3)
    return q.reshape(-1, 2)


def ellipse(cx, cy, rx, ry, turn=0.0, n=40):
    """An ellipse; turn in radians."""
    t = np.linspace(0, 2 * math.pi, n, endpoint=False)
    return rotate(np.stack([rx * np.cos(t), ry * np.sin(t)], 1), turn) + [cx, cy]


def rect(x0, y0, x1, y1):
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64)


def rounded(x0, y0, x1, y1, r):
    """A rectangle with corners of radius r."""
    out = []
    for cx, cy, a in ((x1 - r, y0 + r, -90), (x1 - r, y1 - r, 0),
                      (x0 + r, y1 - r, 90), (x0 + r, y0 + r, 180)):
        t = np.radians(np.linspace(a, a + 90, 6))
        out.append(np.stack([cx + r * np.cos(t), cy + r * np.sin(t)], 1))
    return np.vstack(out)


def tube(path, w0, w1):
    """The band along a path whose half width goes from w0 to w1, round end."""
    p = np.asarray(path, np.float64)
    d = np.gradient(p, axis=0)
    d /= np.linalg.norm(d, axis=1, keepdims=True) + 1e-9
    side = np.stack([-d[:, 1], d[:, 0]], 1) * np.linspace(w0, w1, len(p))[:, None]
    a = math.atan2(d[-1, 1], d[-1, 0])
    t = np.linspace(a + math.pi / 2, a - math.pi / 2, 7)[1:-1]
    cap = p[-1] + w1 * np.stack([np.cos(t), np.sin(t)], 1)
    return np.vstack([p + side, cap, (p - side)[::-1]])


def rotate(points, a):
    c, s = math.cos(a), math.sin(a)
    return np.asarray(points, np.float64) @ np.array([[c, s], [-s, c]])


class Affine:
    """x ↦ Ax + b from a shape's frame to pixels, and back."""

    def __init__(self, a, b):
        self.a, self.b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        self.inv = np.linalg.inv(self.a)
        self.scale = math.sqrt(abs(np.linalg.det(self.a)))  # pixels per unit

    def __call__(self, points):
        return np.asarray(points) @ self.a.T + self.b

    def grid(self, x0, y0, x1, y1):
        """The frame's coordinates (u, v) of the pixel centres in a box."""
        x = (np.arange(x0, x1, dtype=np.float32) + 0.5 - np.float32(self.b[0]))[None, :]
        y = (np.arange(y0, y1, dtype=np.float32) + 0.5 - np.float32(self.b[1]))[:, None]
        i = self.inv.astype(np.float32)
        return i[0, 0] * x + i[0, 1] * y, i[1, 0] * x + i[1, 1] * y
