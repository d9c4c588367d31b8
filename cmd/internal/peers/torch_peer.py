"""PyTorch as a peer of crate-vk: reads requests, one line of JSON each, from
standard input and answers each with one line. `make bench-peers` starts it.

Form "published" is CRATE as its papers and modules state it: LayerNorm, one
shared projection, softmax(w wT / sqrt(p)) w, and the three products of ISTA.
Form "folded" computes the same function with the algebra that crate-vk uses:
ISTA as one matrix, LayerNorm's gain and bias in the next weight, the softmax
scale in the projection, and the class row alone in the last layer that is read.
"""

import json
import struct
import sys
import time

import numpy
import torch
import torch.nn.functional as F


def read_safetensors(path):
    """The tensors of a float32 safetensors file by name."""
    data = numpy.fromfile(path, dtype=numpy.uint8)
    (size,) = struct.unpack("<Q", data[:8].tobytes())
    header = json.loads(data[8 : 8 + size].tobytes())
    tensors = {}
    for name, t in header.items():
        if name == "__metadata__":
            continue
        if t["dtype"] != "F32":
            raise ValueError(f"{name} is {t['dtype']}, want F32")
        begin, end = (8 + size + o for o in t["data_offsets"])
        values = data[begin:end].copy().view(numpy.float32).reshape(t["shape"])
        tensors[name] = torch.from_numpy(values)
    return tensors


