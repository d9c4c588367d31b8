package shaders

import "slices"

// kernels are the rows of the manifest. Keep them in step with the headers of
// the .comp files: the test compares bindings and constants with the SPIR-V.
func kernels() []*Kernel {
	return slices.Concat(productKernels(), attentionKernels(), tokenKernels(), headKernels(), readoutKernels(), markKernels(), benchKernels(), viewKernels())
}

func productKernels() []*Kernel {
	return []*Kernel{
		{
			Name:      "linear_lanes",
			Variants:  variants("", ".texel", ".f16", ".texel.f16"),
			Bindings:  []Binding{in("x"), in("w"), out("y"), in32("bias"), in("residual")},
			Push:      consts("rows kquads nquads xpitch ypitch rpitch columns fold inverse:f32 eps:f32 threshold:f32"),
			Spec:      consts("LANES ROWS COLS NORM:bool BIAS:bool RESIDUAL:bool ACT CENTRED:bool TAIL:bool"),
			Local:     along("LANES"),
			Loops:     func(c Values, _ *Variant) int { return c("kquads") },
			Subgroups: true,
		},
		{
			Name:     "linear_tiles",
			Variants: variants("", ".f16"),
			Bindings: []Binding{in("x"), in("w"), out("y"), in32("bias"), in("residual")},
			Push:     consts("rows kpadded kquads nquads xpitch ypitch rpitch columns fold inverse:f32 eps:f32 threshold:f32"),
			Spec:     consts("INVOCATIONS BM BN BK TM TN LX NORM:bool BIAS:bool RESIDUAL:bool ACT TAIL:bool CENTRED:bool"),
			Local:    along("INVOCATIONS"),
			Loops:    func(c Values, _ *Variant) int { return c("kpadded") / max(c("BK"), 1) },
			Shared:   func(c Values, _ *Variant) int { return 4 * c("BK") * (c("BM") + 4 + c("BN")) },
		},
		{
			Name:     "linear",
			Variants: variants("", ".f16"),
			Bindings: []Binding{in("x"), in("w"), out("y"), in32("bias"), in("residual"), in32("scale")},
			Push:     consts("rows kquads nquads columns xrow xquad yrow yquad rrow rquad srow fold eps:f32 threshold:f32"),
			Spec:     consts("LANES SCALE BIAS:bool RESIDUAL:bool ACT CENTRED:bool"),
			Local:    along("LANES"),
			Loops:    func(c Values, _ *Variant) int { return 3 * c("kquads") },
		},
	}
}

func attentionKernels() []*Kernel {
	return []*Kernel{
		{
			Name:      "attend_lanes",
			Variants:  variants("", ".texel", ".f16", ".texel.f16"),
			Bindings:  []Binding{in("q"), in("k"), in("v"), out("o")},
			Push:      consts("tokens pitch opitch scale:f32 zero"),
			Spec:      consts("LANES QUERIES KEYS HEAD_QUADS TIED:bool"),
			Local:     along("LANES"),
			Loops:     func(c Values, _ *Variant) int { return ceil(c("tokens"), c("KEYS")) },
			Subgroups: true,
		},
		{
			Name:     "attend_uniform",
			Variants: variants("", ".f16"),
			Bindings: []Binding{in("q"), in("k"), in("v"), out("o")},
			Push:     consts("tokens pitch opitch scale:f32 zero"),
			Spec:     consts("LANES PARTS SLICE SLICES KEYS SPLITS CHUNK TIED:bool"),
			Local:    func(c Values) [3]int { return [3]int{c("LANES"), c("PARTS"), 1} },
			Loops:    func(c Values, _ *Variant) int { return ceil(c("tokens"), c("KEYS")*c("SPLITS")) + c("SPLITS") },
			Shared: func(c Values, _ *Variant) int {
				scores, sums := 0, 0
				if c("SLICES") > 1 {
					scores = 2 * c("SPLITS") * c("SLICES") * c("KEYS")
				}
				if c("SPLITS") > 1 {
					sums = c("SLICES") * (4*c("SLICE") + 2)
				}
				return 4 * c("LANES") * max(scores, sums, 1)
			},
			Subgroups: true,
		},
		{
			Name:     "attend",
			Variants: variants("", ".f16"),
			Bindings: []Binding{in("q"), in("k"), in("v"), out("o")},
			Push:     consts("tokens headquads qrow qquad krow kquad orow oquad scale:f32"),
			Spec:     consts("LANES"),
			Local:    along("LANES"),
			Loops:    func(c Values, _ *Variant) int { return c("tokens") * (ceil(c("headquads"), 16) + 1) },
		},
		{
			Name:     "attend_map",
			Variants: variants("", ".f16"),
			Bindings: []Binding{in("q"), in("k"), out32("a")},
			Push:     consts("tokens headquads qrow qquad apitch image head0 scale:f32"),
			Spec:     consts("LANES HEAD_QUADS"),
			Local:    along("LANES"),
			Loops: func(c Values, _ *Variant) int {
				if c("HEAD_QUADS") > 0 {
					return 2 * ceil(c("tokens"), 4)
				}
				return 2 * ceil(c("tokens"), 4) * (ceil(c("headquads"), 8) + 1)
			},
		},
		{
			Name:     "softmax",
			Variants: variants("", ".group"),
			Bindings: []Binding{in32("a"), out32("y")},
			Push:     consts("rows quads columns row quad fold scale:f32"),
			Spec:     consts("ROW_LANES"),
			Local:    along("ROW_LANES"),
			Loops:    rowLoops(3),
			Shared:   rowShared,
		},
	}
}

