"""Car, tree, mug, house, mushroom, boat."""
import numpy as np

from geometry import closed, ellipse, rect, rounded, smooth, tube
from parts import Part, mix, stroke


def car(r, pal):
    cell = r.uniform(0.125, 0.165)
    paint = dict(a=pal.a, b=pal.b, texture="gloss", cell=cell)
    glass = dict(a=pal.c, b=pal.d, texture="gloss", cell=cell)
    top, nose = -0.50 + r.normal(0, 0.04), r.uniform(0.0, 0.10)
    kind = r.integers(3)  # beetle, saloon, van
    roof = {0: [[-0.80, -0.06], [-0.62, -0.36], [-0.22, top - 0.04], [0.22, top], [0.52, -0.22], [0.70, -0.04]],
            1: [[-0.66, -0.08], [-0.48, top], [0.20, top], [0.50, -0.10]],
            2: [[-0.92, -0.08], [-0.88, top - 0.05], [0.34, top - 0.05], [0.66, -0.10]]}[int(kind)]
    roof = np.array(roof)
    cabin = np.vstack([roof, [[0.6, 0.1], [-0.7 if kind == 0 else -0.8, 0.1]]])
    cabin = closed(cabin) if kind == 0 else cabin
    body = closed([[-0.98, -0.04 + nose / 2], [-0.5, -0.13], [0.45, -0.12], [0.92, -0.02 + nose], [1.02, 0.14],
                   [0.98, 0.28],
                   [0.5, 0.31], [-0.5, 0.31], [-0.99, 0.28], [-1.03, 0.12]])
    out = [Part(cabin, **paint)]
    x0, x1, m = roof[0, 0], roof[-1, 0], (roof[0, 0] + roof[-1, 0]) / 2 + 0.02
    lo, hi = -0.10, top + (0.06 if kind != 2 else 0.03)
    lean = {0: 0.30, 1: 0.16, 2: 0.06}[int(kind)]
    front = {0: 0.26, 1: 0.26, 2: 0.27}[int(kind)]
    for w in ([[x0 + 0.10, lo], [x0 + 0.10 + lean, hi], [m - 0.04, hi], [m - 0.04, lo]],
              [[m + 0.04, lo], [m + 0.04, hi], [x1 - front - 0.03, hi], [x1 - 0.09, lo]]):
        out.append(Part(np.array(w), **glass))
    out.append(Part(body, **paint))
    out.append(stroke([[m, -0.06], [m, 0.1], [m, 0.24]], 0.013, mix(pal.a, pal.dark, 0.6)))
    out.append(Part(rounded(m - 0.19, 0.0, m - 0.06, 0.045, 0.02), pal.d, edge=0.012))
    out.append(Part(rounded(0.86, 0.03 + nose / 2, 1.0, 0.14 + nose / 2, 0.05), (1.0, 0.93, 0.55), edge=0.016))
    out.append(Part(rounded(-1.02, 0.02, -0.93, 0.13, 0.04), (0.85, 0.15, 0.12), edge=0.016))
    rad = r.uniform(0.20, 0.25)
    for x in (-0.58, 0.58):
        out += [Part(ellipse(x, 0.30, rad, rad), (0.14, 0.14, 0.16)),
                Part(ellipse(x, 0.30, 0.62 * rad, 0.62 * rad), (0.80, 0.82, 0.85), (0.45, 0.47, 0.52), "rays",
                     0.26, edge=0.012, args=dict(cx=x, cy=0.30)),
                Part(ellipse(x, 0.30, 0.2 * rad, 0.2 * rad), (0.3, 0.3, 0.33), edge=0)]
    return out


