package readout_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// cells reads a drawing; # is set.
func cells(lines ...string) (set []bool, columns int) {
	for _, line := range lines {
		for _, c := range line {
			set = append(set, c == '#')
		}
	}
	return set, len(lines[0])
}

func TestComponents(t *testing.T) {
	set, columns := cells(
		"##..#",
		"#..##",
		"..#..",
		"###..")
	parts := readout.Components(set, columns)
	want := [][]int{{0, 1, 5}, {4, 8, 9}, {12, 15, 16, 17}}
	for i := range parts {
		slices.Sort(parts[i])
	}
	if !slices.EqualFunc(parts, want, slices.Equal) {
		t.Errorf("parts %v, want %v", parts, want)
	}
	for _, seed := range []int{0, 9, 16} {
		part := readout.Component(set, columns, seed)
		for i, on := range part {
			if on != slices.ContainsFunc(want, func(p []int) bool { return slices.Contains(p, seed) && slices.Contains(p, i) }) {
				t.Errorf("component of %d: %v", seed, part)
				break
			}
		}
	}
	if got := readout.Component(set, columns, 2); slices.Contains(got, true) {
		t.Errorf("component of an empty cell: %v", got)
	}
}

func TestFillHoles(t *testing.T) {
	set, columns := cells(
		".####.",
		".#..##",
		".#.#.#",
		".####.",
		"......")
	want, _ := cells(
		".####.",
		".#####",
		".#####",
		".####.",
		"......")
	if got := readout.FillHoles(set, columns); !slices.Equal(got, want) {
		t.Errorf("filled: %v", got)
	}
	// A diagonal gap doesn't open a hole: neighbours share an edge.
	set, columns = cells("#.#", "##.", "###")
	if got := readout.FillHoles(set, columns); !slices.Equal(got, set) {
		t.Errorf("the border was filled: %v", got)
	}
	set, columns = cells(".##", "#.#", "###")
	want, _ = cells(".##", "###", "###")
	if got := readout.FillHoles(set, columns); !slices.Equal(got, want) {
		t.Errorf("a hole stays open through its corner: %v", got)
	}
}

func TestIoU(t *testing.T) {
	a, b := []bool{true, true, false, false}, []bool{false, true, true, false}
	if got := readout.IoU(a, b); got != 1.0/3 {
		t.Errorf("IoU %v, want 1/3", got)
	}
	if got := readout.IoU(make([]bool, 4), make([]bool, 4)); got != 0 {
		t.Errorf("IoU of nothing %v, want 0", got)
	}
}

func TestEnlarge(t *testing.T) {
	got := readout.Enlarge([]int{1, 2, 3, 4, 5, 6}, 3, 2)
	want := []int{1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 4, 4, 5, 5, 6, 6}
	if !slices.Equal(got, want) {
		t.Errorf("enlarged %v, want %v", got, want)
	}
}

// TestBicubic follows numerics 4.4 for the way of a mask to the image: 0 and 255,
// Pillow's resize, above half of the maximum.
func TestBicubic(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	for range 20 {
		f := readout.NewFrame(5+r.IntN(60), 5+r.IntN(60), 8+r.IntN(30), 8+r.IntN(30), 4)
		mask := make([]bool, f.TrimmedWidth()*f.TrimmedHeight())
		for i := range mask {
			mask[i] = r.IntN(4) == 0
		}
		in := picture.NewGray(f.Width, f.Height)
		for y := range f.TrimmedHeight() {
			for x := range f.TrimmedWidth() {
				if mask[y*f.TrimmedWidth()+x] {
					in.Pix[y*f.Width+x] = 255
				}
			}
		}
		out := picture.ResizeGray(in, f.ImageWidth, f.ImageHeight, picture.Bicubic)
		got := f.Bicubic(mask)
		for i, p := range out.Pix {
			if want := float64(p) > float64(slices.Max(out.Pix))/2; (got.Pix[i] == 255) != want || got.Pix[i] != 0 && got.Pix[i] != 255 {
				t.Fatalf("%+v pixel %d is %d where the resize gives %d of %d", f, i, got.Pix[i], p, slices.Max(out.Pix))
			}
		}
	}
	empty := readout.NewFrame(7, 7, 8, 8, 4).Bicubic(make([]bool, 64))
	if empty.Area() != 0 {
		t.Error("an empty mask has pixels")
	}
}

func TestSplit(t *testing.T) {
	set, columns := cells("##...", "....#", "##..#", "##...")
	parts := readout.NewMask(set, columns).Split(3)
	if len(parts) != 1 || parts[0].Area() != 4 || parts[0].Box() != [4]int{0, 2, 2, 2} {
		t.Errorf("parts of at least 3 pixels: %+v", parts)
	}
	if n := len(readout.NewMask(set, columns).Split(1)); n != 3 {
		t.Errorf("%d parts, want 3", n)
	}
	set, columns = cells("###", "#.#", "###")
	if got := readout.NewMask(set, columns).Fill().Area(); got != 9 {
		t.Errorf("filled to %d pixels, want 9", got)
	}
}
