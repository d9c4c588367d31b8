"""Makes the checkpoints of this folder with PyTorch, and what they hold.

    /usr/bin/python3 make.py        (Debian's python3-torch, 1.13)

expected.safetensors has each tensor as torch.load gives it, made contiguous, under the
name FILE:PATH, where PATH is the path of keys joined by dots. The crate-*.pth are
../model/crate-square/model.safetensors, crate-flat.pth is crate-interpolated's; the
tests compare them with those files and, converted, with their goldens. A legacy file has addresses as storage keys, so that its bytes differ from run to run.
"""
import argparse
import collections
import json
import os
import pathlib
import struct

import numpy
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = {torch.float16: "F16", torch.bfloat16: "BF16", torch.float32: "F32", torch.float64: "F64",
         torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8",
         torch.bool: "BOOL", torch.complex64: "C64"}
TYPES = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32}
EXPECTED = {}


def flatten(value, path):
    if isinstance(value, torch.Tensor):
        yield ".".join(path), value
    elif isinstance(value, argparse.Namespace):
        yield from flatten(vars(value), path)
    elif isinstance(value, dict):
        for k, v in value.items():
            yield from flatten(v, path + [str(k)])
    elif isinstance(value, (list, tuple)):
        for i, v in enumerate(value):
            yield from flatten(v, path + [str(i)])


def raw(t):
    """The elements in row-major order; numpy has no bfloat16."""
    t = t.detach().contiguous()
    if t.dtype == torch.bfloat16:
        t = t.view(torch.int16)
    return t.numpy().tobytes()


