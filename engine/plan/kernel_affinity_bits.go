package plan

import "github.com/crate-vk/crate-vk/graph"

// affinityPlain compares all pairs of rows with one invocation a row and word of
// bits.
type affinityPlain struct{}

func (affinityPlain) kernel() string { return "affinity_bits" }

func (f affinityPlain) lower(l *lowering, v *graph.Value) bool {
	x := l.operand(v.Args[0])
	if l.err != nil {
		return true
	}
	y, lanes, s := l.result(v), l.lanes(), v.Shape()
	tokens, words := s[1].Size, s[2].Size
	e := l.emit(v, l.variant(v, f.kernel(), false)).n("LANES", lanes).n("tokens", tokens).n("words", words).n("quads", l.Buffers[x].Layout.QuadsPerRow())
	e.strides("f", x).f("tau", v.Float("tau")).to("f", x).to("bits", y).run(ceil(tokens, lanes), words, s[0].Size)
	return true
}

func (affinityPlain) rebuild(b *caseBuilder) *graph.Value { return rebuildAffinity(b) }
