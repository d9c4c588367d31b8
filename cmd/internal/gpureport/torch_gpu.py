"""Times PyTorch on this machine's GPU as crate-vk does. `gpu-check` runs it:

    torch_gpu.py SECONDS BATCHES ROWSxINNERxCOLUMNS MODEL...

prints a line of JSON each: first of a matrix product whose matrices stay on the device, as
`crate-vk bench product` times it, then of models from 8-bit pixels on the host to logits on the
host, as `crate-vk bench` does. Weights are random: they take no part in the time. Without a GPU
it runs on the CPU, and says so.

fp32 is eager PyTorch with TF32 off; tf32 the same with it on; fp16 autocast, and of the product
float16 matrices.
"""

import contextlib
import json
import sys
import time

import numpy
import torch

import torch_peer

MODELS = {  # width, heads, depth, patch, classes
    "crate-t16": (384, 6, 12, 16, 1000),
    "crate-s16": (576, 12, 12, 16, 1000),
    "emergence-b8": (768, 12, 12, 8, 21842),
}


def weights(width, depth, patch, classes, tokens):
    """Tensors of a CRATE by name, at random."""

    def tensor(*shape):
        return 0.02 * torch.randn(*shape)

    def norm(name, size):
        return {name + ".weight": 1 + tensor(size), name + ".bias": tensor(size)}

    w = {"cls_token": tensor(1, 1, width), "pos_embedding": tensor(1, tokens, width)}
    w |= norm("to_patch_embedding.1", 3 * patch * patch) | norm("to_patch_embedding.3", width) | norm("mlp_head.0", width)
    w |= {"to_patch_embedding.2.weight": tensor(width, 3 * patch * patch), "to_patch_embedding.2.bias": tensor(width)}
    w |= {"mlp_head.1.weight": tensor(classes, width), "mlp_head.1.bias": tensor(classes)}
    for i in range(depth):
        at = f"transformer.layers.{i}"
        w |= norm(at + ".0.norm", width) | norm(at + ".1.norm", width)
        w |= {at + ".0.fn.qkv.weight": tensor(width, width), at + ".1.fn.weight": tensor(width, width)}
        w |= {at + ".0.fn.to_out.0.weight": tensor(width, width), at + ".0.fn.to_out.0.bias": tensor(width)}
    return w


def published(name, device):
    """The published form of a model, on a device."""
    width, heads, depth, patch, classes = MODELS[name]
    w = weights(width, depth, patch, classes, (224 // patch) ** 2 + 1)
    torch_peer.read_safetensors = lambda _: {key: t.to(device) for key, t in w.items()}
    request = {"heads": heads, "depth": depth, "patch": patch, "eta": 0.1, "lambda": 0.1, "eps": 1e-5, "map_layer": -1,
               "mean": [0.5] * 3, "std": [0.5] * 3, "weights": ""}
    model = torch_peer.Published(request)
    model.mean, model.std = model.mean.to(device), model.std.to(device)
    return model


def median(run, seconds):
    """The median time of a run in seconds, after runs that aren't counted."""
    for _ in range(2):
        run()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]


def product(device, precision, rows, inner, columns, seconds):
    """The median time of one of so many products that a run takes some milliseconds, in seconds."""
    dtype = torch.float16 if precision == "fp16" else torch.float32
    x, w = torch.randn(rows, inner, device=device).to(dtype), torch.randn(columns, inner, device=device).to(dtype)

    def several(times):
        for _ in range(times):
            torch.nn.functional.linear(x, w)
        if device == "cuda":
            torch.cuda.synchronize()

    times = 1
    while times < 1000:
        several(1)
        start = time.perf_counter()
        several(times)
        if time.perf_counter() - start > 4e-3:
            break
        times *= 4
    with torch.no_grad():
        return median(lambda: several(times), seconds) / times


def main(seconds, batches, shape, names):
    device = "cuda" if torch.cuda.is_available() else "cpu"  # ROCm's devices are called cuda, too
    label = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    precisions = ["fp32", "tf32", "fp16"] if device == "cuda" else ["fp32"]

    def tell(row):
        print(json.dumps(row | {"device": label, "version": torch.__version__}), flush=True)

    for precision in precisions:
        torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
        rows, inner, columns = shape
        took = product(device, precision, rows, inner, columns, seconds)
        tell({"rows": rows, "inner": inner, "columns": columns, "precision": precision, "product_ms": 1e3 * took, "gflops": 2e-9 * rows * inner * columns / took})
    for name in names:
        model = published(name, device)
        for precision in precisions:
            torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
            for batch in batches:
                pixels = torch.from_numpy(numpy.random.default_rng(1).integers(0, 256, (batch, 224, 224, 3), dtype=numpy.uint8))

                def run():
                    half = torch.autocast(device, dtype=torch.float16) if precision == "fp16" else contextlib.nullcontext()
                    with torch.no_grad(), half:
                        return model.forward(pixels.to(device)).float().cpu()

                tell({"model": name, "batch": batch, "precision": precision, "form": "published", "ms_per_image": 1e3 * median(run, seconds) / batch})


if __name__ == "__main__":
    main(float(sys.argv[1]), [int(b) for b in sys.argv[2].split(",")], [int(n) for n in sys.argv[3].split("x")], sys.argv[4:])
