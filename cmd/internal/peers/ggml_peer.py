"""ggml's Vulkan backend as a peer of crate-vk: the folded layers of a model, as
torch_peer.py folds them, on the first Vulkan device. It reads requests, one line
of JSON each, from standard input and answers each with one line; its argument is
the folder of ggml's shared libraries. Embedding and head run in PyTorch and are
not timed. `make bench-peers` starts it.
"""

import ctypes
import glob
import os
import sys
import time

import numpy
import torch

from torch_peer import Folded, serve

P, I64, F32, SIZE = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float, ctypes.c_size_t


class InitParams(ctypes.Structure):
    _fields_ = [("mem_size", SIZE), ("mem_buffer", P), ("no_alloc", ctypes.c_bool)]


# The functions used: result and arguments, as ggml.h, ggml-alloc.h and
# ggml-backend.h declare them.
FUNCTIONS = {
    "ggml_init": (P, InitParams),
    "ggml_free": (None, P),
    "ggml_new_tensor_1d": (P, P, ctypes.c_int, I64),
    "ggml_new_tensor_2d": (P, P, ctypes.c_int, I64, I64),
    "ggml_norm": (P, P, P, F32),
    "ggml_mul_mat": (P, P, P, P),
    "ggml_add": (P, P, P, P),
    "ggml_relu": (P, P, P),
    "ggml_soft_max": (P, P, P),
    "ggml_cont": (P, P, P),
    "ggml_permute": (P, P, P, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int),
    "ggml_reshape_2d": (P, P, P, I64, I64),
    "ggml_reshape_3d": (P, P, P, I64, I64, I64),
    "ggml_new_graph": (P, P),
    "ggml_build_forward_expand": (None, P, P),
    "ggml_set_input": (None, P),
    "ggml_set_output": (None, P),
    "ggml_backend_alloc_ctx_tensors": (P, P, P),
    "ggml_backend_buffer_free": (None, P),
    "ggml_backend_get_default_buffer_type": (P, P),
    "ggml_backend_tensor_set": (None, P, P, SIZE, SIZE),
    "ggml_backend_tensor_get": (None, P, P, SIZE, SIZE),
    "ggml_backend_graph_compute": (ctypes.c_int, P, P),
    "ggml_gallocr_new": (P, P),
    "ggml_gallocr_free": (None, P),
    "ggml_gallocr_alloc_graph": (ctypes.c_bool, P, P),
}


class Library:
    """ggml's functions by name, without their prefix ggml_."""

    def __init__(self, folder):
        base, vulkan = (ctypes.CDLL(glob.glob(os.path.join(folder, f"libggml-{part}.so*"))[0], ctypes.RTLD_GLOBAL) for part in ("base", "vulkan"))
        for name, (result, *arguments) in FUNCTIONS.items():
            f = getattr(base, name)
            f.restype, f.argtypes = result, arguments
            setattr(self, name.removeprefix("ggml_"), f)
        vulkan.ggml_backend_vk_init.restype, vulkan.ggml_backend_vk_init.argtypes = P, [SIZE]
        vulkan.ggml_backend_vk_get_device_description.argtypes = [ctypes.c_int, ctypes.c_char_p, SIZE]
        self.backend = vulkan.ggml_backend_vk_init(0)
        if not self.backend:
            raise RuntimeError("ggml finds no Vulkan device")
        text = ctypes.create_string_buffer(256)
        vulkan.ggml_backend_vk_get_device_description(0, text, 256)
        self.device = text.value.decode()


