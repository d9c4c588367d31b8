"""Makes pictures that stand in odd but readable files, and beside each what Pillow 9.4 shows of it.

    /usr/bin/python3 make.py

NAME.EXT has to decode to NAME.EXT.png, bit for bit; *.unsupported.EXT is valid and refused with
these words. Where Pillow does not read a kind, the picture that was stored stands in.
"""
import io
import os
import struct
import sys
import warnings
import zlib

from PIL import Image, ImageOps

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "formats"))
import encode  # noqa: E402

warnings.simplefilter("ignore")
W, H = 19, 11
RGB = [[(13 * x, 23 * y, 7 * x * y % 256) for x in range(W)] for y in range(H)]
GRAY = [[((x * 11 + y * 17) % 256,) for x in range(W)] for y in range(H)]
INK = [[(13 * x, 23 * y, 7 * x * y % 256, 5 * x) for x in range(W)] for y in range(H)]
IM = Image.new("RGB", (W, H))
IM.putdata([px for row in RGB for px in row])


def save(name, data, stored=None):
    with open(os.path.join(HERE, name), "wb") as f:
        f.write(data)
    if ".unsupported." in name:
        return
    im = stored or ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    im.save(os.path.join(HERE, name + ".png"), optimize=True)


def written(im, fmt, **options):
    b = io.BytesIO()
    im.save(b, fmt, **options)
    return b.getvalue()


def raw(picture):
    return b"".join(b"\0" + encode.pack(row, 8) for row in picture)


def png_of(idat, color=2, before=(), after=((b"IEND", b""),)):
    out = b"\x89PNG\r\n\x1a\n" + encode.chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, 8, color, 0, 0, 0))
    for name, data in before:
        out += encode.chunk(name, data)
    for data in idat:
        out += encode.chunk(b"IDAT", data)
    for name, data in after:
        out += encode.chunk(name, data)
    return out


def pngs():
    z = zlib.compress(raw(RGB), 9)
    save("extra-rows.png", png_of([zlib.compress(raw(RGB + RGB), 9)]))
    save("extra-chunk.png", png_of([z, b"abcdef"]))
    save("empty-chunks.png", png_of([b"", z[:10], b"", z[10:], b""]))
    save("no-end.png", png_of([z], after=()))
    save("cut-end.png", png_of([z])[:-5])
    save("after-end.png", png_of([z]) + b"and more")
    save("palette-in-gray.png", png_of([zlib.compress(raw(GRAY), 9)], 0, [(b"PLTE", bytes(range(6)))]))
    save("palette-in-rgb.png", png_of([z], 2, [(b"PLTE", bytes(range(6)))]))
    save("long-trns.png", png_of([z], 2, [(b"tRNS", bytes(8))]))
    inter = encode.png(RGB, 2, 8, interlace=True)
    save("interlaced-no-end.png", inter[:-12])
    blob = encode.exif(6)
    profile = b"\nexif\n%8d\n" % (6 + len(blob)) + (b"Exif\0\0" + blob).hex().encode() + b"\n"
    for name, data in {
        "exif.png": (b"eXIf", blob),
        "profile.text.png": (b"tEXt", b"Raw profile type exif\0" + profile),
        "profile.ztxt.png": (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(profile)),
        "xmp.png": (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta><rdf:Description tiff:Orientation=\"6\"/></x:xmpmeta>"),
        "xmp-element.png": (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta><tiff:Orientation>8</tiff:Orientation></x:xmpmeta>"),
        "xmp-packed.png": (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"<x tiff:Orientation=\"3\"/>")),
    }.items():
        save("turned-" + name, png_of([z], 2, [data]))


def tiffs():
    four = [[px + (255 - 9 * x,) for x, px in enumerate(row)] for row in RGB]
    five = [[px + (1, 2) for px in row] for row in RGB]
    for extra in (0, 2):
        save("extra-%d.tif" % extra, encode.tiff(four, extra=extra))
    save("extra-none-said.tif", encode.tiff(four), IM)
    save("five-samples.tif", encode.tiff(five, extra=0), IM)
    save("cmyk.tif", encode.tiff(INK, photometric=5))
    save("cmyk-deflate-tiles.tif", encode.tiff(INK, photometric=5, tile=16, compress=True))
    wide = encode.tiff(RGB).replace(struct.pack("<HHLHH", 278, 3, 1, H, 0), struct.pack("<HHLL", 278, 4, 1, 0xFFFFFFFF))
    save("rows-unlimited.tif", wide)
    lzw = written(IM, "TIFF", compression="tiff_lzw")
    save("lzw-no-end.tif", no_end(lzw))
    for predictor in (1, 2):
        for c in ("tiff_lzw", "tiff_adobe_deflate"):
            save("predictor-%d-%s.tif" % (predictor, c), written(IM, "TIFF", compression=c, tiffinfo={317: predictor, 278: 4}))
    flat = Image.new("L", (24, 16), 90)
    flat.paste(200, (8, 8, 16, 16))
    save("jpeg.tif", written(flat, "TIFF", compression="jpeg", quality=95))
    save("jpeg-cmyk.unsupported.tif", written(Image.new("CMYK", (8, 8)), "TIFF", compression="jpeg"))
    for bits in (2, 4):
        save("gray%d.tif" % bits, encode.tiff([[(v[0] >> (8 - bits),) for v in row] for row in GRAY], depth=bits))
    save("fill-order.tif", encode.tiff([[(x % 3 == 0,) for x in range(W)] for _ in range(H)], depth=1, fill=2))
    save("planes.tif", encode.tiff(RGB, planar=2, rows_per_strip=4))
    save("planes-tiles-4.tif", encode.tiff(four, planar=2, tile=16, compress=True, extra=2))
    save("lab.unsupported.tif", written(Image.new("LAB", (3, 2)), "TIFF"))
    save("float.unsupported.tif", written(IM.convert("F"), "TIFF"))


