package eval

import (
	"math"

	"github.com/crate-vk/crate-vk/loader/picture"
)

// What a mask is worth shows only beside masks that need no model.

// CentredBox is a box in the middle of an image, of the image's shape, that
// covers a share of its area: of a set the mean share of its objects, which
// needs their truth.
func CentredBox(width, height int, share float64) *picture.Gray {
	m := picture.NewGray(width, height)
	side := math.Sqrt(share)
	w, h := int(math.RoundToEven(float64(width)*side)), int(math.RoundToEven(float64(height)*side))
	for y := (height - h) / 2; y < (height-h)/2+h; y++ {
		for x := (width - w) / 2; x < (width-w)/2+w; x++ {
			m.Pix[y*width+x] = 255
		}
	}
	return m
}

// Otsu cuts the luminance (299 R + 587 G + 114 B)/1000 in two where the classes'
// variance between them is largest; the object is the side that holds less of
// the image's rim, of a draw the brighter one.
func Otsu(img *picture.RGB) *picture.Gray {
	m := picture.NewGray(img.Width, img.Height)
	luma := make([]uint8, len(m.Pix))
	var counts [256]int
	for i := range luma {
		p := img.Pix[3*i : 3*i+3]
		luma[i] = uint8((299*int(p[0]) + 587*int(p[1]) + 114*int(p[2]) + 500) / 1000)
		counts[luma[i]]++
	}
	cut := otsuCut(&counts)
	rim, bright := 0, 0
	for i, l := range luma {
		x, y := i%m.Width, i/m.Width
		if x == 0 || y == 0 || x == m.Width-1 || y == m.Height-1 {
			rim++
			if int(l) > cut {
				bright++
			}
		}
	}
	darker := 2*bright > rim
	for i, l := range luma {
		if int(l) > cut != darker {
			m.Pix[i] = 255
		}
	}
	return m
}

// otsuCut is the last luminance of the dark class, the lowest of several.
func otsuCut(counts *[256]int) int {
	all, total := 0.0, 0.0
	for l, n := range counts {
		all, total = all+float64(n), total+float64(n*l)
	}
	best, cut := -1.0, 0
	below, sum := 0.0, 0.0
	for l, n := range counts {
		below, sum = below+float64(n), sum+float64(n*l)
		if below == 0 || below == all {
			continue
		}
		d := total*below/all - sum
		if between := d * d / (below * (all - below)); between > best {
			best, cut = between, l
		}
	}
	return cut
}

// Everything is the mask of a whole image.
func Everything(width, height int) *picture.Gray {
	m := picture.NewGray(width, height)
	for i := range m.Pix {
		m.Pix[i] = 255
	}
	return m
}

// Share is the share of a mask's pixels that are set.
func Share(m *picture.Gray) float64 {
	n := 0
	for _, p := range m.Pix {
		if p != 0 {
			n++
		}
	}
	return float64(n) / float64(len(m.Pix))
}
