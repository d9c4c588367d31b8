"""Fish, bird, butterfly, cat: every one seen from its usual side, facing right."""
import numpy as np

from geometry import closed, ellipse, rotate, smooth, tube
from parts import Part, eye, mix, stroke


def fish(r, pal):
    fat, long = r.uniform(0.82, 1.18), r.uniform(0.92, 1.1)
    cell = r.uniform(0.135, 0.18)
    body = closed(np.array([[0.95, 0.03], [0.60, -0.31], [0.08, -0.45], [-0.42, -0.24], [-0.72, -0.09],
                            [-0.72, 0.09], [-0.42, 0.25], [0.08, 0.42], [0.60, 0.30]]) * [long, fat])
    t = r.uniform(0.85, 1.2)
    tail = closed(np.array([[-0.60, 0], [-0.82, -0.2 * t], [-1.15, -0.45 * t], [-1.13, -0.2 * t], [-1.0, 0.0],
                            [-1.13, 0.22 * t], [-1.15, 0.47 * t], [-0.82, 0.2 * t]]) * [long, 1])
    top = closed([[0.42, -0.32 * fat], [0.22, -0.62 * fat], [-0.12, -0.72 * fat * t], [-0.40, -0.62 * fat],
                  [-0.36, -0.40 * fat], [-0.42, -0.16 * fat]])
    low = closed([[0.18, 0.30 * fat], [0.05, 0.60 * fat], [-0.20, 0.66 * fat * t], [-0.16, 0.48 * fat],
                  [-0.22, 0.24 * fat]])
    side = closed(rotate([[0.0, 0.0], [-0.14, -0.13], [-0.34, -0.15], [-0.40, 0.0], [-0.33, 0.15], [-0.14, 0.12]],
                         r.normal(-0.25, 0.2)) + [0.30, 0.13 * fat])
    fin = dict(a=pal.c, b=pal.d, texture="rays", cell=cell)
    out = [Part(tail, **fin, args=dict(cx=-0.35, cy=0.0)), Part(top, **fin, args=dict(cx=0.1, cy=0.5)),
           Part(low, **fin, args=dict(cx=0.1, cy=-0.4)), Part(body, pal.a, pal.b, "scales", cell, turn=-1.5708),
           Part(side, **fin, args=dict(cx=0.5, cy=0.1))]
    gill = smooth([[0.47, -0.25 * fat], [0.39, 0.0], [0.47, 0.24 * fat]])
    mouth = smooth([[0.93 * long, 0.08 * fat], [0.84, 0.12 * fat], [0.76, 0.10 * fat]])
    out += [stroke(gill, 0.022, pal.dark), stroke(mouth, 0.016, pal.dark)]
    return out + eye(0.66, -0.09 * fat, r.uniform(0.09, 0.12), pal)