def write_safetensors(path, tensors):
    head, data = {}, b""
    for name, t in sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0])):
        b = raw(t)
        head[name] = {"dtype": NAMES[t.dtype], "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(b)]}
        data += b
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def read_safetensors(path):
    with open(path, "rb") as f:
        n, = struct.unpack("<Q", f.read(8))
        head = json.loads(f.read(n))
        data = f.read()
    tensors = {}
    for name, h in head.items():
        if name != "__metadata__":
            begin, end = h["data_offsets"]
            flat = torch.frombuffer(bytearray(data[begin:end]), dtype=TYPES[h["dtype"]])
            tensors[name] = flat.reshape(h["shape"]).clone()
    return tensors


def save(name, value, expect=True, **options):
    path = os.path.join(HERE, name)
    torch.save(value, path, **options)
    if expect:
        for key, t in flatten(torch.load(path), []):
            EXPECTED[name + ":" + key] = t


def ramp(*shape, dtype=torch.float32, scale=1 / 8):
    n = 1
    for s in shape:
        n *= s
    return ((torch.arange(n, dtype=torch.float64) - n // 3) * scale).reshape(shape).to(dtype)


def small_files():
    torch.manual_seed(4)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 2), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 3))
    save("plain.pth", net.state_dict())

    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    sum(p.square().sum() for p in net.parameters()).backward()
    optimizer.step()
    state = {
        "model": net.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": 7,
        "best": 0.625,
        "done": False,
        "none": None,
        "args": argparse.Namespace(arch="crate_tiny", lr=5e-4, warmup=-3, large=1 << 40, huge=1 << 80,
                                   sizes=[224, 8], nested={"a": 1}, name="größe"),
    }
    save("nested.pth", state)
    save("nested.legacy.pth", state, _use_new_zipfile_serialization=False)
    save("nested.protocol4.pth", state, pickle_protocol=4)
    save("nested.protocol5.legacy.pth", state, pickle_protocol=5, _use_new_zipfile_serialization=False)

    types = {n: ramp(3, 5, dtype=t) for t, n in NAMES.items() if t not in (torch.bool, torch.complex64)}
    types.update({
        "BOOL": ramp(3, 5) > 0,
        "C64": torch.complex(ramp(2, 3), -ramp(2, 3)),
        "extremes.F16": torch.tensor([65504., -65504., 2**-24, -0., 1.]).to(torch.float16),
        "extremes.BF16": torch.tensor([3.3895313892515355e38, 1e-40, -0., 1.]).to(torch.bfloat16),
        "extremes.F32": torch.tensor([3.4028234663852886e38, 1e-45, -0., 1.]),
        "extremes.F64": torch.tensor([1.7976931348623157e308, 5e-324, -0., 1 / 3], dtype=torch.float64),
        "scalar": torch.tensor(2.5), "empty": torch.zeros(3, 0, 2), "one": ramp(1, 1, 1),
    })
    save("types.pth", types)
    save("types.legacy.pth", types, _use_new_zipfile_serialization=False)

    block = ramp(4, 6, 5)
    flat = ramp(2304 * 2, dtype=torch.bfloat16, scale=1 / 64)
    save("views.pth", {
        "t": ramp(3, 7).t(),
        "permuted": block.permute(2, 0, 1),
        "permuted2": block.permute(1, 2, 0),
        "slice": block[1:3, ::2, 1:4],
        "column": block[:, :, 3],
        "diagonal": ramp(6, 6).diagonal(),
        "qkv": list(ramp(9, 4).chunk(3)),
        "expanded": ramp(1, 4).expand(5, 4),
        "expanded2": ramp(3, 1, 2).expand(3, 4, 2),
        "one value": ramp(1)[:1].expand(2, 3),
        "channels_last": ramp(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "odd": ramp(5, 4, dtype=torch.float16)[1::2].t(),
        "wide": flat.reshape(2, 2304)[:, 1::3],
        "parameter": torch.nn.Parameter(ramp(4, 3).t()),
        "frozen": torch.nn.Parameter(ramp(2), requires_grad=False),
        "tied": [flat, flat, flat[7:9]],
    })

    # What training scripts leave beside the tensors, in the types they have.
    torch.save({
        "w": ramp(2), "best": numpy.float64(0.5), "curve": numpy.arange(3.), "device": torch.device("cpu"),
        "dtype": torch.float32, "size": torch.Size([2, 3]), "path": pathlib.PurePosixPath("a/b"), "set": {1, 2},
        "frozen": frozenset([3]), "bytes": b"\x00\xff", "array": bytearray(b"ab"), "complex": 1j,
        "milestones": collections.Counter({30: 1}), "state": collections.defaultdict(dict, {0: {"step": 1}}),
        "slice": slice(1, 2), "range": range(3), "text": "a\nb", "long": "x" * 5000,
    }, os.path.join(HERE, "beside.pth"))
    torch.save(ramp(2, 2), os.path.join(HERE, "tensor.pth"))


def flat_file():
    """Every parameter is a view of one storage, as sharded training leaves them, inside
    of two wrappers; the tensors begin at odd offsets, and matrices lie transposed."""
    model = read_safetensors(os.path.join(HERE, "..", "model", "crate-interpolated", "model.safetensors"))
    flat = torch.full((sum(v.numel() + 3 for v in model.values()),), 7.0)
    state, at = collections.OrderedDict(), 0
    for k, v in model.items():
        at += 3
        turned = v.t() if v.dim() == 2 else v
        part = flat[at:at + v.numel()].view(turned.shape)
        part.copy_(turned)
        state["module._orig_mod." + k] = torch.nn.Parameter(part.t() if v.dim() == 2 else part)
        at += v.numel()
    torch.save({"epoch": 9, "model": {"state_dict": state}, "optimizer": {"state": {0: {"exp_avg": ramp(4)}}}},
               os.path.join(HERE, "crate-flat.pth"))


def crate_files():
    model = read_safetensors(os.path.join(HERE, "..", "model", "crate-square", "model.safetensors"))
    save("crate-model.pth", {"model": model, "epoch": 3}, expect=False)
    turned = {"module." + k: v.t().contiguous().t() if v.dim() == 2 else v for k, v in model.items()}
    save("crate-state-dict.legacy.pth", {"state_dict": turned, "arch": "crate"}, expect=False, _use_new_zipfile_serialization=False)
    teacher = collections.OrderedDict(("backbone." + k, v.bfloat16()) for k, v in model.items())
    student = collections.OrderedDict(("module.backbone." + k, torch.nn.Parameter(v.half())) for k, v in model.items())
    save("crate-dino.pth", {"student": student, "teacher": teacher, "epoch": 100,
                            "args": argparse.Namespace(arch="crate", patch_size=8),
                            "dino_loss": {"center": ramp(1, 8)}}, expect=False)


small_files()
crate_files()
flat_file()
write_safetensors(os.path.join(HERE, "expected.safetensors"), EXPECTED)
