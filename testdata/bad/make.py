"""Makes the hostile and broken files of this folder.

    /usr/bin/python3 make.py

NAME.KIND.EXT: KIND says which error the loader has to give: malformed, unsupported or
limit. ok.* are broken in their metadata alone, and decode. *.safetensors are refused
when they are opened or read.
"""
import io
import json
import os
import struct
import sys
import zlib

from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "image", "formats"))
import encode  # noqa: E402


def save(name, data):
    with open(os.path.join(HERE, name), "wb") as f:
        f.write(data)


RGB = [[(10 * x, 20 * y, 5 * x * y % 256) for x in range(24)] for y in range(12)]
IM = Image.new("RGB", (24, 12))
IM.putdata([px for row in RGB for px in row])


def saved(fmt, **options):
    b = io.BytesIO()
    IM.save(b, fmt, **options)
    return b.getvalue()


def riff(*chunks):
    body = b"WEBP" + b"".join(n + struct.pack("<L", len(d)) + d + b"\0" * (len(d) % 2) for n, d in chunks)
    return b"RIFF" + struct.pack("<L", len(body)) + body


def size3(v):
    return struct.pack("<L", v)[:3]


def vp8l(w, h):
    return b"\x2f" + struct.pack("<L", (w - 1) | (h - 1) << 14)


def ihdr(w, h, depth=8, color=2):
    return b"\x89PNG\r\n\x1a\n" + encode.chunk(b"IHDR", struct.pack(">LLBBBBB", w, h, depth, color, 0, 0, 0))


