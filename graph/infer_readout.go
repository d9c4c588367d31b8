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
