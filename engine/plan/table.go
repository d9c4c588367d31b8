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

	graph.OpLayerNorm:   {layerNorm{}},
	graph.OpStandardise: {layerNorm{}},
	graph.OpRowScale:    {layerNorm{}},

	graph.OpAdd:   {pointwise{}},
	graph.OpSub:   {pointwise{}},
	graph.OpMul:   {pointwise{}},
	graph.OpScale: {pointwise{}},
	graph.OpReLU:  {pointwise{}},
	graph.OpGELU:  {pointwise{}},
	graph.OpSoft:  {pointwise{}},

	graph.OpUnitRows:     {unitRows{}},
	graph.OpAffinityBits: {affinityLanes{}, affinityPlain{}},
	graph.OpHeadGram:     {headGram{}},
	graph.OpZeroCount:    {zeroCount{}},
}
