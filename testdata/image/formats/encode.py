"""Small writers of PNG, TIFF, BMP and JPEG, for the flavours that Pillow doesn't write.

Pictures are lists of rows of pixels, a pixel being a tuple of samples.
"""
import struct
import zlib


def rows(picture):
    return [list(row) for row in picture]


# PNG -----------------------------------------------------------------------------

PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def pack(row, depth):
    """Packs the samples of a row, most significant bit first."""
    if depth == 16:
        return b"".join(struct.pack(">%dH" % len(px), *px) for px in row)
    bits = "".join(format(v, "0%db" % depth) for px in row for v in px)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


def png(picture, color, depth, interlace=False, palette=None, trns=None, extra=(), after=()):
    """color is PNG's colour type: 0 gray, 2 RGB, 3 palette, 4 gray+alpha, 6 RGBA."""
    h, w = len(picture), len(picture[0])
    raw = b""
    for x0, y0, dx, dy in PASSES if interlace else [(0, 0, 1, 1)]:
        for y in range(y0, h, dy):
            row = picture[y][x0::dx]
            if row:
                raw += b"\0" + pack(row, depth)
    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, color, 0, 0, int(interlace)))
    for name, data in extra:
        out += chunk(name, data)
    if palette:
        out += chunk(b"PLTE", bytes(v for c in palette for v in c))
    if trns:
        out += chunk(b"tRNS", trns)
    z = zlib.compress(raw, 9)
    out += chunk(b"IDAT", z[: len(z) // 2]) + chunk(b"IDAT", z[len(z) // 2 :])
    for name, data in after:
        out += chunk(name, data)
    return out + chunk(b"IEND", b"")


# TIFF ----------------------------------------------------------------------------


def tiff(picture, order="<", depth=8, tile=None, rows_per_strip=None, compress=False, photometric=None,
         extra=None, palette=None, orientation=None, planar=None, fill=None):
    h, w, n = len(picture), len(picture[0]), len(picture[0][0])

    def encode(block):
        data = b""
        for row in block:
            if depth == 16:
                data += b"".join(struct.pack(order + "%dH" % len(px), *px) for px in row)
            else:
                data += pack(row, depth)
        return zlib.compress(data, 9) if compress else data

    blank = (0,) * (1 if planar == 2 else n)
    blocks = []
    parts = [[[(px[c],) for px in row] for row in picture] for c in range(n)] if planar == 2 else [picture]
    for picture in parts if tile else []:
        for y in range(0, h, tile):
            for x in range(0, w, tile):
                block = [[picture[j][i] if j < h and i < w else blank for i in range(x, x + tile)] for j in range(y, y + tile)]
                blocks.append(encode(block))
    for picture in [] if tile else parts:
        step = rows_per_strip or h
        for y in range(0, h, step):
            blocks.append(encode(picture[y : y + step]))

    tags = {256: ("H", [w]), 257: ("H", [h]), 258: ("H", [depth] * n), 259: ("H", [8 if compress else 1]),
            262: ("H", [photometric if photometric is not None else (2 if n >= 3 else 1)]), 277: ("H", [n])}
    if extra is not None:
        tags[338] = ("H", [extra])
    if palette:
        tags[320] = ("H", [257 * c[i] for i in range(3) for c in palette])
    if orientation:
        tags[274] = ("H", [orientation])
    if planar:
        tags[284] = ("H", [planar])
    if fill:
        tags[266] = ("H", [fill])
    if tile:
        tags[322], tags[323] = ("H", [tile]), ("H", [tile])
    else:
        tags[278] = ("H", [rows_per_strip or h])
    offsets, counts = (324, 325) if tile else (273, 279)
    tags[counts] = ("L", [len(b) for b in blocks])
    tags[offsets] = ("L", [0] * len(blocks))

    at = 8 + 2 + 12 * len(tags) + 4
    where = {}
    for tag, (kind, values) in sorted(tags.items()):
        size = len(values) * struct.calcsize("<" + kind)
        if size > 4:
            where[tag] = at
            at += size + size % 2
    first = at
    tags[offsets] = ("L", [first + sum(len(b) for b in blocks[:i]) for i in range(len(blocks))])
    out = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "LH", 8, len(tags))
    tail = b""
    for tag, (kind, values) in sorted(tags.items()):
        data = struct.pack(order + "%d%s" % (len(values), kind), *values)
        out += struct.pack(order + "HHL", tag, {"H": 3, "L": 4}[kind], len(values))
        if tag in where:
            out += struct.pack(order + "L", where[tag])
            tail += data + b"\0" * (len(data) % 2)
        else:
            out += data.ljust(4, b"\0")
    return out + struct.pack(order + "L", 0) + tail + b"".join(blocks)


def exif(orientation, order="<"):
    """An EXIF blob of one entry."""
    head = {"<": b"II*\0", ">": b"MM\0*"}[order]
    return head + struct.pack(order + "LHHHLHHL", 8, 1, 274, 3, 1, orientation, 0, 0)


# BMP -----------------------------------------------------------------------------


def bmp(picture, bits, top_down=False, palette=None, v4=False):
    h, w = len(picture), len(picture[0])
    data = b""
    for row in picture if top_down else picture[::-1]:
        if bits <= 8:
            line = pack(row, bits)
        else:
            line = bytes(v for px in row for v in (px[2], px[1], px[0]) + tuple(px[3:]))
        data += line + b"\0" * (-len(line) % 4)
    table = b"".join(bytes((c[2], c[1], c[0], 0)) for c in palette or [])
    size = 108 if v4 else 40
    info = struct.pack("<LllHHLLllLL", size, w, -h if top_down else h, 1, bits, 3 if v4 else 0, len(data), 2835, 2835, len(palette or []), 0)
    if v4:
        info += struct.pack("<LLLL", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + b"\0" * 52
    start = 14 + size + len(table)
    return b"BM" + struct.pack("<LHHL", start + len(data), 0, 0, start) + info + table + data


# JPEG ----------------------------------------------------------------------------


def jpeg(components, size, ids=None, adobe=None, jfif=False, restart=0, segments=b""):
    """Baseline JPEG whose 8×8 blocks are flat, so that every decoder agrees on the
    planes to the last bit and what is left is chroma upsampling and colour.

    components: for each one (h, v, value), value(bx, by) giving the sample of block
    (bx, by). size: (width, height). The DC quantiser is 8, so that a coefficient is
    the sample - 128. Codes are 4 bits for DC categories and 1 bit for "end of block".
    """
    w, h = size
    hmax, vmax = max(c[0] for c in components), max(c[1] for c in components)
    n = len(components)
    if n == 1:
        hmax = vmax = 1
    across, down = -(-w // (8 * hmax)), -(-h // (8 * vmax))
    bits, mcu, rst = [], 0, 0
    scan = b""

    def flush():
        text = "".join(bits)
        text += "1" * (-len(text) % 8)
        data = bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))
        bits.clear()
        return data.replace(b"\xff", b"\xff\0")

    last = [0] * n
    for my in range(down):
        for mx in range(across):
            if restart and mcu and mcu % restart == 0:
                scan += flush() + bytes((0xFF, 0xD0 + rst % 8))
                rst += 1
                last = [0] * n
            mcu += 1
            for c, (ch, cv, value) in enumerate(components):
                if n == 1:
                    ch = cv = 1
                for y in range(cv):
                    for x in range(ch):
                        dc = value(mx * ch + x, my * cv + y) - 128
                        diff, last[c] = dc - last[c], dc
                        cat = abs(diff).bit_length()
                        bits.append(format(cat, "04b"))
                        if cat:
                            bits.append(format(diff if diff > 0 else diff + (1 << cat) - 1, "0%db" % cat))
                        bits.append("0")
    scan += flush()

    def segment(marker, data):
        return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data

    ids = ids or range(1, n + 1)
    out = b"\xff\xd8"
    if jfif:
        out += segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
    if adobe is not None:
        out += segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([adobe]))
    out += segments
    out += segment(0xDB, b"\0" + bytes([8]) * 64)
    out += segment(0xC0, struct.pack(">BHHB", 8, h, w, n) + b"".join(bytes((i, 16 * c[0] + c[1], 0)) for i, c in zip(ids, components)))
    out += segment(0xC4, b"\x00" + bytes([0, 0, 0, 12] + [0] * 12) + bytes(range(12)))
    out += segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\0")
    if restart:
        out += segment(0xDD, struct.pack(">H", restart))
    out += segment(0xDA, bytes([n]) + b"".join(bytes((i, 0)) for i in ids) + b"\0\x3f\0")
    return out + scan + b"\xff\xd9"
