package paint

import (
	"bytes"
	"image"
	"image/png"

	"github.com/crate-vk/crate-vk/crate/readout"
)

// EncodeMask is a mask as an 8-bit gray PNG.
func EncodeMask(m *readout.Mask) ([]byte, error) {
	return encode(m.Gray(), png.BestSpeed)
}

// EncodeLabels is a label map as an 8-bit gray PNG: pixel values 1 … K are the
// objects in their order; where two overlap the first one has the pixel.
func EncodeLabels(masks []*readout.Mask, width, height int) ([]byte, error) {
	return encode(&image.Gray{Pix: Labels(masks, width, height), Stride: width, Rect: image.Rect(0, 0, width, height)}, png.BestSpeed)
}

// Labels is the label map [height width] of masks.
func Labels(masks []*readout.Mask, width, height int) []uint8 {
	pix := make([]uint8, width*height)
	for k, m := range masks {
		for i, p := range m.Pix {
			if p != 0 && pix[i] == 0 {
				pix[i] = uint8(min(k+1, 255))
			}
		}
	}
	return pix
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
