package graph

// Centred reports that the rows of a weight add up to zero by how it is made, but
// for rounding: centre(w), and what keeps that of centred weights. A product with
// it is the same for x and for x less any multiple of ones (numerics 6.5).
func Centred(w *Value) bool { return centred(w, map[*Value]bool{}) }

// centred is Centred; known has what was asked already, as values may be shared.
func centred(w *Value, known map[*Value]bool) bool {
	if w == nil {
		return false
	}
	is, asked := known[w]
	if asked {
		return is
	}
	switch w.Op {
	case OpCentre:
		is = true
	case OpScale, OpSlice:
		is = centred(w.Args[0], known)
	case OpAdd, OpSub:
		is = w.Args[0].Shape().Same(w.Args[1].Shape()) && centred(w.Args[0], known) && centred(w.Args[1], known)
	case OpConcat:
		is = centred(w.Args[0], known) && centred(w.Args[1], known)
	}
	known[w] = is
	return is
}
