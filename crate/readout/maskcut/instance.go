package maskcut

import (
	"github.com/crate-vk/crate-vk/crate/readout"
)

// Finish says what happens to objects on their way to the image.
type Finish struct {
	// Refine, if not nil, redraws a mask of the model's input [height width],
	// by a CRF for instance. Holes of the result are filled, and an object of
	// which it leaves less than half (as IoU) is dropped, as the reference does.
	Refine    func(mask []bool) []bool
	FillHoles bool // also without Refine
	// Split makes each connected part of an object's mask an instance of its
	// own.
	Split bool
	// Least is the area in pixels below which an instance is dropped; 0 means 1.
	Least int
}

// Instance is an object as a mask of the original image.
type Instance struct {
	Mask   *readout.Mask
	Box    [4]int // tight: x, y, width, height
	Area   int    // pixels, at least 1
	Score  float64
	Object int // index of the object
}

// Instances brings objects to the size of the image: nearest to the model's
// input, refinement, bicubic to the image, threshold at half of the maximum.
// Instances below the least area are dropped. Objects are disjoint on the grid;
// after the resize two may share single pixels of a border.
func Instances(f readout.Frame, objects []Object, o Finish) []Instance {
	var list []Instance
	for i, object := range objects {
		mask := readout.Enlarge(object.Cells, f.Columns, f.Patch)
		if o.Refine != nil {
			refined := readout.FillHoles(o.Refine(mask), f.TrimmedWidth())
			if readout.IoU(mask, refined) < sameObject {
				continue
			}
			mask = refined
		}
		if o.FillHoles {
			mask = readout.FillHoles(mask, f.TrimmedWidth())
		}
		parts := []*readout.Mask{f.Bicubic(mask)}
		if o.Split {
			parts = parts[0].Split(o.Least)
		}
		for _, m := range parts {
			if area := m.Area(); area >= max(o.Least, 1) {
				list = append(list, Instance{m, m.Box(), area, object.Score, i})
			}
		}
	}
	return list
}
