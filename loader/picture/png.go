package picture

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image/png"
	"io"
)

// maxChunks bounds the walk over a file's chunks for its metadata.
const maxChunks = 1 << 20

func sizePNG(in *input) (int, int, error) {
	c, err := png.DecodeConfig(in.stream())
	if err == nil {
		return c.Width, c.Height, nil
	}
	// Of a header that is right a chunk behind it may be what the standard library refuses.
	h, herr := readPNGHeader(in)
	if herr != nil {
		return 0, 0, err
	}
	return h.width, h.height, nil
}

func decodePNG(in *input) (*RGB, error) {
	img, err := png.Decode(in.stream())
	if err != nil && in.ctx.Err() == nil && in.readErr == nil {
		if plain, perr := plainPNG(in); perr == nil {
			img, err = png.Decode(plain)
			plain.Close()
		}
	}
	if err != nil {
		return nil, err
	}
	return in.convert(img)
}

// walkPNG calls chunk for each chunk until it returns false. A chunk is a length, a
// name, the data and a checksum.
func walkPNG(in *input, chunk func(name string, data span) bool) {
	at := int64(8)
	for range maxChunks {
		var head [8]byte
		if !readAll(in, head[:], at) {
			return
		}
		data := span{at + 8, int64(binary.BigEndian.Uint32(head[:4]))}
		if !chunk(string(head[4:]), data) {
			return
		}
		at = data.at + data.n + 4
	}
}

// orientationPNG looks for the eXIf chunk, which may stand before or after the picture; then
// for EXIF that ImageMagick wrote as text; then for XMP.
func orientationPNG(in *input) int {
	exif, profile, xmp := 0, 0, 0
	walkPNG(in, func(name string, data span) bool {
		switch name {
		case "eXIf":
			exif = exifOrientation(in.blob(data.at, data.n))
		case "tEXt", "zTXt", "iTXt":
			switch key, text := textPNG(name, in.blob(data.at, data.n)); key {
			case "Raw profile type exif", "Raw profile type APP1":
				profile = exifOrientation(rawProfile(text))
			case "XML:com.adobe.xmp":
				xmp = xmpOrientation(text)
			}
		}
		return exif == 0 && name != "IEND"
	})
	for _, o := range []int{exif, profile, xmp} {
		if o != 0 {
			return o
		}
	}
	return 0
}

// maxText is how much of a compressed text is looked at: hexadecimal digits of an EXIF block.
const maxText = 1 << 18

// textPNG returns the key and the text of a chunk of text:
//
//	tEXt  key 0 text
//	zTXt  key 0 method compressed text
//	iTXt  key 0 compressed? method language 0 key 0 text
func textPNG(name string, data []byte) (key string, text []byte) {
	k, text, ok := bytes.Cut(data, []byte{0})
	if !ok {
		return "", nil
	}
	packed := name == "zTXt"
	switch {
	case packed && len(text) > 1:
		text = text[1:]
	case name == "iTXt" && len(text) > 2:
		packed = text[0] != 0
		_, text, _ = bytes.Cut(text[2:], []byte{0})
		_, text, _ = bytes.Cut(text, []byte{0})
	}
	if packed {
		z, err := zlib.NewReader(bytes.NewReader(text))
		if err != nil {
			return "", nil
		}
		text, _ = io.ReadAll(io.LimitReader(z, maxText)) // the start will do
	}
	return string(k), text
}

// maxBlob is how much of a metadata block is read: the first directory, which is
// what is looked for, stands near the front.
const maxBlob = 1 << 16

// blob returns up to maxBlob of n bytes at off, fewer where the file ends.
func (in *input) blob(off, n int64) []byte {
	b := make([]byte, min(n, maxBlob))
	got, _ := in.ReadAt(b, off)
	return b[:got]
}
