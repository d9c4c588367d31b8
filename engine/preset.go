package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/crate-vk/crate-vk/crate"
)

// presetSeed makes a preset's random weights the same everywhere.
const presetSeed = 1

// Preset is a published geometry with random weights, for benchmarks and
// self-checks.
func Preset(name string) (*ModelSource, error) {
	c, err := crate.Preset(name)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "crate-vk preset %s seed %d", name, presetSeed))
	return &ModelSource{Name: name, Config: c, Hash: hex.EncodeToString(sum[:]), params: c.RandomParams(presetSeed)}, nil
}

// NewModelSource is a model whose weights come from anywhere: params reads a
// tensor by its canonical name (see crate.Config.Tensors), row-major.
func NewModelSource(name string, config crate.Config, hash string, params Params) *ModelSource {
	return &ModelSource{Name: name, Config: config, Hash: hash, params: params}
}

// Params reads the model's weights by canonical name.
func (m *ModelSource) Params() Params { return m.params }
