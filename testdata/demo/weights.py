"""Reads and writes safetensors: 8 bytes of length, a JSON header, the data."""
import json
import struct

import numpy as np
import torch

import crate


def save(path, tensors, meta):
    """Writes tensors (name to array) as F16, names in the order given."""
    head, blobs, at = {"__metadata__": {k: str(v) for k, v in meta.items()}}, [], 0
    for name, t in tensors.items():
        raw = np.ascontiguousarray(t, "<f2").tobytes()
        head[name] = {"dtype": "F16", "shape": list(t.shape), "data_offsets": [at, at + len(raw)]}
        blobs.append(raw)
        at += len(raw)
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def load(path):
    """The tensors (float32 arrays) and the metadata of a file of F16 tensors."""
    with open(path, "rb") as f:
        raw = f.read()
    n = struct.unpack("<Q", raw[:8])[0]
    head = json.loads(raw[8:8 + n])
    meta = head.pop("__metadata__", {})
    out = {}
    for name, e in head.items():
        if e["dtype"] != "F16":
            raise ValueError(f"{path}: {name} is {e['dtype']}, want F16")
        a, b = e["data_offsets"]
        out[name] = np.frombuffer(raw[8 + n + a:8 + n + b], "<f2").reshape(e["shape"]).astype(np.float32)
    return out, meta


def metadata(model, classes, **more):
    c = {f"crate.{k}": v for k, v in model.config.items()}
    c["crate.mean"], c["crate.std"] = ",".join([str(crate.MEAN)] * 3), ",".join([str(crate.STD)] * 3)
    c["crate.classes"] = ",".join(classes)
    return {**c, **{f"crate.{k}": v for k, v in more.items()}}


def save_model(path, model, meta):
    save(path, {k: v.detach().numpy() for k, v in model.state_dict().items()}, meta)


def load_model(path):
    """A Crate in float32 with the weights of a file, and the file's metadata."""
    t, m = load(path)
    model = crate.Crate(*(int(m["crate." + k]) for k in ("dim", "depth", "heads", "patch_size", "image_size",
                                                         "num_classes")),
                        float(m["crate.eta"]), float(m["crate.lambda"]))
    model.load_state_dict({k: torch.from_numpy(v) for k, v in t.items()})
    return model.eval(), m
