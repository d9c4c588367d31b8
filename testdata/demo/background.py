"""Backgrounds. They are drawn before the class is chosen and know nothing of it."""
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from parts import hsv, mix


def colour(r, lo=0.15, hi=0.95):
    """Any hue, rarely garish."""
    return np.array(hsv(r.random(), r.beta(1.6, 2.2), r.uniform(lo, hi)), np.float32)


def noise(r, w, h, cell, octaves, fall=0.55):
    """Fractal noise in [0,1], [h w]; cell is the size of its largest features in pixels."""
    out, amp = np.zeros((h, w), np.float32), 1.0
    for _ in range(octaves):
        gw, gh = int(w / cell) + 3, int(h / cell) + 3
        g = Image.fromarray(r.random((gh, gw), dtype=np.float32))
        x, y = r.uniform(0, 1, 2)
        out += amp * np.asarray(g.resize((w, h), Image.BICUBIC, box=(x, y, x + w / cell, y + h / cell)))
        amp, cell = amp * fall, cell / 2
        if cell < 1.5:
            break
    out -= out.min()
    return out / max(float(out.max()), 1e-6)


def ramp(r, w, h):
    """A linear ramp in [0,1] in any direction."""
    a = r.uniform(0, 2 * np.pi)
    x, y = (np.linspace(-1, 1, n, dtype=np.float32) for n in (w, h))
    g = np.cos(a) * x[None, :] + np.sin(a) * y[:, None]
    return (g - g.min()) / (g.max() - g.min())


def _blend(a, b, t):
    return a + (b - a) * t[..., None]


def _flat(r, w, h, s):
    return _blend(colour(r), colour(r), ramp(r, w, h))


def _cloudy(r, w, h, s):
    t = noise(r, w, h, s * r.uniform(20, 70), int(r.integers(2, 6)))
    out = _blend(colour(r), colour(r), t)
    if r.random() < 0.4:
        out = _blend(out, colour(r), np.clip(noise(r, w, h, s * 30, 4) * 3 - 1.6, 0, 1))
    return out


def _horizon(r, w, h, s):
    up, low = _flat(r, w, h, s), _cloudy(r, w, h, s)
    y = np.arange(h, dtype=np.float32)[:, None]
    line = h * r.uniform(0.3, 0.8) + (noise(r, w, 4, s * r.uniform(15, 60), 3)[:1] - 0.5) * s * r.uniform(0, 30)
    out = _blend(up, low, np.clip((y - line) / s + 0.5, 0, 1))
    if r.random() < 0.4:  # hills behind
        line = line - s * r.uniform(4, 26) - noise(r, w, 4, s * r.uniform(20, 50), 3)[:1] * s * 16
        hill = mix(up.mean((0, 1)), colour(r), 0.5)
        band = ((y > line) & (y < line + s * 60))[..., None]
        out = np.where(band & (np.abs(out - up).sum(-1, keepdims=True) < 1e-3), np.float32(hill), out)
    return out


def _cells(r, w, h, s):
    n = int(r.integers(3, 7))
    t = np.floor(noise(r, w, h, s * r.uniform(18, 50), 2) * n * 0.999).astype(int)
    base, other = colour(r), colour(r)
    tones = np.stack([base + (other - base) * r.random() + r.normal(0, 0.04, 3) for _ in range(n)]).astype(np.float32)
    return tones[t]


def _bokeh(r, w, h, s):
    img = Image.fromarray(np.uint8(np.clip(_cloudy(r, w, h, s), 0, 1) * 255))
    top = img.copy()
    d = ImageDraw.Draw(top)
    for _ in range(int(r.integers(4, 16))):
        x, y, k = r.uniform(0, w), r.uniform(0, h), s * r.uniform(3, 14)
        d.ellipse([x - k, y - k, x + k, y + k], fill=tuple(int(c * 255) for c in colour(r, 0.4, 1.0)))
    top = top.filter(ImageFilter.GaussianBlur(s * r.uniform(0.8, 3)))
    return np.asarray(Image.blend(img, top, r.uniform(0.3, 0.8)), np.float32) / 255


