package engine

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestGate: whoever wants a thing for himself waits for the users, tells them so,
// keeps others out, and lets them in again; those who wait go when their context
// ends or the gate is shut.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		var g gate
		if err := g.enter(ctx); err != nil {
			t.Fatal(err)
		}
		asked := g.asked()
		got := make(chan func())
		go func() {
			release, err := g.have()
			if err != nil {
				t.Error(err)
			}
			got <- release
		}()
		<-asked
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if err := g.enter(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("behind somebody who waits: %v", err)
		}
		g.again() // who is inside may
		g.leave()
		select {
		case <-got:
			t.Error("had although it is used")
		case <-time.After(time.Second):
		}
		g.leave()
		release := <-got
		entered := make(chan error)
		go func() { entered <- g.enter(ctx) }()
		synctest.Wait()
		emptied := false
		if !g.shut(ErrClosed) || g.shut(ErrModelClosed) {
			t.Error("shut twice, or not once")
		}
		go func() {
			g.empty()
			emptied = true
		}()
		synctest.Wait()
		if emptied {
			t.Error("empty although somebody has it")
		}
		if err := <-entered; !errors.Is(err, ErrClosed) {
			t.Errorf("who waited when it was shut gets %v", err)
		}
		release()
		synctest.Wait()
		if !emptied {
			t.Error("never empty")
		}
		if _, err := g.have(); !errors.Is(err, ErrClosed) {
			t.Errorf("having it then gives %v", err)
		}
		<-g.asked() // closed for good
	})
}
