package engine

import (
	"context"
	"image"
	"image/color"
	"testing"

	"github.com/crate-vk/crate-vk/loader/memory"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// TestStreamBoundsPictures: a stream takes no more pictures than the budget of decoding has room
// for, those that it keeps for their items too, and goes through all of them; a batcher too.
// At the end all is given back.
func TestStreamBoundsPictures(t *testing.T) {
	m := load(t, onReference(t, WithThreads(4)), oddModel(t, 16, 16, 2, 1, 8, [2]int{16, 16}))
	const side, n = 400, 24 // 480 kB each
	picture.LimitMemory(1 << 20)
	defer picture.LimitMemory(0)
	under := make(chan struct{}, n) // pictures that were loaded and not taken
	most := 0
	inputs := func(yield func(Input) bool) {
		for range n {
			load := func(context.Context) (*picture.RGB, error) {
				under <- struct{}{}
				return picture.NewRGB(side, side), nil
			}
			if !yield(Input{Load: load}) {
				return
			}
		}
	}
	o := AttentionOptions{InputOptions: InputOptions{KeepPicture: true, Batch: 4}}
	seen := 0
	for item, err := range m.SegmentStream(t.Context(), inputs, o) {
		if err != nil || item.Err != nil || item.Picture == nil {
			t.Fatal(err, item.Err)
		}
		most = max(most, len(under))
		<-under
		seen++
	}
	if seen != n {
		t.Errorf("%d items of %d", seen, n)
	}
	// Half of the budget is one picture; those on their way to a thread come on top.
	if most > 2+2*4 {
		t.Errorf("%d pictures were kept at once", most)
	}
	b, err := NewBatcher(m, Attention(AttentionOptions{}), BatcherOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := b.Do(t.Context(), image.NewRGBA(image.Rect(0, 0, side, side))); err != nil {
		t.Error(err)
	}
	if _, err := b.Do(t.Context(), image.NewRGBA(image.Rect(0, 0, 700, 700))); err == nil {
		t.Error("a picture of 1.5 MB is taken where the limit is 1 MB")
	}
	if _, err := b.Do(t.Context(), panicsAt{image.NewRGBA(image.Rect(0, 0, side, side))}); err == nil {
		t.Error("an image that panics is computed")
	}
	if taken := memory.Decoding.Taken(); taken != 0 {
		t.Errorf("%d bytes are left taken", taken)
	}
}

// panicsAt is an image of a type that no decoder makes, whose pixels panic.
type panicsAt struct{ image.Image }

func (p panicsAt) At(x, y int) color.Color { panic("no pixels") }
