package engine

import "time"

// EventKind says what an Event tells of.
type EventKind string

// The kinds.
const (
	// Compiled: kernels and weights of a graph were put on the device for a size
	// and batch. Duration is how long that took.
	Compiled EventKind = "compiled"
	// Queued: a batch has reached the device. Duration is how long it waited for
	// a place there and for the batches before it.
	Queued EventKind = "queued"
	// Computed: a batch is done. Duration is how long it kept the device.
	Computed EventKind = "computed"
)

// Event is something that took time: see WithEvents.
type Event struct {
	Kind     EventKind
	Model    string // name of its source
	Work     string // what was compiled or computed: outputs, size and batch, as text
	Images   int    // of the batch; 0 where none was computed
	Duration time.Duration
	Err      error // why it failed
}

// tell calls the embedder's function, whose panics are logged. Where it
// ends its goroutine, that is not the engine's.
func (e *Engine) tell(ev Event) {
	if e.opt.events == nil {
		return
	}
	if err := apart(func() error { e.opt.events(ev); return nil }); err != nil {
		e.opt.log.Error("the function of WithEvents failed", "reason", err)
	}
}
