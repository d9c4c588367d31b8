package engine

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
)

// greens is a model that makes no number of what is green, and counts how often its
// weights were read.
type greens struct {
	*Model
	reads *atomic.Int32
}

func onlyWithoutGreen(t *testing.T, e *Engine) greens {
	src, reads := spoilt{config: func(c *crate.Config) { c.Mean[1], c.Std[1] = 0, 1e-30 }}.source(t), new(atomic.Int32)
	read := src.params
	src.params = func(name string) ([]float64, error) {
		if name == "pos_embedding" {
			reads.Add(1)
		}
		return read(name)
	}
	return greens{load(t, e, src), reads}
}

// colours are images in the order of word: b is blue, g is green.
func colours(word string) []image.Image {
	var list []image.Image
	for i, c := range word {
		img := image.NewNRGBA(image.Rect(0, 0, 24, 32))
		for k := range 24 * 32 {
			px := color.NRGBA{byte(k * (i + 1)), 0, byte(k), 255}
			if c == 'g' {
				px.G = 200
			}
			img.SetNRGBA(k%24, k/24, px)
		}
		list = append(list, img)
	}
	return list
}

// TestNotFiniteImage: an image of which the model makes no number fails alone, whatever
// batch it is in, and the reason is looked for once. The first image of a stream ends it.
func TestNotFiniteImage(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		m, ctx := onlyWithoutGreen(t, onDevice(t, info)), t.Context()
		var bad *NotFiniteError
		var want [][]Class
		for _, img := range colours("bbbbbbb") {
			x, err := Classify(ClassifyOptions{}).One(ctx, m.Model, img)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, x)
		}
		for _, batch := range []int{1, 2, 4} {
			before, word, i := m.reads.Load(), "bgbbggb", 0
			for item, err := range Classify(ClassifyOptions{InputOptions: InputOptions{Batch: batch}}).Stream(ctx, m.Model, Images(colours(word))) {
				switch {
				case err != nil:
					t.Fatalf("batches of %d: the stream ends with %v", batch, err)
				case word[i] == 'g' && !errors.As(item.Err, &bad):
					t.Errorf("batches of %d: image %d gives the error %v", batch, i, item.Err)
				case word[i] == 'b' && (item.Err != nil || !reflect.DeepEqual(item.Value, want[i])):
					t.Errorf("batches of %d: image %d gives %v and the error %v, want %v", batch, i, item.Value, item.Err, want[i])
				}
				i++
			}
			if n := m.reads.Load() - before; i != len(word) || n > 2 { // the batch's weights and the search
				t.Errorf("batches of %d: %d items, and the weights were read %d times", batch, i, n)
			}
			for item, err := range Classify(ClassifyOptions{InputOptions: InputOptions{Batch: batch}}).Stream(ctx, m.Model, Images(colours("gbbb"))) {
				if !errors.As(err, &bad) || !strings.Contains(err.Error(), "image 0: ") {
					t.Errorf("batches of %d, the first image: error %v, item %v", batch, err, item)
				}
			}
		}
	})
}

// TestNotFiniteCall: a call of a batcher whose image gives no number fails alone.
func TestNotFiniteCall(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		m := onlyWithoutGreen(t, onDevice(t, info))
		b, err := NewBatcher(m.Model, Classify(ClassifyOptions{}), BatcherOptions{Size: 4, Wait: time.Hour}) // until it is full
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			var wg sync.WaitGroup
			for i, img := range colours("gbbg") {
				wg.Go(func() {
					_, err := b.Do(context.Background(), img)
					if green := i%3 == 0; green != errors.As(err, new(*NotFiniteError)) || !green && err != nil {
						t.Errorf("call %d gives %v", i, err)
					}
				})
			}
			wg.Wait()
		}
		b.Close()
	})
}

// TestTooLargeToTrace: of a graph that would keep the interpreter for long, or take the
// memory that the process has, nobody looks for the reason.
func TestTooLargeToTrace(t *testing.T) {
	m := load(t, onReference(t), spoilt{}.source(t))
	g := built(t, "maps", func(b *graph.Builder) {
		w := b.Do(graph.OpScale, graph.Attrs{"by": 2.0}, b.Input("x", graph.F32Type("B", 1, "N", 1000, "C", 4)))
		b.Output("y", b.Do(graph.OpMSSA, graph.Attrs{"heads": 1, "scale": 0.5}, w))
	})
	for room, want := range map[int64]bool{32 << 20: false, 128 << 20: true} { // 8 MB a map, four of them in half of it
		if traceable(g, room) != want {
			t.Errorf("%d MB of room: %v, want %v", room>>20, !want, want)
		}
	}
	j := &job[[]Class]{m: m, reading: &reading[[]Class]{outputs: []string{"logits"}}}
	p := &prepared{}
	p.frame.Rows, p.frame.Columns, p.frame.Patch = 800, 800, m.config.Patch
	lost := error(&run.NotFiniteError{Fact: "x"})
	err := j.explained(t.Context(), lost, []*prepared{p})
	if !errors.Is(err, ErrLostWork) || !strings.Contains(fmt.Sprint(err), "was not looked for") {
		t.Errorf("error %v", err)
	}
}