class Program:
    """A graph on the device: weights, one input, one output."""

    def __init__(self, lib):
        self.lib, self.pending = lib, []
        self.weights = lib.init(InitParams(1 << 20, None, True))
        self.nodes = lib.init(InitParams(8 << 20, None, True))

    def weight(self, tensor):
        """A matrix [out in] or a vector."""
        sizes = tensor.shape[::-1]  # ggml counts axes from the fastest
        make = self.lib.new_tensor_1d if len(sizes) == 1 else self.lib.new_tensor_2d
        t = make(self.weights, 0, *sizes)
        self.pending.append((t, tensor.contiguous().numpy()))
        return t

    def input(self, columns, rows):
        self.x = self.lib.new_tensor_2d(self.nodes, 0, columns, rows)
        self.lib.set_input(self.x)
        return self.x

    def finish(self, y, columns, rows):
        lib = self.lib
        self.y, self.result = y, numpy.empty((rows, columns), dtype=numpy.float32)
        lib.set_output(y)
        self.graph = lib.new_graph(self.nodes)
        lib.build_forward_expand(self.graph, y)
        self.buffer = lib.backend_alloc_ctx_tensors(self.weights, lib.backend)
        for t, data in self.pending:
            lib.backend_tensor_set(t, data.ctypes.data, 0, data.nbytes)
        self.pending = []
        self.allocator = lib.gallocr_new(lib.backend_get_default_buffer_type(lib.backend))
        if not lib.gallocr_alloc_graph(self.allocator, self.graph):
            raise RuntimeError("ggml can't allocate the graph")

    def run(self, data):
        lib = self.lib
        lib.backend_tensor_set(self.x, data.ctypes.data, 0, data.nbytes)
        if lib.backend_graph_compute(lib.backend, self.graph):
            raise RuntimeError("ggml's graph failed")
        lib.backend_tensor_get(self.y, self.result.ctypes.data, 0, self.result.nbytes)
        return self.result

    def close(self):
        self.lib.gallocr_free(self.allocator)
        self.lib.backend_buffer_free(self.buffer)
        self.lib.free(self.nodes)
        self.lib.free(self.weights)


def layers(lib, model, n, c):
    """The layers of a folded model on n tokens of width c."""
    p = Program(lib)
    x, ctx = p.input(c, n), p.nodes

    def product(x, fold):
        return lib.add(ctx, lib.mul_mat(ctx, p.weight(fold[0].t()), x), p.weight(fold[1]))

    for u, o, m in model.layers:
        w = lib.reshape_3d(ctx, product(lib.norm(ctx, x, model.eps), u), c // model.heads, model.heads, n)
        w = lib.cont(ctx, lib.permute(ctx, w, 0, 2, 1, 3))  # [p N H], p fastest
        a = lib.soft_max(ctx, lib.mul_mat(ctx, w, w))
        out = lib.mul_mat(ctx, lib.cont(ctx, lib.permute(ctx, w, 1, 0, 2, 3)), a)
        out = lib.reshape_2d(ctx, lib.cont(ctx, lib.permute(ctx, out, 0, 2, 1, 3)), c, n)
        x = lib.add(ctx, product(out, o), x)
        x = lib.relu(ctx, product(lib.norm(ctx, x, model.eps), m))
    p.finish(x, c, n)
    return p


class Peer:
    def __init__(self, folder):
        self.lib, self.program = Library(folder), None

    def load(self, request):
        if request["batch"] != 1 or request["map_layer"] >= 0:
            raise ValueError("this peer computes the logits of one image")
        torch.set_num_threads(request["threads"])
        if self.program:
            self.program.close()
        self.model = Folded(request)
        size = (1, request["height"], request["width"], 3)
        tokens = self.model.tokens(torch.from_numpy(numpy.fromfile(request["pixels"], dtype=numpy.uint8).reshape(size)))
        self.input = tokens[0].contiguous().numpy()
        self.program = layers(self.lib, self.model, *self.input.shape)
        self.program.run(self.input)
        return {"version": f"ggml (Vulkan backend) on {self.lib.device}"}

    def run(self, request):
        """The counted forwards alone: they last seconds, so that none before them
        is needed; loading has run one."""
        cpu, start = time.process_time(), time.perf_counter()
        for _ in range(request["times"]):
            self.program.run(self.input)
        wall, cpu = time.perf_counter() - start, time.process_time() - cpu
        return {"wall": wall / request["times"], "cpu": cpu / request["times"]}

    def output(self, request):
        x = torch.from_numpy(self.program.run(self.input))
        return {"output": self.model.product(x[:1], self.model.head).flatten().tolist()}

    def gemm(self, request):
        m, k, n = request["m"], request["k"], request["n"]
        p = Program(self.lib)
        p.finish(self.lib.mul_mat(p.nodes, p.weight(torch.rand(n, k)), p.input(k, m)), n, m)
        x = numpy.random.rand(m, k).astype(numpy.float32)
        times = []
        for _ in range(request["times"] + 1):
            start = time.perf_counter()
            p.run(x)
            times.append(time.perf_counter() - start)
        p.close()
        return {"gflops": 2e-9 * m * k * n / sorted(times[1:])[request["times"] // 2]}


if __name__ == "__main__":
    serve(Peer(sys.argv[1]))
