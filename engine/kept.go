package engine

import (
	"context"
	"sync"

	"github.com/crate-vk/crate-vk/loader/memory"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// keptPictures counts the pictures that a stream keeps until their items are taken. Where they
// have half of what decoding may take, no further input is taken: those that are under
// way go on, so that the stream does.
type keptPictures struct {
	mu    sync.Mutex
	bytes int64
	less  chan struct{} // closed when there are fewer
}

func (k *keptPictures) add(p *picture.RGB) {
	if k == nil || p == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.bytes += int64(len(p.Pix))
}

func (k *keptPictures) drop(p *picture.RGB) {
	if p == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.bytes -= int64(len(p.Pix))
	if k.less != nil {
		close(k.less)
		k.less = nil
	}
}

// room waits until there is room for one more picture, or ctx ends.
func (k *keptPictures) room(ctx context.Context) {
	for {
		k.mu.Lock()
		if k.bytes == 0 || k.bytes <= memory.Decoding.Size()/2 {
			k.mu.Unlock()
			return
		}
		if k.less == nil {
			k.less = make(chan struct{})
		}
		less := k.less
		k.mu.Unlock()
		select {
		case <-less:
		case <-ctx.Done():
			return
		}
	}
}