def bird(r, pal):
    cell, fat = r.uniform(0.13, 0.17), r.uniform(0.85, 1.12)
    hx, hy, hr = 0.50 + r.normal(0, 0.05), -0.50 + r.normal(0, 0.05), r.uniform(0.23, 0.30)
    feather = dict(a=pal.a, b=pal.b, texture="chevrons", cell=cell)
    wing2 = dict(a=pal.d, b=mix(pal.b, pal.a, 0.25), texture="chevrons", cell=cell)
    body = closed([[0.62, -0.16], [0.44, 0.28 * fat], [0.02, 0.46 * fat], [-0.42, 0.26 * fat], [-0.72, -0.06],
                   [-0.40, -0.22], [0.0, -0.26], [0.30, -0.52]])
    a = r.normal(0.0, 0.22)
    tail = rotate([[0.12, -0.10], [-0.52, -0.22], [-0.58, -0.05], [-0.50, 0.00], [-0.56, 0.12], [0.1, 0.13]],
                  a) + [-0.56, -0.04]
    up = r.random() < 0.35
    w = r.uniform(0.9, 1.15)
    if up:
        wing = closed(np.array([[0.26, -0.02], [0.14, -0.42], [-0.12, -0.86], [-0.46, -1.06], [-0.52, -0.84],
                                [-0.58, -0.62], [-0.52, -0.42], [-0.46, -0.20], [-0.20, 0.12]]) * w)
    else:
        wing = np.array([[0.36, -0.08], [0.10, -0.22], [-0.36, -0.16], [-0.76, 0.06], [-0.52, 0.12],
                         [-0.44, 0.22], [-0.22, 0.24], [-0.06, 0.30], [0.24, 0.18]]) * w
        wing = closed(rotate(wing, r.normal(0, 0.12)))
    beak = np.array([[0.8 * hr, -0.34 * hr], [2.05 * hr, 0.12 * hr], [0.82 * hr, 0.46 * hr]]) + [hx, hy]
    out = [Part(tail, **wing2, turn=1.5708)]
    for x in (0.02, 0.22):
        x += r.normal(0, 0.03)
        foot = 0.80 * fat
        leg = [[x, 0.34 * fat], [x + 0.03, 0.6 * fat], [x + 0.02, foot]]
        out += [Part(tube(leg, 0.032, 0.032), pal.c, edge=0.012),
                Part(tube([[x - 0.06, foot], [x + 0.05, foot], [x + 0.17, foot + 0.02]], 0.03, 0.026), pal.c,
                     edge=0.012)]
    out += [Part(beak, pal.c, mix(pal.c, pal.dark, 0.3)),
            Part(body, **feather), Part(ellipse(hx, hy, hr, hr * 0.96), **feather), Part(wing, **wing2)]
    if r.random() < 0.4:
        crest = closed(np.array([[-0.3, -0.75], [-0.7, -1.35], [-0.2, -1.2], [0.0, -1.6], [0.2, -1.2], [0.55, -1.35],
                                 [0.35, -0.8]]) * hr + [hx, hy])
        out.insert(-3, Part(crest, pal.c, edge=0.018))
    return out + eye(hx + 0.28 * hr, hy - 0.14 * hr, 0.30 * hr, pal)


def butterfly(r, pal):
    cell = r.uniform(0.115, 0.15)
    s, open_ = r.uniform(0.9, 1.12), r.uniform(0.78, 1.05)
    lean = r.normal(0, 0.08)
    upper = np.array([[0.04, -0.06], [0.16, -0.42], [0.48, -0.80], [0.86, -0.86], [1.02, -0.60], [0.92, -0.26],
                      [0.62, -0.02], [0.24, 0.04]])
    lower = np.array([[0.05, 0.02], [0.34, 0.02], [0.70, 0.10], [0.82, 0.36], [0.66, 0.70], [0.42, 0.80],
                      [0.24, 0.60], [0.10, 0.30]])
    lower[4:6] *= r.uniform(0.95, 1.2)
    out = []
    for m in (-1, 1):
        k = [m * open_, s * (1 + m * lean)]
        out.append(Part(closed(lower * k), pal.a, pal.b, "rings", cell, args=dict(cx=0.46 * k[0], cy=0.36 * k[1])))
        out.append(Part(closed(upper * k), pal.a, pal.b, "rings", cell, args=dict(cx=0.60 * k[0], cy=-0.48 * k[1])))
    body = closed([[0, -0.38], [0.075, -0.24], [0.06, 0.1], [0.05, 0.42], [0, 0.54], [-0.05, 0.42], [-0.06, 0.1],
                   [-0.075, -0.24]])
    for m in (-1, 1):
        tip = [m * r.uniform(0.22, 0.36), -0.86]
        out += [stroke(smooth([[0.02 * m, -0.36], [0.10 * m, -0.66], tip]), 0.017, pal.c),
                Part(ellipse(*tip, 0.038, 0.038), pal.c, edge=0)]
    return out + [Part(body, pal.c, pal.d, "tabby", 0.17, turn=1.5708), Part(ellipse(0, -0.40, 0.085, 0.085), pal.c)]


