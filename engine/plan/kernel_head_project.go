package plan

import "github.com/crate-vk/crate-vk/graph"

// headProject projects each head's mean by that head's part of the projection.
type headProject struct{}

func (headProject) kernel() string { return "head_project" }

func (f headProject) lower(l *lowering, v *graph.Value) bool {
	m, weight, heads := l.operand(v.Arg("m")), v.Arg("weight").Shape(), v.Int("heads")
	if l.err != nil {
		return true
	}
	o, lanes := l.result(v), l.lanes()
	out := l.Buffers[o].Layout
	hq := headQuads(v, heads)
	lines := 4 * ceil(weight[1].Size, 4)
	u := l.weight(v.Arg("weight"), Layout{Order: Panels, Elem: graph.F32, Rows: weight[0].Size, Columns: weight[1].Size,
		Group: out.Group, Panel: heads * hq, Lines: lines, LineGroup: weight[1].Size})
	bias := l.weight(v.Arg("bias"), vectorLayout(weight[0].Size, out.Group))
	e := l.emit(v, l.variant(v, f.kernel(), false)).n("LANES", lanes).flag("BIAS", bias >= 0)
	e.n("heads", heads).n("headquads", hq).n("mquads", lines/4).strides("m", m).strides("o", o)
	e.to("m", m).to("u", u).to("o", o).to("bias", bias)
	e.run(ceil(heads*hq, lanes), v.Shape()[0].Size, 1)
	return true
}

func (headProject) rebuild(b *caseBuilder) *graph.Value {
	v := b.v
	c, r := b.shrunk(v.Arg("m").Shape().Last()), v.Shape().Last()/v.Int("heads")*2
	return b.Do(v.Op, graph.Attrs{"heads": 2}, b.arg("m", "B", 2, "H", 2, "C", c), b.arg("weight", "R", r, "K", c), b.arg("bias", "R", r))
}
