package prove

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
)

// kernelCase is a graph of one op, small, whose plan uses the same kernel
// variant with the same constants as a dispatch of a real plan. The
// interpreter says what it must give.
type kernelCase struct {
	graph  *graph.Graph
	opt    plan.Options
	inputs map[string]*interp.Tensor
	params run.Params
}

// caseSize scales the sizes of a case; tests use several.
type caseSize struct {
	rows  int // tokens or rows; 0: a bit more than two tiles
	extra int // channels beyond the smallest that keep the constants
}

// caseFor makes the case of dispatch d of plan p.
func caseFor(p *plan.Plan, d *plan.Dispatch, opt plan.Options, size caseSize) (*kernelCase, error) {
	c, err := d.Constants()
	if err != nil {
		return nil, err
	}
	v := p.Value(d.Value)
	if v == nil {
		return nil, fmt.Errorf("engine: %s computes value %d, which is not in the graph", d.Kernel, d.Value)
	}
	b := &caseBuilder{Builder: graph.NewBuilder("case"), v: v, static: p.Graph.Static(), c: c, size: size}
	b.Output("y", b.build())
	g, err := b.Graph()
	if err != nil {
		return nil, fmt.Errorf("engine: case for %v: %w", v, err)
	}
	opt.Family, opt.Precision = p.Family, p.Precision
	opt.Choices = plan.ChoicesOf(d)
	return &kernelCase{graph: g, opt: opt, inputs: randomInputs(g), params: randomParams(g)}, nil
}

// caseBuilder rebuilds one value over inputs and parameters of smaller sizes.
type caseBuilder struct {
	*graph.Builder
	v      *graph.Value
	static map[*graph.Value]bool
	c      func(string) int
	size   caseSize
	n      int
}

// arg is an input or a parameter in the place of the value's argument; nil
// where that is absent.
func (b *caseBuilder) arg(name string, axes ...any) *graph.Value {
	a := b.v.Arg(name)
	if a == nil {
		return nil
	}
	b.n++
	t := graph.F32Type(axes...)
	if b.static[a] {
		return b.Param(fmt.Sprintf("%s%d", name, b.n), t)
	}
	return b.Input(fmt.Sprintf("%s%d", name, b.n), t)
}

// rows is the number of rows of the case: a bit more than two of the kernel's
// tiles, unless the size says otherwise.
func (b *caseBuilder) rows(tile int) int {
	if b.size.rows > 0 {
		return b.size.rows
	}
	return 2*max(tile, 1) + 3
}

// channels shrinks a number of channels and keeps it modulo 16, which decides
// about tails.
func (b *caseBuilder) channels(n int) int {
	if n > 32 {
		n = 32 + n%16
	}
	return n + 16*b.size.extra
}

