package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/shaders"
)

// form is one kernel that computes an op, with all that planning knows of it:
// when it suits, the layouts that it wants, its constants and its grid, and the
// small case that proves it. Each form has a file of its own, kernel_NAME.go,
// and a place in the table of forms.
type form interface {
	// kernel is the name of its row in the manifest of package shaders.
	kernel() string
	// lower appends the dispatches that compute v and returns true. It returns
	// false, with no dispatch appended, where the form does not suit the family,
	// the device or the sizes, or is disabled: the next form of the op is tried.
	lower(l *lowering, v *graph.Value) bool
	// rebuild makes a small copy of a value for a self-test: over inputs and
	// parameters, with every size that the constants depend on as it was.
	rebuild(b *caseBuilder) *graph.Value
}

// shapedForm is a form whose kernel comes in several shapes: the number of rows
// and columns of a tile, of queries and keys at a time, the way it loads. The
// static choice is by formula; crate-vk tune measures the candidates.
type shapedForm interface {
	form
	// work describes what v computes of one image, as far as the best shape may
	// depend on it: "785×768→768 norm relu". The batch is no part of it.
	work(v *graph.Value) string
	// shape names the shape that a dispatch with these constants has.
	shape(k *shaders.Variant, c shaders.Values) string
	// candidates lists the shapes worth measuring in place of a dispatch's own,
	// those first that often win; none that spills registers on the device.
	candidates(lim Limits, c shaders.Values) []string
}

// formOf finds the form that emitted a dispatch.
func formOf(p *Plan, d *Dispatch) form {
	v := p.Value(d.Value)
	if v == nil {
		return nil
	}
	for _, f := range forms(v.Op) {
		if f.kernel() == d.Kernel.Kernel.Name {
			return f
		}
	}
	return nil
}

// shapedOf is the form by its kernel's name, nil where that has one shape.
func shapedOf(d *Dispatch) shapedForm {
	for _, op := range graph.Ops() {
		for _, f := range forms(op) {
			if s, ok := f.(shapedForm); ok && f.kernel() == d.Kernel.Kernel.Name {
				return s
			}
		}
	}
	return nil
}

// Choices replace the static choice of kernel shapes: a shape by the kind of
// work (see Kind), or by the name of a kernel for all that it computes. The
// latter goes first.
type Choices map[string]string

// of is the chosen shape for a value that a form computes, "" where none is.
func (c Choices) of(f shapedForm, v *graph.Value, half bool) string {
	if len(c) == 0 {
		return ""
	}
	if shape := c[f.kernel()]; shape != "" {
		return shape
	}
	return c[kind(f, v, half)]
}

// Kind names the work that a kernel's shape is chosen for: the kernel and what
// it computes of one image, such as "linear_lanes 785×768→768 norm relu" or
// "attend_lanes 785×12×64 tied". The batch is no part of it, so that a choice
// never depends on the batch. It is "" where a kernel has one shape only.
func Kind(p *Plan, d *Dispatch) string {
	f, ok := formOf(p, d).(shapedForm)
	if !ok {
		return ""
	}
	return kind(f, p.Value(d.Value), d.Kernel.Has("F16"))
}

func kind(f shapedForm, v *graph.Value, half bool) string {
	s := f.kernel() + " " + f.work(v)
	if half {
		s += " f16"
	}
	return s
}

// Shape names the shape that a dispatch has, as Shapes does; "" where its
// kernel has one only.
func Shape(d *Dispatch) string {
	c, err := d.Constants()
	if err != nil {
		return ""
	}
	f := shapedOf(d)
	if f == nil {
		return ""
	}
	return f.shape(d.Kernel, c)
}

// Shapes lists the shapes that may be measured for a dispatch, the one that it
// has first. All shapes of linear_lanes agree bit for bit, and so do those of
// linear_tiles, and those of attend_lanes with as many keys.
func Shapes(lim Limits, d *Dispatch) []string {
	own := Shape(d)
	if own == "" {
		return nil
	}
	c, _ := d.Constants()
	list := shapedOf(d).candidates(lim, c)
	return append([]string{own}, slices.DeleteFunc(list, func(s string) bool { return s == own })...)
}

// ChoicesOf are the choices that give every dispatch of a kernel the shape that
// d has.
func ChoicesOf(d *Dispatch) Choices {
	if s := Shape(d); s != "" {
		return Choices{d.Kernel.Kernel.Name: s}
	}
	return nil
}

// parseShape reads the name of a shape of two numbers, which may be followed by
// how to load; ok is false where it is none.
func parseShape(name string) (a, b int, load Load, ok bool) {
	fmt.Sscanf(name, "%dx%d %s", &a, &b, &load)
	again := fmt.Sprintf("%dx%d", a, b)
	if load == LoadTexels || load == LoadStorage {
		again += " " + string(load)
	}
	return a, b, load, name == again && a >= 1 && b >= 1
}

// productWork describes a matrix product.
func productWork(v *graph.Value) string {
	x, rows := v.Arg("x").Shape(), 1
	if len(x) == 3 {
		rows = x[1].Size
	}
	return strings.Join(append([]string{fmt.Sprintf("%d×%d→%d", rows, x.Last(), v.Shape().Last())}, Epilogue(v)...), " ")
}

// Epilogue names what a value does beside its product: norm, residual, and its
// activation.
func Epilogue(v *graph.Value) []string {
	var words []string
	if _, norm := v.Attrs["eps"]; norm {
		words = append(words, "norm")
	}
	if v.Arg("residual") != nil {
		words = append(words, "residual")
	}
	if act := v.Str("act"); act != "" {
		words = append(words, act)
	}
	return words
}

// attentionWork describes an attention: tokens × heads × channels of a head.
func attentionWork(v *graph.Value) string {
	q, heads := v.Args[0].Shape(), v.Int("heads")
	s := fmt.Sprintf("%d×%d×%d", q[1].Size, heads, q.Last()/heads)
	if v.Op == graph.OpMSSA {
		s += " tied"
	}
	return s
}
