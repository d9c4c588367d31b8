"""From the class token's attention to a mask, and what a mask is worth.

The rules, which another program can follow to the same numbers:

 - a_k = attention of the class token to the N patches, head k, without the class
   token itself. Head mean: the mean of a_k over the heads, divided by its sum.
   One head: a_k divided by its sum. Several layers: the mean of those maps.
 - nearest: the map is kept or dropped per patch, a patch becomes P x P pixels.
   bilinear: the map goes to the pixels (half-pixel centres, clamped edges), is
   divided by its sum again and is kept or dropped per pixel.
 - mass:m: sorted ascending, of equal values the later first, with the inclusive
   cumulative sum c: kept where c > 1 - m. count:m: the round(m N) largest.
 - Jaccard: intersection over union of mask and truth in pixels, 0 if the union
   is empty; of a set: the mean over its images.
"""
import numpy as np
import torch
from torch.nn import functional as F


class Reading:
    """layers=3,4 head=mean keep=mass:0.75 upsample=bilinear"""

    def __init__(self, layers, head="mean", keep="mass:0.6", upsample="bilinear"):
        self.layers, self.head, self.upsample = list(layers), head, upsample
        self.keep, share = keep.split(":")
        self.share = float(share)

    @classmethod
    def parse(cls, text):
        f = dict(w.split("=") for w in text.split())
        return cls([int(v) for v in f["layers"].split(",")], f["head"], f["keep"], f["upsample"])

    def __str__(self):
        return (f"layers={','.join(map(str, self.layers))} head={self.head} "
                f"keep={self.keep}:{self.share:g} upsample={self.upsample}")

    def masks(self, attention, size=128):
        """attention: [n L h N+1] as crate.look gives it; bool [n size size]."""
        return keep(spread(maps(attention, self.layers, self.head), self.upsample, size), self.share, self.keep, size)


def maps(attention, layers, head="mean"):
    """float32 [n N]: a map over the patches that sums to 1."""
    out = 0
    for l in layers:
        a = attention[:, l, :, 1:]
        a = a.mean(1) if head == "mean" else a[:, int(head)]
        out = out + a / a.sum(-1, keepdims=True)
    return out / len(layers)


def spread(q, how, size=128):
    """The map as it is kept: per patch [n N], or per pixel [n size*size], sums to 1."""
    if how == "nearest":
        return q
    g = int(round(q.shape[1] ** 0.5))
    x = torch.from_numpy(np.ascontiguousarray(q, np.float32)).view(-1, 1, g, g)
    x = F.interpolate(x, size=(size, size), mode="bilinear", align_corners=False).flatten(1)
    return (x / x.sum(1, keepdim=True)).numpy()


def ranked(q):
    """Indices by ascending value, of equal values the later first; sums along it."""
    order = np.argsort(-q, axis=1, kind="stable")[:, ::-1]
    return order, np.cumsum(np.take_along_axis(q, order, 1), axis=1, dtype=np.float64)


def keep(q, share, rule="mass", size=128, sorted_=None):
    """bool [n size size] from maps [n N] or [n size*size]."""
    order, total = sorted_ if sorted_ is not None else ranked(q)
    n = q.shape[1]
    if rule == "mass":
        on = total > 1 - share
    else:
        on = np.broadcast_to(np.arange(n) >= n - int(round(share * n)), q.shape)
    m = np.zeros(q.shape, bool)
    np.put_along_axis(m, order, on, 1)
    g = int(round(n ** 0.5))
    m = m.reshape(-1, g, g)
    return m if g == size else m.repeat(size // g, 1).repeat(size // g, 2)


def jaccard(masks, truth):
    """[n], float64."""
    both = (masks & truth).sum((1, 2))
    return both / np.maximum((masks | truth).sum((1, 2)), 1)


def centred_box(truth):
    """The centred square whose area is the mean area of the truth."""
    size = truth.shape[1]
    side = int(round(size * truth.mean() ** 0.5))
    m, at = np.zeros_like(truth), (size - side) // 2
    m[:, at:at + side, at:at + side] = True
    return m


def otsu(images):
    """Luminance (299 R + 587 G + 114 B)/1000 cut in two at Otsu's threshold; the object is
    the side that holds less of the image's outermost row and column of pixels."""
    out = []
    for x in images:
        y = (x.astype(np.int64) @ np.array([299, 587, 114]) + 500) // 1000
        h = np.bincount(y.ravel(), minlength=256).astype(np.float64)
        w, s = np.cumsum(h), np.cumsum(h * np.arange(256))
        with np.errstate(divide="ignore", invalid="ignore"):
            between = (s[-1] * w / w[-1] - s) ** 2 / (w * (w[-1] - w))
        m = y > int(np.nanargmax(np.where(np.isfinite(between), between, -1)))
        rim = np.concatenate([m[0], m[-1], m[1:-1, 0], m[1:-1, -1]])
        out.append(~m if rim.mean() > 0.5 else m)
    return np.stack(out)


def best_patches(truth, patch=8):
    """The best mask of whole patches: those covered most, down to the best cut."""
    n, g = len(truth), truth.shape[1] // patch
    cover = truth.reshape(n, g, patch, g, patch).sum((2, 4)).reshape(n, -1)
    inside = np.sort(cover, 1)[:, ::-1].cumsum(1)
    area = np.arange(1, g * g + 1)[None] * patch * patch
    return (inside / (area + cover.sum(1, keepdims=True) - inside)).max(1)
