package picture

import (
	"fmt"
	"math"
)

// Filter is a resampling filter, by Pillow's names.
type Filter int

// The filters. Bilinear, Bicubic and Lanczos widen with the scale when a picture
// shrinks, which keeps it free of aliases; Nearest picks one sample. DefaultFilter,
// the zero value, leaves the choice to whoever resizes: this package takes Bilinear,
// a read-out of the engine its own.
const (
	DefaultFilter Filter = iota
	Nearest
	Bilinear
	Bicubic
	Lanczos
)

func (f Filter) String() string {
	switch f {
	case DefaultFilter:
		return "default"
	case Nearest:
		return "nearest"
	case Bilinear:
		return "bilinear"
	case Bicubic:
		return "bicubic"
	case Lanczos:
		return "lanczos"
	}
	return fmt.Sprintf("Filter(%d)", int(f))
}

// ParseFilter returns the filter of that name, as String writes it.
func ParseFilter(name string) (Filter, error) {
	for f := Nearest; f <= Lanczos; f++ {
		if f.String() == name {
			return f, nil
		}
	}
	return 0, fmt.Errorf("picture: filter %q, want nearest, bilinear, bicubic or lanczos", name)
}

// Check reports a number that is no filter.
func (f Filter) Check() error {
	if f < DefaultFilter || f > Lanczos {
		return fmt.Errorf("filter %d: want one of picture.Nearest, Bilinear, Bicubic and Lanczos, or 0 for the default", int(f))
	}
	return nil
}

// support is how far the filter reaches from its centre, in samples.
func (f Filter) support() float64 {
	switch f {
	case Bilinear:
		return 1
	case Bicubic:
		return 2
	case Lanczos:
		return 3
	}
	panic("picture: unknown " + f.String())
}

// at returns the filter's value. The products are converted to float64 one by one,
// which forbids fusing them with the additions: the result is the same everywhere.
func (f Filter) at(x float64) float64 {
	switch f {
	case Bilinear:
		return max(0, 1-math.Abs(x))
	case Bicubic:
		const a = -0.5
		x = math.Abs(x)
		switch {
		case x < 1:
			return float64(float64((float64((a+2)*x)-(a+3))*x)*x) + 1
		case x < 2:
			return float64((float64((float64((x-5)*x)+8)*x) - 4) * a)
		}
		return 0
	}
	if -3 <= x && x < 3 {
		return sinc(x) * sinc(x/3)
	}
	return 0
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	x *= math.Pi
	return math.Sin(x) / x
}

// weightBits is the fixed point of the weights: a sum of products with 8-bit
// samples stays within 32 bits.
const weightBits = 22

// tap is what one output sample is made of: input samples from, from+1, ... with as
// many weights.
type tap struct {
	from    int
	weights []int32
}

// axis is the plan of one pass: a tap for each output sample.
type axis struct {
	in, out int
	filter  Filter
	taps    []tap
	weights []int32 // of all taps
}

// plan computes the taps for resizing in samples to out. With scale = in/out and
// s = max(scale, 1), output o is centred at c = (o + 1/2)·scale, reaches r =
// support·s to both sides, and weighs input x by filter((x - c + 1/2)/s), divided
// by the sum, in float64, then rounded to integers of 2^-22, halves away from 0.
// Source: Pillow's documentation of its 8-bit resize, measured against 9.4.
//
// It keeps a plan that is the same already, and reports whether it made one.
func (a *axis) plan(in, out int, f Filter) bool {
	if a.in == in && a.out == out && a.filter == f && len(a.taps) > 0 {
		return false
	}
	a.in, a.out, a.filter = in, out, f
	a.taps = a.taps[:0]
	a.weights = a.weights[:0]
	scale := float64(in) / float64(out)
	wide := max(scale, 1)
	reach := float64(f.support() * wide)
	inverse := 1 / wide
	values := make([]float64, 0, 2*int(math.Ceil(reach))+1)
	for o := range out {
		centre := float64((float64(o) + 0.5) * scale)
		from := max(0, int(centre-reach+0.5))
		to := min(in, int(centre+reach+0.5))
		values = values[:0]
		sum := 0.0
		for x := from; x < to; x++ {
			v := f.at((float64(x) - centre + 0.5) * inverse)
			values = append(values, v)
			sum += v
		}
		start := len(a.weights)
		for _, v := range values {
			if sum != 0 {
				v /= sum
			}
			a.weights = append(a.weights, int32(math.Trunc(float64(v*(1<<weightBits))+math.Copysign(0.5, v))))
		}
		// Weights of 0 at the ends come and go with the last bit of centre and reach.
		for len(a.weights) > start+1 && a.weights[len(a.weights)-1] == 0 {
			a.weights = a.weights[:len(a.weights)-1]
		}
		skip := 0
		for start+skip+1 < len(a.weights) && a.weights[start+skip] == 0 {
			skip++
		}
		a.weights = append(a.weights[:start], a.weights[start+skip:]...)
		a.taps = append(a.taps, tap{from: from + skip, weights: a.weights[start:]})
	}
	// The slices above may point into arrays that append left behind.
	at := 0
	for i := range a.taps {
		n := len(a.taps[i].weights)
		a.taps[i].weights = a.weights[at : at+n : at+n]
		at += n
	}
	return true
}