def _face(r, pal, x, y, s, fur):
    """A cat's head of radius s, from the front."""
    tilt = r.normal(0, 0.08)
    out = []
    for m in (-1, 1):
        ear = rotate(np.array([[m * 0.95, -0.25], [m * 0.86, -1.28], [m * 0.12, -0.80]]) * s, tilt) + [x, y]
        inner = rotate(np.array([[m * 0.80, -0.52], [m * 0.77, -1.04], [m * 0.40, -0.80]]) * s, tilt) + [x, y]
        out += [Part(ear, **fur), Part(inner, pal.d, edge=0)]
    head = closed(rotate(np.array([[0, -0.88], [0.62, -0.74], [1.02, -0.12], [0.92, 0.38], [0.46, 0.78], [0, 0.86],
                                   [-0.46, 0.78], [-0.92, 0.38], [-1.02, -0.12], [-0.62, -0.74]]) * s, tilt) + [x, y])
    muzzle = ellipse(x, y + 0.44 * s, 0.40 * s, 0.28 * s, tilt)
    green = (0.62, 0.82, 0.30)
    out += [Part(head, **fur), Part(muzzle, pal.c, edge=0)]
    for m in (-1, 1):
        out += eye(x + m * 0.42 * s, y - 0.08 * s, 0.21 * s, pal, green, 0.0)
    nose = np.array([[-0.13, 0.26], [0.13, 0.26], [0, 0.42]]) * s + [x, y]
    smile = [stroke(smooth(np.array([[m * 0.24, 0.54], [m * 0.12, 0.60], [0, 0.42]]) * s + [x, y]), 0.03 * s,
                    pal.dark) for m in (-1, 1)]
    return out + [Part(nose, pal.d, edge=0.012)] + smile


def cat(r, pal):
    cell = r.uniform(0.135, 0.175)
    fur = dict(a=pal.a, b=pal.b, texture="tabby", cell=cell)
    sock = dict(a=mix(pal.a, pal.b, 0.10), b=pal.b, texture="tabby", cell=cell, turn=1.5708)
    curl = r.uniform(0.7, 1.2)
    if r.random() < 0.45:  # sitting, from the front
        tail = smooth([[0.30, 0.80], [0.62, 0.82], [0.86, 0.60], [0.80, 0.30 / curl], [0.94, 0.08 / curl]])
        body = closed([[0, -0.30], [0.32, -0.16], [0.46, 0.36], [0.56, 0.76], [0.34, 0.94], [0, 0.95],
                       [-0.34, 0.94], [-0.56, 0.76], [-0.46, 0.36], [-0.32, -0.16]])
        out = [Part(tube(tail, 0.105, 0.075), **sock), Part(body, **sock)]
        for m in (-1, 1):
            out += [Part(tube([[m * 0.15, 0.30], [m * 0.17, 0.60], [m * 0.17, 0.86]], 0.115, 0.12), **sock),
                    Part(ellipse(m * 0.18, 0.90, 0.15, 0.085), pal.c)]
        return out + _face(r, pal, r.normal(0, 0.03), -0.45, r.uniform(0.42, 0.48), fur)
    hx, hy = 0.74 + r.normal(0, 0.04), -0.40 + r.normal(0, 0.06)
    tail = smooth([[-0.62, 0.0], [-0.92, -0.16], [-1.02, -0.50 * curl], [-0.88, -0.78 * curl], [-0.98, -0.98 * curl]])
    body = closed([[0.68, -0.34], [0.78, 0.02], [0.54, 0.30], [0.0, 0.32], [-0.52, 0.34], [-0.78, 0.10],
                   [-0.70, -0.22], [-0.30, -0.36], [0.2, -0.32]])
    out = [Part(tube(tail, 0.11, 0.07), **sock)]
    for i, x in enumerate((-0.40, 0.34, -0.62, 0.58)):
        step = r.normal(0, 0.09)
        leg = smooth([[x, 0.12], [x + 0.4 * step, 0.46], [x + step, 0.76]], 4)
        tone = dict(sock, a=mix(sock["a"], pal.dark, 0.25)) if i < 2 else sock
        out += [Part(tube(leg, 0.14, 0.095), **tone), Part(ellipse(x + step + 0.04, 0.80, 0.14, 0.075), pal.c)]
        if i == 1:
            out.append(Part(body, **fur))
    out.append(Part(closed(np.array([[0.66, -0.30], [0.76, 0.0], [0.56, 0.26], [0.34, 0.20], [0.40, -0.22]])), **fur,
                    edge=0))
    return out + _face(r, pal, hx, hy, r.uniform(0.36, 0.42), fur)
