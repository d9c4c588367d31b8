package crate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/crate-vk/crate-vk/loader/quote"
)

// Resolve makes the configuration of a checkpoint: from the settings, earlier
// sources first (the caller, config.json, metadata); then from what the shapes
// tell; then defaults. Heads, η, λ and ε can't be seen in the shapes: where a
// default is used for the heads, or for a λ in which published checkpoints
// differ, a warning says so. A setting that the shapes contradict is a *ModelError.
func Resolve(ckpt *Checkpoint, sources ...Settings) (c Config, warnings []string, err error) {
	var s Settings
	for _, src := range sources {
		s = s.Or(src)
	}
	found, err := detect(ckpt)
	if err != nil {
		return c, nil, err
	}
	from := Origins(sources...)
	if s.Architecture != nil && *s.Architecture != found.name {
		return c, nil, from.contradiction("architecture", *s.Architecture, ", the tensors are those of %s", found.name)
	}
	c = found.config()
	if c.Dim = ckpt.dim(classToken, -1); c.Dim == 0 {
		return c, nil, &ModelError{What: classToken + " is missing"}
	}
	if err := found.shapes(ckpt, &c); err != nil {
		return c, nil, err
	}
	if err := c.apply(&s, from); err != nil {
		return c, nil, err
	}
	guessed, err := c.imageSize(ckpt, &s, from)
	if err != nil {
		return c, nil, err
	}
	if !c.OutProjection { // the published code leaves it out for a single head as wide as the model
		if c.Heads != 0 && c.Heads != 1 || c.Inner != c.Dim {
			return c, nil, &ModelError{What: fmt.Sprintf("the attention has no output projection (to_out), which is so for one head of %d alone, and the projection has %d rows%s", c.Dim, c.Inner, from.given("heads", s.Heads))}
		}
		c.Heads = 1
	} else if s.Heads == nil {
		c.Heads = defaultHeads(&c)
		warnings = append(warnings, fmt.Sprintf("the file does not say how many heads the model has: taking %d of %d by its width (--heads)", c.Heads, c.Inner/c.Heads))
	}
	if s.Lambda == nil && c.LambdaVaries() {
		warnings = append(warnings, fmt.Sprintf("the file does not say the threshold λ, which differs between %s checkpoints (%s): taking %g (--lambda)", found.title, found.lambdas, c.Lambda))
	}
	if guessed && !c.knownGrid() {
		if others := otherGrids(c.tokens() - c.Prefix); others != "" {
			gh, gw := c.Grid()
			warnings = append(warnings, fmt.Sprintf("the file does not say the grid of its %d positions: taking %d×%d, and not %s (--image-size HxW, %d px a patch)", gh*gw, gh, gw, others, c.Patch))
		}
	}
	if err := c.Check(); err != nil {
		return c, warnings, &ModelError{What: err.Error()}
	}
	return c, warnings, nil
}

// given says that a number is given, and by what; "" where it is not.
func (o Origin) given(name string, n *int) string {
	if n == nil {
		return ""
	}
	return ", and " + o.says(name, *n)
}

// says is a value, and what gives it: "heads is given as 7 by config.json".
func (o Origin) says(name string, value any) string {
	said := fmt.Sprintf("%s is given as %v", name, value)
	if from := o[name]; from != "" {
		said += " by " + quote.Path(from)
	}
	return said
}

// contradiction is the error of a value that can't be so, and why.
func (o Origin) contradiction(name string, value any, why string, args ...any) error {
	return &ModelError{What: o.says(name, value) + fmt.Sprintf(why, args...)}
}

// defaultHeads guesses the head count from the width (numerics 1.7). It is never
// used without a warning.
func defaultHeads(c *Config) int {
	if known := c.family().heads; known != nil {
		if n := known(c); n > 0 {
			return n
		}
	}
	switch c.Inner {
	case 192:
		return 3
	case 384:
		return 6
	case 576, 768:
		return 12
	case 1024, 1280:
		return 16
	}
	for _, p := range []int{64, 32, 48, 16} {
		if c.Inner > 0 && c.Inner%p == 0 {
			return c.Inner / p
		}
	}
	return 1
}