func (b *caseBuilder) build() *graph.Value {
	v := b.v
	switch v.Op {
	case graph.OpLinear:
		return b.linear()
	case graph.OpMSSA, graph.OpMHSA, graph.OpAttention:
		return b.attention()
	case graph.OpNormalise, graph.OpPixelPatches:
		attrs := v.Attrs
		if v.Op == graph.OpPixelPatches {
			attrs = graph.Attrs{"patch": 4, "mean": v.Floats("mean"), "std": v.Floats("std"), "centred": v.Int("centred")}
		}
		y, x := 8, 12+4*(b.size.rows%5)
		return b.Do(v.Op, attrs, b.Input("pixels", graph.Type{DType: graph.U8, Shape: graph.Dims("B", 2, "Y", y, "X", x, "RGB", 3)}))
	case graph.OpPatchify:
		return b.Do(v.Op, graph.Attrs{"patch": 4}, b.Input("image", graph.F32Type("B", 2, "RGB", 3, "Y", 8, "X", 12+4*(b.size.rows%5))))
	case graph.OpPrepend:
		return b.Do(v.Op, nil, b.arg("x", "B", 2, "N", b.rows(4), "C", 10), b.arg("tokens", "T", v.Arg("tokens").Shape()[0].Size, "C", 10))
	case graph.OpEmbed:
		n, k := b.rows(4), v.Arg("table").Shape()[0].Size-v.Arg("x").Shape()[1].Size
		c := b.channels(v.Shape().Last())
		return b.Do(v.Op, v.Attrs, b.arg("x", "B", 2, "N", n, "C", c), b.arg("table", "T", n+k, "C", c), b.arg("gain", "C", c))
	case graph.OpSelect:
		return b.Do(v.Op, graph.Attrs{"row": min(v.Int("row"), 1)}, b.arg("x", "B", 2, "N", b.rows(1), "C", b.channels(v.Shape().Last())))
	case graph.OpMeanRows, graph.OpDropRows:
		first := min(v.Int("first"), 2)
		return b.Do(v.Op, graph.Attrs{"first": first}, b.arg("x", "B", 2, "N", first+b.rows(1), "C", b.channels(v.Shape().Last())))
	case graph.OpLayerNorm, graph.OpStandardise, graph.OpRowScale:
		c := b.channels(v.Args[0].Shape().Last())
		args := []*graph.Value{b.tokens("x", v.Args[0], b.rows(8), c)}
		if v.Op == graph.OpLayerNorm {
			args = append(args, b.arg("gain", "C", c), b.arg("bias", "C", c))
		}
		return b.Do(v.Op, v.Attrs, args...)
	case graph.OpAdd, graph.OpSub, graph.OpMul:
		c, n := b.channels(v.Shape().Last()), b.rows(8)
		a := b.tokens("a", v.Args[0], n, c)
		if len(v.Args[1].Shape()) == 1 {
			return b.Do(v.Op, nil, a, b.arg("b", "C", c))
		}
		if b.static[v.Args[1]] {
			return b.Do(v.Op, nil, a, b.arg("b", "T", n, "C", c))
		}
		return b.Do(v.Op, nil, a, b.tokens("b", v.Args[1], n, c))
	case graph.OpScale, graph.OpReLU, graph.OpGELU, graph.OpSoft:
		return b.Do(v.Op, v.Attrs, b.tokens("a", v.Args[0], b.rows(8), b.channels(v.Shape().Last())))
	}
	return b.head()
}

// tokens is an argument with as many axes as the original's: [1 N C], or
// [rows C] for one row an image.
func (b *caseBuilder) tokens(name string, like *graph.Value, rows, columns int) *graph.Value {
	if len(like.Shape()) == 2 {
		return b.arg(name, "B", rows, "C", columns)
	}
	return b.arg(name, "B", 1, "N", rows, "C", columns)
}

func (b *caseBuilder) linear() *graph.Value {
	v := b.v
	rows := b.rows(max(b.c("ROWS"), b.c("BM")))
	k, n := b.channels(v.Arg("x").Shape().Last()), 4*max(b.c("LANES")*b.c("COLS"), b.c("BN")/4, 1)+5+b.size.extra
	x := b.tokens("x", v.Arg("x"), rows, k)
	var scale *graph.Value
	if v.Arg("rowscale") != nil {
		if scale = b.arg("rowscale", "B", 1, "N", rows, "one", 1); len(v.Shape()) == 2 {
			scale = b.arg("rowscale", "B", rows, "one", 1)
		}
	}
	var residual *graph.Value
	if v.Arg("residual") != nil {
		residual = b.tokens("residual", v.Arg("residual"), rows, n)
	}
	w := b.arg("weight", "R", n, "K", k)
	if _, norm := v.Attrs["eps"]; norm {
		w = b.Do(graph.OpCentre, nil, w)
	}
	return b.Do(v.Op, v.Attrs, x, w, b.arg("bias", "R", n), scale, residual)
}

