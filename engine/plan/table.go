package plan

import "github.com/crate-vk/crate-vk/graph"

// forms lists the kernels that compute an op, in the order in which they are
// tried. The last one suits every device; an op without any is rewritten by the
// pass expand before planning.
func forms(op graph.Op) []form { return table[op] }

// table is written once and never changed.
var table = map[graph.Op][]form{
	graph.OpLinear: {linearLanes{}, linearTiles{}, linearPlain{}},

	graph.OpMSSA:      {attendLanes{}, attendUniform{}, attendPlain{}},
	graph.OpMHSA:      {attendLanes{}, attendUniform{}, attendPlain{}},
	graph.OpAttention: {attendMap{}},
	graph.OpSoftmax:   {softmax{}},

	graph.OpHeadDots:    {headDots{}},
	graph.OpHeadQuery:   {headQuery{}},
	graph.OpHeadScores:  {headScores{}},
	graph.OpHeadMix:     {headMix{}},
	graph.OpHeadProject: {headProject{}},

	graph.OpNormalise:    {normalise{}},
	graph.OpPatchify:     {patchify{}},
	graph.OpPixelPatches: {pixelPatches{}},
	graph.OpPrepend:      {prepend{}},
	graph.OpEmbed:        {embed{}},
	graph.OpSelect:       {selectRow{}},
	graph.OpMeanRows:     {meanRows{}},
	graph.OpDropRows:     {dropRows{}},

	graph.OpLayerNorm:   {layerNorm{mode: 0}},
	graph.OpStandardise: {layerNorm{mode: 1}},
	graph.OpRowScale:    {layerNorm{mode: 2}},

	graph.OpAdd:   {pointwise{code: 0}},
	graph.OpSub:   {pointwise{code: 1}},
	graph.OpMul:   {pointwise{code: 2}},
	graph.OpScale: {pointwise{code: 3, by: "by"}},
	graph.OpReLU:  {pointwise{code: 4}},
	graph.OpGELU:  {pointwise{code: 5}},
	graph.OpSoft:  {pointwise{code: 6, by: "threshold"}},

	graph.OpUnitRows:     {unitRows{}},
	graph.OpAffinityBits: {affinityLanes{}, affinityPlain{}},
	graph.OpHeadGram:     {headGram{}},
	graph.OpZeroCount:    {zeroCount{}},
}
