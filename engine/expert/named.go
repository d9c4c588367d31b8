package expert

import (
	"fmt"
	"strings"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine"
)

// namedReadout is a read-out with its default options.
type namedReadout struct {
	name    string
	request func(c *crate.Config, batch, height, width int) (engine.Request, error)
}

func namedReadouts() []namedReadout {
	return []namedReadout{
		{"attention", engine.Attention(engine.AttentionOptions{}).Request},
		{"maskcut", engine.MaskCut(engine.MaskCutOptions{}).Request},
		{"tokencut", engine.TokenCut(engine.TokenCutOptions{}).Request},
		{"parts", engine.Parts(engine.PartsOptions{}).Request},
		{"features", engine.FeaturesOf(engine.FeatureOptions{}).Request},
		{"classify", engine.Classify(engine.ClassifyOptions{}).Request},
		{"embed", engine.Embed(engine.EmbedOptions{}).Request},
		{"analyze", engine.Analyze(engine.AnalyzeOptions{}).Request},
		{"reconstruction", engine.Reconstruct(engine.ReconstructOptions{}).Request},
	}
}

// ReadoutNames lists the read-outs that NamedRequest knows.
func ReadoutNames() []string {
	var names []string
	for _, r := range namedReadouts() {
		names = append(names, r.name)
	}
	return names
}

// NamedRequest is the work that a read-out with its default options asks of a
// model for a batch of images of height × width px; or single outputs by the
// names of crate/readout.Outputs: logits, tokens, attention@LAYER, keys@LAYER.
func NamedRequest(c *crate.Config, name string, batch, height, width int) (engine.Request, error) {
	for _, r := range namedReadouts() {
		if r.name == name {
			return r.request(c, batch, height, width)
		}
	}
	outputs, err := readout.Outputs(c, name)
	if err != nil && !strings.Contains(name, "@") { // no layer that is wrong: an unknown name
		err = fmt.Errorf("%w; or %s", err, strings.Join(ReadoutNames(), ", "))
	}
	if err != nil {
		return engine.Request{}, err
	}
	return engine.Request{Outputs: outputs, Height: height, Width: width, Batch: batch}, nil
}
