package paint

import (
	"bytes"
	"image"
	"image/png"

	"github.com/crate-vk/crate-vk/crate/readout"
)

// EncodeMask is a mask as an 8-bit gray PNG.
func EncodeMask(m *readout.Mask) ([]byte, error) {
	return encode(&image.Gray{Pix: m.Pix, Stride: m.Width, Rect: image.Rect(0, 0, m.Width, m.Height)}, png.BestSpeed)
}

// Encode is a picture as PNG.
func Encode(img image.Image) ([]byte, error) { return encode(img, png.DefaultCompression) }

func encode(img image.Image, level png.CompressionLevel) ([]byte, error) {
	var b bytes.Buffer
	e := png.Encoder{CompressionLevel: level}
	if err := e.Encode(&b, img); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
