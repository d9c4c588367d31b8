package graph

import "fmt"

// Op names an operation of the table.
type Op uint8

// The operations. Sources come first, then linear algebra that also makes
// weights, then the parts of the models.
const (
	OpInvalid Op = iota

	OpInput
	OpParam
	OpEye
	OpFill
	OpKept

	OpAdd
	OpSub
	OpMul
	OpScale
	OpReLU
	OpGELU
	OpSoft
	OpMatMul
	OpTranspose
	OpSlice
	OpConcat
	OpCentre
	OpConvAsLinear
	OpResamplePositions

	OpNormalise
	OpPatchify
	OpPixelPatches
	OpPrepend
	OpEmbed
	OpSelect
	OpMeanRows
	OpDropRows

	OpLayerNorm
	OpStandardise
	OpRowScale
	OpLinear

	OpMSSA
	OpMHSA
	OpAttention
	OpClassAttention
	OpSoftmax
	OpHeadDots
	OpHeadQuery
	OpHeadScores
	OpHeadMix
	OpHeadProject

	OpISTA
	OpODL

	OpUnitRows
	OpAffinityBits
	OpHeadGram
	OpZeroCount

	opCount
)

// Param describes one argument of an op.
type Param struct {
	Name     string
	Optional bool
}

// OpInfo is one row of the op table.
type OpInfo struct {
	Name  string
	Doc   string
	Args  []Param
	Attrs []AttrInfo

	// Properties that passes and planning go by, instead of lists of ops.

	// Elementwise: an element of the result is made of the elements at its
	// place; a second argument is broadcast.
	Elementwise bool
	// RowWise: a row of the result is made of the same row of the first
	// argument and of nothing else but parameters.
	RowWise bool
	// SameChannels: the channels of the result stand for those of the first
	// argument, so that both are padded alike.
	SameChannels bool
	// ByHead lists the arguments whose channels are read head by head, by the
	// attribute heads.
	ByHead []string
	// HeadsOut: the channels of the result are written head by head.
	HeadsOut bool
	// OneRow: the result is a row of the first argument, and what is asked of
	// its channels is asked of the argument's too.
	OneRow bool

	infer func(*Value) (Type, error) // nil: a source, whose type is declared
	macs  func(*Value) int64         // multiply-adds of matrix products; nil: none
}

// Info is op's row of the table, one without a name where op has none.
func (op Op) Info() *OpInfo {
	if op >= opCount {
		op = OpInvalid
	}
	return &table[op]
}

func (op Op) String() string {
	if int(op) < len(table) && table[op].Name != "" {
		return table[op].Name
	}
	return fmt.Sprintf("op(%d)", uint8(op))
}

// Heads is the number of heads in which the op reads or writes channels: its
// attribute heads, 1 where it has none.
func (v *Value) Heads() int { return max(v.Int("heads"), 1) }

// ReadsByHead reports that v reads the channels of its argument a head by head.
func (v *Value) ReadsByHead(a *Value) bool {
	for _, name := range v.Op.Info().ByHead {
		if v.Arg(name) == a {
			return true
		}
	}
	return false
}

// ParseOp is the inverse of Op.String.
func ParseOp(s string) (Op, error) {
	for op := OpInvalid + 1; op < opCount; op++ {
		if table[op].Name == s {
			return op, nil
		}
	}
	return OpInvalid, fmt.Errorf("unknown op %q", s)
}

// Ops lists every operation, in table order.
func Ops() []Op {
	ops := make([]Op, 0, opCount-1)
	for op := OpInvalid + 1; op < opCount; op++ {
		ops = append(ops, op)
	}
	return ops
}

func args(names ...string) []Param {
	p := make([]Param, len(names))
	for i, n := range names {
		if n[len(n)-1] == '?' {
			p[i] = Param{n[:len(n)-1], true}
		} else {
			p[i] = Param{n, false}
		}
	}
	return p
}