def tree(r, pal):
    cell = r.uniform(0.14, 0.185)
    leaf = dict(a=pal.a, b=pal.b, texture="leaves", cell=cell)
    w = r.uniform(0.10, 0.16)
    trunk = [[-w, 0.2], [-w * 1.0, 0.75], [-w * 1.7, 1.0], [w * 1.7, 1.0], [w * 1.0, 0.75], [w, 0.2]]
    out = [Part(np.array(trunk), pal.c, pal.d, "bark", cell)]
    if r.random() < 0.35:  # fir
        wide = r.uniform(0.58, 0.75)
        for k, (y, h, s) in enumerate(((0.52, 0.62, 1.0), (0.10, 0.60, 0.80), (-0.30, 0.62, 0.58))):
            x = wide * s * r.uniform(0.92, 1.08)
            pts = [[0, y - h], [x * 0.5, y - h * 0.5]]
            edge = [[x, y], [x * 0.62, y - 0.05], [x * 0.3, y + 0.05], [0, y - 0.02], [-x * 0.3, y + 0.05],
                    [-x * 0.62, y - 0.05], [-x, y]]
            out.append(Part(np.array(pts + edge), **dict(leaf, a=mix(pal.a, pal.b, 0.06 * k))))
        return out
    if r.random() < 0.4:
        m = -1 if r.random() < 0.5 else 1
        out.append(Part(tube(smooth([[0, 0.45], [m * 0.16, 0.34], [m * 0.36, 0.14]]), 0.07, 0.05), pal.c, pal.d,
                        "bark", cell))
    n = int(r.integers(5, 8))
    clouds = [(0.0, -0.28, r.uniform(0.42, 0.54))]
    for k in range(n):
        a = 2 * np.pi * (k + r.uniform(-0.2, 0.2)) / n
        clouds.append((0.42 * np.cos(a), -0.30 + 0.36 * np.sin(a), r.uniform(0.26, 0.38)))
    for x, y, s in sorted(clouds, key=lambda q: -q[1]):
        out.append(Part(ellipse(x, y, s * 1.05, s), **dict(leaf, edge=0)))
    edges = [Part(p.points, mix(pal.a, pal.dark, 0.5), edge=0.05) for p in out[1:]]
    return [out[0]] + edges + out[1:]


def mug(r, pal):
    cell = r.uniform(0.14, 0.19)
    cloth = dict(a=pal.a, b=pal.b, texture="plaid", cell=cell)
    tall, base = r.uniform(0.72, 0.92), r.uniform(0.46, 0.58)
    top, ry = 0.60, r.uniform(0.12, 0.18)
    t = np.linspace(0, np.pi, 18)
    body = np.vstack([[[-top, -tall]], np.stack([-base * np.cos(t), tall + 0.8 * ry * np.sin(t)], 1), [[top, -tall]]])
    body[0], body[-1] = [-top, -tall], [top, -tall]
    h, k = r.uniform(0.34, 0.48), r.uniform(0.34, 0.44)
    handle = smooth([[top - 0.08, -k - 0.06], [top + 0.7 * h, -k - 0.04], [top + h, 0.0], [top + 0.68 * h, k + 0.02],
                     [base - 0.04, k + 0.10]])
    rim, coffee = ellipse(0, -tall, top, ry), ellipse(0, -tall + 0.025, top * 0.87, ry * 0.76)
    cocoa = dict(a=pal.c, b=pal.d, texture="plaid", cell=cell)
    return [Part(tube(handle, 0.115, 0.10), **cloth), Part(body, **cloth),
            Part(rim, mix(pal.a, pal.white, 0.6)), Part(coffee, **cocoa, edge=0.016)]


def house(r, pal):
    cell = r.uniform(0.165, 0.21)
    w, h, roof = r.uniform(0.62, 0.80), r.uniform(0.80, 1.0), r.uniform(0.48, 0.70)
    y0 = -0.02
    wall = dict(a=pal.a, b=pal.b, texture="bricks", cell=cell)
    tile = dict(a=pal.c, b=pal.d, texture="bricks", cell=cell * 0.85)
    e = r.uniform(0.10, 0.18)
    flat_top = r.uniform(0.0, 0.45) if r.random() < 0.5 else 0.0
    out = []
    if r.random() < 0.7:
        x = w * r.choice([-0.55, 0.5])
        out.append(Part(rect(x - 0.11, y0 - roof * 0.95 - 0.05, x + 0.11, y0), **wall))
    out += [Part(rect(-w, y0, w, y0 + h), **wall),
            Part(np.array([[-w - e, y0 + 0.03], [-w * flat_top, y0 - roof], [w * flat_top, y0 - roof],
                           [w + e, y0 + 0.03]]), **tile)]
    lit, frame = (1.0, 0.88, 0.50), pal.white
    door = r.choice([-0.45, 0.0, 0.45]) * w
    dw, dh = 0.12, r.uniform(0.36, 0.44)
    wood = mix(pal.c, (0.45, 0.25, 0.12), 0.5)
    out += [Part(rect(door - dw, y0 + h - dh, door + dw, y0 + h), wood),
            Part(rect(door - 0.6 * dw, y0 + h - 0.88 * dh, door + 0.6 * dw, y0 + h - 0.55 * dh),
                 mix(wood, frame, 0.25), edge=0.01),
            Part(ellipse(door + 0.68 * dw, y0 + h - 0.42 * dh, 0.024, 0.024), lit, edge=0)]
    s = r.uniform(0.095, 0.12)
    for x in (-0.58 * w, 0.58 * w):
        y = y0 + h * 0.34
        if abs(x - door) < 0.25 and y + s > y0 + h - dh - 0.03:
            y = y0 + h - dh - s - 0.06
        out += [Part(rect(x - s, y - s, x + s, y + s), lit, edge=0.03),
                stroke([[x - s, y], [x, y], [x + s, y]], 0.016, frame),
                stroke([[x, y - s], [x, y], [x, y + s]], 0.016, frame)]
    return out


