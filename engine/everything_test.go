package engine

import (
	"context"
	"errors"
	"image"
	"math/rand/v2"
	"os"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// TestEverythingAtOnce has 16 goroutines do everything on one engine, which is closed
// in the middle and again at the end: right results, or errors that say why, and
// nothing left behind. CRATE_VK_EVERYTHING says for how long, such as 1m; with the race
// detector it is part of make ci-long.
func TestEverythingAtOnce(t *testing.T) {
	long := 3 * time.Second
	if s := os.Getenv("CRATE_VK_EVERYTHING"); s != "" {
		var err error
		if long, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
	}
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	try := func(t *testing.T, opts ...Option) {
		noGoroutines(t)
		type stage struct {
			e *Engine
			m *Model
			b *Batcher[[]float32]
		}
		opts = append(opts, withoutSelfTest(), WithPrograms(6), WithEvents(func(Event) {}))
		open := func() *stage {
			e, err := Open(t.Context(), opts...)
			if err != nil {
				t.Fatal(err)
			}
			m := load(t, e, src)
			b, err := NewBatcher(m, Embed(EmbedOptions{}), BatcherOptions{Queue: 8, Size: 4})
			if err != nil {
				t.Fatal(err)
			}
			return &stage{e, m, b}
		}
		shut := func(s *stage) {
			if err := s.e.Close(); err != nil {
				t.Error(err)
			}
			s.b.Close()
		}
		var now atomic.Pointer[stage]
		now.Store(open())
		img := testPicture(1, 40, 40)
		want, err := now.Load().m.Segment(t.Context(), img)
		if err != nil {
			t.Fatal(err)
		}
		vector, err := Embed(EmbedOptions{}).One(t.Context(), now.Load().m, img)
		if err != nil {
			t.Fatal(err)
		}
		work := []func(ctx context.Context, s *stage) error{
			func(ctx context.Context, s *stage) error {
				got, err := s.m.Segment(ctx, img)
				if err == nil && !reflect.DeepEqual(got, want) {
					err = errors.New("another mask")
				}
				return err
			},
			func(ctx context.Context, s *stage) error {
				got, err := s.b.Do(ctx, img)
				if err == nil && !reflect.DeepEqual(got, vector) {
					err = errors.New("another vector")
				}
				return err
			},
			func(ctx context.Context, s *stage) error {
				n := 0
				for item, err := range Classify(ClassifyOptions{InputOptions: InputOptions{Batch: 3}}).Stream(ctx, s.m, streamInputs(9, 4)) {
					if err != nil {
						return err
					}
					if (item.Err != nil) != (n == 4) {
						return item.Err
					}
					if n++; n == 7 {
						break
					}
				}
				return nil
			},
			func(ctx context.Context, s *stage) error {
				_, err := MaskCut(MaskCutOptions{InputOptions: InputOptions{Size: Size{Native: true}}}).Batch(ctx, s.m, []image.Image{testPicture(2, 24, 32), testPicture(3, 40, 16)})
				return err
			},
			func(ctx context.Context, s *stage) error {
				ctx, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(20))*time.Millisecond)
				defer cancel()
				if _, err := s.m.Features(ctx, img); !errors.Is(err, context.DeadlineExceeded) {
					return err
				}
				return nil
			},
			func(ctx context.Context, s *stage) error {
				m, err := s.e.Load(ctx, NewModelSource("other", src.Config, "", src.params))
				if err != nil {
					return err
				}
				defer m.Close()
				_, err = m.Segment(ctx, img)
				return err
			},
			func(ctx context.Context, s *stage) error {
				return s.m.Prepare(ctx, PrepareOptions{Batches: []int{1 + rand.IntN(3)}}, Analyze(AnalyzeOptions{}))
			},
			func(ctx context.Context, s *stage) error {
				_, err := s.m.Segment(ctx, nil)
				if errors.Is(err, errNoImage) {
					return nil
				}
				return err
			},
		}
		ctx, stop := context.WithCancel(t.Context())
		var done, closed atomic.Int32
		var wg sync.WaitGroup
		for k := range 16 {
			wg.Go(func() {
				for i := k; ctx.Err() == nil; i++ {
					switch err := work[i%len(work)](t.Context(), now.Load()); {
					case err == nil:
						done.Add(1)
					case errors.Is(err, ErrClosed):
						closed.Add(1)
						time.Sleep(time.Millisecond)
					case !errors.Is(err, ErrBusy):
						t.Errorf("work %d: %v", i%len(work), err)
					}
				}
			})
		}
		time.Sleep(long / 2)
		before := now.Load()
		shut(before) // while all of them use it
		now.Store(open())
		time.Sleep(long / 2)
		shut(now.Load())
		stop()
		wg.Wait()
		if done.Load() < 50 || closed.Load() == 0 {
			t.Errorf("%d calls went through, %d were of a closed engine", done.Load(), closed.Load())
		}
		t.Logf("%d calls, %d of a closed engine", done.Load(), closed.Load())
	}
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) { try(t, WithDevice("uuid:"+info.UUID)) })
	t.Run("interpreter", func(t *testing.T) { try(t, WithDevice(Interpreter)) })
}
