package graph

import "fmt"

// inferUnitRows types rows at length 1: x is [B K+N C] with K prefix tokens,
// which are left out.
func inferUnitRows(v *Value) (Type, error) {
	x, err := wantRank(v, 0, "x", 3)
	if err != nil {
		return Type{}, err
	}
	k := v.Int("prefix")
	if k < 0 || k >= x[1].Size {
		return Type{}, &AttrError{v, "prefix", fmt.Sprintf("is %d, want 0 … %d", k, x[1].Size-1)}
	}
	if _, ok := v.Attrs["heads"]; ok {
		if err := wantHeads(v, x); err != nil {
			return Type{}, err
		}
	}
	return Type{F32, Shape{x[0], {"N", x[1].Size - k}, x[2]}}, nil
}

func inferAffinityBits(v *Value) (Type, error) {
	f, err := wantRank(v, 0, "f", 3)
	if err != nil {
		return Type{}, err
	}
	return Type{U32, Shape{f[0], {"rows", f[1].Size}, {"words", (f[1].Size + 31) / 32}}}, nil
}

// wantBits checks that argument i is the bit matrix of an affinity.
func wantBits(v *Value, i int) (Shape, error) {
	s, err := wantRank(v, i, "bits", 3)
	if err != nil {
		return nil, err
	}
	if v.Args[i].Type.DType != U32 || s[2].Size != (s[1].Size+31)/32 {
		return nil, &ShapeError{v, "bits", s, "u32 [B N N/32]"}
	}
	return s, nil
}

// patchVector is one number a patch of each image. Its middle axis keeps it
// row-major in every family of kernels.
func patchVector(images, patches Axis) Type {
	return Type{F32, Shape{images, {"one", 1}, {"patches", patches.Size}}}
}

func inferDegreeScale(v *Value) (Type, error) {
	s, err := wantBits(v, 0)
	if err != nil {
		return Type{}, err
	}
	return patchVector(s[0], s[1]), nil
}

func inferAffinityProduct(v *Value) (Type, error) {
	s, err := wantBits(v, 0)
	if err != nil {
		return Type{}, err
	}
	t := patchVector(s[0], s[1])
	for i, a := range []string{"scale", "v"} {
		if x := v.Args[1+i].Shape(); !x.Same(t.Shape) {
			return Type{}, &ShapeError{v, a, x, t.Shape.String()}
		}
	}
	return t, nil
}

func inferLanczosNext(v *Value) (Type, error) {
	s := v.Args[0].Shape()
	if len(s) != 3 || s[1].Size != 1 {
		return Type{}, &ShapeError{v, "scale", s, "[B 1 N]"}
	}
	for i, a := range []string{"w", "v", "before"} {
		x := v.Args[1+i]
		if x != nil && !x.Shape().Same(s) {
			return Type{}, &ShapeError{v, a, x.Shape(), s.String()}
		}
		if x != nil && i > 0 && v.Args[i] == nil {
			return Type{}, &ArgError{v, "argument " + a + " stands without the one before it"}
		}
	}
	return v.Args[0].Type, nil
}

func inferHeadGram(v *Value) (Type, error) {
	w, err := wantRank(v, 0, "w", 3)
	if err != nil {
		return Type{}, err
	}
	if err := wantHeads(v, w); err != nil {
		return Type{}, err
	}
	h := v.Int("heads")
	p := w[2].Size / h
	return Type{F32, Shape{w[0], {"H", h}, {"p", p}, {"q", p}}}, nil
}

func inferZeroCount(v *Value) (Type, error) {
	x, err := wantRank(v, 0, "x", 3)
	if err != nil {
		return Type{}, err
	}
	return Type{F32, x.WithLast(Axis{"one", 1})}, nil
}
