package engine

import (
	"fmt"
	"strings"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
)

// ReadoutNames lists the read-outs that NamedRequest knows.
func ReadoutNames() []string {
	return []string{"attention", "maskcut", "tokencut", "parts", "features", "classify", "analyze", "reconstruction"}
}

// NamedRequest is the work that a read-out with its default options asks of a
// model for a batch of images of height × width px; or single outputs by the
// names of crate/readout.Outputs: logits, tokens, attention@LAYER, keys@LAYER.
func NamedRequest(c *crate.Config, name string, batch, height, width int) (Request, error) {
	switch name {
	case "attention":
		o, err := DefaultSegmentOptions(c)
		if err != nil {
			return Request{}, err
		}
		return Attention(o).Request(c, batch, height, width)
	case "maskcut":
		return MaskCut(PublishedMaskCut()).Request(c, batch, height, width)
	case "tokencut":
		return TokenCut(PublishedTokenCut()).Request(c, batch, height, width)
	case "parts":
		return Parts(DefaultPartsOptions()).Request(c, batch, height, width)
	case "features":
		return FeaturesOf(DefaultFeatureOptions()).Request(c, batch, height, width)
	case "classify":
		return Classify(1, InputOptions{}).Request(c, batch, height, width)
	case "analyze":
		return Analyze(InputOptions{}).Request(c, batch, height, width)
	case "reconstruction":
		return Reconstruct(DefaultFeatureOptions().Mask, InputOptions{}).Request(c, batch, height, width)
	}
	outputs, err := readout.Outputs(c, name)
	if err != nil {
		return Request{}, fmt.Errorf("%w; or %s", err, strings.Join(ReadoutNames(), ", "))
	}
	return Request{Outputs: outputs, Height: height, Width: width, Batch: batch}, nil
}
