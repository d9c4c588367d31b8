package plan

import (
	"fmt"

	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/shaders"
)

// attendUniform is attention for GPUs: an invocation is a query, and the rows
// of keys are the same for all of a subgroup, so that they come through scalar
// loads. Heads too wide for the registers are cut into slices; keys are split
// among subgroups that add up their sums at the end.
type attendUniform struct{}

func (attendUniform) kernel() string { return "attend_uniform" }

func (f attendUniform) lower(l *lowering, v *graph.Value) bool {
	if l.opt.Family != Tiles {
		return false
	}
	a := l.attention(v)
	if l.err != nil {
		return true
	}
	s, ok := f.choose(l.lim, l.opt.Choices.of(f, v, a.half), a.quads)
	k := l.variant(v, f.kernel(), a.half)
	if !ok || !l.usable(k) {
		return false
	}
	e := l.emit(v, k).n("LANES", l.lim.Subgroup).n("PARTS", s.slices*s.splits).n("SLICE", s.slice).n("SLICES", s.slices)
	e.n("KEYS", s.keys).n("SPLITS", s.splits).n("CHUNK", s.chunk)
	a.common(e)
	e.run(ceil(a.tokens, l.lim.Subgroup), a.heads, a.images)
	return true
}

// querySplit is a shape of attend_uniform: quads a slice, slices a head, keys a
// step, subgroups that share the keys, quads of a key that are loaded at once.
type querySplit struct{ slice, slices, keys, splits, chunk int }

// choose is the shape of that name where it fits, else the static one; ok is
// false where no split fits.
func (f attendUniform) choose(lim Limits, name string, headQuads int) (s querySplit, ok bool) {
	if a, b, _, ok := parseShape(name); ok && a%4 == 0 {
		s, ok := f.base(lim, headQuads)
		s.keys, s.splits = a, b
		if ok && s.fits(lim) {
			return s, true
		}
	}
	return f.static(lim, headQuads)
}

// base is the part of the shape that the head and the registers decide.
func (attendUniform) base(lim Limits, headQuads int) (s querySplit, ok bool) {
	if !lim.Ballot {
		return s, false
	}
	r := lim.Processor.Registers()
	s = querySplit{slices: 1, keys: r.Keys}
	for headQuads%s.slices != 0 || headQuads/s.slices > r.Slice {
		s.slices++
	}
	s.slice = headQuads / s.slices
	for s.chunk = r.Chunk; s.slice%s.chunk != 0; s.chunk-- {
	}
	return s, true
}

// static is the shape with the most splits that fit.
func (f attendUniform) static(lim Limits, headQuads int) (s querySplit, ok bool) {
	if s, ok = f.base(lim, headQuads); !ok {
		return s, false
	}
	for s.splits = 4; s.splits >= 1; s.splits /= 2 {
		if s.fits(lim) {
			return s, true
		}
	}
	return s, false
}

// fits: at most 256 invocations, as in larger workgroups a wave64 device has
// too few registers for each, and spills.
func (s querySplit) fits(lim Limits) bool {
	local := lim.Subgroup * s.slices * s.splits
	return local <= min(lim.MaxInvocations, 256) && s.slices*s.splits <= lim.MaxWorkgroupSize[1] && s.shared(lim.Subgroup) <= lim.MaxShared
}

func (s querySplit) shared(lanes int) int {
	scores, sums := 0, 0
	if s.slices > 1 {
		scores = 2 * s.splits * s.slices * s.keys
	}
	if s.splits > 1 {
		sums = s.slices * (4*s.slice + 2)
	}
	return 4 * lanes * max(scores, sums, 1)
}

func (attendUniform) work(v *graph.Value) string { return attentionWork(v) }

func (attendUniform) shape(_ *shaders.Variant, c shaders.Values) string {
	return fmt.Sprintf("%dx%d", c("KEYS"), c("SPLITS"))
}

func (f attendUniform) candidates(lim Limits, c shaders.Values) []string {
	s, ok := f.base(lim, c("SLICE")*c("SLICES"))
	if !ok {
		return nil
	}
	most := s.keys
	var list []string
	for s.keys = 4; s.keys <= most; s.keys *= 2 {
		for _, s.splits = range []int{1, 2, 4} {
			if s.fits(lim) {
				list = append(list, fmt.Sprintf("%dx%d", s.keys, s.splits))
			}
		}
	}
	return list
}

func (attendUniform) rebuild(b *caseBuilder) *graph.Value {
	return rebuildAttention(b, b.rows(max(b.c("LANES")/2, 4)))
}
