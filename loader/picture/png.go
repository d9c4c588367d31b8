package picture

import (
	"encoding/binary"
	"image/png"
)

// maxChunks bounds the walk over a file's chunks for its metadata.
const maxChunks = 1 << 20

func sizePNG(in *input) (int, int, error) {
	c, err := png.DecodeConfig(in.stream())
	return c.Width, c.Height, err
}

func decodePNG(in *input) (*RGB, error) {
	img, err := png.Decode(in.stream())
	if err != nil {
		return nil, err
	}
	return in.convert(img)
}

// orientationPNG looks for the eXIf chunk, which may stand before or after the
// picture. A chunk is a length, a name, the data and a checksum.
func orientationPNG(in *input) int {
	at := int64(8)
	for range maxChunks {
		var head [8]byte
		if !readAll(in, head[:], at) {
			return 0
		}
		n := int64(binary.BigEndian.Uint32(head[:4]))
		switch string(head[4:]) {
		case "eXIf":
			return exifOrientation(in.blob(at+8, n))
		case "IEND":
			return 0
		}
		at += 12 + n
	}
	return 0
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
