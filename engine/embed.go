package engine

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// Pool says which vector stands for an image. "" is the model's own: the class token,
// and of a model whose head reads a mean the mean.
type Pool string

// The vectors.
const (
	PoolClass Pool = "class" // the class token
	PoolMean  Pool = "mean"  // the mean of the patches' tokens
)

// EmbedOptions are the choices of Embed. The zero value is the model's own vector.
type EmbedOptions struct {
	InputOptions
	Pool Pool
}

// Resolved are the options with the model's own in the place of what is zero. It reports
// the first that makes no sense for the model.
func (o EmbedOptions) Resolved(c *crate.Config) (EmbedOptions, error) {
	o.InputOptions = o.InputOptions.over(filterOf(c))
	own := PoolClass
	if c.Prefix < 1 || c.Pool == crate.PoolMean {
		own = PoolMean
	}
	o.Pool = cmp.Or(o.Pool, own)
	err := o.InputOptions.check(c)
	switch {
	case o.Pool != PoolClass && o.Pool != PoolMean:
		err = cmp.Or(err, fmt.Errorf("pool %q: want class or mean", o.Pool))
	case o.Pool == PoolClass && c.Prefix < 1:
		err = cmp.Or(err, errors.New("the model has no class token"))
	}
	return o, err
}

// Embed makes one vector of each image, as long as the model is wide: the class token, or
// the mean of the patches' tokens, as the model's head reads them (numerics 4.10). The
// device makes the vector, so that no token leaves it. It is not scaled to length 1.
// Distances between images, search and classifiers of one's own begin here.
func Embed(o EmbedOptions) Readout[[]float32] {
	return Readout[[]float32]{input: o.InputOptions.over(picture.DefaultFilter), bind: func(c *crate.Config) (*reading[[]float32], error) {
		o, err := o.Resolved(c)
		if err != nil {
			return nil, err
		}
		output := map[Pool]string{PoolClass: crate.EmbeddingClass, PoolMean: crate.EmbeddingMean}[o.Pool]
		return &reading[[]float32]{outputs: []string{output}, finish: func(_ *prepared, tensors map[string]*Tensor) ([]float32, error) {
			return tensors[output].Data, nil
		}}, nil
	}}
}
