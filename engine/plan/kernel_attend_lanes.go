package plan

import (
	"slices"

	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/shaders"
)

// attendLanes is attention for devices whose lanes are a CPU's vector: a lane
// has some queries with their sums in registers, and keys are broadcast from
// lane to lane a few at a step.
type attendLanes struct{}

func (attendLanes) kernel() string { return "attend_lanes" }

func (f attendLanes) lower(l *lowering, v *graph.Value) bool {
	if l.opt.Family != Lanes {
		return false
	}
	a := l.attention(v)
	if l.err != nil {
		return true
	}
	s, ok := f.static(l.lim, a.tokens, a.quads).choose(l.opt.Choices.of(f, v, a.half), l.lim, a.quads)
	k := l.lanesVariant(v, f, a.half, l.loadPath(f, s.load, a.q, a.k, a.v))
	if !ok || !l.usable(k) {
		return false
	}
	e := l.emit(v, k).n("LANES", l.lim.Subgroup).n("QUERIES", s.queries).n("KEYS", s.keys).n("HEAD_QUADS", a.quads)
	a.common(e)
	e.run(ceil(a.tokens, l.lim.Subgroup*s.queries), a.heads, a.images)
	return true
}

// lanesQueries is a shape of attend_lanes: queries a lane, keys a step, and how
// it loads.
type lanesQueries struct {
	queries, keys int
	load          Load
}

// static is the shape for so many tokens and heads of so many quads.
func (attendLanes) static(lim Limits, tokens, headQuads int) lanesQueries {
	// At 256 bits 3×6 is 1.06 times as fast as 5×4 for each query that there is
	// room for, but leaves other gaps: room for 216 queries where there are 197
	// tokens, not for 200. Narrower devices keep 5×4.
	s := lanesQueries{3, 6, preferredLoad(lim)}
	room := func(queries int) int { return queries * lim.Subgroup * ceil(tokens, queries*lim.Subgroup) }
	if lim.Subgroup >= 16 {
		s.keys = 8
	} else if lim.Subgroup < 8 || 100*room(3) > 106*room(5) {
		s.queries, s.keys = 5, 4
	}
	for s.queries > 1 && s.queries*s.keys*headQuads > 24*16 {
		s.queries--
	}
	return s
}

// choose takes the shape of that name where there is one; ok is false where the
// unrolled body would be too large to compile.
func (s lanesQueries) choose(name string, lim Limits, headQuads int) (_ lanesQueries, ok bool) {
	if a, b, load, ok := parseShape(name); ok && b <= lim.Subgroup && fitsLanes(a, b, headQuads) {
		s.queries, s.keys = a, b
		if load != "" {
			s.load = load
		}
	}
	s.keys = min(s.keys, lim.Subgroup)
	return s, fitsLanes(s.queries, s.keys, headQuads)
}

// fitsLanes bounds the unrolled body.
func fitsLanes(queries, keys, headQuads int) bool { return queries*keys*headQuads <= 40*16 }

func (attendLanes) work(v *graph.Value) string { return attentionWork(v) }

func (attendLanes) shape(k *shaders.Variant, c shaders.Values) string {
	return lanesName(c("QUERIES"), c("KEYS"), k)
}

func (attendLanes) candidates(lim Limits, c shaders.Values) []string {
	list := [][2]int{{3, 6}, {5, 4}, {3, 8}, {2, 8}, {4, 4}, {4, 8}, {3, 5}, {3, 4}, {2, 6}, {6, 4}, {2, 4}, {1, 8}}
	if lim.Subgroup >= 16 { // below six keys a step all are slower by a tenth or more
		list = [][2]int{{3, 8}, {3, 12}, {2, 12}, {3, 10}, {4, 8}, {2, 10}, {3, 11}, {2, 8}, {4, 10}, {3, 6}}
	}
	return lanesShapes(lim, slices.DeleteFunc(list, func(s [2]int) bool {
		return s[1] > lim.Subgroup || !fitsLanes(s[0], s[1], c("HEAD_QUADS"))
	}))
}

func (attendLanes) rebuild(b *caseBuilder) *graph.Value {
	return rebuildAttention(b, b.rows(max(b.c("LANES")*b.c("QUERIES")/2, 4)))
}
