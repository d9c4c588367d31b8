package picture

import "fmt"

// Resize returns the picture at another size, with exactly the samples that Pillow
// gives for 8-bit pictures: across first, then down, rounded to 8 bits in between; a
// pass that keeps its size is left out. DefaultFilter is Bilinear. It panics if a size
// is below 1, the picture is empty or there is no such filter.
func Resize(src *RGB, width, height int, f Filter) *RGB {
	dst := NewRGB(width, height)
	new(Resizer).RGB(dst, src, f)
	return dst
}

// ResizeGray is Resize for one channel.
func ResizeGray(src *Gray, width, height int, f Filter) *Gray {
	dst := NewGray(width, height)
	new(Resizer).Gray(dst, src, f)
	return dst
}

// Resizer resizes again and again without allocating: it keeps its buffers, and
// the weights of the last two sizes. It isn't safe for concurrent use; a caller
// with several workers gives each one its own.
type Resizer struct {
	across, down axis
	stream       stream  // another form of across,
	streams      bool    // if it has one
	mid          []uint8 // between the passes
	sums         []int32 // of one output row
}

// RGB fills dst, whose size and pixels are set, with src at that size. It panics as
// Resize does.
func (r *Resizer) RGB(dst, src *RGB, f Filter) {
	r.resize(plane8{dst.Pix, dst.Width, dst.Height}, plane8{src.Pix, src.Width, src.Height}, 3, f)
}

// Gray is RGB for one channel.
func (r *Resizer) Gray(dst, src *Gray, f Filter) {
	r.resize(plane8{dst.Pix, dst.Width, dst.Height}, plane8{src.Pix, src.Width, src.Height}, 1, f)
}

// plane8 is a picture of any number of channels.
type plane8 struct {
	pix  []uint8
	w, h int
}

func (r *Resizer) resize(dst, src plane8, channels int, f Filter) {
	for _, p := range []plane8{dst, src} {
		if p.w < 1 || p.h < 1 || len(p.pix) != channels*p.w*p.h {
			panic(fmt.Sprintf("picture: resize: %d×%d pixels of %d bytes with %d bytes in all", p.w, p.h, channels, len(p.pix)))
		}
	}
	if f == DefaultFilter {
		f = Bilinear
	}
	if f == Nearest {
		nearest(dst, src, channels)
		return
	}
	if dst.w == src.w && dst.h == src.h {
		copy(dst.pix, src.pix)
		return
	}
	if dst.h != src.h {
		r.down.plan(src.h, dst.h, f)
	}
	mid := src // what the second pass reads
	if dst.w != src.w {
		if r.across.plan(src.w, dst.w, f) {
			r.streams = r.stream.plan(&r.across)
		}
		if dst.h == src.h {
			mid = dst
		} else {
			n := channels * dst.w * src.h
			if cap(r.mid) < n {
				r.mid = make([]uint8, n)
			}
			mid = plane8{r.mid[:n], dst.w, src.h}
		}
		for y := range mid.h {
			in := src.pix[channels*y*src.w:][:channels*src.w]
			out := mid.pix[channels*y*mid.w:][:channels*mid.w]
			switch {
			case channels == 1:
				across1(out, in, r.across.taps)
			case r.streams:
				r.stream.across3(out, in)
			default:
				across3(out, in, r.across.taps)
			}
		}
	}
	if dst.h == src.h {
		return
	}
	row := channels * dst.w
	if cap(r.sums) < row {
		r.sums = make([]int32, row)
	}
	for y, t := range r.down.taps {
		down(dst.pix[y*row:][:row], r.sums[:row], mid.pix[t.from*row:], t.weights)
	}
}

// half is one half in the fixed point of the weights.
const half = 1 << (weightBits - 1)

// clip rounds a sum, half already in it, to 8 bits.
func clip(sum int32) uint8 {
	if uint32(sum) < 256<<weightBits {
		return uint8(sum >> weightBits)
	}
	return uint8(^(sum >> 31)) // 0 below, 255 above
}

// across3 resizes one row of three channels.
func across3(dst, src []uint8, taps []tap) {
	for i := range taps {
		t := &taps[i]
		p := src[3*t.from:]
		w := t.weights
		r, g, b := int32(half), int32(half), int32(half)
		for len(w) >= 4 && len(p) >= 12 {
			w0, w1, w2, w3 := w[0], w[1], w[2], w[3]
			q := p[:12]
			r += w0*int32(q[0]) + w1*int32(q[3]) + w2*int32(q[6]) + w3*int32(q[9])
			g += w0*int32(q[1]) + w1*int32(q[4]) + w2*int32(q[7]) + w3*int32(q[10])
			b += w0*int32(q[2]) + w1*int32(q[5]) + w2*int32(q[8]) + w3*int32(q[11])
			w, p = w[4:], p[12:]
		}
		for j, v := range w {
			q := p[3*j : 3*j+3 : 3*j+3]
			r += v * int32(q[0])
			g += v * int32(q[1])
			b += v * int32(q[2])
		}
		d := dst[3*i : 3*i+3 : 3*i+3]
		d[0], d[1], d[2] = clip(r), clip(g), clip(b)
	}
}

// across1 resizes one row of one channel.
func across1(dst, src []uint8, taps []tap) {
	for i := range taps {
		t := &taps[i]
		p := src[t.from:][:len(t.weights)]
		sum := int32(half)
		for j, v := range t.weights {
			sum += v * int32(p[j])
		}
		dst[i] = clip(sum)
	}
}

// down makes one row of any number of channels from as many rows as there are
// weights, which follow each other in src. Four at a time, so that the sums go to
// memory and back a quarter as often.
func down(dst []uint8, sums []int32, src []uint8, weights []int32) {
	n := len(dst)
	sums = sums[:n]
	for i := range sums {
		sums[i] = half
	}
	for len(weights) >= 4 {
		w0, w1, w2, w3 := weights[0], weights[1], weights[2], weights[3]
		a, b, c, d := src[:n], src[n:2*n], src[2*n:3*n], src[3*n:4*n]
		for i := range sums {
			sums[i] += w0*int32(a[i]) + w1*int32(b[i]) + w2*int32(c[i]) + w3*int32(d[i])
		}
		weights, src = weights[4:], src[4*n:]
	}
	for _, w := range weights {
		a := src[:n]
		for i := range sums {
			sums[i] += w * int32(a[i])
		}
		src = src[n:]
	}
	for i, v := range sums {
		dst[i] = clip(v)
	}
}

// nearest picks the sample at scale/2, scale/2 + scale, ..., summed up in float64:
// the sum, not (o + 1/2)·scale, is what Pillow rounds down, and for one size in six
// the two differ somewhere.
func nearest(dst, src plane8, channels int) {
	columns := picks(src.w, dst.w)
	last := -1
	for y, from := range picks(src.h, dst.h) {
		out := dst.pix[channels*y*dst.w:][:channels*dst.w]
		if from == last {
			copy(out, dst.pix[channels*(y-1)*dst.w:])
			continue
		}
		last = from
		in := src.pix[channels*from*src.w:][:channels*src.w]
		for x, c := range columns {
			copy(out[channels*x:channels*x+channels], in[channels*c:])
		}
	}
}

func picks(in, out int) []int {
	list := make([]int, out)
	scale := float64(in) / float64(out)
	at := float64(scale * 0.5)
	for o := range list {
		list[o] = min(int(at), in-1)
		at += scale
	}
	return list
}