def _meadow(r, w, h, s):
    """A sky with clouds over ground whose grain grows towards the eye: nearly a photograph."""
    y = np.arange(h, dtype=np.float32)[:, None]
    line = h * r.uniform(0.25, 0.6) + (noise(r, w, 4, s * 60, 3)[:1] - 0.5) * s * 10
    blue = np.array(hsv(r.uniform(0.5, 0.65), r.uniform(0.2, 0.6), r.uniform(0.6, 0.95)), np.float32)
    cloud = np.clip(noise(r, w, h, s * r.uniform(25, 60), 6, 0.6) * 2.4 - 1.2, 0, 1)
    sky = _blend(_blend(blue, mix(blue, (1, 1, 1), 0.6), np.clip(y / line, 0, 1)), np.float32([0.97, 0.96, 0.95]),
                 cloud)
    soil, grass = (np.array(hsv(r.uniform(0.08, 0.36), r.uniform(0.25, 0.6), v),
                            np.float32) for v in (r.uniform(0.2, 0.45), r.uniform(0.4, 0.75)))
    near = np.clip((y - line) / np.maximum(h - line, 1), 0, 1)
    t = noise(r, w, h, s * 24, 7, 0.7) * 0.6
    t = t + near * noise(r, w, h, s * 5, 4, 0.8) * 0.7 + (1 - near) * noise(r, w, h, s * 1.6, 2) * 0.4
    return _blend(sky, _blend(soil, grass, np.clip(t * 1.3 - 0.25, 0, 1)), np.clip((y - line) / s + 0.5, 0, 1))


KINDS = (_flat, _cloudy, _cloudy, _horizon, _horizon, _cells, _bokeh, _meadow, _meadow)


def base(r, w, h, kind=None):
    """The ground of a picture, float [h w 3] in [0,1]."""
    s = min(w, h) / 128
    f = KINDS[int(r.integers(len(KINDS)))] if kind is None else globals()["_" + kind]
    out = f(r, w, h, s)
    if r.random() < 0.35:  # fine grain, as of grass, cloth, sand
        out = out * (1 + r.uniform(0.05, 0.30) * (noise(r, w, h, s * r.uniform(2, 6), 3, 0.8)[..., None] - 0.5))
    return np.clip(out, 0, 1)


def clutter(r, img, most=8):
    """Plain shapes, hatching, dots and lines, painted into a PIL image of the final scene."""
    w, h = img.size
    s = min(w, h) / 128
    d = ImageDraw.Draw(img, "RGBA")

    def paint():
        return tuple(int(c * 255) for c in colour(r)) + (int(r.uniform(120, 256)),)

    for _ in range(int(r.integers(0, most + 1) * (r.random() < 0.7))):
        x, y, a, b = r.uniform(0, w), r.uniform(0, h), s * r.uniform(3, 18), s * r.uniform(3, 18)
        kind = int(r.integers(4))
        if kind == 0:
            d.ellipse([x - a, y - b, x + a, y + b], fill=paint())
        elif kind == 1:
            d.rectangle([x - a, y - b, x + a, y + b], fill=paint())
        else:
            n = 3 if kind == 2 else int(r.integers(5, 9))
            t = np.sort(r.uniform(0, 2 * np.pi, n))
            k = r.uniform(0.6, 1.1, n) * a
            d.polygon([(x + q * np.cos(p), y + q * np.sin(p)) for p, q in zip(t, k)], fill=paint())
    if r.random() < 0.25:  # hatching
        x, y, n, step = r.uniform(0, w), r.uniform(0, h), int(r.integers(4, 10)), s * r.uniform(2.5, 5)
        t, long, c = r.uniform(0, np.pi), s * r.uniform(10, 30), paint()
        for i in range(n):
            px, py = x - np.sin(t) * step * i, y + np.cos(t) * step * i
            d.line([px, py, px + np.cos(t) * long, py + np.sin(t) * long], fill=c, width=max(1, round(s * 0.8)))
    if r.random() < 0.25:  # dots
        c, x, y = paint(), r.uniform(0, w), r.uniform(0, h)
        for _ in range(int(r.integers(5, 25))):
            px, py, k = x + r.normal(0, 18) * s, y + r.normal(0, 18) * s, s * r.uniform(0.6, 2.2)
            d.ellipse([px - k, py - k, px + k, py + k], fill=c)
    if r.random() < 0.3:  # lines
        for _ in range(int(r.integers(1, 4))):
            d.line([r.uniform(0, w), r.uniform(0, h), r.uniform(0, w), r.uniform(0, h)], fill=paint(),
                   width=max(1, round(s * r.uniform(0.6, 2.5))))
