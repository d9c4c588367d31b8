package graph

import "fmt"

// inferISTA types one proximal step of ISTA on the dictionary D:
//
//	y = prox(x + step·(x·D − (x·Dᵀ)·D))
//
// x is the LayerNorm output [… C], D is [C C]; y has x's shape. Step and
// threshold are dimensionless. There is no residual: y replaces x.
// Source: arXiv:2306.01129, the ISTA block; numerics 1.1.
func inferISTA(v *Value) (Type, error) {
	x, d := v.Args[0].Shape(), v.Args[1].Shape()
	c := x.Last()
	if len(d) != 2 || d[0].Size != c || d[1].Size != c {
		return Type{}, &ShapeError{v, "dictionary", d, fmt.Sprintf("[%d %d]", c, c)}
	}
	return v.Args[0].Type, nil
}

// inferODL types the overcomplete block of CRATE-α. x is [… C], D and D1 are
// [C R]; the result has x's shape. The residual around it is a separate add.
func inferODL(v *Value) (Type, error) {
	x, d, d1 := v.Args[0].Shape(), v.Args[1].Shape(), v.Args[2].Shape()
	if len(d) != 2 || d[0].Size != x.Last() {
		return Type{}, &ShapeError{v, "dictionary", d, fmt.Sprintf("[%d R]", x.Last())}
	}
	if !d1.Same(d) {
		return Type{}, &ShapeError{v, "decoder", d1, d.String()}
	}
	return v.Args[0].Type, nil
}
