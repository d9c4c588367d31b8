package readout

import (
	"math"
	"testing"
)

// TestConfidence: a map that is the same everywhere says nothing, one that lies in the
// object says all that the object's area leaves.
func TestConfidence(t *testing.T) {
	f := NewFrame(8, 4, 8, 4, 2) // 2 × 4 patches of 2 × 2 pixels
	left := f.ToImage([]bool{true, true, false, false, true, true, false, false}, 2, 4)
	corner := f.ToImage([]bool{true, false, false, false, false, false, false, false}, 2, 4)
	half := &Mask{8, 4, append([]uint8(nil), corner.Pix...)}
	half.Pix[0], half.Pix[1] = 0, 0 // half of the corner's pixels
	flat := []float64{1, 1, 1, 1, 1, 1, 1, 1}
	dense := []float64{0.3, 0.3, 0.1, 0.1, 0.1, 0.1, 0, 0}
	point := []float64{1, 0, 0, 0, 0, 0, 0, 0}
	for name, c := range map[string]struct {
		m                      []float64
		mask                   *Mask
		mass, area, confidence float64
	}{
		"flat":               {flat, left, 0.5, 0.5, 0},
		"dense":              {dense, left, 0.8, 0.5, 1 - 0.5/0.8},
		"a point":            {point, corner, 1, 1. / 8, 7. / 8},
		"half a point":       {point, half, 0.5, 1. / 16, 7. / 8},
		"beside the point":   {point, &Mask{8, 4, append(make([]uint8, 30), 255, 255)}, 0, 1. / 16, 0},
		"nothing":            {dense, &Mask{8, 4, make([]uint8, 32)}, 0, 0, 0},
		"a map that is zero": {make([]float64, 8), left, 0, 0.5, 0},
	} {
		mass, area := Inside(f, c.m, c.mask)
		if math.Abs(mass-c.mass) > 1e-12 || math.Abs(area-c.area) > 1e-12 || math.Abs(Confidence(mass, area)-c.confidence) > 1e-12 {
			t.Errorf("%s: mass %v, area %v, confidence %v, want %+v", name, mass, area, Confidence(mass, area), c)
		}
	}
	// One pixel shows one of the patches: the others count for nothing.
	tiny := NewFrame(1, 1, 8, 4, 2)
	if mass, area := Inside(tiny, flat, &Mask{1, 1, []uint8{255}}); mass != 1 || area != 1 {
		t.Errorf("one pixel: mass %v, area %v", mass, area)
	}
	// What was trimmed away holds nothing of the map.
	trimmed := NewFrame(9, 4, 9, 4, 2)
	if mass, area := Inside(trimmed, flat, &Mask{9, 4, append(make([]uint8, 8), append([]uint8{255}, make([]uint8, 27)...)...)}); mass != 0 || area != 0 {
		t.Errorf("the trimmed strip: mass %v, area %v", mass, area)
	}
}
