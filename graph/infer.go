package graph

import "fmt"

func inferSame(v *Value) (Type, error) { return v.Args[0].Type, nil }

// inferBroadcast types a + b where b has the trailing axes of a, each equal or
// of size 1.
func inferBroadcast(v *Value) (Type, error) {
	a, b := v.Args[0].Shape(), v.Args[1].Shape()
	if len(b) > len(a) {
		return Type{}, &ShapeError{v, "b", b, "something that broadcasts to " + a.String()}
	}
	for i := range b {
		if s := b[i].Size; s != 1 && s != a[len(a)-len(b)+i].Size {
			return Type{}, &ShapeError{v, "b", b, "something that broadcasts to " + a.String()}
		}
	}
	return v.Args[0].Type, nil
}

// Inference reaches arguments by position, not through Value.Arg: the op table
// refers to these functions, and they may not refer back to it.

func wantRank(v *Value, i int, arg string, rank int) (Shape, error) {
	s := v.Args[i].Shape()
	if len(s) != rank {
		return nil, &ShapeError{v, arg, s, fmt.Sprintf("%d axes", rank)}
	}
	return s, nil
}

func inferMatMul(v *Value) (Type, error) {
	a, err := wantRank(v, 0, "a", 2)
	if err != nil {
		return Type{}, err
	}
	b, err := wantRank(v, 1, "b", 2)
	if err != nil {
		return Type{}, err
	}
	if a[1].Size != b[0].Size {
		return Type{}, &ShapeError{v, "b", b, fmt.Sprintf("%d rows", a[1].Size)}
	}
	return Type{F32, Shape{a[0], b[1]}}, nil
}

func inferTranspose(v *Value) (Type, error) {
	a, err := wantRank(v, 0, "a", 2)
	if err != nil {
		return Type{}, err
	}
	return Type{v.Args[0].Type.DType, Shape{a[1], a[0]}}, nil
}

func inferSlice(v *Value) (Type, error) {
	s := v.Args[0].Shape()
	start, stop := v.Int("start"), v.Int("stop")
	if len(s) == 0 || start < 0 || stop <= start || stop > s[0].Size {
		return Type{}, &AttrError{v, "stop", fmt.Sprintf("makes %d … %d, which is no range of %v", start, stop, s)}
	}
	t := append(Shape{{s[0].Name, stop - start}}, s[1:]...)
	return Type{v.Args[0].Type.DType, t}, nil
}

func inferConcat(v *Value) (Type, error) {
	a, err := wantRank(v, 0, "a", 2)
	if err != nil {
		return Type{}, err
	}
	b := v.Args[1].Shape()
	if len(b) != 2 || b[1].Size != a[1].Size {
		return Type{}, &ShapeError{v, "b", b, fmt.Sprintf("[R %d]", a[1].Size)}
	}
	return Type{F32, Shape{{a[0].Name, a[0].Size + b[0].Size}, a[1]}}, nil
}

func inferConvAsLinear(v *Value) (Type, error) {
	s, err := wantRank(v, 0, "kernel", 4)
	if err != nil {
		return Type{}, err
	}
	if s[1].Size != 3 || s[2].Size != s[3].Size {
		return Type{}, &ShapeError{v, "kernel", s, "[C 3 P P]"}
	}
	return F32Type("R", s[0].Size, "K", 3*s[2].Size*s[3].Size), nil
}

func inferResample(v *Value) (Type, error) {
	s, err := wantRank(v, 0, "table", 2)
	if err != nil {
		return Type{}, err
	}
	k := v.Int("prefix")
	if want := k + v.Int("rows")*v.Int("columns"); s[0].Size != want {
		return Type{}, &ShapeError{v, "table", s, fmt.Sprintf("%d rows", want)}
	}
	for _, a := range []string{"torows", "tocolumns"} {
		if v.Int(a) < 1 {
			return Type{}, &AttrError{v, a, "must be at least 1"}
		}
	}
	return Type{F32, Shape{{s[0].Name, k + v.Int("torows")*v.Int("tocolumns")}, s[1]}}, nil
}

func inferNormalise(v *Value) (Type, error) {
	s, err := pixelShape(v)
	if err != nil {
		return Type{}, err
	}
	return Type{F32, Shape{s[0], {"RGB", 3}, s[1], s[2]}}, nil
}

func pixelShape(v *Value) (Shape, error) {
	s := v.Args[0].Shape()
	if len(s) != 4 || s[3].Size != 3 || v.Args[0].Type.DType != U8 {
		return nil, &ShapeError{v, "pixels", s, "u8 [B Y X 3]"}
	}
	for _, a := range []string{"mean", "std"} {
		if n := len(v.Floats(a)); n != 3 {
			return nil, &AttrError{v, a, fmt.Sprintf("has %d numbers, want 3", n)}
		}
	}
	return s, nil
}

func inferPatchify(v *Value) (Type, error) {
	s := v.Args[0].Shape()
	if len(s) != 4 || s[1].Size != 3 {
		return Type{}, &ShapeError{v, "image", s, "[B 3 Y X]"}
	}
	return patches(v, s[0], s[2].Size, s[3].Size)
}

