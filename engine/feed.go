package engine

import (
	"context"
	"iter"
	"sync"

	"github.com/crate-vk/crate-vk/loader/picture"
)

// feed takes inputs as long as there is room for them. The iterator runs on this
// goroutine: one that does not return when ctx ends is left behind with it.
func (j *job[T]) feed(ctx context.Context, inputs iter.Seq[Input], l *line[T]) {
	ended := true
	err := errGone
	defer func() {
		if ended || err != nil {
			l.broken <- err
		}
		close(l.queue)
		close(l.work)
	}()
	err = guarded(func() error {
		next, stop := iter.Pull(inputs)
		defer stop()
		for ctx.Err() == nil {
			in, ok := next()
			if !ok {
				return nil
			}
			l.kept.room(ctx)
			if in.from == nil {
				l.take(ctx, in)
				continue
			}
			l.receive(ctx, in.from)
		}
		return nil
	})
	ended = false
}

// receive takes what comes through a channel, until it is closed.
func (l *line[T]) receive(ctx context.Context, from <-chan Input) {
	for ctx.Err() == nil {
		l.kept.room(ctx)
		select {
		case in, ok := <-from:
			if !ok {
				return
			}
			l.take(ctx, in)
		case <-ctx.Done():
		}
	}
}

// take puts an input into the line, when there is room.
func (l *line[T]) take(ctx context.Context, in Input) {
	select {
	case l.tokens <- struct{}{}:
	case <-ctx.Done():
		return
	}
	p := &prepared{input: in, done: make(chan struct{}), kept: &l.kept}
	l.queue <- p // which has as much room as there are tokens
	select {
	case l.work <- p:
	case <-ctx.Done():
	}
}

// loader starts a goroutine that loads images. Where an image's own code ends it,
// another one follows.
func (j *job[T]) loader(ctx context.Context, l *line[T], loading *sync.WaitGroup) {
	loading.Go(func() {
		var r picture.Resizer
		var now *prepared
		defer func() {
			if now != nil {
				now.err = errGone
				close(now.done)
				j.loader(ctx, l, loading)
			}
		}()
		for p := range l.work {
			now = p
			p.err = guarded(func() error { return j.prepare(ctx, &r, p) })
			now = nil
			close(p.done)
		}
	})
}

// receive takes the next of a channel, the zero value of a closed one; or the
// reason why ctx has ended.
func receive[V any](ctx context.Context, from <-chan V) (v V, err error) {
	select {
	case v = <-from:
		return v, nil
	case <-ctx.Done():
		return v, context.Cause(ctx)
	}
}