def truncated():
    flat = lambda x, y: 100 + 20 * x
    whole = {
        "png": encode.png(RGB, 2, 8),
        "jpg": saved("JPEG"),
        "progressive.jpg": saved("JPEG", progressive=True),
        "gif": saved("GIF"),
        "webp": saved("WEBP"),
        "lossless.webp": saved("WEBP", lossless=True),
        "tif": encode.tiff(RGB),
        "bmp": encode.bmp(RGB, 24),
    }
    for ext, data in whole.items():
        stem, _, ext2 = ext.rpartition(".")
        name = "truncated" + ("-" + stem if stem else "")
        save("%s.malformed.%s" % (name, ext2), data[: len(data) * 2 // 3])
        save("%s-header.malformed.%s" % (name, ext2), data[:20])
    save("empty.malformed.png", b"")
    save("text.malformed.jpg", b"this is a text whose name ends in .jpg\n" * 3)
    save("bm-text.malformed.txt", b"BMW cars are mentioned in this text, which is no bitmap.\n")
    save("zeros.malformed.bin", b"\0" * 100)
    save("no-eoi.malformed.jpg", encode.jpeg([(1, 1, flat)], (24, 16))[:-2])


def bombs():
    # 35 bytes that ask for 4 GiB: a frame of 65535×65535 indices.
    gif = b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    gif += b"," + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0) + b"\2\0;"
    save("bomb.limit.gif", gif[:35])
    save("bomb-beyond.limit.gif", gif.replace(struct.pack("<HH", 65535, 65535), struct.pack("<HH", 1, 1), 1))
    # 28 bytes that ask for 1 GiB: 16384×16384 pixels of 4 bytes.
    save("bomb.limit.webp", riff((b"VP8L", vp8l(16384, 16384) + b"\0\0\0")))
    save("bomb-vp8.limit.webp", riff((b"VP8 ", b"\x10\0\0\x9d\x01\x2a\xff\x3f\xff\x3f" + b"\0" * 20)))
    x = lambda w, h, flags=0: (b"VP8X", bytes([flags, 0, 0, 0]) + size3(w - 1) + size3(h - 1))
    save("bomb-canvas.malformed.webp", riff(x(16384, 16384, 16), (b"ALPH", b"\1" + b"\0" * 9), (b"VP8L", vp8l(1, 1) + b"\0\0\0")))
    save("bomb-canvas-alone.malformed.webp", riff(x(1 << 24, 1 << 24)))
    save("bomb-picture.malformed.webp", riff(x(1, 1), (b"VP8L", vp8l(16384, 16384) + b"\0\0\0")))
    frame = lambda w, h, fw, fh: size3(0) * 2 + size3(fw - 1) + size3(fh - 1) + size3(9) + b"\0" + b"VP8L" + struct.pack("<L", 8) + vp8l(w, h) + b"\0\0\0"
    save("bomb-frame.malformed.webp", riff(x(9, 9, 2), (b"ANIM", b"\0" * 6), (b"ANMF", frame(16384, 16384, 9, 9))))
    save("bomb-frame-beyond.malformed.webp", riff(x(9, 9, 2), (b"ANIM", b"\0" * 6), (b"ANMF", frame(16384, 16384, 16384, 16384))))
    save("bomb-animation.limit.webp", riff(x(16384, 16384, 2), (b"ANIM", b"\0" * 6), (b"ANMF", frame(16384, 16384, 16384, 16384))))
    save("bomb.limit.png", ihdr(100000, 100000) + encode.chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + encode.chunk(b"IEND", b""))
    save("bomb-wide.limit.png", ihdr(0x7FFFFFFF, 1) + encode.chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + encode.chunk(b"IEND", b""))
    # Compressed zeros that a decoder must not unpack: 10 MB behind the last row.
    save("ok.bomb-after.png", ihdr(24, 4) + encode.chunk(b"IDAT", zlib.compress(b"\0" * 10_000_000, 9)) + encode.chunk(b"IEND", b""))
    tif = bytearray(encode.tiff(RGB))
    for at in 18 + 12 * 0, 18 + 12 * 1:
        struct.pack_into("<HL", tif, at - 6, 4, 1)
        struct.pack_into("<L", tif, at, 100000)
    save("bomb.limit.tif", bytes(tif))
    tiles = encode.tiff(RGB, tile=16)
    save("bomb-tiles.malformed.tif", tiles.replace(struct.pack("<HHLHH", 322, 3, 1, 16, 0), struct.pack("<HHLL", 322, 4, 1, 1 << 30)))
    part = encode.jpeg([(1, 1, lambda x, y: 9)], (8, 8))
    at = part.index(b"\xff\xc0") + 5
    inner = encode.tiff([[(9,)] * 8] * 8).replace(struct.pack("<HHLHH", 259, 3, 1, 1, 0), struct.pack("<HHLHH", 259, 3, 1, 7, 0))
    where = len(inner) - 64
    inner = inner.replace(struct.pack("<HHLL", 279, 4, 1, 64), struct.pack("<HHLL", 279, 4, 1, len(part)))[:where]
    save("bomb-strip.malformed.tif", inner + part[:at] + b"\xff\xff\xff\xff" + part[at + 4 :])
    save("bomb-colours.malformed.tif", encode.tiff([[(0,)]], photometric=3, palette=[(0, 0, 0)] * 4))
    save("bomb.limit.ppm", b"P6 99999 99999 255\n")
    save("bomb.limit.pam", b"P7\nWIDTH 99999\nHEIGHT 99999\nDEPTH 4\nMAXVAL 65535\nENDHDR\n")
    save("truncated.malformed.ppm", b"P6 30 30 255\n" + b"x" * 100)
    save("truncated-plain.malformed.pgm", b"P2 3 3 255\n1 2 3 4 5 6 7 8")
    save("value.malformed.pgm", b"P5 2 1 9\n\x01\x0a")
    save("number.malformed.ppm", b"P6 12345678901234567890 1 255\n")
    save("letters.malformed.ppm", b"P6 1 x 255\nabc")
    jpg = encode.jpeg([(1, 1, lambda x, y: 9)], (8, 8))
    at = jpg.index(b"\xff\xc0") + 5
    save("bomb.limit.jpg", jpg[:at] + b"\xff\xff\xff\xff" + jpg[at + 4 :])
    save("zero.malformed.jpg", jpg[:at] + b"\0\0\0\0" + jpg[at + 4 :])
    bmp = encode.bmp(RGB, 24)
    save("bomb.malformed.bmp", bmp[:18] + struct.pack("<ll", 9000, 9000) + bmp[26:])
    save("zero.malformed.bmp", bmp[:18] + struct.pack("<ll", 0, 0) + bmp[26:])
    save("negative.malformed.bmp", bmp[:18] + struct.pack("<ll", -24, 12) + bmp[26:])


def corrupt():
    png = encode.png(RGB, 2, 8)
    save("crc.malformed.png", png[:30] + bytes([png[30] ^ 1]) + png[31:])
    save("chunk-length.malformed.png", ihdr(4, 4) + b"\xff\xff\xff\xffIDAT")
    save("no-data.malformed.png", ihdr(4, 4) + encode.chunk(b"IEND", b""))
    save("short-data.malformed.png", ihdr(40, 40) + encode.chunk(b"IDAT", zlib.compress(b"\0" * 99)) + encode.chunk(b"IEND", b""))
    save("filter.malformed.png", ihdr(2, 1) + encode.chunk(b"IDAT", zlib.compress(b"\x09" + b"\0" * 6)) + encode.chunk(b"IEND", b""))
    save("no-palette.malformed.png", ihdr(2, 1, 8, 3) + encode.chunk(b"IDAT", zlib.compress(b"\0\0\0")) + encode.chunk(b"IEND", b""))
    save("depth.malformed.png", ihdr(2, 1, 3, 0) + encode.chunk(b"IEND", b""))
    head = b"GIF89a" + struct.pack("<HHBBB", 4, 4, 0, 0, 0)
    frame = b"," + struct.pack("<HHHHB", 0, 0, 4, 4, 0)
    save("no-palette.malformed.gif", head + frame + b"\2\2\x4c\1\0;")
    save("no-frame.malformed.gif", head + b";")
    save("block.malformed.gif", head + b"Z" * 20)
    save("lzw.malformed.gif", head[:10] + b"\x80\0\0\0\0\0\xff\xff\xff" + frame + b"\2\4\xff\xff\xff\xff\0;")
    jpg = encode.jpeg([(1, 1, lambda x, y: 90 * x % 256)], (24, 16))
    save("no-tables.malformed.jpg", jpg[:2] + jpg[jpg.index(b"\xff\xc0") : jpg.index(b"\xff\xc4")] + jpg[jpg.index(b"\xff\xda") :])
    save("no-frame.malformed.jpg", jpg[: jpg.index(b"\xff\xc0")] + jpg[jpg.index(b"\xff\xc4") :])
    save("arithmetic.unsupported.jpg", jpg.replace(b"\xff\xc0", b"\xff\xc9"))
    save("12-bit.unsupported.jpg", jpg.replace(b"\xff\xc0\0\x0b\x08", b"\xff\xc1\0\x0b\x0c"))
    at = jpg.index(b"\xff\xda") + 8
    save("scan.malformed.jpg", jpg[:at] + b"\xff\xd0" * 9 + jpg[at:])
    webp = saved("WEBP", lossless=True)
    save("size.malformed.webp", webp[:4] + struct.pack("<L", 1 << 31) + webp[8:])
    save("no-picture.malformed.webp", riff((b"EXIF", b"abcd")))
    tif = encode.tiff(RGB)
    save("offset.malformed.tif", tif[:4] + b"\xff\xff\xff\x7f" + tif[8:])
    save("planar.unsupported.tif", encode.tiff([[px + (0,) for px in row] for row in RGB], planar=2, photometric=5))
    save("compression.unsupported.tif", encode.tiff(RGB).replace(struct.pack("<HHLL", 259, 3, 1, 1), struct.pack("<HHLL", 259, 3, 1, 34925)))
    save("os2.unsupported.bmp", b"BM" + struct.pack("<LHHL", 100, 0, 0, 26) + struct.pack("<LHHHH", 12, 4, 4, 1, 24) + b"\0" * 60)
    save("rle.unsupported.bmp", encode.bmp([[(0,)]], 8, palette=[(0, 0, 0)]).replace(struct.pack("<HHL", 1, 8, 0), struct.pack("<HHL", 1, 8, 1)))


def foreign():
    box = lambda brand, more=b"": struct.pack(">L", 16 + len(more)) + b"ftyp" + brand + b"\0\0\0\0" + more
    save("photo.unsupported.avif", box(b"avif", b"mif1miaf") + b"\0" * 100)
    save("photo-mif1.unsupported.avif", box(b"mif1", b"miafavif") + b"\0" * 100)
    save("photo.unsupported.heic", box(b"heic", b"mif1heic") + b"\0" * 100)
    save("film.malformed.mp4", box(b"isom", b"iso2mp41") + b"\0" * 100)
    save("photo.unsupported.jxl", b"\xff\x0a" + b"\0" * 50)
    save("photo-box.unsupported.jxl", b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0" * 50)
    save("photo.unsupported.jp2", b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0" * 50)
    for name, data in {
        "pdf": b"%PDF-1.7", "svg": b"<?xml version='1.0'?>\n<svg/>", "psd": b"8BPS\0\1", "exr": b"v/1\1\2\0\0\0", "dds": b"DDS |", "qoi": b"qoif",
        "tga": b"\0\0\2" + b"\0" * 9 + b"\1\0\1\0\x18\0abc", "dcm": b"\0" * 128 + b"DICM", "cr2": b"II*\0\x10\0\0\0CR\2\0", "hdr": b"#?RADIANCE\n",
        "pcx": b"\x0a\5\1\x08", "ico": b"\0\0\1\0\1\0", "fits": b"SIMPLE  =", "xcf": b"gimp xcf file", "raf": b"FUJIFILMCCD-RAW 0201",
    }.items():
        save("photo.unsupported." + name, data + b"\0" * 40)
    save("footer.unsupported.picture", b"\0\0\2" + b"\0" * 9 + b"\1\0\1\0\x18\0abc" + b"\0" * 8 + b"TRUEVISION-XFILE.\0")
    save("photo.unsupported.dng", encode.tiff(RGB).replace(struct.pack("<HHLHH", 277, 3, 1, 3, 0), struct.pack("<HHLL", 50706, 1, 4, 0x0104)))
    save("big.unsupported.tif", b"II+\0\x08\0\0\0" + b"\0" * 50)


def metadata():
    def app1(blob):
        data = b"Exif\0\0" + blob
        return b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data

    def ifd(*entries, nxt=0):
        return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHLL", *e) for e in entries) + struct.pack("<L", nxt)

    for name, blob in {
        "loop": ifd((0x8769, 4, 1, 8), (0x8825, 4, 1, 8), nxt=8),
        "offset": b"II*\0\xff\xff\xff\xff",
        "count": b"II*\0\x08\0\0\0\xff\xff",
        "zero": ifd((274, 3, 1, 0)),
        "nine": ifd((274, 3, 1, 9)),
        "ascii": ifd((274, 2, 1, 6)),
        "many": ifd((274, 3, 3, 6)),
        "order": b"IM*\0\x08\0\0\0",
        "magic": b"II\x2b\0\x08\0\0\0",
        "short": b"II*",
        "empty": b"",
    }.items():
        save("ok.exif-%s.jpg" % name, encode.jpeg([(1, 1, lambda x, y: 50 * x)], (24, 16), segments=app1(blob)))
    jpg = encode.jpeg([(1, 1, lambda x, y: 50 * x)], (24, 16), segments=app1(b""))
    save("exif-length.malformed.jpg", jpg.replace(b"\xff\xe1\0\x08", b"\xff\xe1\xff\xff"))
    save("ok.exif-loop.png", encode.png(RGB, 2, 8, extra=[(b"eXIf", ifd((0x8769, 4, 1, 8), nxt=8))]))


def weights():
    def file(header, data):
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + data

    one = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    f = struct.pack("<f", 1)
    save("empty.safetensors", b"")
    save("length.safetensors", b"\xff" * 16)
    save("truncated.safetensors", file({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}, f))
    save("trailing.safetensors", file({"a": one}, f + b"\0"))
    save("overlap.safetensors", file({"a": one, "b": one}, f))
    save("hole.safetensors", file({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, f + f))
    save("duplicate.safetensors", file(b'{"a":%s,"a":%s}' % ((json.dumps(one).encode(),) * 2), f))
    save("overflow.safetensors", file({"a": {"dtype": "F32", "shape": [1 << 62, 4], "data_offsets": [0, 0]}}, b""))
    save("nan.safetensors", file({"a": one}, struct.pack("<f", float("nan"))))
    save("inf-f16.safetensors", file({"a": {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}}, b"\0\0\0\x7c"))
    save("inf-bf16.safetensors", file({"a": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}, b"\0\0\x80\x7f"))
    save("nesting.safetensors", file(b'{"a":{"x":' + b"[" * 5000, b""))


if __name__ == "__main__":
    for name in os.listdir(HERE):
        if not name.endswith((".py", ".md")) and os.path.isfile(os.path.join(HERE, name)):
            os.remove(os.path.join(HERE, name))
    truncated()
    bombs()
    corrupt()
    foreign()
    metadata()
    weights()