func (b *caseBuilder) attention() *graph.Value {
	v := b.v
	p, heads := v.Args[0].Shape().Last()/v.Int("heads"), 2
	n := b.rows(max(b.c("LANES")*max(b.c("QUERIES"), 1)/2, 4))
	attrs := graph.Attrs{"heads": heads, "scale": v.Float("scale")}
	made := map[*graph.Value]*graph.Value{}
	var args []*graph.Value
	for _, a := range v.Args {
		if made[a] == nil {
			b.n++
			made[a] = b.Input(fmt.Sprintf("w%d", b.n), graph.F32Type("B", 2, "N", n, "C", heads*p))
		}
		args = append(args, made[a])
	}
	return b.Do(v.Op, attrs, args...)
}

// head rebuilds the ops that work head by head on one row an image.
func (b *caseBuilder) head() *graph.Value {
	v, n := b.v, b.rows(8)
	switch v.Op {
	case graph.OpSoftmax:
		return b.Do(v.Op, v.Attrs, b.arg("a", "B", 2, "H", 3, "keys", n))
	case graph.OpHeadDots:
		c := v.Args[1].Shape().Last() / v.Int("heads") * 2
		return b.Do(v.Op, graph.Attrs{"heads": 2}, b.arg("q", "B", 2, "C", c), b.arg("k", "B", 2, "N", n, "C", c))
	case graph.OpHeadQuery:
		r := v.Arg("w").Shape().Last() / v.Int("heads") * 2
		return b.Do(v.Op, graph.Attrs{"heads": 2}, b.arg("w", "B", 2, "C", r), b.arg("weight", "R", r, "K", b.channels(v.Shape().Last())))
	case graph.OpHeadScores:
		c, heads := b.channels(v.Arg("x").Shape().Last()), v.Shape()[1].Size
		x := b.arg("x", "B", 2, "N", n, "C", c)
		return b.Do(v.Op, v.Attrs, x, b.arg("t", "B", 2, "H", heads, "C", c), b.arg("rowscale", "B", 2, "N", n, "one", 1))
	case graph.OpHeadMix:
		c := b.channels(v.Shape().Last())
		return b.Do(v.Op, nil, b.arg("a", "B", 2, "H", v.Shape()[1].Size, "keys", n), b.arg("x", "B", 2, "N", n, "C", c), b.arg("rowscale", "B", 2, "N", n, "one", 1))
	case graph.OpHeadProject:
		c, r := b.channels(v.Arg("m").Shape().Last()), v.Shape().Last()/v.Int("heads")*2
		return b.Do(v.Op, graph.Attrs{"heads": 2}, b.arg("m", "B", 2, "H", 2, "C", c), b.arg("weight", "R", r, "K", c), b.arg("bias", "R", r))
	}
	if y := b.readout(); y != nil {
		return y
	}
	b.Fail(fmt.Errorf("engine: no self-test for %v", v))
	return nil
}

// randomInputs draws the inputs of a case: pixels as bytes, else numbers with
// a mean other than zero, as token streams have.
func randomInputs(g *graph.Graph) map[string]*interp.Tensor {
	in := map[string]*interp.Tensor{}
	for _, v := range g.Values {
		if v.Op != graph.OpInput {
			continue
		}
		t := interp.NewTensor(v.Shape())
		r := randomFor(v.Str("name"))
		for i := range t.Data {
			if v.Type.DType == graph.U8 {
				t.Data[i] = float64(r.IntN(256))
			} else {
				t.Data[i] = float64(float32(0.3 + r.NormFloat64()))
			}
		}
		in[v.Str("name")] = t
	}
	return in
}

func randomFor(name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(17, h.Sum64()))
}

// randomParams draws the parameters of a case.
func randomParams(g *graph.Graph) run.Params {
	shapes := map[string]graph.Shape{}
	for _, v := range g.Values {
		if v.Op == graph.OpParam {
			shapes[v.Str("name")] = v.Shape()
		}
	}
	return func(name string) ([]float64, error) {
		r := randomFor("parameter " + name)
		x := make([]float64, shapes[name].Elems())
		for i := range x {
			x[i] = float64(float32(r.NormFloat64() / 4))
		}
		return x, nil
	}
}
