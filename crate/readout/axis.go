package readout

// Axis is one axis of a bilinear resample with half-pixel centres and clamped
// edges, for callers that don't want the whole result at once.
type Axis struct {
	in     int
	first  []int     // for each output, the first of its two inputs
	weight []float64 // of the second
}

// NewAxis plans the resample of in samples to out.
func NewAxis(in, out int) Axis {
	first, weight := taps(in, out)
	return Axis{in, first, weight}
}

// At is output o of a line.
func (a Axis) At(line []float64, o int) float64 {
	l, r := line[a.first[o]], line[min(a.first[o]+1, a.in-1)]
	return l + a.weight[o]*(r-l)
}

// Row fills dst with output row o of a picture whose rows are as long as dst.
func (a Axis) Row(dst, picture []float64, o int) {
	n := len(dst)
	top, bottom := picture[a.first[o]*n:][:n], picture[min(a.first[o]+1, a.in-1)*n:][:n]
	for x := range dst {
		dst[x] = top[x] + a.weight[o]*(bottom[x]-top[x])
	}
}
