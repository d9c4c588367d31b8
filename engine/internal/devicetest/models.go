package devicetest

import (
	"testing"

	"github.com/crate-vk/crate-vk/crate"
)

// OddConfig is a CRATE of unusual shape.
func OddConfig(t *testing.T, dim, inner, heads, depth, patch int, size [2]int) crate.Config {
	t.Helper()
	c, err := crate.Preset("crate-t16")
	if err != nil {
		t.Fatal(err)
	}
	c.Dim, c.Inner, c.Heads, c.Depth, c.Patch, c.ImageSize, c.Classes = dim, inner, heads, depth, patch, size, 11
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	return c
}

// Pixels are fixed pixels with smooth and flat parts.
func Pixels(height, width, batch int) []byte {
	p := make([]byte, 0, 3*height*width*batch)
	for b := range batch {
		for y := range height {
			for x := range width {
				v := byte(x*5 + y*3 + b*40)
				if x/8%3 == 1 && y/8%3 == 1 {
					v = 200 // flat patches
				}
				p = append(p, v, v/2+byte(y), byte(x^y))
			}
		}
	}
	return p
}