class Crate:
    """What both forms share: settings, weights, and the cutting of patches."""

    def __init__(self, request):
        self.heads, self.depth, self.patch = request["heads"], request["depth"], request["patch"]
        self.eta, self.threshold, self.eps = request["eta"], request["lambda"], request["eps"]
        self.layer = request["map_layer"]  # whose class-token map is read; -1: the logits
        self.mean = torch.tensor(request["mean"], dtype=torch.float32)
        self.std = torch.tensor(request["std"], dtype=torch.float32)
        self.w = read_safetensors(request["weights"])
        self.prepare()

    def norm(self, x, name):
        return F.layer_norm(x, x.shape[-1:], self.w[name + ".weight"], self.w[name + ".bias"], self.eps)

    def linear(self, x, name):
        return F.linear(x, self.w[name + ".weight"], self.w.get(name + ".bias"))

    def patches(self, pixels):
        """8-bit pixels [B Y X 3] to normalised patches [B N P*P*3], colour fastest."""
        b, height, width, _ = pixels.shape
        p = self.patch
        x = (pixels.float() / 255 - self.mean) / self.std
        x = x.view(b, height // p, p, width // p, p, 3).permute(0, 1, 3, 2, 4, 5)
        return x.reshape(b, -1, p * p * 3)

    def split(self, w):
        """[B N C] to [B H N p]."""
        b, n, c = w.shape
        return w.view(b, n, self.heads, c // self.heads).transpose(1, 2)


class Published(Crate):
    def prepare(self):
        pass

    def forward(self, pixels):
        """Always the whole model; the map is kept on the way."""
        w = self.w
        x = self.norm(self.patches(pixels), "to_patch_embedding.1")
        x = self.norm(self.linear(x, "to_patch_embedding.2"), "to_patch_embedding.3")
        b, n, c = x.shape
        x = torch.cat([w["cls_token"].expand(b, 1, c), x], dim=1) + w["pos_embedding"][:, : n + 1]
        kept = None
        for i in range(self.depth):
            at = f"transformer.layers.{i}"
            s = self.split(F.linear(self.norm(x, at + ".0.norm"), w[at + ".0.fn.qkv.weight"]))
            a = torch.softmax(torch.matmul(s, s.transpose(-1, -2)) * s.shape[-1] ** -0.5, dim=-1)
            if i == self.layer:
                kept = a[:, :, 0].clone()
            o = torch.matmul(a, s).transpose(1, 2).reshape(b, n + 1, c)
            x = self.linear(o, at + ".0.fn.to_out.0") + x
            z = self.norm(x, at + ".1.norm")
            d = w[at + ".1.fn.weight"]
            u = F.linear(z, d)
            step = self.eta * (F.linear(z, d.t()) - F.linear(u, d.t())) - self.eta * self.threshold
            x = F.relu(z + step)
        logits = self.linear(self.norm(x[:, 0], "mlp_head.0"), "mlp_head.1")
        if "head.weight" in w:
            logits = self.linear(logits, "head")
        return logits if kept is None else kept


class Folded(Crate):
    def prepare(self):
        """Folds in float64 and rounds once; matrices stand as [in out]."""
        w = {name: t.double() for name, t in self.w.items()}

        def after_norm(norm, weight, bias=0.0):
            gain, shift = w[norm + ".weight"], w[norm + ".bias"]
            return (weight * gain).t().contiguous().float(), (weight @ shift + bias).float()

        def after(norm, linear):
            return after_norm(norm, w[linear + ".weight"], w[linear + ".bias"])

        self.embed = after("to_patch_embedding.1", "to_patch_embedding.2")
        self.gain = w["to_patch_embedding.3.weight"].float()
        rows = w["pos_embedding"][0].clone()
        rows[0] += w["cls_token"][0, 0]
        rows[1:] += w["to_patch_embedding.3.bias"]
        self.rows = rows.float()
        self.layers = []
        for i in range(self.depth):
            at = f"transformer.layers.{i}"
            root = (w[at + ".0.fn.qkv.weight"].shape[0] / self.heads) ** -0.25
            u = after_norm(at + ".0.norm", root * w[at + ".0.fn.qkv.weight"])
            o = (w[at + ".0.fn.to_out.0.weight"] / root).t().contiguous().float(), self.w[at + ".0.fn.to_out.0.bias"]
            d = w[at + ".1.fn.weight"]
            m = torch.eye(d.shape[0], dtype=torch.float64) + self.eta * (d.t() - d.t() @ d)
            self.layers.append((u, o, after_norm(at + ".1.norm", m, -self.eta * self.threshold)))
        self.head = after("mlp_head.0", "mlp_head.1")
        if "head.weight" in self.w:  # two linears without anything between are one
            weight, bias = w["head.weight"], w["head.bias"]
            self.head = (self.head[0].double() @ weight.t()).float(), (weight @ self.head[1].double() + bias).float()

    def product(self, x, fold, plain=False):
        """standardise(x) times a folded weight, plus its bias."""
        x = x if plain else F.layer_norm(x, x.shape[-1:], eps=self.eps)
        y = torch.addmm(fold[1], x.reshape(-1, x.shape[-1]), fold[0])
        return y.view(*x.shape[:-1], -1)

    def tokens(self, pixels):
        """What the first layer takes: [B N C]."""
        e = self.product(self.patches(pixels), self.embed)
        x = self.rows.repeat(e.shape[0], 1, 1)
        x[:, 1:] += F.layer_norm(e, e.shape[-1:], self.gain, eps=self.eps)
        return x

    def forward(self, pixels):
        x = self.tokens(pixels)
        b, _, c = x.shape
        last = self.depth - 1 if self.layer < 0 else self.layer
        for i, (u, o, m) in enumerate(self.layers[: last + 1]):
            s = self.split(self.product(x, u))
            queries = s[:, :, :1] if i == last else s
            a = torch.softmax(torch.matmul(queries, s.transpose(-1, -2)), dim=-1)
            if i == self.layer:
                return a[:, :, 0]
            out = torch.matmul(a, s).transpose(1, 2).reshape(b, -1, c)
            x = x[:, :1] if i == last else x
            x = F.relu_(self.product(self.product(out, o, plain=True).add_(x), m))
        return self.product(x[:, 0], self.head)


class Peer:
    def load(self, request):
        torch.set_num_threads(request["threads"])
        size = (request["batch"], request["height"], request["width"], 3)
        self.pixels = torch.from_numpy(numpy.fromfile(request["pixels"], dtype=numpy.uint8).reshape(size))
        self.model = None  # before the next one takes memory
        self.model = {"published": Published, "folded": Folded}[request["form"]](request)
        blas = "MKL" if torch.backends.mkl.is_available() else "BLAS of the system"
        if torch.backends.mkldnn.is_available():
            blas += " and oneDNN"
        return {"version": f"PyTorch {torch.__version__}, {blas}"}

    def run(self, request):
        """One forward that is not counted, then the counted ones."""
        self.model.forward(self.pixels)
        cpu, start = time.process_time(), time.perf_counter()
        for _ in range(request["times"]):
            self.model.forward(self.pixels)
        wall, cpu = time.perf_counter() - start, time.process_time() - cpu
        return {"wall": wall / request["times"], "cpu": cpu / request["times"]}

    def output(self, request):
        return {"output": self.model.forward(self.pixels).flatten().tolist()}

    def gemm(self, request):
        """GF/s of one float32 product, the median of some."""
        torch.set_num_threads(request["threads"])
        m, k, n = request["m"], request["k"], request["n"]
        a, b, c = torch.rand(m, k), torch.rand(k, n), torch.empty(m, n)
        for _ in range(3):
            torch.mm(a, b, out=c)
        times = []
        for _ in range(request["times"]):
            start = time.perf_counter()
            torch.mm(a, b, out=c)
            times.append(time.perf_counter() - start)
        return {"gflops": 2e-9 * m * k * n / sorted(times)[request["times"] // 2]}

    def layer(self, request):
        """CPU seconds of one layer's products and attention, of random tokens and weights."""
        torch.set_num_threads(request["threads"])
        tokens, channels, heads = request["m"], request["k"], request["heads"]
        x, w = torch.rand(tokens, channels), torch.rand(channels, channels) / channels

        def forward():
            s = F.linear(x, w).view(tokens, heads, -1).transpose(0, 1)
            a = torch.softmax(torch.matmul(s, s.transpose(-1, -2)) * s.shape[-1] ** -0.5, dim=-1)
            y = torch.matmul(a, s).transpose(0, 1).reshape(tokens, channels)
            for _ in range(4):  # MSSA's output, and ISTA's three
                y = F.linear(y, w)

        forward()
        cpu = time.process_time()
        for _ in range(request["times"]):
            forward()
        return {"cpu": (time.process_time() - cpu) / request["times"]}


def serve(peer):
    """Answers requests until the input ends."""
    with torch.inference_mode():
        for line in sys.stdin:
            request = json.loads(line)
            try:
                answer = getattr(peer, request["do"])(request)
            except Exception as e:  # the driver says what it was doing
                answer = {"error": f"{type(e).__name__}: {e}"}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve(Peer())
