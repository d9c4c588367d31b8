package memory

import (
	"context"
	"sync"
	"sync/atomic"
)

// limit is what LimitDecoding set, 0 for the default.
var limit atomic.Int64

// LimitDecoding sets what all pictures that are being decoded may take together, in bytes. 0 is
// the default: a quarter of the room that there is.
func LimitDecoding(bytes int64) { limit.Store(bytes) }

// Decoding is the budget of all pictures that are being decoded in the process.
var Decoding = &Budget{size: func() (int64, Room) {
	room := Here().Room()
	if n := limit.Load(); n > 0 {
		if n < room.Bytes {
			room = Room{Bytes: n, Limit: Limit{n, "the limit for decoding (--decode-memory)"}}
		}
		return min(n, room.Bytes), room
	}
	return room.Bytes / 4, room
}}

// Lease is memory that is taken by a picture and given back by whoever uses it last. A decoder that
// nobody waits for any more may come after that.
type Lease struct {
	mu    sync.Mutex
	bytes int64
	over  bool
}

// Release gives it back, as often as it is called.
func (l *Lease) Release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	Decoding.give(l.bytes)
	l.bytes, l.over = 0, true
}

// replaced gives back what an earlier picture has: whoever waited for the next one with
// that would wait for others who do the same.
func (l *Lease) replaced() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	Decoding.give(l.bytes)
	l.bytes = 0
}

// take leaves bytes in the lease, and reports whether it is there to have them.
func (l *Lease) take(bytes int64) bool {
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.bytes += bytes
	}
	return !l.over
}

type leaseKey struct{}

// WithLease makes what decodes a picture under ctx leave the memory of the picture itself in the
// lease. It serves one goroutine, and one picture: of several that are decoded one after
// the other the last one counts.
func WithLease(ctx context.Context) (context.Context, *Lease) {
	l := new(Lease)
	return context.WithValue(ctx, leaseKey{}, l), l
}

// leaseOf is the lease of a ctx, or nil.
func leaseOf(ctx context.Context) *Lease {
	l, _ := ctx.Value(leaseKey{}).(*Lease)
	return l
}

// TakeDecoding takes need bytes for decoding a picture. When it is decoded done is called, which gives
// them back but for what the picture itself has, where somebody waits for that with a lease.
func TakeDecoding(ctx context.Context, need int64) (done func(picture int64), err error) {
	leaseOf(ctx).replaced()
	release, err := Decoding.Take(ctx, need)
	if err != nil {
		return nil, err
	}
	return func(picture int64) {
		if picture > 0 && picture <= need && leaseOf(ctx).take(picture) {
			Decoding.give(need - picture)
			return
		}
		release()
	}, nil
}
