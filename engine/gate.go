package engine

import (
	"context"
	"sync"
)

// gate counts who uses a thing that is closed one day, or that somebody needs
// for himself for a while. Unlike a sync.RWMutex it lets whoever waits give up
// when his context ends, it tells users that they are waited for, and those who
// are inside may enter again.
type gate struct {
	mu     sync.Mutex
	users  int
	alone  bool          // somebody waits for the users to leave, or has the thing for himself
	held   bool          // he has it
	closed error         // what enter returns; nil while the thing is open
	moved  chan struct{} // closed when any of the above changes
	wanted chan struct{} // closed when alone is set
}

// change tells those who wait to look again; mu is held.
func (g *gate) change() {
	if g.moved != nil {
		close(g.moved)
		g.moved = nil
	}
}

// wait returns when something changed, or ctx has ended; mu is held before and
// after.
func (g *gate) wait(ctx context.Context) error {
	if g.moved == nil {
		g.moved = make(chan struct{})
	}
	moved := g.moved
	g.mu.Unlock()
	defer g.mu.Lock()
	select {
	case <-moved:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// enter counts a user, or says why there is nothing to use.
func (g *gate) enter(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.alone && g.closed == nil {
		if err := g.wait(ctx); err != nil {
			return err
		}
	}
	if g.closed == nil {
		g.users++
	}
	return g.closed
}

// again counts one more user for somebody who is inside.
func (g *gate) again() {
	g.mu.Lock()
	g.users++
	g.mu.Unlock()
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.users--; g.users == 0 {
		g.change()
	}
}

// asked is closed when somebody waits for the users to leave: who is inside for
// long does so.
func (g *gate) asked() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.wanted == nil {
		g.wanted = make(chan struct{})
		if g.alone || g.closed != nil {
			close(g.wanted)
		}
	}
	return g.wanted
}

func (g *gate) ask() {
	g.alone = true
	if g.wanted != nil {
		select {
		case <-g.wanted:
		default:
			close(g.wanted)
		}
	}
}

// have waits until nobody else is inside and returns how to let others in again.
func (g *gate) have() (release func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.alone && g.closed == nil {
		g.wait(context.Background())
	}
	if g.closed != nil {
		return nil, g.closed
	}
	g.ask()
	for g.users > 0 {
		g.wait(context.Background())
	}
	if g.closed != nil { // meanwhile
		return nil, g.closed
	}
	g.held = true
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.held = false
		if g.closed == nil {
			g.alone, g.wanted = false, nil
		}
		g.change()
	}, nil
}

// shut closes the gate for good: enter returns the reason from now on. It reports
// whether it was open. Those who are inside have not left yet: see empty.
func (g *gate) shut(reason error) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed != nil {
		return false
	}
	g.closed = reason
	g.ask()
	g.change()
	return true
}

// empty waits until nobody is inside a gate that is shut.
func (g *gate) empty() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.users > 0 || g.held {
		g.wait(context.Background())
	}
}
