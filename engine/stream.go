package engine

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"runtime"
	"sync"
	"time"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// flushAfter is how long a batch that is not full waits for the next input:
// whoever writes one path at a time gets an answer to each.
const flushAfter = 30 * time.Millisecond

// job is a stream under way: images are loaded and resized on all cores,
// batches are computed two at a time, results are finished on all cores.
type job[T any] struct {
	m   *Model
	opt InputOptions
	*reading[T]
}

// flight is a batch that is being computed, or an image that failed.
type flight struct {
	images  []*prepared
	tensors map[string]*Tensor
	err     error         // it did not start
	waited  error         // it did not end well; with tensors, valid when ready
	device  *prove.Device // that it runs on
	ready   chan struct{}
}

// run yields an item for each input. A failure of the whole stream is the
// second value, once, as the last. When ctx ends no further input is taken;
// what is in flight is finished and yielded, then the context's error.
func (j *job[T]) run(ctx context.Context, inputs iter.Seq[Input]) iter.Seq2[Item[T], error] {
	return func(yield func(Item[T], error) bool) {
		feed, stop := context.WithCancel(ctx) // ends when the consumer leaves, too
		workers := runtime.GOMAXPROCS(0)
		batch := j.m.BatchSize(j.opt.Batch)
		tokens := make(chan struct{}, 3*batch+workers)
		queue := make(chan *prepared, cap(tokens))
		flights := make(chan *flight, 1)
		work := make(chan *prepared)
		var wg sync.WaitGroup
		defer wg.Wait()
		defer stop()
		wg.Go(func() {
			defer close(queue)
			defer close(work)
			source := pull(feed, inputs)
			for {
				var in Input
				var ok bool
				select {
				case in, ok = <-source:
				case <-feed.Done():
				}
				if !ok {
					return
				}
				select {
				case tokens <- struct{}{}:
				case <-feed.Done():
					return
				}
				p := &prepared{input: in, done: make(chan struct{})}
				queue <- p
				work <- p
			}
		})
		for range workers {
			wg.Go(func() {
				var r picture.Resizer
				for p := range work {
					j.prepare(feed, &r, p)
					close(p.done)
				}
			})
		}
		wg.Go(func() {
			defer close(flights)
			j.batches(feed, batch, queue, flights)
		})
		for f := range flights {
			<-f.ready
			if !j.deliver(ctx, f, tokens, yield) {
				stop()
				for f := range flights { // let the others end
					<-f.ready
				}
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(Item[T]{}, err)
		}
	}
}

// pull hands inputs over until ctx ends. Whoever makes them may be waiting for
// somebody to type a path: the goroutine that waits with him is left behind
// and ends with the next input.
func pull(ctx context.Context, inputs iter.Seq[Input]) <-chan Input {
	out := make(chan Input)
	go func() {
		defer close(out)
		for in := range inputs {
			select {
			case out <- in:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// BatchSize is the number of images computed at once. A software device gains
// little from large batches and answers sooner with small ones.
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
func (j *job[T]) batches(ctx context.Context, batch int, queue <-chan *prepared, flights chan<- *flight) {
	var now []*prepared
	flush := func() bool {
		for len(now) > 0 {
			if ctx.Err() != nil {
				return false // what is not started is not started any more
			}
			n := min(len(now), batch)
			f, smaller := j.start(ctx, now[:n])
			if smaller && n > 1 {
				batch = n / 2
				j.m.eng.opt.log.Warn("out of device memory: halving the batch", "batch", batch)
				continue
			}
			if now = now[n:]; errors.Is(f.err, ErrDeviceLost) {
				j.again(ctx, f)
			}
			failed := f.err != nil // from here on the flight is the receiver's
			flights <- f
			if failed {
				return false
			}
		}
		now = nil
		return true
	}
	idle := time.NewTimer(time.Hour)
	defer idle.Stop()
	for {
		var p *prepared
		var ok bool
		if len(now) > 0 {
			idle.Reset(flushAfter)
			select {
			case p, ok = <-queue:
			case <-idle.C:
				if !flush() {
					return
				}
				continue
			}
		} else {
			p, ok = <-queue
		}
		if !ok {
			flush()
			return
		}
		<-p.done
		switch {
		case p.err != nil:
			if !flush() {
				return
			}
			if ctx.Err() != nil && errors.Is(p.err, ctx.Err()) {
				continue // not taken any more
			}
			flights <- &flight{images: []*prepared{p}, ready: closed()}
			continue
		case len(now) > 0 && !sameGrid(now[0].frame, p.frame):
			if !flush() {
				return
			}
		}
		if now = append(now, p); len(now) >= batch {
			if !flush() {
				return
			}
		}
	}
}

func closed() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

func sameGrid(a, b readout.Frame) bool { return a.Rows == b.Rows && a.Columns == b.Columns }

// request is the model's work for images of one size.
func (j *job[T]) request(images []*prepared) Request {
	f := images[0].frame
	return Request{Outputs: j.outputs, Height: f.TrimmedHeight(), Width: f.TrimmedWidth(), Batch: len(images), Positions: j.opt.Positions, Tau: j.tau, Mask: j.mask}
}

// start begins a batch. What failed to start has an error at once; of the others
// error and tensors are there when they are ready. smaller says that it does not fit the device's memory.
// The engine's use lock is held from here until the batch is done.
func (j *job[T]) start(ctx context.Context, images []*prepared) (f *flight, smaller bool) {
	f = &flight{images: images, ready: make(chan struct{})}
	e := j.m.eng
	e.use.RLock()
	f.device = e.device
	fail := func(err error) (*flight, bool) {
		e.use.RUnlock()
		if errors.Is(err, ErrOutOfMemory) && len(images) > 1 {
			return nil, true
		}
		f.err = err
		close(f.ready)
		return f, false
	}
	c, done, err := j.m.acquire(ctx, j.request(images))
	if err != nil {
		return fail(err)
	}
	// What is submitted is finished even when ctx ends.
	wait, err := c.Start(context.WithoutCancel(ctx), join(images))
	if err != nil {
		done()
		return fail(err)
	}
	go func() {
		f.tensors, f.waited = wait()
		done()
		e.use.RUnlock()
		close(f.ready)
	}()
	return f, false
}

func join(images []*prepared) []byte {
	if len(images) == 1 {
		return images[0].pixels
	}
	var all []byte
	for _, p := range images {
		all = append(all, p.pixels...)
	}
	return all
}

// again repeats a batch that a lost device did not finish, once, on the device
// opened anew.
func (j *job[T]) again(ctx context.Context, f *flight) {
	if err := j.m.eng.rebuild(f.device); err != nil {
		f.err = err
		return
	}
	g, smaller := j.start(ctx, f.images)
	if smaller {
		f.err = ErrOutOfMemory
		return
	}
	<-g.ready
	f.tensors, f.err, f.waited, f.ready = g.tensors, g.err, g.waited, g.ready
}

// deliver finishes the images of a flight on all cores and yields them in
// order. It returns false when the stream is over.
func (j *job[T]) deliver(ctx context.Context, f *flight, tokens <-chan struct{}, yield func(Item[T], error) bool) bool {
	if errors.Is(f.waited, ErrDeviceLost) {
		j.again(context.WithoutCancel(ctx), f)
	}
	if err := cmp.Or(f.err, f.waited); err != nil {
		yield(Item[T]{}, err)
		return false
	}
	items := make([]Item[T], len(f.images))
	parallel(len(f.images), func(i int) {
		p := f.images[i]
		items[i] = Item[T]{Input: p.input, Picture: p.picture, Frame: p.frame, Err: p.err}
		if p.err != nil {
			return
		}
		mine := make(map[string]*Tensor, len(f.tensors))
		for name, t := range f.tensors {
			mine[name] = t.Image(i)
		}
		items[i].Value, items[i].Err = j.finish(p, mine)
	})
	for _, item := range items {
		<-tokens
		if !yield(item, nil) {
			return false
		}
	}
	return true
}

// parallel calls f for 0 … n−1 on all cores.
func parallel(n int, f func(i int)) {
	if n == 1 {
		f(0)
		return
	}
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}
