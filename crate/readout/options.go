package readout

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/crate-vk/crate-vk/crate"
)

// Head says what becomes of the heads of a layer: HeadMean, HeadEach, or one of them by
// HeadAt. "" leaves it to the default.
type Head string

// What is not one head.
const (
	HeadMean Head = "mean" // the mean of all heads
	HeadEach Head = "each" // one mask a head
)

// HeadAt is one head alone, counted from 0.
func HeadAt(k int) Head { return Head(strconv.Itoa(k)) }

// Index is the head that h names; one is false for the others.
func (h Head) Index() (k int, one bool) {
	k, err := strconv.Atoi(string(h))
	return k, err == nil
}

// Upsample says at which resolution a map is kept.
type Upsample string

// The resolutions. "" leaves it to the default.
const (
	UpsampleNearest  Upsample = "nearest"  // patches are kept
	UpsampleBilinear Upsample = "bilinear" // the map goes to pixels before it is kept
)

// Options are the choices of attention masks. What is zero is left to the model, in
// Resolved.
type Options struct {
	Layers   []int // −1 is the last; several: the mean of their maps
	Head     Head
	Keep     Keep
	Upsample Upsample
}

// Resolved are the options with a model's own choices in the place of what is zero: its
// crate.readout, else the papers' (ParseDefaults). It reports what the model does not have.
func (o Options) Resolved(c *crate.Config) (Options, error) {
	d, err := ParseDefaults(c.Readout, c.ReadLayer())
	if err != nil {
		return o, err
	}
	if err := d.check(c); err != nil {
		return o, fmt.Errorf("readout %q: %w", c.Readout, err)
	}
	if o.Layers == nil {
		o.Layers = d.Layers
	}
	o.Head = cmp.Or(o.Head, d.Head)
	o.Upsample = cmp.Or(o.Upsample, d.Upsample)
	if o.Keep == (Keep{}) {
		o.Keep = d.Keep
	}
	return o, o.check(c)
}

// check holds resolved options against a model.
func (o Options) check(c *crate.Config) error {
	if len(o.Layers) == 0 {
		return fmt.Errorf("no layer is chosen")
	}
	seen := map[int]bool{}
	for _, named := range o.Layers {
		l, err := c.Layer(named)
		if err != nil {
			return err
		}
		if seen[l] {
			return fmt.Errorf("layer %d is named twice", l)
		}
		seen[l] = true
	}
	if k, one := o.Head.Index(); one && (k < 0 || k >= c.Heads) {
		return fmt.Errorf("head %d: the model has heads 0 … %d", k, c.Heads-1)
	}
	if _, err := ParseHead(string(o.Head)); err != nil {
		return err
	}
	if err := o.Keep.Check(); err != nil {
		return err
	}
	_, err := parseUpsample(string(o.Upsample))
	return err
}

// ParseDefaults reads a model's crate.readout, such as
// "layers=3,4 head=mean keep=mass:0.75 upsample=bilinear", over the paper's
// defaults: the given layer, the mean of the heads, mass:0.6, nearest.
func ParseDefaults(s string, layer int) (Options, error) {
	o := Options{Layers: []int{layer}, Head: HeadMean, Keep: Keep{Share: 0.6}, Upsample: UpsampleNearest}
	for f := range strings.FieldsSeq(s) {
		key, val, _ := strings.Cut(f, "=")
		if err := o.Set(key, val); err != nil {
			return o, fmt.Errorf("readout %q: %w", s, err)
		}
	}
	return o, nil
}

// Set changes one option, by the names of crate.readout.
func (o *Options) Set(key, val string) (err error) {
	switch key {
	case "layers", "layer":
		o.Layers, err = ParseLayers(val)
	case "head":
		o.Head, err = ParseHead(val)
	case "keep":
		o.Keep, err = ParseKeep(val)
	case "upsample":
		o.Upsample, err = parseUpsample(val)
	default:
		return fmt.Errorf("unknown option %q: want layers, head, keep or upsample", key)
	}
	return err
}

// ParseLayers reads N or N,N,… .
func ParseLayers(s string) ([]int, error) {
	var list []int
	for f := range strings.SplitSeq(s, ",") {
		n, err := strconv.Atoi(f)
		if err != nil {
			return nil, fmt.Errorf("layer %q: want a number, or some such as 3,4 (-1 is the last)", s)
		}
		list = append(list, n)
	}
	return list, nil
}

// ParseHead reads a head's index, mean or each.
func ParseHead(s string) (Head, error) {
	if h := Head(s); h == HeadMean || h == HeadEach {
		return h, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return "", fmt.Errorf("head %q: want a number from 0 on, mean or each", s)
	}
	return HeadAt(n), nil
}

func parseUpsample(s string) (Upsample, error) {
	if u := Upsample(s); u == UpsampleNearest || u == UpsampleBilinear {
		return u, nil
	}
	return "", fmt.Errorf("upsample %q: want nearest or bilinear", s)
}

// String is what Set and ParseDefaults read, of resolved options.
func (o Options) String() string {
	layers := make([]string, len(o.Layers))
	for i, l := range o.Layers {
		layers[i] = strconv.Itoa(l)
	}
	return fmt.Sprintf("layers=%s head=%s keep=%s upsample=%s", strings.Join(layers, ","), o.Head, o.Keep, o.Upsample)
}