func tokenKernels() []*Kernel {
	return []*Kernel{
		{
			Name:     "normalise",
			Variants: variants(""),
			Bindings: []Binding{pixels("pixels"), out32("y")},
			Push:     consts("width height pitch lines fold mean0:f32 mean1:f32 mean2:f32 std0:f32 std1:f32 std2:f32"),
			Spec:     consts("LANES"), Local: along("LANES"), Loops: noLoops,
		},
		{
			Name:     "patchify",
			Variants: variants("", ".f16"),
			Bindings: []Binding{in32("image"), out("y")},
			Push:     consts("rows tokens columns patch_ height ipitch yrow yquad fold"),
			Spec:     consts("LANES"), Local: along("LANES"), Loops: noLoops,
		},
		{
			Name:     "pixel_patches",
			Variants: variants("", ".f16"),
			Bindings: []Binding{pixels("pixels"), out("y")},
			Push:     consts("rows tokens columns patch_ width height quads yrow yquad fold mean0:f32 mean1:f32 mean2:f32 std0:f32 std1:f32 std2:f32"),
			Spec:     consts("LANES CENTRED:bool"), Local: along("LANES"),
			Loops: func(c Values, _ *Variant) int { return 3*c("patch_")*c("patch_") + 5*c("quads") },
		},
		{
			Name:     "prepend",
			Variants: variants("", ".f16"),
			Bindings: []Binding{in("x"), in("prefix"), out("y")},
			Push:     consts("rows tokens prefix xrow xquad trow tquad yrow yquad fold"),
			Spec:     consts("LANES"), Local: along("LANES"), Loops: noLoops,
		},
		{
			Name:     "select",
			Variants: variants("", ".f16"),
			Bindings: []Binding{in("x"), out32("y")},
			Push:     consts("tokens row quads xrow xquad yrow yquad"),
			Spec:     consts("LANES"), Local: along("LANES"), Loops: noLoops,
		},
		{
			Name:     "mean_rows",
			Variants: variants("", ".f16"),
			Bindings: []Binding{in("x"), out32("y")},
			Push:     consts("tokens first quads xrow xquad yrow yquad inverse:f32"),
			Spec:     consts("LANES"), Local: along("LANES"),
			Loops: func(c Values, _ *Variant) int { return c("tokens") },
		},
		{
			Name:     "drop_rows",
			Variants: variants("", ".f16"),
			Bindings: []Binding{in("x"), out("y")},
			Push:     consts("rows tokens first xrow xquad yrow yquad fold"),
			Spec:     consts("LANES"), Local: along("LANES"), Loops: noLoops,
		},
		{
			Name:     "layernorm",
			Variants: rowVariants(),
			Bindings: []Binding{in("x"), out("y"), in32("gain"), in32("bias"), out32("r")},
			Push:     consts("rows quads columns xrow xquad yrow yquad fold eps:f32"),
			Spec:     consts("ROW_LANES MODE"), Local: along("ROW_LANES"), Loops: rowLoops(3), Shared: rowShared,
		},
		{
			Name:     "embed",
			Variants: rowVariants(),
			Bindings: []Binding{in("x"), in("table"), out("y"), in32("gain")},
			Push:     consts("rows tokens prefix quads columns xrow xquad trow tquad yrow yquad fold eps:f32"),
			Spec:     consts("ROW_LANES NORM:bool GAIN:bool"), Local: along("ROW_LANES"), Loops: rowLoops(3), Shared: rowShared,
		},
		{
			Name:     "pointwise",
			Variants: variants("", ".f16"),
			Bindings: []Binding{in("a"), in("b"), out("y")},
			Push:     consts("rows quads brows row quad brow bquad fold by:f32"),
			Spec:     consts("LANES OP ACROSS:bool"), Local: along("LANES"), Loops: noLoops,
		},
	}
}

