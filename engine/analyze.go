package engine

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout/layerwise"
)

// LayerMeasures are what the layers of a model do with one image (numerics 5).
type LayerMeasures struct {
	Rates []float64 // coding rate R^c of each layer's projected tokens, in nats
	Zeros []float64 // share of exact zeros behind each ISTA block; NaN of other blocks
}

// AnalyzeStream measures all layers on images as they come. Gram matrices and
// zeros are summed on the device, the small log-determinants on the host. At
// half precision the device rounds small values to zeros that the model doesn't
// have: open the engine with FP32.
func (m *Model) AnalyzeStream(ctx context.Context, inputs iter.Seq[Input], o InputOptions) iter.Seq2[Item[LayerMeasures], error] {
	c := &m.src.Config
	var outputs []string
	for l := range c.Depth {
		outputs = append(outputs, fmt.Sprintf("gram.%d", l))
		if m.sparse() {
			outputs = append(outputs, fmt.Sprintf("zeros.%d", l))
		}
	}
	j := &job[LayerMeasures]{m: m, opt: o, outputs: outputs}
	j.finish = func(p *prepared, tensors map[string]*Tensor) (LayerMeasures, error) {
		tokens := p.frame.Rows*p.frame.Columns + c.Prefix
		var out LayerMeasures
		for l := range c.Depth {
			grams := tensors[fmt.Sprintf("gram.%d", l)].Data
			out.Rates = append(out.Rates, layerwise.CodingRateOfGrams(grams, tokens, c.Heads))
			share := math.NaN()
			if m.sparse() {
				count := 0.0
				for _, x := range tensors[fmt.Sprintf("zeros.%d", l)].Data {
					count += float64(x)
				}
				share = count / float64(tokens*c.Dim)
			}
			out.Zeros = append(out.Zeros, share)
		}
		return out, nil
	}
	return j.run(ctx, inputs)
}

// sparse reports that layers end in an ISTA block without a residual, whose
// zeros can be counted.
func (m *Model) sparse() bool {
	return m.src.Config.Block == crate.BlockISTA && !m.src.Config.ResidualFF
}
