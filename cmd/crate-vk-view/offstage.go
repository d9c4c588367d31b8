//go:build viewer && cgo

package main

import (
	"context"
	"time"

	"github.com/crate-vk/crate-vk/cmd/internal/viewer"
)

// offstage is the stage of a session without a window.
type offstage struct {
	ctx context.Context
	s   *session
}

func (o offstage) feed(e viewer.Event) (quit bool) { return o.s.act(o.ctx, o.s.handle(e)) }
func (o offstage) resize(e viewer.Resize)          { o.feed(e) }

// pass plays the film, as the window's loop does.
func (o offstage) pass(ctx context.Context, d time.Duration) error {
	for end := time.Now().Add(d); ; {
		left := time.Until(end)
		if left <= 0 {
			return nil
		}
		wait, playing := o.s.nextTick(time.Now())
		if playing {
			left = min(left, max(wait, time.Millisecond))
		}
		if err := pause(ctx, left); err != nil {
			return err
		}
		if playing {
			o.feed(viewer.Tick{Now: time.Now()})
		}
	}
}