func headKernels() []*Kernel {
	return []*Kernel{
		{
			Name:     "head_dots",
			Variants: variants("", ".f16"),
			Bindings: []Binding{in32("q"), in("k"), out32("s")},
			Push:     consts("tokens heads headquads qrow qquad krow kquad srow squad"),
			Spec:     consts("LANES"), Local: along("LANES"),
			Loops: func(c Values, _ *Variant) int { return c("headquads") },
		},
		{
			Name:     "head_query",
			Variants: variants(""),
			Bindings: []Binding{in32("w"), in32("u"), out32("t")},
			Push:     consts("heads headdim headquads uquads wrow wquad trow tquad"),
			Spec:     consts("LANES"), Local: along("LANES"),
			Loops: func(c Values, _ *Variant) int { return c("headdim") },
		},
		{
			Name:     "head_scores",
			Variants: variants("", ".f16"),
			Bindings: []Binding{in("x"), in32("t"), out32("s"), in32("scale")},
			Push:     consts("tokens quads xrow xquad trow tquad spitch srow columns inverse:f32 eps:f32"),
			Spec:     consts("LANES HEADS SCALE CENTRED:bool"), Local: along("LANES"),
			Loops: func(c Values, _ *Variant) int { return c("quads") },
		},
		{
			Name:     "head_mix",
			Variants: variants("", ".f16"),
			Bindings: []Binding{in32("a"), in("x"), out32("m"), in32("scale")},
			Push:     consts("tokens heads quads arow aquad xrow xquad mrow mquad srow"),
			Spec:     consts("LANES SCALE:bool HEADS"), Local: along("LANES"),
			Loops: func(c Values, _ *Variant) int { return (c("tokens") + 3) / 4 },
		},
		{
			Name:     "head_project",
			Variants: variants(""),
			Bindings: []Binding{in32("m"), in32("u"), out32("o"), in32("bias")},
			Push:     consts("heads headquads mquads mrow mquad orow oquad"),
			Spec:     consts("LANES BIAS:bool"), Local: along("LANES"),
			Loops: func(c Values, _ *Variant) int { return c("mquads") },
		},
	}
}

// markKernels tell that the others were executed.
func markKernels() []*Kernel {
	return []*Kernel{{
		Name:     "mark",
		Variants: variants(""),
		Bindings: []Binding{in32("x"), in32("before"), out32("after")},
		Push:     consts("rows words pitch kind"),
		Spec:     consts("LANES"), Local: along("LANES"),
		Loops:  noLoops, // depends on the grid, which engine/run chooses
		Shared: func(Values, *Variant) int { return 4 },
	}}
}

// benchKernels compute nothing of a model: they measure the device.
func benchKernels() []*Kernel {
	return []*Kernel{
		{
			Name:     "peak",
			Variants: variants("", ".f16"),
			Bindings: []Binding{in32("x"), out32("y")},
			Push:     consts("rounds factor:f32"),
			Spec:     consts("LANES"), Local: along("LANES"),
			Loops: func(c Values, _ *Variant) int { return c("rounds") },
		},
		{
			Name:     "peak_matrix",
			Variants: variants("", ".half", ".int8"),
			Bindings: []Binding{in32("x"), out32("y")},
			Push:     consts("rounds"),
			Spec:     consts("LANES SCOPE M N K TURN:bool"), Local: along("LANES"),
			Loops:    func(c Values, _ *Variant) int { return c("rounds") + c("M")*c("N") },
			Matrices: true,
		},
	}
}

// PeakFLOPs is the arithmetic of one invocation of peak in a round: six chains
// of eight multiply-adds on four channels.
const (
	PeakFLOPs  = 2 * 4 * PeakChains * 8
	PeakChains = 6
)

// MatrixFLOPs is the arithmetic of peak_matrix in a round, times M·N·K: four chains of
// two products.
const (
	MatrixFLOPs  = 2 * MatrixChains * 2
	MatrixChains = 4
)
