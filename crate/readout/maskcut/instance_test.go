package maskcut

import (
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/crate/readout"
)

func letters(lines ...string) []bool {
	var set []bool
	for _, line := range lines {
		for _, c := range line {
			set = append(set, c == '#')
		}
	}
	return set
}

func TestInstances(t *testing.T) {
	f := readout.NewFrame(40, 40, 20, 20, 4) // 5×5 patches, doubled
	ring := Object{Cells: letters(".....", ".###.", ".#.#.", ".###.", "....."), Score: 0.9}
	two := Object{Cells: letters("##...", ".....", ".....", ".....", "....#"), Score: 0.5}
	objects := []Object{ring, two}

	list := Instances(f, objects, Finish{})
	if len(list) != 2 || list[0].Box != [4]int{8, 8, 24, 24} || list[0].Area != list[0].Mask.Area() || list[0].Score != 0.9 || list[1].Object != 1 {
		t.Fatalf("instances %+v", list)
	}
	if hole := list[0].Mask.Pix[20*40+20]; hole != 0 {
		t.Error("the hole is filled")
	}
	filled := Instances(f, objects, Finish{FillHoles: true, Split: true})
	if len(filled) != 3 || filled[0].Mask.Pix[20*40+20] != 255 || filled[1].Object != 1 || filled[2].Object != 1 || filled[2].Box[0] < 30 {
		t.Errorf("filled and split: %+v", filled)
	}
	if got := Instances(f, objects, Finish{Split: true, Least: 100}); len(got) != 2 || got[1].Box[0] != 0 {
		t.Errorf("parts of at least 100 pixels: %+v", got)
	}
	// A refinement that keeps less than half drops the object; holes are filled
	// before that is measured.
	kept := Instances(f, objects, Finish{Refine: func(mask []bool) []bool {
		out := slices.Clone(mask)
		if readout.Count(mask) < 80 {
			for i := range 13 * 20 {
				out[i] = false
			}
		}
		return out
	}})
	if len(kept) != 1 || kept[0].Object != 0 || kept[0].Mask.Pix[20*40+20] != 255 {
		t.Errorf("refined: %+v", kept)
	}
	// Masks that vanish at the image's size are dropped.
	tiny := readout.NewFrame(1, 1, 80, 80, 4)
	cells := make([]bool, 400)
	if got := Instances(tiny, []Object{{Cells: cells}}, Finish{}); len(got) != 0 {
		t.Errorf("an empty object gives %+v", got)
	}
}

// Pairs with exactly the threshold aren't alike: the comparison is strict.
func TestStrictThreshold(t *testing.T) {
	a, err := NewAffinity([]float32{1, 0, 0, 1, 1, 1}, 3, 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	if a.At(0, 1) || a.At(1, 0) || !a.At(0, 2) || !a.At(1, 1) || !a.At(2, 0) || !a.At(2, 1) || !a.At(2, 2) {
		t.Errorf("bits %b", a.Bits)
	}
}
