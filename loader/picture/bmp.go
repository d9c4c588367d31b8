package picture

import (
	"encoding/binary"

	"golang.org/x/image/bmp"
)

func sizeBMP(in *input) (int, int, error) {
	c, err := bmp.DecodeConfig(in.stream())
	if err != nil {
		var width [8]byte
		if readAll(in, width[:], 14) && binary.LittleEndian.Uint32(width[:]) >= 40 && int32(binary.LittleEndian.Uint32(width[4:])) <= 0 {
			return 0, 0, in.malformed("a width of %d pixels", int32(binary.LittleEndian.Uint32(width[4:])))
		}
		return 0, 0, err
	}
	// Rows are padded to 4 bytes and stored without compression, so that a size in
	// the header that the file can't fill is known before memory is taken for it.
	var head [30]byte
	if err := in.readFull(head[:], 0); err != nil {
		return 0, 0, err
	}
	data := int64(binary.LittleEndian.Uint32(head[10:]))
	depth := int64(binary.LittleEndian.Uint16(head[28:]))
	row := (int64(c.Width)*depth + 31) / 32 * 4
	if c.Width > 0 && int64(c.Height) > (in.size-data)/row {
		return 0, 0, in.malformed("the file is truncated: %d bytes, and the header promises %d×%d pixels", in.size, c.Width, c.Height)
	}
	return c.Width, c.Height, nil
}

func decodeBMP(in *input) (*RGB, error) {
	img, err := bmp.Decode(in.stream())
	if err != nil {
		return nil, err
	}
	return in.convert(img)
}
