package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
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
	return &ModelSource{Name: name, Config: c, Hash: hex.EncodeToString(sum[:]), params: c.RandomParams(presetSeed), preset: true, life: &sourceLife{}}, nil
}

// Preset reports a source that Preset made: its weights are random.
func (m *ModelSource) Preset() bool { return m.preset }

// NewModelSource is a model whose weights come from anywhere: params reads a
// tensor by its canonical name (see crate.Config.Tensors), row-major. It is called
// by one goroutine at a time, when the source is loaded and whenever weights go to
// the device.
func NewModelSource(name string, config crate.Config, hash string, params Params) *ModelSource {
	m := &ModelSource{Name: name, Config: config, Hash: hash}
	if params != nil {
		m.params = foreign(params)
	}
	m.life = &sourceLife{verify: m.readAll}
	return m
}

// readAll reads every tensor that the model needs.
func (m *ModelSource) readAll(ctx context.Context) error {
	if m.params == nil {
		return errors.New("has no weights")
	}
	for _, t := range m.Config.Tensors() {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		x, err := m.params(t.Name)
		if err != nil {
			return err
		}
		if want := t.Elems(); len(x) != want {
			return fmt.Errorf("tensor %q has %d elements, want %d", t.Name, len(x), want)
		}
		for i, v := range x {
			if v-v != 0 { // NaN for NaN and the infinities
				return fmt.Errorf("tensor %q: element %d is %v, want finite numbers", t.Name, i, v)
			}
		}
	}
	return nil
}

// Params reads the model's weights by canonical name.
func (m *ModelSource) Params() Params { return m.params }
