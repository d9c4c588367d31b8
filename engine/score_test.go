package engine

import (
	"context"
	"image"
	"image/color"
	"math"
	"testing"

	"github.com/crate-vk/crate-vk/crate/readout"
)

// TestScore: the score of attention is a confidence, which differs from object to object,
// and not the mass that was kept, which is the same for all of them.
func TestScore(t *testing.T) {
	m := onInterpreter(t, maeSource(t))
	img := image.NewRGBA(image.Rect(0, 0, 64, 64)) // what is in it doesn't matter, but that the attention isn't in one piece
	for y := range 64 {
		for x := range 64 {
			img.Set(x, y, color.RGBA{uint8(x * y * 37), uint8(255 * (x / 16 % 2)), uint8(255 * ((x/16 + y/16) % 2)), 255})
		}
	}
	segment := func(o AttentionOptions) *Segmentation {
		t.Helper()
		s, err := Attention(o).One(context.Background(), m, img)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	o := AttentionOptions{Options: readout.Options{Head: readout.HeadEach, Keep: readout.Keep{Share: 0.6}}}
	scores := map[float64]bool{}
	s := segment(o)
	patches := float64(s.Frame.Rows * s.Frame.Columns)
	for k, obj := range s.Objects {
		if head, one := obj.Head.Index(); !one || head != k {
			t.Errorf("object %d is of head %v", k, obj.Head)
		}
		kept, kindOf := 0.0, readout.Keep{Share: 0.6}.Select(obj.Map)
		for i, in := range kindOf {
			if in {
				kept += obj.Map[i]
			}
		}
		want := 1 - float64(readout.Count(kindOf))/patches/kept
		if math.Abs(obj.Mass-kept) > 1e-9 || math.Abs(obj.Score-want) > 1e-9 || obj.Score < 0 || obj.Score >= 1 {
			t.Errorf("head %d: mass %v, score %v, want %v, %v", k, obj.Mass, obj.Score, kept, want)
		}
		scores[obj.Score] = true
	}
	if len(scores) < 2 {
		t.Errorf("all of %d heads have the score %v", len(s.Objects), scores)
	}

	// The parts of a mask have shares of its mass, and scores of their own.
	several := 0
	for _, share := range []float64{0.1, 0.2, 0.3, 0.4, 0.5, 0.6} {
		keep := readout.Options{Keep: readout.Keep{Count: true, Share: share}}
		whole := segment(AttentionOptions{Options: keep}).Objects[0]
		parts := segment(AttentionOptions{Options: keep, Finish: Finish{Split: true}}).Objects
		sum := 0.0
		for _, p := range parts {
			sum += p.Mass
		}
		if math.Abs(sum-whole.Mass) > 1e-9 || len(parts) > 1 && parts[0].Mass == whole.Mass {
			t.Errorf("%d parts of mass %v, the whole mask has %v", len(parts), sum, whole.Mass)
		}
		several = max(several, len(parts))
	}
	if several < 2 {
		t.Error("no mask has several parts")
	}
}