var (
	nameAttr  = AttrInfo{Name: "name", Kind: String}
	headsAttr = AttrInfo{Name: "heads", Kind: Int}
	scaleAttr = AttrInfo{Name: "scale", Kind: Float}
	epsAttr   = AttrInfo{Name: "eps", Kind: Float}
	tauAttr   = AttrInfo{Name: "tau", Kind: Float}
	stepAttrs = []AttrInfo{{Name: "step", Kind: Float}, {Name: "threshold", Kind: Float}}
)

// Activations that linear applies at its end.
const (
	ActNone = ""
	ActReLU = "relu"
	ActGELU = "gelu"
	ActSoft = "soft"
)

// The table is written once and never changed.
var table = [opCount]OpInfo{
	OpInput: {Name: "input", Doc: "what the caller provides at each run", Attrs: []AttrInfo{nameAttr}},
	OpParam: {Name: "param", Doc: "a tensor of the weight file", Attrs: []AttrInfo{nameAttr}},
	OpEye:   {Name: "eye", Doc: "the identity matrix"},
	OpFill:  {Name: "fill", Doc: "every element is value", Attrs: []AttrInfo{{Name: "value", Kind: Float}}},
	OpKept: {Name: "kept", Doc: "1 in the count rows of [N 1] whose noise is least, 0 in the others: the patches that a mask of an autoencoder leaves; noise of row i is splitmix64(splitmix64(seed) + i)",
		Attrs: []AttrInfo{{Name: "count", Kind: Int}, {Name: "seed", Kind: Int}}},

	OpAdd:   {Name: "add", Elementwise: true, RowWise: true, SameChannels: true, Doc: "a + b; b is broadcast to a", Args: args("a", "b"), infer: inferBroadcast},
	OpSub:   {Name: "sub", Elementwise: true, RowWise: true, SameChannels: true, Doc: "a − b; b is broadcast to a", Args: args("a", "b"), infer: inferBroadcast},
	OpMul:   {Name: "mul", Elementwise: true, RowWise: true, SameChannels: true, Doc: "a ∘ b; b is broadcast to a", Args: args("a", "b"), infer: inferBroadcast},
	OpScale: {Name: "scale", Elementwise: true, RowWise: true, SameChannels: true, Doc: "a · by", Args: args("a"), Attrs: []AttrInfo{{Name: "by", Kind: Float}}, infer: inferSame},
	OpReLU:  {Name: "relu", Elementwise: true, RowWise: true, SameChannels: true, Doc: "max(0, a)", Args: args("a"), infer: inferSame},
	OpGELU:  {Name: "gelu", Elementwise: true, RowWise: true, SameChannels: true, Doc: "a·Φ(a), the exact form with erf", Args: args("a"), infer: inferSame},
	OpSoft: {Name: "soft", Elementwise: true, RowWise: true, SameChannels: true, Doc: "soft threshold: sign(a)·max(|a| − threshold, 0)", Args: args("a"),
		Attrs: []AttrInfo{{Name: "threshold", Kind: Float}}, infer: inferSame},
	OpMatMul: {Name: "matmul", Doc: "a·b for matrices [R K] and [K C]", Args: args("a", "b"), infer: inferMatMul,
		macs: func(v *Value) int64 { return mulAll(v.Shape().Elems(), v.Args[0].Shape().Last()) }},
	OpTranspose: {Name: "transpose", Doc: "the transposed matrix", Args: args("a"), infer: inferTranspose},
	OpSlice: {Name: "slice", Doc: "rows start … stop−1 of the first axis", Args: args("a"),
		Attrs: []AttrInfo{{Name: "start", Kind: Int}, {Name: "stop", Kind: Int}}, infer: inferSlice},
	OpConcat: {Name: "concat", Doc: "the rows of a [R C], then those of b", Args: args("a", "b"), infer: inferConcat},
	OpCentre: {Name: "centre", Doc: "a weight [R K] whose rows have their mean over K subtracted: centre(w)·x = w·(x − mean(x))",
		Args: args("w"), infer: inferSame},
	OpConvAsLinear: {Name: "conv_as_linear", Doc: "a convolution kernel [C 3 P P] as the linear weight [C P·P·3] over patches (row, column, colour)",
		Args: args("kernel"), infer: inferConvAsLinear},
	OpResamplePositions: {Name: "resample_positions", Args: args("table"), infer: inferResample,
		Doc: "a position table [K+G C] whose grid rows × columns is resampled bicubically (a = −0.75) to torows × tocolumns at scales (rowscale, columnscale); the first prefix rows are kept",
		Attrs: []AttrInfo{{Name: "rows", Kind: Int}, {Name: "columns", Kind: Int}, {Name: "torows", Kind: Int}, {Name: "tocolumns", Kind: Int},
			{Name: "rowscale", Kind: Float}, {Name: "columnscale", Kind: Float}, {Name: "prefix", Kind: Int}}},

	OpNormalise: {Name: "normalise", Doc: "8-bit pixels [B Y X 3] to (x/255 − mean)/std, [B 3 Y X]", Args: args("pixels"),
		Attrs: []AttrInfo{{Name: "mean", Kind: Floats}, {Name: "std", Kind: Floats}}, infer: inferNormalise},
	OpPatchify: {Name: "patchify", Doc: "an image [B 3 Y X] cut into patches [B N P·P·3]: row slowest, then column, colour fastest", Args: args("image"),
		Attrs: []AttrInfo{{Name: "patch", Kind: Int}}, infer: inferPatchify},
	OpPixelPatches: {Name: "pixel_patches", Doc: "patchify(normalise(pixels)) in one step; with centred=1 each patch has its mean subtracted", Args: args("pixels"),
		Attrs: []AttrInfo{{Name: "patch", Kind: Int}, {Name: "mean", Kind: Floats}, {Name: "std", Kind: Floats}, {Name: "centred", Kind: Int, Optional: true}}, infer: inferPixelPatches},
	OpPrepend: {Name: "prepend", Doc: "the tokens [K C] of the second argument put before each image's tokens [B N C]", Args: args("x", "tokens"), infer: inferPrepend},
	OpEmbed: {Name: "embed", Args: args("x", "table", "gain?"), infer: inferEmbed,
		Doc:   "table rows [K+N C]; the first K stand alone, each further one is added to its token: table + gain∘standardise(x), or table + x without eps",
		Attrs: []AttrInfo{{Name: "eps", Kind: Float, Optional: true}}},
	OpSelect:   {Name: "select", SameChannels: true, OneRow: true, Doc: "one row of each image's tokens: [B N C] to [B C]", Args: args("x"), Attrs: []AttrInfo{{Name: "row", Kind: Int}}, infer: inferSelect},
	OpMeanRows: {Name: "mean_rows", SameChannels: true, Doc: "the mean of each image's tokens from row first on: [B N C] to [B C]", Args: args("x"), Attrs: []AttrInfo{{Name: "first", Kind: Int}}, infer: inferMeanRows},
	OpDropRows: {Name: "drop_rows", SameChannels: true, Doc: "each image's tokens from row first on: [B N C] to [B N−first C]", Args: args("x"), Attrs: []AttrInfo{{Name: "first", Kind: Int}}, infer: inferDropRows},

	OpLayerNorm: {Name: "layernorm", RowWise: true, Doc: "(x − mean)/sqrt(var + eps)∘gain + bias over the last axis, var biased", Args: args("x", "gain", "bias"),
		Attrs: []AttrInfo{epsAttr}, infer: inferLayerNorm},
	OpStandardise: {Name: "standardise", RowWise: true, Doc: "(x − mean)/sqrt(var + eps) over the last axis", Args: args("x"), Attrs: []AttrInfo{epsAttr}, infer: inferSame},
	OpRowScale:    {Name: "row_scale", RowWise: true, Doc: "1/sqrt(var + eps) of each row: [… C] to [… 1]", Args: args("x"), Attrs: []AttrInfo{epsAttr}, infer: inferRowScale},
	OpLinear: {Name: "linear", Args: args("x", "weight", "bias?", "rowscale?", "residual?"), infer: inferLinear,
		Doc: "act(rowscale∘(x·weightᵀ) + bias + residual); with eps the row scale is row_scale(x)",
		Attrs: []AttrInfo{{Name: "eps", Kind: Float, Optional: true},
			{Name: "act", Kind: String, Optional: true, OneOf: []string{ActReLU, ActGELU, ActSoft}},
			{Name: "threshold", Kind: Float, Optional: true}},
		macs: func(v *Value) int64 { return mulAll(v.Shape().Elems(), v.Args[0].Shape().Last()) }},

	OpMSSA: {Name: "mssa", ByHead: []string{"w"}, HeadsOut: true, Doc: "multi-head subspace self-attention: concat over heads of softmax(scale·w_k·w_kᵀ)·w_k, w the shared projection [B N C]",
		Args: args("w"), Attrs: []AttrInfo{headsAttr, scaleAttr}, infer: inferMSSA, macs: attentionMACs(2)},
	OpMHSA: {Name: "mhsa", ByHead: []string{"q", "k", "v"}, HeadsOut: true, Doc: "multi-head self-attention: concat over heads of softmax(scale·q_k·k_kᵀ)·v_k",
		Args: args("q", "k", "v"), Attrs: []AttrInfo{headsAttr, scaleAttr}, infer: inferMHSA, macs: attentionMACs(2)},
	OpAttention: {Name: "attention", ByHead: []string{"q", "k"}, Doc: "the maps softmax(scale·q_k·k_kᵀ) of every head: [B H N N]",
		Args: args("q", "k"), Attrs: []AttrInfo{headsAttr, scaleAttr}, infer: inferAttention, macs: attentionMACs(1)},
	OpClassAttention: {Name: "class_attention", Doc: "row 0 of each head's map: [B H N]",
		Args: args("q", "k"), Attrs: []AttrInfo{headsAttr, scaleAttr}, infer: inferClassAttention,
		macs: func(v *Value) int64 { return int64(v.Args[1].Shape().Elems()) }},
	OpSoftmax: {Name: "softmax", Doc: "softmax(scale·a) over the last axis", Args: args("a"), Attrs: []AttrInfo{scaleAttr}, infer: inferSame},
	OpHeadDots: {Name: "head_dots", ByHead: []string{"q", "k"}, Doc: "s_kj = q_k·k_jk within each head: [B C] and [B N C] to [B H N]",
		Args: args("q", "k"), Attrs: []AttrInfo{headsAttr}, infer: inferHeadDots,
		macs: func(v *Value) int64 { return int64(v.Args[1].Shape().Elems()) }},
	OpHeadQuery: {Name: "head_query", ByHead: []string{"w"}, Doc: "t_k = w_k·U_k, the rows of U [R C] that belong to head k: [B R] to [B H C] (numerics 6.7)",
		Args: args("w", "weight"), Attrs: []AttrInfo{headsAttr}, infer: inferHeadQuery,
		macs: func(v *Value) int64 { return mulAll(v.Shape()[0].Size, v.Args[1].Shape().Elems()) }},
	OpHeadScores: {Name: "head_scores", Doc: "s_kj = rowscale_j·(x_j·t_k): [B N C] and [B H C] to [B H N] (numerics 6.7)",
		Args: args("x", "t", "rowscale?"), Attrs: []AttrInfo{{Name: "eps", Kind: Float, Optional: true}}, infer: inferHeadScores,
		macs: func(v *Value) int64 { return mulAll(v.Shape().Elems(), v.Args[0].Shape().Last()) }},
	OpHeadMix: {Name: "head_mix", Doc: "m_k = Σ_j a_kj·rowscale_j·x_j: [B H N] and [B N C] to [B H C] (numerics 6.6)",
		Args: args("a", "x", "rowscale?"), infer: inferHeadMix,
		macs: func(v *Value) int64 { return mulAll(v.Args[0].Shape().Elems(), v.Shape().Last()) }},
	OpHeadProject: {Name: "head_project", HeadsOut: true, Doc: "o_k = U_k·m_k + bias_k: [B H C] to [B R] (numerics 6.6)",
		Args: args("m", "weight", "bias?"), Attrs: []AttrInfo{headsAttr}, infer: inferHeadProject,
		macs: func(v *Value) int64 { return mulAll(v.Shape()[0].Size, v.Args[1].Shape().Elems()) }},

	OpISTA: {Name: "ista", RowWise: true, Doc: "one proximal step on a dictionary D [C C]: prox(x + step·(x·D − (x·Dᵀ)·D)), prox = max(0, · − step·threshold) or, with prox=soft, the soft threshold",
		Args: args("x", "dictionary"), Attrs: append(stepAttrs[:2:2], AttrInfo{Name: "prox", Kind: String, Optional: true, OneOf: []string{ActSoft}}),
		infer: inferISTA, macs: func(v *Value) int64 { return 3 * mulAll(v.Shape().Elems(), v.Shape().Last()) }},
	OpODL: {Name: "odl", RowWise: true, Doc: "two proximal steps from zero on an overcomplete dictionary D [C R], decoded with D1 [C R] (CRATE-α, numerics 1.3)",
		Args: args("x", "dictionary", "decoder"), Attrs: stepAttrs, infer: inferODL,
		macs: func(v *Value) int64 { return 4 * mulAll(v.Shape().Elems(), v.Args[1].Shape().Last()) }},

	OpUnitRows: {Name: "unit_rows", ByHead: []string{"x"}, HeadsOut: true, SameChannels: true, Args: args("x"), infer: inferUnitRows,
		Doc:   "x/max(‖x‖, 1e-12) of each token but the first prefix: [B K+N C] to [B N C]; with heads, of each head's part of it",
		Attrs: []AttrInfo{{Name: "prefix", Kind: Int}, {Name: "heads", Kind: Int, Optional: true}}},
	OpAffinityBits: {Name: "affinity_bits", Args: args("f"), infer: inferAffinityBits,
		Doc:   "bit j mod 32 of word j/32 of row i is set iff f_i·f_j > tau: [B N C] to u32 [B N W], W = N/32 rounded up (numerics 4.4)",
		Attrs: []AttrInfo{tauAttr},
		macs:  func(v *Value) int64 { return mulAll(v.Args[0].Shape().Elems(), v.Args[0].Shape()[1].Size) }},
	OpHeadGram: {Name: "head_gram", ByHead: []string{"w"}, Args: args("w"), Attrs: []AttrInfo{headsAttr}, infer: inferHeadGram,
		Doc:  "w_kᵀ·w_k of each head: [B N C] to [B H p p] (numerics 5)",
		macs: func(v *Value) int64 { return mulAll(v.Args[0].Shape().Elems(), v.Shape().Last()) }},
	OpZeroCount: {Name: "zero_count", Doc: "how many channels of each token are exactly zero: [B N C] to [B N 1] (numerics 5)", Args: args("x"), infer: inferZeroCount},
}

func mulAll(ns ...int) int64 {
	p := int64(1)
	for _, n := range ns {
		p *= int64(n)
	}
	return p
}

// attentionMACs counts n·n·C multiply-adds an image for each of the products.
func attentionMACs(products int64) func(*Value) int64 {
	return func(v *Value) int64 {
		q := v.Args[0].Shape()
		return products * mulAll(q.Elems(), q[1].Size)
	}
}
