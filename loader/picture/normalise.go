package picture

import "fmt"

// Normalise writes a picture as float32 planes [3 H W], red, green, blue, each
// sample (x/255 - mean) / std of its channel, rounded to float32 after every step:
// the order and the rounding of torchvision's ToTensor and Normalize.
//
// It panics if dst doesn't have 3·H·W elements.
func Normalise(dst []float32, src *RGB, mean, std [3]float32) {
	n := src.Width * src.Height
	if len(dst) != 3*n {
		panic(fmt.Sprintf("picture: Normalise: dst has %d elements, want %d for %d×%d pixels", len(dst), 3*n, src.Width, src.Height))
	}
	var table [3][256]float32
	for c := range table {
		for x := range table[c] {
			v := float32(x) / 255
			v -= mean[c]
			table[c][x] = v / std[c]
		}
	}
	r, g, b := dst[:n:n], dst[n:2*n:2*n], dst[2*n:]
	pix := src.Pix[:3*n]
	for i := range r {
		p := pix[3*i : 3*i+3 : 3*i+3]
		r[i] = table[0][p[0]]
		g[i] = table[1][p[1]]
		b[i] = table[2][p[2]]
	}
}
