package engine

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// TestBatchOfMemory: the batch that a device takes by itself follows its memory, by what
// plans say that they need. No kernel is compiled for a batch that does not fit, and an
// image that doesn't is refused with its need.
func TestBatchOfMemory(t *testing.T) {
	src := oddModel(t, 96, 96, 3, 2, 8, [2]int{64, 64})
	ctx := context.Background()
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		var log bytes.Buffer
		var tried, compiled []string
		e := onDevice(t, info, WithMemory(400<<10), WithLogger(slog.New(slog.NewTextHandler(&log, nil))), WithEvents(func(v Event) {
			if v.Kind != Compiled {
				return
			}
			if tried = append(tried, v.Work); v.Err == nil {
				compiled = append(compiled, v.Work)
			}
		}))
		m := load(t, e, src)
		if err := m.Prepare(ctx, PrepareOptions{}, Attention(AttentionOptions{})); err != nil {
			t.Errorf("the default batches are not prepared: %v", err)
		}
		if len(compiled) == 0 || len(tried) == len(compiled) {
			t.Errorf("of %d batches %d fit: the case has the wrong size", len(tried), len(compiled))
		}
		n := 0
		for item, err := range m.SegmentStream(ctx, streamInputs(20), AttentionOptions{}) {
			if err != nil || item.Err != nil {
				t.Fatal(err, item.Err)
			}
			n++
		}
		if n != 20 || strings.Contains(log.String(), "level=WARN msg=\"too much") {
			t.Errorf("%d images, and the log says\n%s", n, log.String())
		}

		log.Reset()
		logger := slog.New(slog.NewTextHandler(&log, nil))
		e = onDevice(t, info, WithMemory(1<<16), WithLogger(logger), Expert(inside.Key{}, func(o *inside.Options) { o.Trusted = false }))
		_, err := load(t, e, src).Segment(ctx, testPicture(1, 64, 64))
		for _, part := range []string{"one image of 64 × 64 px", "needs 1 MB", "may have 0 MB"} {
			if !errors.Is(err, ErrOutOfMemory) || !strings.Contains(err.Error(), part) {
				t.Errorf("without %q: %v", part, err)
			}
		}
		if strings.Contains(log.String(), "compiling") {
			t.Errorf("kernels were compiled for what does not fit:\n%s", log.String())
		}
	})
}