def no_end(data):
    """LZW data without the code that ends it: the strip is one byte shorter, or as many as hold it."""
    at = struct.unpack("<L", data[4:8])[0]
    out = bytearray(data)
    for i in range(struct.unpack("<H", data[at : at + 2])[0]):
        e = at + 2 + 12 * i
        if struct.unpack("<H", data[e : e + 2])[0] == 279:
            n = struct.unpack("<L", data[e + 8 : e + 12])[0] if data[e + 2] == 4 else struct.unpack("<H", data[e + 8 : e + 10])[0]
            out[e + 8 : e + 12] = struct.pack("<L", n - 1)
            out[e + 2] = 4
    return bytes(out)


def webps():
    b = written(IM.convert("RGBA"), "WEBP", quality=80)
    a = IM.convert("RGBA")
    a.putalpha(Image.linear_gradient("L").resize((W, H)))
    alpha = written(a, "WEBP", quality=80)
    at = alpha.index(b"VP8X") + 8
    save("alpha-unsaid.webp", alpha[:at] + bytes([alpha[at] & ~0x10]) + alpha[at + 1 :])
    save("alpha-said.webp", alpha)
    save("turned.webp", written(IM, "WEBP", lossless=True, exif=b"Exif\0\0" + encode.exif(6)))
    xmp = b"<x tiff:Orientation=\"6\"/>"
    save("turned-xmp.webp", written(IM, "WEBP", lossless=True, xmp=xmp), IM.transpose(Image.ROTATE_270))
    assert b


def gifs():
    g = written(IM.convert("P"), "GIF")
    save("spare-byte.gif", g[:13 + 3 * 256] + b"\0\7" + g[13 + 3 * 256 :])
    end = g.rindex(b"\0;")
    save("spare-block.gif", g[:end] + b"\3abc" + g[end:])
    save("no-trailer.gif", g[:-1])
    save("no-block-end.gif", g[:-2])
    save("interlaced.gif", written(IM.convert("P"), "GIF", interlace=1))


def netpbms():
    g, m = IM.convert("L"), IM.convert("1")
    save("p1.pbm", b"P1 # bits\n%d %d\n" % (W, H) + b"\n".join(b"".join(b"0" if m.getpixel((x, y)) else b"1" for x in range(W)) for y in range(H)) + b"\n")
    save("p4.pbm", written(m, "PPM"))
    save("p5.pgm", written(g, "PPM"))
    save("p6.ppm", written(IM, "PPM"))
    plain = lambda px: b" ".join(b"%d" % v for p in px for v in p)
    save("p2.pgm", b"P2\n# by hand\n%d %d # size\n255\n" % (W, H) + b"\n".join(plain(r) for r in GRAY) + b"\n")
    save("p3.ppm", b"P3\n%d\n%d\n15\n" % (W, H) + b"\n".join(plain([[v >> 4 for v in p] for p in r]) for r in RGB))
    save("p6-max100.ppm", b"P6 %d %d 100\n" % (W, H) + bytes(v * 100 // 255 for r in RGB for p in r for v in p))
    save("p6-16.ppm", b"P6 %d %d 65535\n" % (W, H) + b"".join(struct.pack(">H", 257 * v) for r in RGB for p in r for v in p))
    save("p5-16.pgm", b"P5 %d %d 65535\n" % (W, H) + b"".join(struct.pack(">H", 257 * p[0]) for r in GRAY for p in r), image(GRAY))
    save("p7.pam", b"P7\nWIDTH %d\nHEIGHT %d\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n" % (W, H) + bytes(v for r in RGB for p in r for v in p + (7,)), IM)


def image(picture):
    im = Image.new("L", (W, H))
    im.putdata([p[0] for r in picture for p in r])
    return im.convert("RGB")


pngs()
tiffs()
webps()
gifs()
netpbms()
