package engine

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// Class is a label with its probability.
type Class struct {
	Index       int
	Name        string // "" where the model has no names
	Probability float64
}

// ClassifyOptions are the choices of Classify. The zero value is the five most probable
// classes.
type ClassifyOptions struct {
	InputOptions
	Top int // so many classes, or all where there are fewer; 0: 5
}

// Resolved are the options with the defaults in the place of what is zero. It reports
// the first that makes no sense for the model.
func (o ClassifyOptions) Resolved(c *crate.Config) (ClassifyOptions, error) {
	o.InputOptions = o.InputOptions.over(filterOf(c))
	o.Top = cmp.Or(o.Top, 5)
	err := o.InputOptions.check(c)
	if c.LogitCount() == 0 {
		err = cmp.Or(err, errors.New("the model has no classification head"))
	}
	if o.Top < 1 {
		err = cmp.Or(err, fmt.Errorf("the %d most probable classes are asked for, want at least 1", o.Top))
	}
	return o, err
}

// Classify computes the most probable classes: softmax over the logits. Equal ones are
// in the order of their indices. A model without a head is an error.
func Classify(o ClassifyOptions) Readout[[]Class] {
	return Readout[[]Class]{input: o.InputOptions.over(picture.DefaultFilter), bind: func(c *crate.Config) (*reading[[]Class], error) {
		o, err := o.Resolved(c)
		if err != nil {
			return nil, err
		}
		return &reading[[]Class]{outputs: []string{"logits"}, finish: func(_ *prepared, tensors map[string]*Tensor) ([]Class, error) {
			return topClasses(tensors["logits"].Data, c.Labels, o.Top), nil
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
