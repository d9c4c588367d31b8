package show

import (
	"image/color"
	"math"
)

// Viridis is the colour of t in 0 … 1 on matplotlib's map of that name (which is
// in the public domain), by linear interpolation between 16 of its colours.
func Viridis(t float64) color.RGBA {
	knots := [16]uint32{
		0x440154, 0x481a6c, 0x472f7d, 0x414487, 0x39568c, 0x31688e, 0x2a788e, 0x23888e,
		0x1f988b, 0x22a884, 0x35b779, 0x54c568, 0x7ad151, 0xa5db36, 0xd2e21b, 0xfde725}
	if !(t > 0) { // NaN too
		t = 0
	}
	at := min(t, 1) * float64(len(knots)-1)
	i := min(int(at), len(knots)-2)
	mix := func(shift int) uint8 {
		a, b := float64(knots[i]>>shift&255), float64(knots[i+1]>>shift&255)
		return uint8(math.Round(a + (at-float64(i))*(b-a)))
	}
	return color.RGBA{mix(16), mix(8), mix(0), 255}
}

// Hue is colour k of n, evenly around the circle of hues from red on, of about
// equal lightness where hues allow it: yellow and green are darkened.
func Hue(k, n int) color.RGBA {
	h := 6 * float64(k%n) / float64(n)
	channel := func(offset float64) float64 {
		x := math.Mod(h+offset, 6)
		return min(max(min(x, 4-x), 0), 1) // 0 1 1 1 0 over x = 0 … 4
	}
	r, g, b := channel(2), channel(0), channel(4)
	shade := 1 - 0.25*g
	level := func(x float64) uint8 { return uint8(math.Round(255 * shade * x)) }
	return color.RGBA{level(r), level(g), level(b), 255}
}

// MinMax scales a map to 0 … 1; a map without any spread becomes 0.
func MinMax(m []float64) []float64 {
	low, high := math.Inf(1), math.Inf(-1)
	for _, x := range m {
		low, high = min(low, x), max(high, x)
	}
	out := make([]float64, len(m))
	if high > low {
		for i, x := range m {
			out[i] = (x - low) / (high - low)
		}
	}
	return out
}