func inferPixelPatches(v *Value) (Type, error) {
	s, err := pixelShape(v)
	if err != nil {
		return Type{}, err
	}
	return patches(v, s[0], s[1].Size, s[2].Size)
}

func patches(v *Value, b Axis, y, x int) (Type, error) {
	p := v.Int("patch")
	if p < 1 || y%p != 0 || x%p != 0 {
		return Type{}, &AttrError{v, "patch", fmt.Sprintf("is %d, which does not divide %d×%d", p, y, x)}
	}
	return Type{F32, Shape{b, {"N", (y / p) * (x / p)}, {"K", 3 * p * p}}}, nil
}

func inferPrepend(v *Value) (Type, error) {
	x, err := wantRank(v, 0, "x", 3)
	if err != nil {
		return Type{}, err
	}
	t := v.Args[1].Shape()
	if len(t) != 2 || t[1].Size != x[2].Size {
		return Type{}, &ShapeError{v, "tokens", t, fmt.Sprintf("[K %d]", x[2].Size)}
	}
	return Type{F32, Shape{x[0], {"N", x[1].Size + t[0].Size}, x[2]}}, nil
}

func inferEmbed(v *Value) (Type, error) {
	x, err := wantRank(v, 0, "x", 3)
	if err != nil {
		return Type{}, err
	}
	t := v.Args[1].Shape()
	if len(t) != 2 || t[1].Size != x[2].Size || t[0].Size < x[1].Size {
		return Type{}, &ShapeError{v, "table", t, fmt.Sprintf("[K+%d %d]", x[1].Size, x[2].Size)}
	}
	if g := v.Args[2]; g != nil && !(len(g.Shape()) == 1 && g.Shape()[0].Size == x[2].Size) {
		return Type{}, &ShapeError{v, "gain", g.Shape(), fmt.Sprintf("[%d]", x[2].Size)}
	}
	return Type{F32, Shape{x[0], {"N", t[0].Size}, x[2]}}, nil
}

func inferSelect(v *Value) (Type, error) {
	x, err := wantRank(v, 0, "x", 3)
	if err != nil {
		return Type{}, err
	}
	if r := v.Int("row"); r < 0 || r >= x[1].Size {
		return Type{}, &AttrError{v, "row", fmt.Sprintf("is %d, want 0 … %d", r, x[1].Size-1)}
	}
	return Type{F32, Shape{x[0], x[2]}}, nil
}

func inferMeanRows(v *Value) (Type, error) {
	t, err := inferDropRows(v)
	if err != nil {
		return Type{}, err
	}
	return Type{F32, Shape{t.Shape[0], t.Shape[2]}}, nil
}

func inferDropRows(v *Value) (Type, error) {
	x, err := wantRank(v, 0, "x", 3)
	if err != nil {
		return Type{}, err
	}
	if r := v.Int("first"); r < 0 || r >= x[1].Size {
		return Type{}, &AttrError{v, "first", fmt.Sprintf("is %d, want 0 … %d", r, x[1].Size-1)}
	}
	return Type{F32, Shape{x[0], {x[1].Name, x[1].Size - v.Int("first")}, x[2]}}, nil
}

func inferLayerNorm(v *Value) (Type, error) {
	x := v.Args[0].Shape()
	for i, a := range []string{"gain", "bias"} {
		if err := wantVector(v, 1+i, a, x.Last()); err != nil {
			return Type{}, err
		}
	}
	return v.Args[0].Type, nil
}

// wantVector checks an argument that may be absent.
func wantVector(v *Value, i int, arg string, n int) error {
	if a := v.Args[i]; a != nil && !(len(a.Shape()) == 1 && a.Shape()[0].Size == n) {
		return &ShapeError{v, arg, a.Shape(), fmt.Sprintf("[%d]", n)}
	}
	return nil
}

func inferRowScale(v *Value) (Type, error) {
	if len(v.Args[0].Shape()) == 0 {
		return Type{}, &ShapeError{v, "x", v.Args[0].Shape(), "an axis and more"}
	}
	return Type{F32, v.Args[0].Shape().WithLast(Axis{"one", 1})}, nil
}

func wantRowScale(v *Value, i int, x Shape) error {
	r := v.Args[i]
	if r == nil {
		return nil
	}
	if want := x.WithLast(Axis{"one", 1}); !r.Shape().Same(want) {
		return &ShapeError{v, "rowscale", r.Shape(), want.String()}
	}
	if _, both := v.Attrs["eps"]; both {
		return &AttrError{v, "eps", "stands beside a rowscale argument: want one of them"}
	}
	return nil
}

