"""Makes the hostile, broken and unusual files of this folder. Needs no PyTorch.

    /usr/bin/python3 make.py

NAME.KIND.pth: KIND says which error the loader has to give when the file is opened or its
tensors are read: refused (a global that isn't plain data), malformed or unsupported. The
files ok.* are read; each holds a tensor "w" that is [1, 2], whatever the path to it.
Nothing here is unpickled: the pickles are put together operation by operation.
"""
import io
import os
import struct
import tarfile
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
TWO = struct.pack("<2f", 1, 2)


def save(name, data):
    with open(os.path.join(HERE, name + ".pth"), "wb") as f:
        f.write(data)


# Pickle, operation by operation.

def text(s):
    b = s.encode()
    return b"X" + struct.pack("<I", len(b)) + b


def number(n):
    if 0 <= n < 256:
        return b"K" + bytes([n])
    if -1 << 31 <= n < 1 << 31:
        return b"J" + struct.pack("<i", n)
    return b"\x8a\x08" + struct.pack("<q", n)


def glob(module, name):
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def tup(*items):
    return b"(" + b"".join(items) + b"t"


def lst(*items):
    return b"](" + b"".join(items) + b"e"


def dct(*pairs):
    return b"}(" + b"".join(text(k) + v for k, v in pairs) + b"u"


def call(function, *args):
    return function + tup(*args) + b"R"


def storage(key="0", count=2, cls="FloatStorage", legacy=False, view=b"N"):
    return tup(text("storage"), glob("torch", cls), text(key), text("cpu"), number(count), *([view] if legacy else [])) + b"Q"


V2 = glob("torch._utils", "_rebuild_tensor_v2")
HOOKS = call(glob("collections", "OrderedDict"))


def tensor(shape=(2,), strides=(1,), offset=0, source=None, function=V2, more=()):
    return call(function, source or storage(), number(offset), tup(*map(number, shape)), tup(*map(number, strides)), b"\x89", HOOKS, *more)


def pickled(body, protocol=2):
    return b"\x80" + bytes([protocol]) + body + b"."


# The two formats.

def archive(pickle, data={"0": TWO}, more=(), folder="archive", method=zipfile.ZIP_STORED, pickle_method=zipfile.ZIP_STORED):
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w", method) as z:
        z.writestr(zipfile.ZipInfo(folder + "/data.pkl"), pickle, pickle_method)  # ZipInfo: the date is fixed
        for name, content in [(folder + "/data/" + k, v) for k, v in data.items()] + list(more):
            z.writestr(zipfile.ZipInfo(name), content, method)
    return b.getvalue()


def wrapped(body, **options):
    return archive(pickled(body), **options)


MAGIC = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"


