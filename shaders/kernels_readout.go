package shaders

// readoutKernels are what masks and measures are made with: the affinity of
// patches, Gram matrices, counts of zeros.
func readoutKernels() []*Kernel {
	return []*Kernel{
		{
			Name:     "unit_rows",
			Variants: rowVariants(),
			Bindings: []Binding{in("x"), out32("f")},
			Push:     consts("rows tokens prefix quads xrow xquad frow fquad fold"),
			Spec:     consts("ROW_LANES"), Local: along("ROW_LANES"), Loops: rowLoops(2), Shared: rowShared,
		},
		{
			Name:     "affinity_bits",
			Variants: variants(""),
			Bindings: []Binding{in32("f"), out32("bits")},
			Push:     consts("tokens words quads frow fquad tau:f32"),
			Spec:     consts("LANES"), Local: along("LANES"),
			Loops: func(c Values, _ *Variant) int { return 4*c("quads") + 4 },
		},
		{
			Name:     "affinity_lanes",
			Variants: variants("", ".texel"),
			Bindings: []Binding{in32("f"), out32("bits")},
			Push:     consts("tokens words kquads pitch tau:f32"),
			Spec:     consts("LANES WORDS"), Local: along("LANES"),
			Loops:     func(c Values, _ *Variant) int { return c("kquads") },
			Subgroups: true,
		},
		{
			Name:     "head_gram",
			Variants: variants(""),
			Bindings: []Binding{in32("w"), out32("g")},
			Push:     consts("tokens heads headdim headquads wrow wquad"),
			Spec:     consts("LANES"), Local: along("LANES"),
			Loops: func(c Values, _ *Variant) int { return c("tokens") },
		},
		{
			Name:     "zero_count",
			Variants: rowVariants(),
			Bindings: []Binding{in("x"), out32("r")},
			Push:     consts("rows quads columns xrow xquad fold"),
			Spec:     consts("ROW_LANES"), Local: along("ROW_LANES"), Loops: rowLoops(1), Shared: rowShared,
		},
	}
}
