package picture

// stream is a second form of a pass that shrinks with the bilinear filter, for
// speed. There an input sample counts for two outputs at most, o and o+1, and the
// samples of o and of o+2 don't overlap. So the even outputs are summed up in the
// low and the odd ones in the high half of one 64-bit integer, with the weights
// packed likewise: one multiplication serves two outputs, and each sample is read
// once. No sum is negative or reaches 2^31, so that the halves never touch, and the
// results are the same as by taps.
type stream struct {
	weights []int64 // of each input sample, for the even and for the odd output
	ends    []int   // of output o: the sample after its last one
}

// plan derives the stream from an axis, and reports whether it has one.
func (s *stream) plan(a *axis) bool {
	s.weights = append(s.weights[:0], make([]int64, a.in)...)
	s.ends = s.ends[:0]
	if a.filter != Bilinear || a.in < a.out {
		return false
	}
	for o, t := range a.taps {
		end := t.from + len(t.weights)
		if o > 0 && end < s.ends[o-1] || o > 1 && t.from < s.ends[o-2] {
			return false
		}
		for i, w := range t.weights {
			s.weights[t.from+i] |= int64(w) << (32 * (o & 1))
		}
		s.ends = append(s.ends, end)
	}
	return true
}

const (
	lowHalf    = 1<<32 - 1
	bothHalves = half | half<<32
)

// across3 resizes one row of three channels.
func (s *stream) across3(dst, src []uint8) {
	r, g, b := int64(bothHalves), int64(bothHalves), int64(bothHalves)
	x := 0
	for o, end := range s.ends {
		p, w := src[3*x:3*end], s.weights[x:end]
		for len(w) >= 4 && len(p) >= 12 {
			w0, w1, w2, w3 := w[0], w[1], w[2], w[3]
			r += w0*int64(p[0]) + w1*int64(p[3]) + w2*int64(p[6]) + w3*int64(p[9])
			g += w0*int64(p[1]) + w1*int64(p[4]) + w2*int64(p[7]) + w3*int64(p[10])
			b += w0*int64(p[2]) + w1*int64(p[5]) + w2*int64(p[8]) + w3*int64(p[11])
			w, p = w[4:], p[12:]
		}
		for len(w) >= 1 && len(p) >= 3 {
			r += w[0] * int64(p[0])
			g += w[0] * int64(p[1])
			b += w[0] * int64(p[2])
			w, p = w[1:], p[3:]
		}
		x = end
		d := dst[3*o : 3*o+3 : 3*o+3]
		if o&1 == 0 {
			d[0], d[1], d[2] = clip(int32(r)), clip(int32(g)), clip(int32(b))
			r, g, b = r&^lowHalf|half, g&^lowHalf|half, b&^lowHalf|half
		} else {
			d[0], d[1], d[2] = clip(int32(r>>32)), clip(int32(g>>32)), clip(int32(b>>32))
			r, g, b = r&lowHalf|half<<32, g&lowHalf|half<<32, b&lowHalf|half<<32
		}
	}
}
