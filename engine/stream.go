package engine

import (
	"context"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/crate-vk/crate-vk/crate/readout"
)

// flushAfter is how long a batch that is not full waits for further inputs:
// whoever writes one path at a time gets an answer to each.
const flushAfter = 30 * time.Millisecond

// leaveAfter is how long a stream that is left waits for an iterator that does
// not return: it may be waiting for somebody to type a path.
const leaveAfter = 50 * time.Millisecond

// job is a stream under way: images are loaded and resized on all cores,
// batches are computed two at a time, results are finished on all cores.
type job[T any] struct {
	m     *Model
	opt   InputOptions
	flush time.Duration   // see flushAfter
	fit   func(n int) int // how many of n images go into one batch; nil: all
	*reading[T]

	reason sync.Mutex
	found  *NotFiniteError // of the first image that gave what is no number
}

// line is what the goroutines of a stream pass on to each other.
type line[T any] struct {
	tokens  chan struct{}   // one for each image between the iterator and the consumer
	queue   chan *prepared  // in the order of the inputs
	work    chan *prepared  // the same, for those who load
	flights chan *flight[T] // in the order of the inputs
	broken  chan error      // the iterator's failure
	kept    keptPictures
}

// run yields an item for each input. A failure of the whole stream is the second
// value, once, as the last. When ctx ends the stream does, with the context's
// error: what is under way ends behind it, between two submissions to the device.
func (j *job[T]) run(ctx context.Context, inputs iter.Seq[Input]) iter.Seq2[Item[T], error] {
	return func(yield func(Item[T], error) bool) {
		feed, stop := context.WithCancel(ctx) // ends when the consumer leaves, too
		threads := j.m.eng.opt.threads
		batch := j.m.BatchSize(j.opt.Batch)
		l := &line[T]{tokens: make(chan struct{}, 3*batch+threads), work: make(chan *prepared), flights: make(chan *flight[T], 1), broken: make(chan error, 1)}
		l.queue = make(chan *prepared, cap(l.tokens))
		var loading sync.WaitGroup
		fed := make(chan struct{})
		defer func() {
			stop()
			loaded := make(chan struct{})
			go func() {
				loading.Wait()
				close(loaded)
			}()
			select {
			case <-loaded:
			case <-ctx.Done():
			}
			select {
			case <-fed:
			case <-ctx.Done():
			case <-time.After(leaveAfter):
			}
		}()
		go func() {
			defer close(fed)
			j.feed(feed, inputs, l)
		}()
		for range threads {
			j.loader(feed, l, &loading)
		}
		go func() {
			defer close(l.flights)
			j.batches(feed, batch, l)
		}()
		first := true // no image was computed yet
		for {
			f, err := receive(ctx, l.flights)
			if f != nil && err == nil {
				_, err = receive(ctx, f.ready)
			}
			switch {
			case err == nil && f == nil:
				// The batches end when ctx does, too, and may be seen to do so first.
				if err := context.Cause(ctx); err != nil {
					yield(Item[T]{}, err)
					return
				}
				select {
				case err := <-l.broken:
					yield(Item[T]{}, err)
				default:
				}
				return
			case err == nil:
				err = f.err
			}
			if err != nil {
				yield(Item[T]{}, err)
				return
			}
			for _, item := range f.items {
				<-l.tokens
				l.kept.drop(item.Picture)
				err := context.Cause(ctx)
				if err == nil && first {
					err = hopeless(item)
				}
				first = first && !f.computed
				if err != nil {
					yield(Item[T]{}, err)
					return
				}
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}

// BatchSize is the number of images that are computed at once where asked, as of
// InputOptions.Batch, are wanted: asked itself, or for 0 what suits the device. A
// software device gains little from large batches and answers sooner with small ones.
// More memory does not make a default batch larger: results don't depend on it, a larger
// one holds more decoded images and gives its first result later, and what a GPU gains
// by it was not measured.
// Where that many images of a size need more memory than the device has, or are beyond
// another of its limits, half as many are computed at once, and half of those.
func (m *Model) BatchSize(asked int) int {
	if asked > 0 {
		return asked
	}
	if m.eng.info.Reference() {
		return 1
	}
	if m.eng.info.Type == "software" {
		return 4
	}
	return 16
}

// batches groups prepared images of one size, in order, and starts them. An
// image that failed goes on by itself, behind what was started before it.
func (j *job[T]) batches(ctx context.Context, batch int, l *line[T]) {
	var now []*prepared
	// send hands a flight to the consumer, if he is still there.
	send := func(f *flight[T]) bool {
		select {
		case l.flights <- f:
			return true
		case <-ctx.Done():
			return false
		}
	}
	flush := func() bool {
		for len(now) > 0 {
			if ctx.Err() != nil {
				return false // what is not started is not started any more
			}
			now = slices.DeleteFunc(now, func(p *prepared) bool {
				err := p.input.unwanted()
				return err != nil && send(failed[T](p, err))
			})
			if len(now) == 0 {
				break
			}
			n := min(len(now), batch)
			if j.fit != nil {
				n = j.fit(n)
			}
			f, err := j.start(ctx, now[:n])
			if tooMuch(err) && n > 1 {
				batch = n / 2
				level := slog.LevelWarn
				if j.opt.Batch == 0 { // nobody asked for so many
					level = slog.LevelInfo
				}
				j.m.eng.opt.log.Log(ctx, level, "too much for the device: halving the batch", "batch", batch, "reason", err)
				continue
			}
			if tooMuch(err) && j.opt.Size.Native { // others may be smaller
				f, err = failed[T](now[0], err), nil
			}
			if !send(f) || err != nil {
				return false
			}
			now = now[n:]
		}
		now = nil
		return true
	}
	idle := time.NewTimer(time.Hour)
	defer idle.Stop()
	for {
		var p *prepared
		var ok bool
		var late <-chan time.Time
		if len(now) > 0 {
			late = idle.C
		}
		select {
		case p, ok = <-l.queue:
		case <-late:
			if !flush() {
				return
			}
			continue
		case <-ctx.Done():
			return
		}
		if !ok {
			flush()
			return
		}
		select {
		case <-p.done:
		case <-ctx.Done():
			return
		}
		switch {
		case p.err != nil:
			if !flush() || !send(failed[T](p, p.err)) {
				return
			}
			continue
		case len(now) > 0 && !sameGrid(now[0].frame, p.frame):
			if !flush() {
				return
			}
		}
		if len(now) == 0 {
			idle.Reset(j.flush)
		}
		if now = append(now, p); len(now) >= batch {
			if !flush() {
				return
			}
		}
	}
}

func sameGrid(a, b readout.Frame) bool { return a.Rows == b.Rows && a.Columns == b.Columns }
