package maskcut

import (
	"fmt"

	"github.com/crate-vk/crate-vk/crate/readout"
)

// Options of the search for objects.
type Options struct {
	Objects int // at most so many; the paper takes PublishedObjects
	// Strict ends the search at the first cut that yields no new object. The
	// reference goes on: the same cut comes again and, as an empty mask overlaps
	// nothing, is kept as far as it lies outside earlier objects.
	Strict bool
	// TokenCut looks for one object without the rule of corners (numerics 4.5).
	TokenCut bool
}

// ParseMode reads reference or strict.
func ParseMode(s string) (strict bool, err error) {
	switch s {
	case "reference":
		return false, nil
	case "strict":
		return true, nil
	}
	return false, fmt.Errorf("mode %q: want reference or strict", s)
}

// Object is a connected part of the grid, less the objects found before it.
type Object struct {
	Cells []bool // [rows·columns]
	// Score is 1 − λ of the cut that found it, in 0 … 1: the higher, the less
	// the two sides have in common. The reference has no score; this one ranks
	// objects of one image and of several.
	Score float64
	Cut   *Cut
	Seed  int // the patch that the component grew from
}

// Steps 9's bounds: an object that overlaps the last one by more, or holds no
// more than this share of the patches, isn't kept.
const (
	sameObject    = 0.5
	smallestShare = 0.01
)

// Objects cuts the patches of a grid again and again: numerics 4.4, steps 1 to 10.
// Objects that are empty are left out.
func (a *Affinity) Objects(rows, columns int, o Options) ([]Object, error) {
	if rows*columns != a.N {
		return nil, fmt.Errorf("maskcut: a grid of %d × %d patches for an affinity of %d", rows, columns, a.N)
	}
	if o.Objects < 1 {
		return nil, fmt.Errorf("maskcut: %d objects asked for, want at least 1", o.Objects)
	}
	corners := cornersOf(rows, columns)
	if o.TokenCut {
		o.Objects, corners = 1, nil
	}
	painted, taken := make([]bool, a.N), make([]bool, a.N)
	current := make([]bool, a.N)
	var found []Object
	var cut *Cut
	for i := range o.Objects {
		fresh := cut == nil
		for j, on := range current {
			if on && !painted[j] {
				painted[j], fresh = true, true
			}
		}
		if fresh { // else the same cut comes again
			var err error
			if cut, err = a.Cut(painted); err != nil {
				return nil, err
			}
		}
		side, seed := sides(cut.Vector, corners)
		object := readout.Component(side, columns, seed)
		if i > 0 && (readout.IoU(current, object) > sameObject || float64(readout.Count(object))/float64(a.N) <= smallestShare) {
			if o.Strict {
				break
			}
			clear(object)
		}
		current = object
		own := make([]bool, a.N)
		for j, on := range object {
			own[j] = on && !taken[j]
			taken[j] = taken[j] || on
		}
		if readout.Count(own) > 0 {
			found = append(found, Object{own, 1 - cut.Lambda, cut, seed})
		}
	}
	return found, nil
}
