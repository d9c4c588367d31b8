package parts

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/crate-vk/crate-vk/crate/readout"
)

// Variant is which of the two published descriptions is followed.
type Variant string

// The variants.
const (
	// Code: centred; foreground is where the first score, scaled to 0 … 1 over
	// the image, exceeds one half; each colour is scaled over the image's grid.
	Code Variant = "code"
	// Paper: uncentred; foreground is where the first score is at least
	// Threshold; colours are the raw scores, scaled alike for all images of the
	// run, so that a colour means the same part in each; the background is black.
	Paper Variant = "paper"
)

// Threshold is the paper's bound of the first score.
const Threshold = 12

// ParseVariant reads code or paper.
func ParseVariant(s string) (Variant, error) {
	if v := Variant(s); v == Code || v == Paper {
		return v, nil
	}
	return "", fmt.Errorf("variant %q: want code or paper", s)
}

// Options of Find.
type Options struct {
	Variant   Variant // "" is Code
	Invert    bool    // the first component turned around: the other side is the foreground
	Threshold float64 // of Paper; 0 takes the paper's 12
}

// Resolved are the options with the defaults in the place of what is zero. It reports
// a variant that there is not, and a threshold that is no number.
func (o Options) Resolved() (Options, error) {
	o.Variant = cmp.Or(o.Variant, Code)
	o.Threshold = cmp.Or(o.Threshold, Threshold)
	if math.IsNaN(o.Threshold) || math.IsInf(o.Threshold, 0) {
		return o, fmt.Errorf("threshold is %g, want a number", o.Threshold)
	}
	_, err := ParseVariant(string(o.Variant))
	return o, err
}

// Image is the descriptors of one image.
type Image struct {
	Rows, Columns int
	Descriptors   []float32 // [Rows·Columns d]
}

// Parts is what was found in one image.
type Parts struct {
	Rows, Columns int
	Foreground    []bool  // [Rows·Columns], holes filled
	RGB           []uint8 // [Rows·Columns 3]
}

// Find divides the images of a run into parts. It holds all descriptors; who has
// too many of them for that uses Moments and Components.
func Find(images []Image, d int, o Options) ([]Parts, error) {
	all, front := NewMoments(d), NewMoments(d)
	for i, image := range images {
		if len(image.Descriptors) != image.Rows*image.Columns*d || len(image.Descriptors) == 0 {
			return nil, fmt.Errorf("parts: image %d has %d numbers, want %d × %d descriptors of %d", i, len(image.Descriptors), image.Rows, image.Columns, d)
		}
		all.Add(image.Descriptors, nil)
	}
	first, err := o.First(all)
	if err != nil {
		return nil, err
	}
	found := make([]Parts, len(images))
	for i, image := range images {
		found[i] = Parts{image.Rows, image.Columns, first.Foreground(image), nil}
		front.Add(image.Descriptors, found[i].Foreground)
	}
	colours, err := o.Colours(front)
	if err != nil {
		return nil, err
	}
	for i, image := range images {
		colours.Observe(image, found[i].Foreground)
	}
	for i, image := range images {
		found[i].RGB = colours.Paint(image, found[i].Foreground)
	}
	return found, nil
}

// First tells foreground from background.
type First struct {
	o          Options
	components *Components
}

// First is the first component of all descriptors of a run.
func (o Options) First(all *Moments) (*First, error) {
	if o.Threshold == 0 {
		o.Threshold = Threshold
	}
	c, err := all.Components(1, o.Variant != Paper)
	if err != nil {
		return nil, err
	}
	if o.Variant == Paper && all.meanScore(c, 0) < 0 {
		negate(c.vectors[0])
	}
	if o.Invert {
		negate(c.vectors[0])
	}
	return &First{o, c}, nil
}

// Foreground is the image's patches on the first component's positive side.
func (f *First) Foreground(image Image) []bool {
	scores := f.components.scores(image.Descriptors)
	front := make([]bool, len(scores))
	bound, strict := f.o.Threshold, false
	if f.o.Variant != Paper {
		low, high := slices.Min(scores), slices.Max(scores)
		bound, strict = low+0.5*(high-low), true
	}
	for i, s := range scores {
		front[i] = s > bound || !strict && s == bound
	}
	return readout.FillHoles(front, image.Columns)
}

// Colours are three components of the foreground as red, green and blue.
type Colours struct {
	o          Options
	components *Components
	low, high  [3]float64 // over the run
	seen       bool
}

// Colours are the first three components of the foreground of a run.
func (o Options) Colours(front *Moments) (*Colours, error) {
	c, err := front.Components(3, o.Variant != Paper)
	if err != nil {
		return nil, err
	}
	return &Colours{o: o, components: c}, nil
}

// Observe takes an image into the ranges of the paper's colours. All images of
// a run are observed before the first is painted.
func (c *Colours) Observe(image Image, front []bool) {
	scores := c.components.scores(image.Descriptors)
	for i, on := range front {
		if !on {
			continue
		}
		for k := range 3 {
			s := scores[3*i+k]
			if !c.seen {
				c.low[k], c.high[k] = s, s
			}
			c.low[k], c.high[k] = min(c.low[k], s), max(c.high[k], s)
		}
		c.seen = true
	}
}

// Paint is the image's foreground in colours, [N 3].
func (c *Colours) Paint(image Image, front []bool) []uint8 {
	scores := c.components.scores(image.Descriptors)
	rgb := make([]uint8, len(scores))
	if c.o.Variant == Paper {
		for i, on := range front {
			for k := range 3 {
				if on {
					rgb[3*i+k] = level(scores[3*i+k], c.low[k], c.high[k])
				}
			}
		}
		return rgb
	}
	// As the code has it: the background is one below the least entry, every
	// entry of exactly zero is background, and zeros take part in the minimum.
	for i, on := range front {
		if !on {
			clear(scores[3*i : 3*i+3])
		}
	}
	least := slices.Min(scores)
	for i, s := range scores {
		if s == 0 {
			scores[i] = least - 1
		}
	}
	for k := range 3 {
		low, high := scores[k], scores[k]
		for i := k; i < len(scores); i += 3 {
			low, high = min(low, scores[i]), max(high, scores[i])
		}
		for i := k; i < len(scores); i += 3 {
			rgb[i] = level(scores[i], low, high)
		}
	}
	return rgb
}

// level scales a score to 0 … 255, truncated.
func level(s, low, high float64) uint8 {
	if high <= low {
		return 0
	}
	return uint8((s - low) / (high - low) * 255)
}
