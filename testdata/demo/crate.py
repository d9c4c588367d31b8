"""CRATE in PyTorch, with the tensor names of the published classifier.

A layer is  X' = X + MSSA(LN X),  X = relu(Z + eta (Z D - Z Dt D) - eta lambda),  Z = LN X':
one projection serves as query, key and value, and the second step (ISTA) has no residual.
Patch vectors run over rows, columns, colours, the colours fastest.
"""
import torch
from torch import nn
from torch.nn import functional as F

MEAN, STD = 0.5, 0.25  # of every channel


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, dim, bias=False)
        self.to_out = nn.Sequential(nn.Linear(dim, dim))

    def forward(self, y, seen=None):
        b, n, d = y.shape
        w = self.qkv(y).view(b, n, self.heads, d // self.heads).transpose(1, 2)  # b h n p
        a = torch.softmax(w @ w.transpose(-1, -2) * (d // self.heads) ** -0.5, -1)
        if seen is not None:
            seen["cls"].append(a[:, :, 0, :])
            seen["key"].append(w)
        return self.to_out((a @ w).transpose(1, 2).reshape(b, n, d))


class ISTA(nn.Module):
    def __init__(self, dim, eta, lam):
        super().__init__()
        self.eta, self.lam = eta, lam
        self.weight = nn.Parameter(torch.empty(dim, dim))
        nn.init.kaiming_uniform_(self.weight)

    def forward(self, z):
        zd = z @ self.weight
        return F.relu(z + self.eta * (zd - (z @ self.weight.t()) @ self.weight) - self.eta * self.lam)


class Normed(nn.Module):
    def __init__(self, dim, fn):
        super().__init__()
        self.norm, self.fn = nn.LayerNorm(dim), fn

    def forward(self, x, *args):
        return self.fn(self.norm(x), *args)


class Layers(nn.Module):
    def __init__(self, dim, depth, heads, eta, lam):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.ModuleList([Normed(dim, Attention(dim, heads)), Normed(dim, ISTA(dim, eta, lam))])
            for _ in range(depth))


class Crate(nn.Module):
    def __init__(self, dim=128, depth=5, heads=4, patch=8, size=128, classes=10, eta=0.1, lam=0.1):
        super().__init__()
        n, d0 = (size // patch) ** 2, 3 * patch * patch
        self.patch, self.size = patch, size
        self.config = dict(architecture="crate", image_size=size, patch_size=patch, dim=dim, depth=depth,
                           heads=heads, num_classes=classes, eta=eta, ln_eps=1e-5)
        self.config["lambda"] = lam
        self.pos_embedding = nn.Parameter(0.3 * torch.randn(1, n + 1, dim))
        self.cls_token = nn.Parameter(0.3 * torch.randn(1, 1, dim))
        self.to_patch_embedding = nn.Sequential(nn.Identity(), nn.LayerNorm(d0), nn.Linear(d0, dim), nn.LayerNorm(dim))
        self.transformer = Layers(dim, depth, heads, eta, lam)
        self.mlp_head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, classes))

    def patches(self, x):
        """uint8 [b H W 3] to uint8 [b n 3PP]."""
        b, h, w, _ = x.shape
        p = self.patch
        return x.view(b, h // p, p, w // p, p, 3).transpose(2, 3).reshape(b, -1, 3 * p * p)

    def forward(self, x, keep=None, seen=None, gain=None):
        """x: patches, uint8 [b n 3PP]. keep: indices [b k] of the patches to use (PatchDropout).
        seen: a dict of lists that receives what the readouts need. gain: colours, [b 1 3PP]."""
        pos = self.pos_embedding[:, 1:]
        if keep is not None:
            x = x.gather(1, keep[..., None].expand(-1, -1, x.shape[2]))
            pos = pos[0][keep]
        x = x.float().div(255).sub(MEAN).div(STD)
        if gain is not None:
            x = x * gain[0] + gain[1]
        x = self.to_patch_embedding(x) + pos
        x = torch.cat([(self.cls_token + self.pos_embedding[:, :1]).expand(len(x), -1, -1), x], 1)
        for attention, ista in self.transformer.layers:
            x = x + attention(x, seen)
            x = ista(x)
            if seen is not None:
                seen["tokens"].append(x)
        return self.mlp_head(x[:, 0]), self.mlp_head(x[:, 1:].mean(1))


def look(model, images, batch=50):
    """Runs images uint8 [n 128 128 3]; gives logits [n C], attention of the class token
    [n L h N+1], coding rate and share of zeros [n L]."""
    out = []
    with torch.no_grad():
        for i in range(0, len(images), batch):
            seen = dict(cls=[], key=[], tokens=[])
            logits, _ = model(model.patches(torch.from_numpy(images[i:i + batch])), seen=seen)
            rate = torch.stack([coding_rate(w) for w in seen["key"]], 1)
            zero = torch.stack([(t == 0).float().mean((1, 2)) for t in seen["tokens"]], 1)
            out.append((logits, torch.stack(seen["cls"], 1), rate, zero))
    return [torch.cat(q).numpy() for q in zip(*out)]


def coding_rate(w, eps=0.01):
    """R^c of one layer: half the sum over heads of logdet(I + p/(n eps) W W^T), rows of W
    made unit vectors; w is the projection [b h n p], class token included. In float64."""
    w = F.normalize(w.double(), dim=-1)
    n, p = w.shape[-2:]
    g = torch.eye(p, dtype=w.dtype) + p / (n * eps) * w.transpose(-1, -2) @ w
    return 0.5 * torch.logdet(g).sum(1)