// apply takes over settings and refuses those that the shapes contradict.
func (c *Config) apply(s *Settings, from Origin) error {
	for _, f := range []struct {
		name string
		set  *int
		got  *int
	}{{"patch_size", s.Patch, &c.Patch}, {"dim", s.Dim, &c.Dim}, {"depth", s.Depth, &c.Depth}} {
		if f.set != nil && *f.set != *f.got {
			return from.contradiction(f.name, *f.set, ", the tensors say %d", *f.got)
		}
	}
	if s.Classes != nil && *s.Classes != c.LogitCount() && *s.Classes != c.Classes {
		return from.contradiction("num_classes", *s.Classes, ", the tensors say %d", c.LogitCount())
	}
	if s.Attention != nil && *s.Attention != c.Attention {
		return from.contradiction("attention", *s.Attention, ", the tensors say %s", c.Attention)
	}
	if s.Block != nil && *s.Block != c.Block {
		if *s.Block != BlockSoft || c.Block != BlockISTA { // ReLU or soft threshold: the tensors don't tell
			return from.contradiction("block", *s.Block, ", the tensors say %s", c.Block)
		}
		c.Block = BlockSoft
	}
	if s.Heads != nil {
		c.Heads = *s.Heads
		if c.Heads < 1 || c.Inner%c.Heads != 0 {
			return from.contradiction("heads", c.Heads, ", which does not divide the projection's %d rows", c.Inner)
		}
	}
	set(&c.Pool, s.Pool)
	set(&c.Eta, s.Eta)
	set(&c.Lambda, s.Lambda)
	set(&c.LNEps, s.LNEps)
	if c.family().oneEps {
		set(&c.FinalEps, s.LNEps)
	}
	set(&c.ResidualFF, s.ResidualFF)
	set(&c.Mean, s.Mean)
	set(&c.Std, s.Std)
	set(&c.Interpolation, s.Interpolation)
	set(&c.Readout, s.Readout)
	c.Labels = s.Labels
	return nil
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// imageSize is the native size: as set, else what a hub's configuration says where it fits, else from
// a square position table, which is a guess.
func (c *Config) imageSize(k *Checkpoint, s *Settings, from Origin) (guessed bool, err error) {
	name := c.family().positions
	rows := k.dim(name, -2)
	n := rows - c.Prefix
	if n < 1 || c.Patch < 1 {
		return false, &ModelError{What: fmt.Sprintf("%s has %d rows for %d prefix tokens and patch side %d", name, rows, c.Prefix, c.Patch)}
	}
	fits := func() bool {
		gh, gw := c.Grid()
		return c.ImageSize[0] > 0 && c.ImageSize[0]%c.Patch == 0 && c.ImageSize[1] > 0 && c.ImageSize[1]%c.Patch == 0 && gh <= n && gw <= n && gh*gw == n
	}
	if s.ImageSize != nil {
		c.ImageSize = *s.ImageSize
		if !fits() {
			gh, gw := c.Grid()
			return false, from.contradiction("image_size", fmt.Sprintf("%d×%d (height × width)", c.ImageSize[0], c.ImageSize[1]), ", whose %d×%d patches are not the position table's %d", gh, gw, n)
		}
		return false, nil
	}
	if s.sizeHint != nil {
		if c.ImageSize = *s.sizeHint; fits() {
			return false, nil
		}
	}
	g := squareRoot(n)
	if g*g != n {
		return false, &ModelError{What: fmt.Sprintf("the position table has %d patches, which is no square: give image_size in config.json or metadata, or --image-size", n)}
	}
	c.ImageSize = [2]int{g * c.Patch, g * c.Patch}
	return true, nil
}

// knownGrid reports a native size at which models of this width are published: 224 or 384 px,
// of this package's presets and of the vision transformers from Ti to H.
func (c *Config) knownGrid() bool {
	if side := c.ImageSize[0]; side != 224 && side != 384 {
		return false
	}
	for f, p := range published {
		if f.name == c.Architecture && p.dim == c.Dim && p.patch == c.Patch {
			return true
		}
	}
	return c.Architecture == ViT && slices.Contains([]int{192, 384, 768, 1024, 1280}, c.Dim)
}

// otherGrids names the rectangles of n patches that are no square, "" if there is none but a
// single row.
func otherGrids(n int) string {
	var list []string
	for a := 2; a*a < n; a++ {
		if n%a == 0 {
			list = append(list, fmt.Sprintf("%d×%d or %d×%d", a, n/a, n/a, a))
		}
	}
	return strings.Join(list, ", ")
}

// squareRoot is the integer square root, rounded down.
func squareRoot(n int) int {
	r := int(math.Sqrt(float64(n)))
	for r*r > n {
		r--
	}
	for (r+1)*(r+1) <= n {
		r++
	}
	return r
}
