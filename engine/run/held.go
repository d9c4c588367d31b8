package run

import (
	"fmt"
	"slices"
	"sync"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
)

// Held is an output that stays where it was computed: on the device, in memory
// of its own and in the layout that its program gave it, or with the interpreter
// in its float64.
type Held struct {
	Type graph.Type

	dev    *vk.Device // nil of the interpreter
	buffer *vk.Buffer
	parts  []heldPart
	data   []float64 // of the interpreter
	hidden bool      // tests make the host not see the memory

	mu    sync.Mutex
	users int
	gone  error // why it can't be used any more
}

// heldPart is some consecutive rows.
type heldPart struct {
	layout plan.Layout
	at     int64
}

// hold makes room for an output of the plan.
func (pr *Program) hold(o plan.Output) (*Held, error) {
	h := &Held{Type: pr.Plan.Graph.Output(o.Name).Type, dev: pr.dev}
	size := int64(0)
	for _, b := range o.Buffers {
		lay := pr.Plan.Buffers[b].Layout
		h.parts = append(h.parts, heldPart{lay, size})
		size += roundUp(lay.Bytes())
	}
	var err error
	if h.buffer, err = pr.dev.NewBuffer(size, vk.Local); err != nil {
		return nil, fmt.Errorf("engine: output %q is to stay on the device: %w", o.Name, err)
	}
	return h, nil
}

// Bytes is the device memory that it takes.
func (h *Held) Bytes() int64 {
	if h.dev == nil {
		return 0
	}
	last := h.parts[len(h.parts)-1]
	return last.at + roundUp(last.layout.Bytes())
}

// Hold keeps it from being freed until Release, or says why it is gone.
func (h *Held) Hold() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gone == nil {
		h.users++
	}
	return h.gone
}

// Release is the end of a Hold.
func (h *Held) Release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.users--
	h.free()
}

// Free frees it, behind whoever holds it. Hold gives the reason from now on.
func (h *Held) Free(reason error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gone == nil {
		h.gone = reason
	}
	h.free()
}

// free frees what nobody needs; mu is held.
func (h *Held) free() {
	if h.gone == nil || h.users > 0 {
		return
	}
	if h.buffer != nil {
		h.buffer.Destroy()
		h.buffer = nil
	}
	h.data = nil
}

// source is what to copy from where a buffer of a program is to hold the same in
// the same layout.
func (h *Held) source(dev *vk.Device, lay plan.Layout) (place, bool) {
	if h.dev != dev || len(h.parts) != 1 || h.parts[0].layout != lay {
		return place{}, false
	}
	return place{h.buffer, 0, lay.Bytes()}, true
}

// Row are the copies that bring elements from … from+n−1 of a row, which are float32, to a
// buffer of the same device, from byte at on. A row is one of the last axis; all rows are
// counted in order. The caller holds it.
func (h *Held) Row(row, from, n int, to *vk.Buffer, at int64) (list []vk.Copy, err error) {
	for _, p := range h.parts {
		if row >= p.layout.Rows {
			row -= p.layout.Rows
			continue
		}
		if row < 0 || from < 0 || n < 1 || from+n > p.layout.Columns || p.layout.Elem != graph.F32 {
			break
		}
		p.layout.Pieces(row, from, n, func(first, count int) {
			list = append(list, vk.Copy{From: h.buffer, FromAt: p.at + 4*int64(first), To: to, ToAt: at, Size: 4 * int64(count)})
			at += 4 * int64(count)
		})
		return list, nil
	}
	return nil, fmt.Errorf("engine: elements %d … %d of row %d of a tensor %v on the device: it has no such float32", from, from+n-1, row, h.Type)
}

// On reports that it lies on a device.
func (h *Held) On(dev *vk.Device) bool { return h.dev == dev }

// Read is the tensor in host memory. The caller holds it.
func (h *Held) Read() (*Tensor, error) {
	if h.dev == nil {
		return tensorOf(h.Type, h.data), nil
	}
	t := &Tensor{slices.Clone(h.Type.Shape), make([]float32, h.Type.Shape.Elems())}
	return t, h.look(func(mem []byte) error {
		at := 0
		for _, p := range h.parts {
			n := p.layout.Rows * p.layout.Columns
			if err := p.layout.Unpack(t.Data[at:at+n], mem[p.at:p.at+p.layout.Bytes()]); err != nil {
				return err
			}
			at += n
		}
		return nil
	})
}

// look shows the memory to f, through a copy where the host does not see it.
func (h *Held) look(f func(mem []byte) error) error {
	if mem := h.buffer.Bytes(); mem != nil && !h.hidden {
		return f(mem) // the run that wrote it made it visible
	}
	size := h.buffer.Size()
	down, err := h.dev.NewBuffer(size, vk.Readback)
	if err != nil {
		return err
	}
	defer down.Destroy()
	if err := transfer(h.dev, []vk.Copy{{From: h.buffer, To: down, Size: size}}); err != nil {
		return err
	}
	return f(down.Bytes())
}
