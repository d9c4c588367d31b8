package shaders

// readoutKernels are what masks and measures are made with: the affinity of
// patches and its Lanczos vectors, Gram matrices, counts of zeros.
func readoutKernels() []Kernel {
	rows := variants("", ".f16", ".group", ".group.f16")
	return []Kernel{
		{
			Name:     "unit_rows",
			Variants: rows,
			Bindings: []Binding{in("x"), out32("f")},
			Push:     consts("rows tokens prefix quads xrow xquad frow fquad"),
			Spec:     consts("ROW_LANES"), Local: along("ROW_LANES"), Loops: rowLoops(2), Shared: rowShared,
		},
		{
			Name:     "affinity_bits",
			Variants: variants(""),
			Bindings: []Binding{in32("f"), out32("bits")},
			Push:     consts("tokens words quads frow fquad tau:f32"),
			Spec:     consts("LANES"), Local: along("LANES"),
			Loops: func(c Values, _ Variant) int { return c("quads") },
		},
		{
			Name:     "affinity_lanes",
			Variants: variants("", ".texel"),
			Bindings: []Binding{in32("f"), out32("bits")},
			Push:     consts("tokens words kquads pitch tau:f32"),
			Spec:     consts("LANES WORDS"), Local: along("LANES"),
			Loops:     func(c Values, _ Variant) int { return c("kquads") },
			Subgroups: true,
		},
		{
			Name:     "degree_scale",
			Variants: variants(""),
			Bindings: []Binding{words("bits"), out32("y")},
			Push:     consts("tokens words quads eps:f32"),
			Spec:     consts("LANES"), Local: along("LANES"),
			Loops: func(c Values, _ Variant) int { return 4 * c("words") },
		},
		{
			Name:     "affinity_product",
			Variants: variants(""),
			Bindings: []Binding{words("bits"), in32("scale"), in32("v"), out32("y")},
			Push:     consts("tokens words quads eps:f32"),
			Spec:     consts("LANES"), Local: along("LANES"),
			Loops: func(c Values, _ Variant) int { return c("words") },
		},
		{
			Name:     "lanczos_next",
			Variants: variants("", ".group"),
			Bindings: []Binding{in32("scale"), in32("w"), in32("v"), in32("before"), out32("y")},
			Push:     consts("rows quads columns"),
			Spec:     consts("ROW_LANES TERMS"), Local: along("ROW_LANES"), Shared: rowShared,
			Loops: func(c Values, v Variant) int {
				if v.Has("ROW_BARRIERS") {
					return 3*ceil(c("quads"), c("ROW_LANES")) + 2 + 7*(bits(c("ROW_LANES"))+1)
				}
				return 3*c("quads") + 2
			},
		},
		{
			Name:     "head_gram",
			Variants: variants(""),
			Bindings: []Binding{in32("w"), out32("g")},
			Push:     consts("tokens heads headdim headquads wrow wquad"),
			Spec:     consts("LANES"), Local: along("LANES"),
			Loops: func(c Values, _ Variant) int { return c("tokens") },
		},
		{
			Name:     "zero_count",
			Variants: rows,
			Bindings: []Binding{in("x"), out32("r")},
			Push:     consts("rows quads columns xrow xquad"),
			Spec:     consts("ROW_LANES"), Local: along("ROW_LANES"), Loops: rowLoops(1), Shared: rowShared,
		},
	}
}

// words is a storage buffer of 32-bit words.
func words(name string) Binding { return pixels(name) }
