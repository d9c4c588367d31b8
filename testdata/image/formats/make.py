"""Makes the pictures of this folder, and beside them what Pillow makes of them.

    /usr/bin/python3 make.py

NAME.FLAVOUR.EXT has to decode to NAME.png, bit for bit. lossy.*.jpg has to come near
to lossy.FLAVOUR.ref.png, and orient.N.* upright to orient.png. Pillow is the judge of
the lossy ones; the files here were made with Pillow 9.4, libjpeg-turbo 2.1.5.
"""
import io
import os
import random
import struct

from PIL import Image, ImageOps

import encode

HERE = os.path.dirname(os.path.abspath(__file__))
rnd = random.Random(5)


def save(name, data):
    with open(os.path.join(HERE, name), "wb") as f:
        f.write(data)


def pillow(name, **options):
    def write(im, fmt=None):
        b = io.BytesIO()
        im.save(b, fmt or {"jpg": "JPEG", "tif": "TIFF"}.get(name.rsplit(".", 1)[1], name.rsplit(".", 1)[1]), **options)
        save(name, b.getvalue())

    return write


def image(picture, mode="RGB"):
    im = Image.new(mode, (len(picture[0]), len(picture)))
    im.putdata([px if len(px) > 1 else px[0] for row in picture for px in row])
    return im


def reference(name, im):
    im = im.convert("RGB")
    im.info = {}  # a transparent colour among them
    im.save(os.path.join(HERE, name), optimize=True)


# A picture of at most 216 colours, of odd size, with smooth and with noisy parts.
W, H = 37, 23
LEVELS = [0, 51, 102, 153, 204, 255]


