package engine

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/crate-vk/crate-vk/loader/picture"
)

// BatcherOptions are the choices of a Batcher. The zero value means the defaults.
type BatcherOptions struct {
	// Size is how many images a batch has at most; 0: by the device. Smaller
	// batches have 1, 2, 4, 8, … images, so that few programs have to be compiled.
	Size int
	// Wait is how long a batch that is not full waits for more images; 0 means
	// 2 ms. While the device is busy calls gather anyway.
	Wait time.Duration
	// Queue is how many calls may be in Do at once, waiting or being computed; 0 means
	// eight full batches. Further ones get ErrBusy.
	Queue int
}

// Batcher joins the calls of many goroutines into batches: a server's requests,
// say. Each gets its own result, or its own error.
type Batcher[T any] struct {
	read   Readout[T]
	m      *Model
	job    *job[T]
	calls  chan *call[T]
	room   chan struct{} // one for each call that waits or is computed
	use    gate          // of Do
	ctx    context.Context
	cancel context.CancelFunc
	ended  chan struct{} // closed when no stream runs any more
}

// call is a call of Do.
type call[T any] struct {
	ctx   context.Context
	image image.Image
	value T
	err   error
	done  chan struct{}
}

// closedError says that something other than engine or model was closed. It is
// ErrClosed to errors.Is.
type closedError string

func (e closedError) Error() string        { return string(e) }
func (e closedError) Is(target error) bool { return target == ErrClosed }

// NewBatcher makes a batcher for a read-out of a model. The error is that of
// options that the model does not have. A read-out of which each result depends
// on all images, Parts, can't be batched.
func NewBatcher[T any](m *Model, r Readout[T], o BatcherOptions) (*Batcher[T], error) {
	if o.Size < 0 || o.Wait < 0 || o.Queue < 0 {
		return nil, errors.New("engine: a batcher's size, wait and queue are not negative")
	}
	if o.Size > maxBatch {
		return nil, fmt.Errorf("engine: batches of %d images, want at most %d", o.Size, maxBatch)
	}
	if r.joint != nil {
		return nil, errors.New("engine: results of this read-out depend on all images: it can't be batched")
	}
	b, err := r.resolve(&m.config)
	if err != nil {
		return nil, err
	}
	j := &job[T]{m: m, opt: r.input, flush: o.Wait, reading: b, fit: func(n int) int { return 1 << (bits.Len(uint(n)) - 1) }}
	j.opt.KeepPicture = j.opt.KeepPicture || b.picture
	j.opt.Batch = m.BatchSize(o.Size)
	if j.flush == 0 {
		j.flush = 2 * time.Millisecond
	}
	if o.Queue == 0 {
		o.Queue = 8 * j.opt.Batch
	}
	x := &Batcher[T]{read: r, m: m, job: j, calls: make(chan *call[T]), room: make(chan struct{}, o.Queue), ended: make(chan struct{})}
	x.ctx, x.cancel = context.WithCancel(m.ctx) // one that is never closed ends with its model
	go x.run()
	return x, nil
}

// Do computes one image, together with those of other calls. It returns when ctx
// ends; a batch of which all calls have ended makes room for others. Errors are those
// of the stream and of the image; ErrBusy comes at once.
func (b *Batcher[T]) Do(ctx context.Context, img image.Image) (result T, err error) {
	if err := b.use.enter(ctx); err != nil {
		return result, err
	}
	defer b.use.leave()
	select {
	case b.room <- struct{}{}:
	default:
		return result, ErrBusy
	}
	c := &call[T]{ctx: ctx, image: img, done: make(chan struct{})}
	select {
	case b.calls <- c:
	case <-ctx.Done():
		<-b.room
		return result, context.Cause(ctx)
	case <-b.ended:
		<-b.room
		return result, b.m.why()
	}
	select {
	case <-c.done:
		return c.value, c.err
	case <-ctx.Done():
		return result, context.Cause(ctx)
	}
}

