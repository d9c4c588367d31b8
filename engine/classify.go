package engine

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
)

// Class is a label with its probability.
type Class struct {
	Index       int
	Name        string // "" where the model has no names
	Probability float64
}

// ClassifyStream computes the top most probable classes of images as they
// come: softmax over the logits. Equal ones are in the order of their indices.
func (m *Model) ClassifyStream(ctx context.Context, inputs iter.Seq[Input], top int, o InputOptions) iter.Seq2[Item[[]Class], error] {
	c := &m.src.Config
	if c.LogitCount() == 0 {
		err := fmt.Errorf("%s has no classification head", m.src.Name)
		return func(yield func(Item[[]Class], error) bool) { yield(Item[[]Class]{}, err) }
	}
	j := &job[[]Class]{m: m, opt: o, outputs: []string{"logits"}}
	j.finish = func(_ *prepared, tensors map[string]*Tensor) ([]Class, error) {
		return topClasses(tensors["logits"].Data, c.Labels, top), nil
	}
	return j.run(ctx, inputs)
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
