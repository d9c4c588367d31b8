package engine

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/crate-vk/crate-vk/crate"
)

// Class is a label with its probability.
type Class struct {
	Index       int
	Name        string // "" where the model has no names
	Probability float64
}

// Classify computes the top most probable classes: softmax over the logits.
// Equal ones are in the order of their indices. A model without a head is an
// error.
func Classify(top int, o InputOptions) Readout[[]Class] {
	return Readout[[]Class]{input: o, bind: func(c *crate.Config) (*reading[[]Class], error) {
		if c.LogitCount() == 0 {
			return nil, errors.New("the model has no classification head")
		}
		if top < 1 {
			return nil, fmt.Errorf("the %d most probable classes are asked for, want at least 1", top)
		}
		return &reading[[]Class]{outputs: []string{"logits"}, finish: func(_ *prepared, tensors map[string]*Tensor) ([]Class, error) {
			return topClasses(tensors["logits"].Data, c.Labels, top), nil
		}}, nil
	}}
}

func topClasses(logits []float32, names []string, top int) []Class {
	peak, sum := math.Inf(-1), 0.0
	for _, x := range logits {
		peak = max(peak, float64(x))
	}
	classes := make([]Class, len(logits))
	for i, x := range logits {
		p := math.Exp(float64(x) - peak)
		sum += p
		classes[i] = Class{Index: i, Probability: p}
		if i < len(names) {
			classes[i].Name = names[i]
		}
	}
	for i := range classes {
		classes[i].Probability /= sum
	}
	slices.SortStableFunc(classes, func(a, b Class) int { return cmp.Compare(b.Probability, a.Probability) })
	return classes[:min(top, len(classes))]
}