def legacy(body, data={"0": TWO}, magic=MAGIC, protocol=1001, little=b"\x88", keys=None, counts={}):
    facts = dct(("protocol_version", number(1001)), ("little_endian", little))
    keys = list(data) if keys is None else keys
    b = pickled(magic) + pickled(number(protocol)) + pickled(facts) + pickled(body) + pickled(lst(*map(text, keys)))
    for k, v in data.items():
        b += struct.pack("<q", counts.get(k, len(v) // 4)) + v
    return b


W = dct(("w", tensor()))
LW = dct(("w", tensor(source=storage(legacy=True))))


def refused():
    ran = text("touch /tmp/crate-vk-was-here")
    for name, body in {
        "os-system": call(glob("os", "system"), ran),
        "posix-system": call(glob("posix", "system"), ran),
        "nt-system": call(glob("nt", "system"), ran),
        "eval": call(glob("builtins", "eval"), text("1")),
        "exec-python2": call(glob("__builtin__", "exec"), text("1")),
        "getattr": call(glob("builtins", "getattr"), tensor(), text("w")),
        "popen-newobj": glob("subprocess", "Popen") + tup(ran) + b"\x81",
        "stack-global": text("builtins") + text("eval") + b"\x93" + tup(text("1")) + b"R",
        "stack-global-dotted": text("torch") + text("_utils._rebuild_tensor_v2.__globals__") + b"\x93",
        "instance": b"(" + ran + b"ios\nsystem\n",
        "never-called": glob("os", "system"),
        "beside": dct(("w", tensor()), ("x", call(glob("os", "system"), ran))),
        "in-memo": glob("os", "system") + b"q\x000h\x00" + tup(ran) + b"R",
        "nested-pickle": call(glob("torch.storage", "_load_from_bytes"), b"C\x02N."),
        "pickle-loads": call(glob("pickle", "loads"), b"C\x02N."),
        "partial": call(glob("functools", "partial"), text("x")),
        "hub": call(glob("torch.hub", "load"), text("evil/repo"), text("model")),
        "whole-model": glob("models.crate", "CRATE") + b")\x81}b",
        "whole-model-main": glob("__main__", "Net") + b")\x81}b",
        "storage-v3": tensor(function=glob("torch._utils", "_rebuild_tensor_v3")),
        "lookalike": tensor(function=glob("torch._utils ", "_rebuild_tensor_v2")),
        "case": call(glob("collections", "ordereddict")),
        "control-bytes": glob("os\x1b[2J", "system\r"),
        "typed": call(glob("torch._tensor", "_rebuild_from_type_v2"), glob("os", "system"), glob("torch", "Tensor"), tup(ran), b"}"),
    }.items():
        save(name + ".refused", wrapped(body))
    for name, data in {
        "legacy": legacy(call(glob("os", "system"), ran)),
        "legacy-magic": pickled(call(glob("os", "system"), ran)),
        "legacy-facts": legacy(W, little=call(glob("os", "system"), ran)),
        "legacy-keys": pickled(MAGIC) + pickled(number(1001)) + pickled(dct(("little_endian", b"\x88"))) + pickled(LW) +
        pickled(lst(call(glob("os", "system"), ran))),
        "plain-pickle": pickled(glob("numpy.lib", "load")),
    }.items():
        save(name + ".refused", data)


def malformed():
    for name, body in {
        "no-value": b"",
        "two-values": b"NN",
        "open-mark": b"(N",
        "underflow": b"R",
        "below-mark": b"N(\x85",
        "no-mark": b"Nt",
        "memo-unset": b"h\x07",
        "memo-unset-32": b"j\xff\xff\xff\xff",
        "call-string": text("os.system") + tup(text("x")) + b"R",
        "call-list": glob("torch", "Size") + b"]R",
        "call-storage": call(glob("torch", "FloatStorage"), number(2)),
        "append-tuple": b")Na",
        "append-dict": b"}Na",
        "set-list": b"]NNs",
        "odd-items": b"}(NNNu",
        "build-tensor": tensor() + b"}b",
        "build-twice": glob("argparse", "Namespace") + b")\x81" + dct(("a", b"N")) + b"b" + dct(("b", b"N")) + b"b",
        "pairs": call(glob("collections", "OrderedDict"), lst(tup(b"N"))),
        "persistent-string": text("storage") + b"Q",
        "persistent-short": tup(text("storage")) + b"Q",
        "persistent-type": tup(text("storage"), V2, text("0"), text("cpu"), number(2)) + b"Q",
        "tensor-short": call(V2, storage()),
        "tensor-of-list": call(V2, b"]", number(0), b")", b")"),
        "tensor-float-shape": call(V2, storage(), number(0), tup(b"G" + b"\0" * 8), tup(number(1))),
        "parameter": call(glob("torch._utils", "_rebuild_parameter"), b"}"),
        "size": call(glob("torch", "Size"), number(1)),
        "typed": call(glob("torch._tensor", "_rebuild_from_type_v2"), glob("torch", "Size"), b"N", tup(), b"}"),
        "bytes-length": b"B\xff\xff\xff\x7f",
        "text-length": b"X\xff\xff\xff\xff",
        "text-length-64": b"\x8d" + b"\xff" * 8,
        "frame-length": b"\x95" + b"\xff" * 8,
        "long-length": b"\x8b\xff\xff\xff\x7f",
        "global-open": b"ctorch",

        "count-negative": dct(("w", tensor(source=storage(count=-1)))),
        "count-huge": dct(("w", tensor(source=storage(count=1 << 62)))),
        "storage-long": dct(("w", tensor(source=storage(count=1)))),
        "storage-short": dct(("w", tensor(source=storage(count=3)))),
        "storage-width": dct(("w", tensor(source=storage(cls="DoubleStorage")))),
        "storage-missing": dct(("w", tensor(source=storage("1")))),
        "storage-path": dct(("w", tensor(source=storage("../data/0")))),
        "storage-twice": dct(("w", tensor()), ("v", tensor(source=storage(cls="IntStorage")))),
        "offset-negative": dct(("w", tensor(offset=-1))),
        "offset-beyond": dct(("w", tensor(offset=1))),
        "offset-huge": dct(("w", tensor(offset=(1 << 63) - 1))),
        "offset-empty": dct(("w", tensor(shape=(0,), offset=3))),
        "stride-negative": dct(("w", tensor(strides=(-1,), offset=1))),
        "stride-beyond": dct(("w", tensor(strides=(2,)))),
        "stride-huge": dct(("w", tensor(strides=((1 << 63) - 1,)))),
        "stride-sum": dct(("w", tensor(shape=(2, 2, 2), strides=(1, 1, 1)))),
        "shape-negative": dct(("w", tensor(shape=(-2,)))),
        "shape-beyond": dct(("w", tensor(shape=(3,)))),
        "shape-overflow": dct(("w", tensor(shape=(1 << 40, 1 << 40), strides=(0, 0)))),
        "shape-overflow-0": dct(("w", tensor(shape=(1 << 62, 1 << 62, 0), strides=(0, 0, 0)))),
        "ranks": dct(("w", tensor(shape=(2, 1)))),
        "key-twice": dct(("w", tensor()), ("w", tensor())),
        "key-twice-nested": dct(("a", dct(("w", tensor()))), ("a", dct(("v", tensor())))),
        "name-twice": dct(("a.w", tensor()), ("a", dct(("w", tensor())))),
        "name-utf8": b"}U\x01\xff" + tensor() + b"s",
    }.items():
        save(name + ".malformed", wrapped(body))

    save("nan.malformed", wrapped(W, data={"0": b"\0\0\xc0\x7f" * 2}))
    save("inf.malformed", wrapped(W, data={"0": TWO[:4] + b"\0\0\x80\xff"}))
    for name, cls, bits in (("nan-f16", "HalfStorage", b"\x01\x7c"), ("inf-bf16", "BFloat16Storage", b"\x80\x7f"),
                            ("inf-f64", "DoubleStorage", b"\0" * 6 + b"\xf0\x7f")):
        save(name + ".malformed", wrapped(dct(("w", tensor(source=storage(cls=cls)))), data={"0": bits * 2}))

    good = wrapped(W)
    end = len(good) - 22
    directory = struct.unpack_from("<I", good, end + 16)[0]
    save("empty.malformed", b"")
    save("web-page.malformed", b"<!DOCTYPE html><title>Sign in</title>")
    save("lfs-pointer.malformed", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    save("magic-alone.malformed", good[:4])
    save("truncated.malformed", good[:-1])
    save("truncated-data.malformed", good[:directory])
    save("trailing.malformed", good + b"\0")
    save("comment.malformed", good[:-2] + b"\1\0x")
    save("end-count.malformed", good[:end + 8] + struct.pack("<HH", 1, 1) + good[end + 12:])
    save("end-count-more.malformed", good[:end + 8] + struct.pack("<HH", 3, 3) + good[end + 12:])
    save("end-offset.malformed", good[:end + 16] + struct.pack("<I", directory + 1) + good[end + 20:])
    save("end-size.malformed", good[:end + 12] + struct.pack("<I", 1 << 30) + good[end + 16:])
    save("directory-magic.malformed", good[:directory] + b"X" + good[directory + 1:])
    save("local-magic.malformed", b"PK\3\4" + good[4:].replace(b"PK\3\4", b"PK\3\5"))
    save("local-name.malformed", good[:directory].replace(b"data/0", b"data/1") + good[directory:])
    local = good.index(b"PK\3\4", 4)
    save("local-size.malformed", good[:local + 22] + struct.pack("<I", 7) + good[local + 26:])
    save("local-extra.malformed", good[:local + 28] + struct.pack("<H", 9999) + good[local + 30:])
    save("offset-beyond-directory.malformed", good[:directory + 42] + struct.pack("<I", len(good)) + good[directory + 46:])
    save("entry-twice.malformed", wrapped(W, more=[("archive/data/1", TWO)]).replace(b"data/1", b"data/0"))
    save("two-folders.malformed", wrapped(W, more=[("other/data.pkl", b"N.")]))
    save("no-pickle.malformed", archive(b"").replace(b"data.pkl", b"data.txt"))
    save("no-folder.malformed", archive(b"").replace(b"archive/data.pkl", b"archive_data.pkl"))
    save("after-pickle.malformed", archive(pickled(W) + b"N."))
    save("pickle-empty.malformed", archive(b""))
    save("pickle-truncated.malformed", archive(pickled(W)[:-1]))

    # Two entries on the same bytes: the second's header lies in the first's data.
    two = wrapped(dct(("a", tensor()), ("w", tensor(source=storage("1", 16)))), data={"0": TWO, "1": b"\0" * 64})
    first = two.index(b"archive/data/0") - 30
    where = two.index(b"archive/data/1") + 14
    central = two.index(b"archive/data/0", where) - 46
    overlap = bytearray(two)
    overlap[where:where + 52] = two[first:first + 52]
    overlap[central + 42:central + 46] = struct.pack("<I", where)
    save("overlap.malformed", bytes(overlap))

    legacies = {
        "magic": legacy(LW, magic=number(7)),
        "truncated": legacy(LW)[:-1],
        "truncated-early": legacy(LW)[:40],
        "trailing": legacy(LW) + b"\0",
        "count": legacy(LW, counts={"0": 3}),
        "count-huge": legacy(LW, counts={"0": 1 << 60}),
        "count-huge-both": legacy(dct(("w", tensor(source=storage(count=1 << 61, legacy=True)))), counts={"0": 1 << 61}),
        "key-missing": legacy(LW, keys=[]),
        "key-unknown": legacy(LW, keys=["1"]),
        "key-twice": legacy(dct(("w", tensor(source=storage(legacy=True))), ("v", tensor(source=storage("1", legacy=True)))),
                            data={"0": TWO, "1": TWO}, keys=["0", "0"]),
        "facts": pickled(MAGIC) + pickled(number(1001)) + pickled(b"N") + pickled(LW),
        "storage-early": pickled(storage()),
        "zip-id": legacy(W),
        "no-storages": legacy(LW, data={}, keys=["0"]),
    }
    for name, data in legacies.items():
        save("legacy-" + name + ".malformed", data)


def unsupported():
    # A list of 10 times a list of 10 times a list, 30 times.
    laughs = b"]q\0" + b"".join(b"]q" + bytes([i]) + b"(" + (b"h" + bytes([i - 1])) * 10 + b"e" for i in range(1, 30))
    for name, body in {
        "protocol-0": b"I1\n",
        "extension": b"\x82\x01",
        "object": b"(" + glob("argparse", "Namespace") + b"o",
        "out-of-band": b"\x97",
        "newobj-ex": glob("argparse", "Namespace") + b")}\x92",
        "opcode-ff": b"\xff",
        "instance": b"(iargparse\nNamespace\n",
        "module": tup(text("module"), b"N", b"N", b"N") + b"Q",
        "circular-list": b"]q\0h\0a",
        "circular-dict": b"}q\0" + text("a") + b"h\0s",
        "circular-deep": dct(("a", b"]q\0(" + dct(("b", tup(b"h\0"))) + b"e")),
        "deep": b"]" * 100 + b"a" * 99,
        "deep-dicts": (b"}" + text("k")) * 100 + b"N" + b"s" * 100,
        "marks": b"(" * 300,
        "laughs": b"(" + laughs + b"t",
        "memo-huge": b"Nr\xff\xff\xff\x7f",
        "rank-17": dct(("w", tensor(shape=(1,) * 17, strides=(1,) * 17))),
        "rank-huge": dct(("w", tensor(shape=(1,) * 999, strides=(1,) * 999))),
        "expanded": dct(("w", tensor(shape=(1 << 20, 1 << 20), strides=(0, 0)))),
        "expanded-some": dct(("w", tensor(shape=(1 << 23,), strides=(0,)))),
        "expanded-often": b"](" + b"".join(tensor(shape=(1 << 21,), strides=(0,)) for _ in range(9)) + b"e",
        "overlapping-rows": dct(("w", tensor(shape=(2, 1, 3), strides=(1, 9, 1), source=storage(count=4)))),
        "conjugate": dct(("w", tensor(source=storage(count=1, cls="ComplexFloatStorage"), shape=(1,), more=[dct(("conj", b"\x88"))]))),
        "long-name": dct(("k" * 600, tensor())),
        "long-path": dct(("k" * 300, dct(("k" * 300, tensor())))),
        "tuple-key": b"}" + b")" + tensor() + b"s",
        "long-global": glob("x" * 300, "y"),
    }.items():
        data = {"0": TWO * 2} if name == "overlapping-rows" else {"0": TWO}
        save(name + ".unsupported", wrapped(body, data=data))

    save("protocol-6.unsupported", archive(pickled(W, 6)))
    save("protocol-1.unsupported", archive(b"\x80\x01N."))
    save("byteorder-long.unsupported", wrapped(W, more=[("archive/byteorder", b"little" + b" " * 20)]))
    save("big-endian.unsupported", wrapped(W, more=[("archive/byteorder", b"big")]))
    save("torchscript.unsupported", wrapped(W, more=[("archive/constants.pkl", b"\x80\x02).")]))
    save("deflated-pickle.unsupported", wrapped(W, pickle_method=zipfile.ZIP_DEFLATED))
    bomb = wrapped(dct(("w", tensor(source=storage(count=1 << 22), shape=(1 << 22,)))), data={"0": b"\0" * (1 << 24)}, method=zipfile.ZIP_DEFLATED)
    save("deflated-bomb.unsupported", bomb)
    good = bytearray(wrapped(W))
    end = len(good) - 22
    directory = struct.unpack_from("<I", good, end + 16)[0]
    good[directory + 8] |= 1
    save("encrypted.unsupported", bytes(good))
    disks = bytearray(wrapped(W))
    disks[end + 4] = 1
    save("disks.unsupported", bytes(disks))
    entries = bytearray(wrapped(W)[:end]) + b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 1 << 40, 1 << 40, end - directory, directory)
    entries += b"PK\6\7" + struct.pack("<IQI", 0, end, 1) + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 65535, 65535, end - directory, directory, 0)
    save("entries.unsupported", bytes(entries))

    b = io.BytesIO()
    with tarfile.open(fileobj=b, mode="w", format=tarfile.USTAR_FORMAT) as t:
        t.addfile(tarfile.TarInfo("storages"))
    save("tar.unsupported", b.getvalue()[:1024])

    for name, data in {
        "protocol": legacy(LW, protocol=1000),
        "protocol-text": legacy(LW).replace(number(1001) + b".", b"\x8c\x03abc."),
        "big-endian": legacy(LW, little=b"\x89"),
        "view": legacy(dct(("w", tensor(source=storage(legacy=True, view=tup(text("1"), number(0), number(1))))))),
        "module": legacy(tup(text("module"), b"N", text("net.py"), text("class Net: pass")) + b"Q"),
    }.items():
        save("legacy-" + name + ".unsupported", data)


def ok():
    parameter = call(glob("torch._utils", "_rebuild_parameter_with_state"), tensor(), b"\x88", HOOKS, dct(("tag", number(1))))
    typed = call(glob("torch._tensor", "_rebuild_from_type_v2"), V2, glob("torch", "Tensor"),
                 tup(storage(), number(0), tup(number(2)), tup(number(1)), b"\x89", HOOKS), b"}")
    # PyTorch 2: entries of its own beside the pickle, parameters with attributes.
    save("ok.pytorch2", wrapped(dct(("a", dct(("w", parameter))), ("b", dct(("w", typed)))), folder="renamed-since", more=[
        ("renamed-since/byteorder", b"little"), ("renamed-since/version", b"3\n"), ("renamed-since/.format_version", b"1"),
        ("renamed-since/.storage_alignment", b"64"), ("renamed-since/.data/serialization_id", b"0" * 40)]))
    # Python 2: strings of bytes, an OrderedDict from a list of pairs.
    pairs = lst(b"](U\x01w" + tensor(source=storage(legacy=True)) + b"e")
    save("ok.python2", legacy(b"}(U\x05model" + call(glob("collections", "OrderedDict"), pairs) + b"U\x05epochK\x05u"))
    # The first version of the function; torch.Size; bits that are not set.
    save("ok.rebuild-v1", wrapped(lst(tup(dct(("w", call(glob("torch._utils", "_rebuild_tensor"), storage(), number(0),
                                                        call(glob("torch", "Size"), tup(number(2))), tup(number(1)))))))))
    save("ok.no-bits", wrapped(dct(("w", tensor(more=[b"}"])))))
    # An entry that isn't used may be what it likes.
    save("ok.other-entries", wrapped(W, more=[("../../etc/passwd", b"x"), ("archive/data/1", b"y"), ("/", b"")]))
    # The 64-bit fields of a large archive, on a small one.
    save("ok.zip64", zip64(pickled(W)))


def zip64(pickle):
    """An archive whose directory has all sizes and offsets in 64 bits."""
    out, central = b"", b""
    for name, data in (b"x/data.pkl", pickle), (b"x/data/0", TWO):
        crc = zipfile.crc32(data)
        field = struct.pack("<HHQQ", 1, 16, len(data), len(data))
        local = b"PK\3\4" + struct.pack("<HHHHHIIIHH", 45, 0, 0, 0, 33, crc, 2**32 - 1, 2**32 - 1, len(name), len(field)) + name + field
        wide = b"\xfe\xca\x02\0ab" + struct.pack("<HHQQQ", 1, 24, len(data), len(data), len(out))
        central += b"PK\1\2" + struct.pack("<HHHHHHIIIHHHHHII", 45, 45, 0, 0, 0, 33, crc, 2**32 - 1, 2**32 - 1, len(name), len(wide),
                                           0, 0, 0, 0, 2**32 - 1) + name + wide
        out += local + data
    end = len(out) + len(central)
    record = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 2, 2, len(central), len(out))
    return (out + central + record + b"PK\6\7" + struct.pack("<IQI", 0, end, 1) +
            b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 2, 2, 2**32 - 1, 2**32 - 1, 0))


refused()
malformed()
unsupported()
ok()
