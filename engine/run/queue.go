package run

import (
	"context"
	"sync"
	"time"
)

// queue lets runs on to the device in the order in which they were started. A
// run of several submissions makes them one at a time; the next run's follow its
// last one, without waiting for it to end, so that the device is never idle.
type queue struct {
	mu   sync.Mutex
	tail chan struct{} // closed when the run that came last has made its submissions
	free time.Time     // when the device was last seen to be done
}

// turn is a place in the queue.
type turn struct {
	before <-chan struct{} // closed when it is its turn
	mine   chan struct{}
	once   sync.Once
}

// enter takes the place behind all others.
func (q *queue) enter() *turn {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := &turn{before: q.tail, mine: make(chan struct{})}
	q.tail = t.mine
	return t
}

// wait returns when it is the turn's turn, or ctx has ended.
func (t *turn) wait(ctx context.Context) error {
	if t.before == nil {
		return context.Cause(ctx)
	}
	select {
	case <-t.before:
		return context.Cause(ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// pass lets the next one on, once the turns before have passed, too.
func (t *turn) pass() {
	t.once.Do(func() {
		if t.before == nil {
			close(t.mine)
			return
		}
		select {
		case <-t.before:
			close(t.mine)
		default:
			go func() {
				<-t.before
				close(t.mine)
			}()
		}
	})
}

// done notes that the device has just finished what a run submitted at started,
// and returns when it can have begun with it.
func (q *queue) done(started time.Time) (began, ended time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if started.Before(q.free) {
		started = q.free // it waited for the run before
	}
	q.free = time.Now()
	return started, q.free
}
