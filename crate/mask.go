package crate

import "fmt"

// Mask hides patches from CRATE-MAE's encoder before a reconstruction. The zero
// Mask hides none. A mask depends on seed, ratio and the number of patches: it
// is the same for every image.
type Mask struct {
	Ratio float64 // share of the patches that are hidden; in training 0.75
	Seed  int
}

// Kept is how many of n patches a mask leaves, rounded as in the published
// training.
func (m Mask) Kept(n int) int { return int(float64(n) * (1 - m.Ratio)) }

// Check reports a ratio that is none.
func (m Mask) Check() error {
	if !(m.Ratio >= 0 && m.Ratio <= 1) {
		return fmt.Errorf("mask ratio is %g, want 0 … 1", m.Ratio)
	}
	return nil
}
