package paint

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"

	"github.com/crate-vk/crate-vk/crate/readout"
)

// EncodeMask is a mask as an 8-bit gray PNG.
func EncodeMask(m *readout.Mask) ([]byte, error) {
	return encode(m.Gray(), png.BestSpeed)
}

// maxBytes and maxLabels are the most objects of a label map of 8 and of 16 bits.
const (
	maxBytes  = 1<<8 - 1
	maxLabels = 1<<16 - 1
)

// EncodeLabels is a label map as a palette PNG of 8 bits, so that objects are seen in the
// colours of the overlay, or as a gray one of 16 bits above 255 objects: pixel values 1 … K
// are the objects in their order; where two overlap the first one has the pixel. More than
// 65535 objects are an error.
func EncodeLabels(masks []*readout.Mask, width, height int) ([]byte, error) {
	labels, err := Labels(masks, width, height)
	if err != nil {
		return nil, err
	}
	rect := image.Rect(0, 0, width, height)
	if small, ok := Bytes(labels, len(masks)); ok {
		return encode(&image.Paletted{Pix: small, Stride: width, Rect: rect, Palette: labelPalette()}, png.BestSpeed)
	}
	pix := make([]byte, 0, 2*len(labels))
	for _, l := range labels {
		pix = binary.BigEndian.AppendUint16(pix, l)
	}
	return encode(&image.Gray16{Pix: pix, Stride: 2 * width, Rect: rect}, png.BestSpeed)
}

// labelPalette has a colour for each value of a byte, as a shorter one would make a PNG of
// fewer bits: black for none, then the overlay's colours again and again.
func labelPalette() color.Palette {
	list := color.Palette{color.RGBA{A: 255}}
	for k := range maxBytes {
		list = append(list, palette[k%len(palette)])
	}
	return list
}

// Labels is the label map [height width] of masks. More than 65535 are an error.
func Labels(masks []*readout.Mask, width, height int) ([]uint16, error) {
	if len(masks) > maxLabels {
		return nil, fmt.Errorf("%d objects, and a label map has at most %d: ask for fewer, or drop small ones (--min-area)", len(masks), maxLabels)
	}
	pix := make([]uint16, width*height)
	for k, m := range masks {
		for i, p := range m.Pix {
			if p != 0 && pix[i] == 0 {
				pix[i] = uint16(k + 1)
			}
		}
	}
	return pix, nil
}

// Bytes are labels of so many objects in 8 bits, if these hold them.
func Bytes(labels []uint16, objects int) ([]byte, bool) {
	if objects > maxBytes {
		return nil, false
	}
	small := make([]byte, len(labels))
	for i, l := range labels {
		small[i] = byte(l)
	}
	return small, true
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