def mushroom(r, pal):
    cell = r.uniform(0.17, 0.22)
    wide, high = r.uniform(0.78, 0.98), r.uniform(0.62, 0.85)
    s = r.uniform(0.20, 0.29)
    bend = r.normal(0, 0.06)
    stem = closed([[-s * 0.8, -0.1], [-s, 0.4], [-s * 1.4, 0.86], [-s * 0.7, 0.96], [s * 0.7 + bend, 0.96],
                   [s * 1.4 + bend, 0.86], [s, 0.4], [s * 0.8, -0.1]])
    cap = closed([[-wide, 0.02], [-wide * 0.86, -0.42 * high], [-wide * 0.45, -0.86 * high], [0.05 * wide, -high],
                  [wide * 0.52, -0.84 * high], [wide * 0.88, -0.38 * high], [wide, 0.02], [wide * 0.72, 0.14],
                  [0.0, 0.18], [-wide * 0.72, 0.14]])
    ring = closed([[-s * 1.15, 0.24], [0, 0.30], [s * 1.15, 0.24], [s * 1.4, 0.40], [0, 0.48], [-s * 1.4, 0.40]])
    foot = dict(a=pal.c, b=pal.d, texture="spots", cell=cell * 0.8)
    out = [Part(stem, **foot)]
    if r.random() < 0.5:
        out.append(Part(ring, **foot))
    if r.random() < 0.3:
        k, x, y = r.uniform(0.42, 0.55), r.choice([-0.66, 0.66]), 0.96
        for p in (Part(stem, **foot), Part(cap, pal.a, pal.b, "spots", cell)):
            p.points = (p.points - [0, 0.96]) * k + [x, y]
            p.cell *= 0.8
            out.append(p)
    return out + [Part(cap, pal.a, pal.b, "spots", cell)]


def boat(r, pal):
    cell = r.uniform(0.16, 0.21)
    deep = r.uniform(0.38, 0.48)
    wood = dict(a=pal.a, b=pal.b, texture="planks", cell=cell)
    cloth = dict(a=pal.c, b=pal.d, texture="planks", cell=cell, args=dict(nails=False))
    y0 = 0.42
    sheer = smooth([[-0.96, y0 - 0.06], [-0.4, y0 + 0.02], [0.3, y0 + 0.01], [1.0, y0 - 0.14]])
    keel = smooth([[1.0, y0 - 0.14], [0.78, y0 + 0.28], [0.52, y0 + deep], [0.0, y0 + deep + 0.03],
                   [-0.55, y0 + deep], [-0.86, y0 + 0.2], [-0.96, y0 - 0.06]])
    x, top = r.uniform(-0.12, 0.12), -1.0
    belly = r.uniform(0.08, 0.22)
    boom = y0 - 0.12
    main = np.vstack([smooth([[x + 0.05, top + 0.08], [x + 0.34 + belly, -0.35], [x + 0.66, boom]]),
                      [[x + 0.05, boom]]])
    jib = np.vstack([smooth([[x - 0.06, top + 0.16], [x - 0.34, -0.28], [x - 0.62, boom - 0.02]]),
                     [[x - 0.06, boom - 0.02]]])
    out = [Part(tube([[x, y0 + 0.1], [x, 0.0], [x, top]], 0.04, 0.03), pal.b, edge=0.01)]
    if r.random() < 0.5:
        out.append(Part(np.array([[x, top - 0.02], [x - 0.24, top + 0.05], [x, top + 0.12]]), pal.d, edge=0.014))
    out.append(Part(main, **cloth))
    if r.random() < 0.85:
        out.append(Part(jib, **cloth))
    out += [Part(np.vstack([sheer, keel]), **wood),
            Part(tube(sheer, 0.035, 0.035), mix(pal.a, pal.white, 0.35), edge=0.012)]
    return out
