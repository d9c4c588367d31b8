package memory

import (
	"context"
	"fmt"
	"sync"
)

// Budget bounds what several takers have of memory at once. They are served in the order in which
// they ask. One that needs more than the whole budget waits until it is alone.
type Budget struct {
	mu      sync.Mutex
	size    func() (bytes int64, hard Room) // asked at each Take, as limits leave less and less room
	taken   int64
	waiting []*taker
}

type taker struct {
	need  int64
	ready chan struct{}
	gone  bool
}

// NewBudget is a budget of a size that the process can have in any case: what needs
// more is refused.
func NewBudget(bytes int64) *Budget {
	return &Budget{size: func() (int64, Room) { return bytes, Room{Bytes: bytes, Limit: Limit{bytes, "the limit"}} }}
}

// TooMuchError says that something needs more memory than there may be.
type TooMuchError struct {
	Need int64 // bytes
	Room Room
}

func (e *TooMuchError) Error() string {
	return fmt.Sprintf("it takes about %d MB of memory, and there are %d MB for it by %s", (e.Need+1<<20-1)>>20, e.Room.Bytes>>20, e.Room.Limit)
}

// Take waits for need bytes. They are given back by release, which may be called once. The error is
// a *TooMuchError, or ctx's.
func (b *Budget) Take(ctx context.Context, need int64) (release func(), err error) {
	b.mu.Lock()
	size, hard := b.size()
	most := hard.Bytes
	if hard.Shrunk {
		most += b.taken // what others have given back by then is there, too
	}
	if need > max(size, most) {
		b.mu.Unlock()
		return nil, &TooMuchError{need, hard}
	}
	t := &taker{need: need, ready: make(chan struct{})}
	b.waiting = append(b.waiting, t)
	b.serve(size)
	b.mu.Unlock()
	select {
	case <-t.ready:
		return func() { b.give(need) }, nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	t.gone = true
	select {
	case <-t.ready: // at the same time
		b.taken -= need
	default:
	}
	b.serve(size)
	return nil, context.Cause(ctx)
}

func (b *Budget) give(bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken -= bytes
	size, _ := b.size()
	b.serve(size)
}

// serve lets those in who wait and fit, the first ones first; mu is held.
func (b *Budget) serve(size int64) {
	for len(b.waiting) > 0 {
		t := b.waiting[0]
		if !t.gone {
			if b.taken > 0 && b.taken+t.need > size {
				return
			}
			b.taken += t.need
			close(t.ready)
		}
		b.waiting = b.waiting[1:]
	}
}

// Size is what all may have together.
func (b *Budget) Size() int64 {
	size, _ := b.size()
	return size
}

// Taken is what is in use.
func (b *Budget) Taken() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.taken
}
