package engine

import (
	"context"
	"image"
	"image/color"
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
)

// TestReconstruction: what a mask hides has no influence, what it leaves has,
// and the mask tensor says which is which. Without being asked for, neither is
// computed.
func TestReconstruction(t *testing.T) {
	ctx := context.Background()
	e, err := Open(ctx, WithDevice("cpu"))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	src, err := OpenModel("../testdata/model/crate-mae", ModelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := e.Load(ctx, src)
	if err != nil {
		t.Fatal(err)
	}
	img := image.NewRGBA(image.Rect(0, 0, 32, 32))
	for y := range 32 {
		for x := range 32 {
			img.Set(x, y, color.RGBA{uint8(8 * x), uint8(8 * y), uint8(x ^ y), 255})
		}
	}
	see := func(mask crate.Mask) Features {
		t.Helper()
		f, err := m.Features(ctx, img, FeatureOptions{Facets: []crate.Facet{crate.FacetReconstruction}, MaskRatio: &mask.Ratio, MaskSeed: mask.Seed})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	mask := crate.Mask{Ratio: 0.6, Seed: 4}
	before := see(mask)
	hidden := before["mask"].Data
	if n := slices.Index(hidden, 1); len(hidden) != 16 || n < 0 || len(before) != 2 || len(before["reconstruction"].Data) != 16*192 {
		t.Fatalf("a mask of 60 %% of 16 patches is %v", hidden)
	}
	for want, patch := range map[bool]int{true: slices.Index(hidden, 1), false: slices.Index(hidden, 0)} {
		x, y := patch%4*8+3, patch/4*8+5
		was := img.RGBAAt(x, y)
		img.Set(x, y, color.RGBA{255 - was.R, 255 - was.G, 7, 255})
		if same := sameBits(see(mask)["reconstruction"].Data, before["reconstruction"].Data); same != want {
			t.Errorf("patch %d is hidden: %t; changing it leaves the reconstruction: %t", patch, want, same)
		}
		img.Set(x, y, was)
	}
	if other := see(crate.Mask{Ratio: 0.6, Seed: 5}); slices.Equal(other["mask"].Data, hidden) || sameBits(other["reconstruction"].Data, before["reconstruction"].Data) {
		t.Error("another seed gives the same mask")
	}
	f, err := m.Features(ctx, img)
	if err != nil || f["reconstruction"] != nil || f["mask"] != nil || f["features"] == nil {
		t.Errorf("the default facets give %v, %v", sortedKeys(f), err)
	}
	if _, err := m.Features(ctx, img, FeatureOptions{Facets: []crate.Facet{crate.FacetReconstruction}, MaskRatio: new(2.0)}); err == nil {
		t.Error("a ratio of 2 is accepted")
	}
}
