package picture

import (
	"image"

	"golang.org/x/image/tiff"
)

func sizeTIFF(in *input) (int, int, error) {
	// The decoder takes no notice of these two tags, and would show another picture.
	ifd := firstIFD(in)
	if v := ifd[tagPlanarConfig]; v > 1 {
		return 0, 0, in.unsupported("separate colour planes aren't decoded")
	}
	if c := ifd[tagCompression]; ifd[tagFillOrder] == 2 && (c < 2 || c > 4) {
		return 0, 0, in.unsupported("FillOrder 2 isn't decoded")
	}
	c, err := tiff.DecodeConfig(in.section())
	return c.Width, c.Height, err
}

func orientationTIFF(in *input) int { return ifdOrientation(in) }

// decodeTIFF decodes the first page.
func decodeTIFF(in *input) (*RGB, error) {
	img, err := tiff.Decode(in.section())
	if err != nil {
		return nil, err
	}
	// Fax codes name runs white and black, which stand for 0 and 1. The decoder takes
	// white for white even where 0 is black (PhotometricInterpretation 1), and such a
	// picture comes out inverted.
	ifd := firstIFD(in)
	if m, ok := img.(*image.Gray); ok && ifd[tagPhotometric] == 1 && (ifd[tagCompression] == 3 || ifd[tagCompression] == 4) {
		for i, v := range m.Pix {
			m.Pix[i] = 255 - v
		}
	}
	return in.convert(img)
}