func inferLinear(v *Value) (Type, error) {
	x, w := v.Args[0].Shape(), v.Args[1].Shape()
	if len(x) == 0 || len(w) != 2 || w[1].Size != x.Last() {
		return Type{}, &ShapeError{v, "weight", w, fmt.Sprintf("[R %d]", x.Last())}
	}
	out := x.WithLast(Axis{"C", w[0].Size})
	if err := wantVector(v, 2, "bias", w[0].Size); err != nil {
		return Type{}, err
	}
	if err := wantRowScale(v, 3, x); err != nil {
		return Type{}, err
	}
	if r := v.Args[4]; r != nil && !r.Shape().Same(out) {
		return Type{}, &ShapeError{v, "residual", r.Shape(), out.String()}
	}
	return Type{F32, out}, nil
}

// wantHeads checks that heads divides the channels of s.
func wantHeads(v *Value, s Shape) error {
	h := v.Int("heads")
	if h < 1 || s.Last()%h != 0 {
		return &AttrError{v, "heads", fmt.Sprintf("is %d, which does not divide %d channels", h, s.Last())}
	}
	return nil
}

func inferMSSA(v *Value) (Type, error) {
	w, err := wantRank(v, 0, "w", 3)
	if err != nil {
		return Type{}, err
	}
	return v.Args[0].Type, wantHeads(v, w)
}

func inferMHSA(v *Value) (Type, error) {
	q, err := wantRank(v, 0, "q", 3)
	if err != nil {
		return Type{}, err
	}
	for i, a := range []string{"k", "v"} {
		if s := v.Args[1+i].Shape(); !s.Same(q) {
			return Type{}, &ShapeError{v, a, s, q.String()}
		}
	}
	return v.Args[0].Type, wantHeads(v, q)
}

func inferAttention(v *Value) (Type, error) {
	q, err := wantRank(v, 0, "q", 3)
	if err != nil {
		return Type{}, err
	}
	if k := v.Args[1].Shape(); !k.Same(q) {
		return Type{}, &ShapeError{v, "k", k, q.String()}
	}
	n := q[1].Size
	return Type{F32, Shape{q[0], {"H", v.Int("heads")}, {"N", n}, {"keys", n}}}, wantHeads(v, q)
}

func inferClassAttention(v *Value) (Type, error) {
	t, err := inferAttention(v)
	if err != nil {
		return Type{}, err
	}
	s := t.Shape
	return Type{F32, Shape{s[0], s[1], s[3]}}, nil
}

func inferHeadDots(v *Value) (Type, error) {
	q, err := wantRank(v, 0, "q", 2)
	if err != nil {
		return Type{}, err
	}
	k := v.Args[1].Shape()
	if len(k) != 3 || k[0].Size != q[0].Size || k[2].Size != q[1].Size {
		return Type{}, &ShapeError{v, "k", k, fmt.Sprintf("[%d N %d]", q[0].Size, q[1].Size)}
	}
	return Type{F32, Shape{q[0], {"H", v.Int("heads")}, {"keys", k[1].Size}}}, wantHeads(v, q)
}

func inferHeadQuery(v *Value) (Type, error) {
	w, err := wantRank(v, 0, "w", 2)
	if err != nil {
		return Type{}, err
	}
	u := v.Args[1].Shape()
	if len(u) != 2 || u[0].Size != w[1].Size {
		return Type{}, &ShapeError{v, "weight", u, fmt.Sprintf("[%d C]", w[1].Size)}
	}
	return Type{F32, Shape{w[0], {"H", v.Int("heads")}, {"C", u[1].Size}}}, wantHeads(v, w)
}

func inferHeadScores(v *Value) (Type, error) {
	x, err := wantRank(v, 0, "x", 3)
	if err != nil {
		return Type{}, err
	}
	t := v.Args[1].Shape()
	if len(t) != 3 || t[0].Size != x[0].Size || t[2].Size != x[2].Size {
		return Type{}, &ShapeError{v, "t", t, fmt.Sprintf("[%d H %d]", x[0].Size, x[2].Size)}
	}
	return Type{F32, Shape{x[0], t[1], {"keys", x[1].Size}}}, wantRowScale(v, 2, x)
}

func inferHeadMix(v *Value) (Type, error) {
	x, err := wantRank(v, 1, "x", 3)
	if err != nil {
		return Type{}, err
	}
	a := v.Args[0].Shape()
	if len(a) != 3 || a[0].Size != x[0].Size || a[2].Size != x[1].Size {
		return Type{}, &ShapeError{v, "a", a, fmt.Sprintf("[%d H %d]", x[0].Size, x[1].Size)}
	}
	return Type{F32, Shape{x[0], a[1], x[2]}}, wantRowScale(v, 2, x)
}

func inferHeadProject(v *Value) (Type, error) {
	m, err := wantRank(v, 0, "m", 3)
	if err != nil {
		return Type{}, err
	}
	u := v.Args[1].Shape()
	if h := v.Int("heads"); len(u) != 2 || u[1].Size != m[2].Size || h != m[1].Size || u[0].Size%max(h, 1) != 0 {
		return Type{}, &ShapeError{v, "weight", u, fmt.Sprintf("[%d·p %d]", m[1].Size, m[2].Size)}
	}
	return Type{F32, Shape{m[0], {"C", u[0].Size}}}, wantVector(v, 2, "bias", u[0].Size)
}