// Prepare compiles for every batch that the batcher may make, so that no call waits for
// that. progress, which may be nil, is PrepareOptions.Progress.
func (b *Batcher[T]) Prepare(ctx context.Context, progress func(done, total int, what string)) error {
	o := PrepareOptions{Progress: progress}
	for n := 1; n <= b.job.opt.Batch; n *= 2 {
		o.Batches = append(o.Batches, n)
	}
	return b.m.Prepare(ctx, o, b.read)
}

// why is the reason that nothing can be computed any more.
func (h *holding) why() error {
	if err := h.enter(context.Background()); err != nil {
		return err
	}
	h.leave()
	return ErrClosed
}

// Close lets the calls that are under way end, and gives ErrClosed to later ones.
// It may be called twice.
func (b *Batcher[T]) Close() error {
	if b == nil { // deferred before NewBatcher's error was looked at
		return nil
	}
	b.use.shut(closedError("the batcher is closed"))
	b.use.empty()
	b.cancel()
	<-b.ended
	return nil
}

// run streams the calls' images. A failure of the stream is that of all calls
// whose images it has; the next one begins anew, unless the model is closed.
func (b *Batcher[T]) run() {
	defer close(b.ended)
	for b.ctx.Err() == nil {
		var mu sync.Mutex
		under := map[*call[T]]bool{} // calls that the stream has
		finish := func(c *call[T]) {
			mu.Lock()
			defer mu.Unlock()
			delete(under, c)
			close(c.done)
			<-b.room
		}
		inputs, stop := make(chan Input), make(chan struct{})
		var relay sync.WaitGroup
		relay.Go(func() {
			for {
				select {
				case c := <-b.calls:
					mu.Lock()
					under[c] = true
					mu.Unlock()
					select {
					case inputs <- Input{Data: c, Load: b.load(c), caller: c.ctx}:
					case <-stop:
						return
					}
				case <-stop:
					return
				}
			}
		})
		failed := error(ErrClosed)
		for item, err := range b.job.run(b.ctx, Receive(inputs)) {
			if err != nil {
				failed = err
				break
			}
			c := item.Input.Data.(*call[T])
			c.value, c.err = item.Value, item.Err
			finish(c)
		}
		close(stop)
		relay.Wait()
		for c := range under {
			c.err = failed
			finish(c)
		}
		if err := b.m.enter(b.ctx); err != nil {
			return
		}
		b.m.leave()
	}
}

// load is the picture of a call, if somebody still waits for it.
func (b *Batcher[T]) load(c *call[T]) func(context.Context) (*picture.RGB, error) {
	return func(ctx context.Context) (*picture.RGB, error) {
		if err := context.Cause(c.ctx); err != nil {
			return nil, err
		}
		if c.image == nil {
			return nil, errNoImage
		}
		in := Input{Image: c.image}
		return in.picture(ctx, b.m.eng.opt.pixels)
	}
}

// errForgotten ends a batch of which nobody waits for any image.
var errForgotten = fmt.Errorf("nobody waits for the batch any more: %w", context.Canceled)

// wanted is a context that ends when ctx does, and when the calls of all images have
// ended: what is on the device then makes room. Compiling goes on, as the next call
// needs that, too.
func wanted(ctx context.Context, images []*prepared) (_ context.Context, release func()) {
	if images[0].input.caller == nil {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var waiting atomic.Int32
	waiting.Store(int32(len(images)))
	var unhook []func() bool
	for _, p := range images {
		unhook = append(unhook, context.AfterFunc(p.input.caller, func() {
			if waiting.Add(-1) == 0 {
				cancel(errForgotten)
			}
		}))
	}
	return ctx, func() {
		for _, f := range unhook {
			f()
		}
		cancel(nil)
	}
}

// forgotten gives each image the reason of its call, where that is why the batch ended.
func (f *flight[T]) forgotten(err error) bool {
	if !errors.Is(err, errForgotten) {
		return false
	}
	for _, p := range f.images {
		f.items = append(f.items, failed[T](p, p.input.unwanted()).items...)
	}
	return true
}
