package readout

import (
	"fmt"
	"strconv"
	"strings"
)

// What segment does with the heads of a layer.
const (
	HeadMeanOf = -1 // the mean of all heads
	HeadEach   = -2 // one mask a head
)

// Options are the choices of attention masks.
type Options struct {
	Layers   []int // −1 is the last; several: the mean of their maps
	Head     int   // an index, HeadMeanOf or HeadEach
	Keep     Keep
	Bilinear bool // the map goes to pixels before it is kept, else it is kept a patch
}

// ParseDefaults reads a model's crate.readout, such as
// "layers=3,4 head=mean keep=mass:0.75 upsample=bilinear", over the paper's
// defaults: the given layer, the mean of the heads, mass:0.6, nearest.
func ParseDefaults(s string, layer int) (Options, error) {
	o := Options{Layers: []int{layer}, Head: HeadMeanOf, Keep: Keep{Share: 0.6}}
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
		if val != "nearest" && val != "bilinear" {
			return fmt.Errorf("upsample %q: want nearest or bilinear", val)
		}
		o.Bilinear = val == "bilinear"
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
			return nil, fmt.Errorf("layers %q: want numbers such as 10 or 3,4 (-1 is the last)", s)
		}
		list = append(list, n)
	}
	return list, nil
}

// ParseHead reads a head's index, mean or each.
func ParseHead(s string) (int, error) {
	switch s {
	case "mean":
		return HeadMeanOf, nil
	case "each":
		return HeadEach, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("head %q: want a number from 0 on, mean or each", s)
	}
	return n, nil
}

// String is what Set and ParseDefaults read.
func (o Options) String() string {
	layers := make([]string, len(o.Layers))
	for i, l := range o.Layers {
		layers[i] = strconv.Itoa(l)
	}
	head := strconv.Itoa(o.Head)
	switch o.Head {
	case HeadMeanOf:
		head = "mean"
	case HeadEach:
		head = "each"
	}
	upsample := "nearest"
	if o.Bilinear {
		upsample = "bilinear"
	}
	return fmt.Sprintf("layers=%s head=%s keep=%s upsample=%s", strings.Join(layers, ","), head, o.Keep, upsample)
}