def sample(x, y, c):
    if 12 <= x < 25 and 6 <= y < 17:
        return rnd.choice(LEVELS)
    return LEVELS[(x * (c + 1) // 9 + y // (c + 2)) % 6]


color = [[tuple(sample(x, y, c) for c in range(3)) for x in range(W)] for y in range(H)]
alpha = [[px + (rnd.choice([0, 1, 77, 128, 254, 255]),) for px in row] for row in color]
opaque = [[px + (255,) for px in row] for row in color]
colors = sorted({px for row in color for px in row})
index = {c: i for i, c in enumerate(colors)}
indexed = [[(index[px],) for px in row] for row in color]


def deep(picture):
    """16-bit samples whose high bytes are the picture's."""
    return [[tuple(v << 8 | rnd.randrange(256) for v in px) for px in row] for row in picture]


def color_files():
    n = "color."
    im = image(color)
    reference("color.png", im)
    save(n + "interlaced.png", encode.png(color, 2, 8, interlace=True))
    save(n + "trns.png", encode.png(color, 2, 8, trns=struct.pack(">3H", *color[0][0])))
    save(n + "rgb16.png", encode.png(deep(color), 2, 16))
    save(n + "rgb16-interlaced.png", encode.png(deep(color), 2, 16, interlace=True))
    save(n + "rgba-opaque.png", encode.png(opaque, 6, 8))
    save(n + "rgba.png", encode.png(alpha, 6, 8))
    save(n + "rgba-interlaced.png", encode.png(alpha, 6, 8, interlace=True))
    save(n + "rgba16.png", encode.png(deep(alpha), 6, 16))
    save(n + "palette.png", encode.png(indexed, 3, 8, palette=colors))
    save(n + "palette-trns.png", encode.png(indexed, 3, 8, palette=colors, trns=bytes(range(0, 2 * 100, 2))))
    save(n + "palette-interlaced.png", encode.png(indexed, 3, 8, interlace=True, palette=colors))
    save(n + "24.bmp", encode.bmp(color, 24))
    save(n + "24-topdown.bmp", encode.bmp(color, 24, top_down=True))
    save(n + "32.bmp", encode.bmp(opaque, 32))
    save(n + "32-v4.bmp", encode.bmp(alpha, 32, v4=True))
    save(n + "palette.bmp", encode.bmp(indexed, 8, palette=colors))
    for compression in ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"]:
        pillow(n + compression + ".tif", compression=compression)(im)
    pillow(n + "predictor.tif", compression="tiff_lzw", tiffinfo={317: 2})(im)
    save(n + "big-endian.tif", encode.tiff(color, ">", rows_per_strip=4))
    save(n + "tiled.tif", encode.tiff(color, tile=16))
    save(n + "tiled-deflate.tif", encode.tiff(color, ">", tile=16, compress=True))
    save(n + "rgb16.tif", encode.tiff(deep(color), depth=16, rows_per_strip=5))
    save(n + "rgb16-big-endian.tif", encode.tiff(deep(color), ">", depth=16, tile=16))
    save(n + "rgba.tif", encode.tiff(alpha, extra=2))
    save(n + "rgba16.tif", encode.tiff(deep(alpha), depth=16, extra=2))
    save(n + "rgba-opaque-premultiplied.tif", encode.tiff(opaque, extra=1))
    save(n + "palette.tif", encode.tiff(indexed, photometric=3, palette=colors + [(0, 0, 0)] * (256 - len(colors))))
    pillow(n + "lossless.webp", lossless=True)(im)
    pillow(n + "lossless-alpha.webp", lossless=True, exact=True)(image(alpha, "RGBA"))
    p = image(indexed, "P")
    p.putpalette([v for c in colors for v in c])
    pillow(n + "plain.gif", interlace=0)(p)
    pillow(n + "interlaced.gif", interlace=1)(p)
    pillow(n + "transparent.gif", interlace=0, transparency=indexed[0][0][0])(p)
    # A premultiplied picture decodes to what Pillow divides out of it.
    pre = [[tuple(v * px[3] // 255 for v in px[:3]) + px[3:] for px in row] for row in alpha]
    save("premultiplied.8.tif", encode.tiff(pre, extra=1))
    reference("premultiplied.png", Image.open(os.path.join(HERE, "premultiplied.8.tif")))
    save("premultiplied.16.tif", encode.tiff(deep(pre), ">", depth=16, extra=1))


def gray_files():
    gray = [[(px[0] ^ px[1] ^ px[2],) for px in row] for row in color]
    reference("gray.png", image(gray, "L"))
    save("gray.8.png", encode.png(gray, 0, 8))
    save("gray.8-interlaced.png", encode.png(gray, 0, 8, interlace=True))
    save("gray.8-trns.png", encode.png(gray, 0, 8, trns=b"\0\x33"))
    save("gray.16.png", encode.png(deep(gray), 0, 16))
    save("gray.16-trns.png", encode.png(deep(gray), 0, 16, trns=b"\x33\x33"))
    save("gray.la.png", encode.png([[px + a[3:] for px, a in zip(r, s)] for r, s in zip(gray, alpha)], 4, 8))
    save("gray.la16.png", encode.png(deep([[px + a[3:] for px, a in zip(r, s)] for r, s in zip(gray, alpha)]), 4, 16))
    save("gray.8.tif", encode.tiff(gray))
    save("gray.16.tif", encode.tiff(deep(gray), depth=16))
    save("gray.16-tiled.tif", encode.tiff(deep(gray), ">", depth=16, tile=32))
    save("gray.white-is-zero.tif", encode.tiff([[(255 - px[0],) for px in row] for row in gray], photometric=0))
    save("gray.8.bmp", encode.bmp(gray, 8, palette=[(i, i, i) for i in range(256)]))
    pillow("gray.8.gif")(image(gray, "L"))
    pillow("gray.8.webp", lossless=True)(image(gray, "L").convert("RGB"))
    for depth in 1, 2, 4:
        top = 2**depth - 1
        few = [[(px[0] * 7 % (top + 1),) for px in row] for row in gray]
        name = "gray%d" % depth
        full = [[(px[0] * 255 // top,) for px in row] for row in few]
        reference(name + ".png", image(full, "L"))
        save(name + ".flat.png", encode.png(few, 0, depth))
        save(name + ".interlaced.png", encode.png(few, 0, depth, interlace=True))
        save(name + ".trns.png", encode.png(few, 0, depth, trns=b"\0\1"))
        palette = [(255 * i // top,) * 3 for i in range(top + 1)]
        save(name + ".palette.png", encode.png(few, 3, depth, palette=palette))
        save(name + ".palette.bmp", encode.bmp(few, depth, palette=palette))
    bits = [[(px[0] * 7 % 2,) for px in row] for row in gray]
    save("gray1.raw.tif", encode.tiff(bits, depth=1))
    im = image([[(255 * px[0],) for px in row] for row in bits], "L").convert("1")
    for compression in ["packbits", "group3", "group4"]:
        pillow("gray1.%s.tif" % compression, compression=compression)(im)


def blocks(seed):
    """A random sample for each 8×8 block: half of them far from the middle."""
    r = random.Random(seed)
    table = {}

    def value(bx, by):
        return table.setdefault((bx, by), r.choice([r.randrange(256), r.choice([0, 1, 127, 128, 129, 254, 255])]))

    return value


def jpeg_files():
    """flat.*: every decoder has the same planes, so that the result is Pillow's bit for bit."""
    y, cb, cr, k = (blocks(i) for i in range(4))

    def flat(name, components, size, **options):
        save("flat.%s.jpg" % name, encode.jpeg(components, size, **options))
        reference("flat.%s.ref.png" % name, Image.open(os.path.join(HERE, "flat.%s.jpg" % name)))

    for name, h, v in ("444", 1, 1), ("422", 2, 1), ("420", 2, 2), ("440", 1, 2), ("411", 4, 1), ("410", 4, 2):
        flat(name, [(h, v, y), (1, 1, cb), (1, 1, cr)], (53, 47), jfif=True)
    flat("420-even", [(2, 2, y), (1, 1, cb), (1, 1, cr)], (48, 32), restart=2)
    for n in range(1, 7):  # 1 and 2 stored columns aren't smoothed
        flat("420-%dx3" % n, [(2, 2, y), (1, 1, cb), (1, 1, cr)], (n, 3))
        flat("422-%dx1" % n, [(2, 1, y), (1, 1, cb), (1, 1, cr)], (n, 1))
    flat("440-1x5", [(1, 2, y), (1, 1, cb), (1, 1, cr)], (1, 5))
    flat("440-9x1", [(1, 2, y), (1, 1, cb), (1, 1, cr)], (9, 1))
    flat("gray", [(1, 1, y)], (19, 18), jfif=True)
    flat("gray-22", [(2, 2, y)], (19, 18))
    flat("rgb", [(1, 1, y), (1, 1, cb), (1, 1, cr)], (20, 19), ids=b"RGB")
    flat("rgb-adobe", [(1, 1, y), (1, 1, cb), (1, 1, cr)], (20, 19), adobe=0)
    flat("rgb-halved", [(2, 2, y), (1, 1, cb), (1, 1, cr)], (37, 35), adobe=0)
    flat("ycc-adobe", [(2, 1, y), (1, 1, cb), (1, 1, cr)], (20, 19), adobe=1)
    for name, options in ("cmyk", {"adobe": 0}), ("ycck", {"adobe": 2}), ("cmyk-plain", {}):
        flat(name, [(1, 1, c) for c in (y, cb, cr, k)], (30, 29), **options)
        flat(name + "-halved", [(2, 2, y), (1, 1, cb), (1, 1, cr), (2, 2, k)], (61, 39), **options)

    # lossy.*: an ordinary encoder, so that the inverse transforms differ too.
    def photo(x, y, c):
        dx, dy = x - 40 - 9 * c, y - 30
        return max(0, min(255, int(128 + 90 * ((dx * dx + dy * dy) % 1700 / 850 - 1) + 30 * ((x // 11 + y // 7) % 3 - 1))))

    im = Image.new("RGB", (93, 71))
    im.putdata([tuple(photo(x, y, c) for c in range(3)) for y in range(71) for x in range(93)])
    for name, options in {
        "444-q95": {"subsampling": 0, "quality": 95},
        "422-q80": {"subsampling": 1, "quality": 80},
        "420-q75": {"subsampling": 2, "quality": 75},
        "420-q30": {"subsampling": 2, "quality": 30},
        "420-progressive": {"subsampling": 2, "quality": 85, "progressive": True},
    }.items():
        pillow("lossy.%s.jpg" % name, **options)(im)
    # Chroma that varies within its 1, 2 or 3 columns; only 3 are smoothed.
    for n in range(1, 7):
        narrow = Image.new("RGB", (n, 9))
        narrow.putdata([(255 * (x // 2 % 2), 255 * (y // 2 % 2), 128) for y in range(9) for x in range(n)])
        for name, s in ("420", 2), ("422", 1):
            pillow("lossy.%s-%dx9.jpg" % (name, n), subsampling=s, quality=100)(narrow)
    pillow("lossy.gray.jpg", quality=85)(im.convert("L"))
    pillow("lossy.cmyk.jpg", quality=85)(im.convert("CMYK"))
    pillow("lossy.q80.webp", quality=80)(im)
    pillow("lossy.odd.webp", quality=50)(im.crop((3, 4, 64, 35)))
    pillow("lossy.1x1.webp", quality=50)(im.crop((3, 4, 4, 5)))
    a = im.copy()
    a.putalpha(im.convert("L").point(lambda v: v // 2 + 100))
    pillow("lossy.alpha.webp", quality=70)(a)
    for name in sorted(os.listdir(HERE)):
        if name.startswith("lossy.") and not name.endswith(".png"):
            reference(name.rsplit(".", 1)[0] + ".ref.png", Image.open(os.path.join(HERE, name)))


def frames():
    """GIF and WebP whose first frame is a part of the canvas, or more than it."""
    pal = [(200, 30, 40), (10, 220, 30), (40, 50, 230), (250, 240, 20)]
    px = bytes((x + y) % 4 for y in range(5) for x in range(7))

    def lzw(data):
        """Codes of 3 bits, with a clear code before the table would grow."""
        bits = ""
        for i, v in enumerate(data):
            if i % 2 == 0:
                bits = "100" + bits
            bits = format(v, "03b") + bits
        bits = "101" + bits
        bits = "0" * (-len(bits) % 8) + bits
        return bytes(int(bits[i : i + 8], 2) for i in range(len(bits) - 8, -1, -8))

    def gif(w, h, x, y, control=b"", local=False):
        table = bytes(v for c in pal for v in c)
        out = b"GIF89a" + struct.pack("<HHBBB", w, h, 0x81, 2, 0)
        out += bytes(v for c in pal[::-1] for v in c) if local else table
        out += b"!\xfe\3abc\0" + control
        z = lzw(px)
        out += b"," + struct.pack("<HHHHB", x, y, 7, 5, 0x81 if local else 0) + (table if local else b"")
        return out + b"\2" + bytes([len(z)]) + z + b"\0;"

    for name, args in {
        "inside": (12, 9, 3, 2),
        "transparent": (12, 9, 3, 2, b"!\xf9\4\1\0\0\3\0"),
        "local": (12, 9, 0, 4, b"!\xf9\4\0\0\0\3\0", True),
        "beyond": (8, 4, 3, 2),
    }.items():
        save("frame-%s.gif" % name, gif(*args))
        reference("frame-%s.ref.png" % name, Image.open(os.path.join(HERE, "frame-%s.gif" % name)))

    im = image(color)
    for name, options, mode in ("lossless", {"lossless": True}, "RGB"), ("lossy", {"quality": 60}, "RGB"), ("alpha", {"quality": 60}, "RGBA"):
        b = io.BytesIO()
        picture = image(alpha, "RGBA") if mode == "RGBA" else im
        picture.save(b, "WEBP", **options)
        riff = b.getvalue()[12:]
        if riff[:4] == b"VP8X":
            riff = riff[18:]

        def box(name, data):
            return name + struct.pack("<L", len(data)) + data + b"\0" * (len(data) % 2)

        def size3(v):
            return struct.pack("<L", v)[:3]

        frame = size3(3) + size3(2) + size3(W - 1) + size3(H - 1) + size3(100) + b"\2" + riff
        out = b"WEBP" + box(b"VP8X", b"\x12\0\0\0" + size3(W + 9) + size3(H + 5))
        out += box(b"ANIM", b"\xff\0\xff\xff\0\0") + box(b"ANMF", frame) + box(b"ANMF", frame)
        save("frame-%s.webp" % name, b"RIFF" + struct.pack("<L", len(out)) + out)
        reference("frame-%s-webp.ref.png" % name, Image.open(os.path.join(HERE, "frame-%s.webp" % name)))


def orientations():
    """One upright picture of flat blocks, stored in each of the eight ways."""
    up = [[(40 + 60 * x + 7 * y,) for x in range(3)] for y in range(2)]
    full = image([[up[y // 8][x // 8] for x in range(24)] for y in range(16)], "L")
    reference("orient.png", full)
    for o in range(1, 9):
        inverse = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose that undoes it
        stored = full.transpose(inverse[o]) if o > 1 else full
        blob = encode.exif(o, "<>"[o % 2])
        w, h = stored.size
        small = [[stored.getpixel((8 * x, 8 * y)) for x in range(w // 8)] for y in range(h // 8)]
        app1 = b"Exif\0\0" + blob
        app1 = b"\xff\xe1" + struct.pack(">H", len(app1) + 2) + app1
        save("orient.%d.jpg" % o, encode.jpeg([(1, 1, lambda x, y: small[y][x])], (w, h), jfif=o % 2 == 0, segments=app1))
        picture = [[(stored.getpixel((x, y)),) for x in range(w)] for y in range(h)]
        where = {"extra" if o % 2 else "after": [(b"eXIf", blob)]}
        save("orient.%d.png" % o, encode.png(picture, 0, 8, **where))
        save("orient.%d.tif" % o, encode.tiff(picture, "<>"[o % 2], orientation=o))
        pillow("orient.%d.webp" % o, lossless=True, exif=blob)(stored.convert("RGB"))
        for ext in "jpg", "png", "webp":
            with Image.open(os.path.join(HERE, "orient.%d.%s" % (o, ext))) as im:
                assert ImageOps.exif_transpose(im).convert("RGB").tobytes() == full.convert("RGB").tobytes(), (o, ext)


if __name__ == "__main__":
    for name in os.listdir(HERE):
        if not name.endswith((".py", ".md")) and os.path.isfile(os.path.join(HERE, name)):
            os.remove(os.path.join(HERE, name))
    color_files()
    gray_files()
    jpeg_files()
    frames()
    orientations()
