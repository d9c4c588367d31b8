package engine

import (
	"fmt"
	"math"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout/layerwise"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// LayerMeasures are what the layers of a model do with one image (numerics 5).
type LayerMeasures struct {
	Rates []float64 // coding rate R^c of each layer's projected tokens, in nats
	Zeros []float64 // share of exact zeros behind each ISTA block; NaN of other blocks
}

// AnalyzeOptions are the choices of Analyze: those of its inputs.
type AnalyzeOptions struct {
	InputOptions
}

// Analyze measures all layers. Gram matrices and zeros are summed on the device,
// the small log-determinants on the host. At half precision the device rounds
// small values to zeros that the model doesn't have: open the engine with FP32.
func Analyze(o AnalyzeOptions) Readout[LayerMeasures] {
	return Readout[LayerMeasures]{input: o.InputOptions.over(picture.DefaultFilter), bind: func(c *crate.Config) (*reading[LayerMeasures], error) {
		r := &reading[LayerMeasures]{}
		for l := range c.Depth {
			r.outputs = append(r.outputs, fmt.Sprintf("gram.%d", l))
			if sparse(c) {
				r.outputs = append(r.outputs, fmt.Sprintf("zeros.%d", l))
			}
		}
		r.finish = func(p *prepared, tensors map[string]*Tensor) (LayerMeasures, error) {
			return measures(c, p.frame.Rows*p.frame.Columns+c.Prefix, tensors), nil
		}
		return r, nil
	}}
}

// measures are those of an image of so many tokens.
func measures(c *crate.Config, tokens int, tensors map[string]*Tensor) LayerMeasures {
	var out LayerMeasures
	for l := range c.Depth {
		grams := tensors[fmt.Sprintf("gram.%d", l)].Data
		out.Rates = append(out.Rates, layerwise.CodingRateOfGrams(grams, tokens, c.Heads))
		share := math.NaN()
		if sparse(c) {
			count := 0.0
			for _, x := range tensors[fmt.Sprintf("zeros.%d", l)].Data {
				count += float64(x)
			}
			share = count / float64(tokens*c.Dim)
		}
		out.Zeros = append(out.Zeros, share)
	}
	return out
}

// sparse reports that layers end in an ISTA block without a residual, whose
// zeros can be counted.
func sparse(c *crate.Config) bool { return c.Block == crate.BlockISTA && !c.ResidualFF }
