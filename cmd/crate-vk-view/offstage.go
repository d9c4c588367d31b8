//go:build viewer && cgo

package main

import (
	"context"

	"github.com/crate-vk/crate-vk/cmd/internal/viewer"
)

// offstage is the stage of a session without a window.
type offstage struct {
	ctx context.Context
	s   *session
}

func (o offstage) feed(e viewer.Event)    { o.s.act(o.ctx, o.s.handle(e)) }
func (o offstage) resize(e viewer.Resize) { o.feed(e) }
