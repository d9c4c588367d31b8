package graph

// Centred reports that the rows of a weight add up to zero by how it is made, but
// for rounding: centre(w), and what keeps that of centred weights. A product with
// it is the same for x and for x less any multiple of ones (numerics 6.5).
func Centred(w *Value) bool {
	if w == nil {
		return false
	}
	switch w.Op {
	case OpCentre:
		return true
	case OpScale, OpSlice:
		return Centred(w.Args[0])
	case OpAdd, OpSub:
		return w.Args[0].Shape().Same(w.Args[1].Shape()) && Centred(w.Args[0]) && Centred(w.Args[1])
	case OpConcat:
		return Centred(w.Args[0]) && Centred(w.Args[1])
	}
	return false
}
