package service

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"github.com/crate-vk/crate-vk/engine"
)

// Counters count what the engine and the service do. Give Event to
// engine.WithEvents.
type Counters struct {
	mu     sync.Mutex
	values map[string]float64
}

func (c *Counters) add(name string, v float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.values == nil {
		c.values = map[string]float64{}
	}
	c.values[name] += v
}

// Event counts an event of the engine, which calls it from several goroutines.
func (c *Counters) Event(e engine.Event) {
	switch e.Kind {
	case engine.Compiled:
		c.add("compiled_programs_total", 1)
		c.add("compile_seconds_total", e.Duration.Seconds())
	case engine.Queued:
		c.add("queued_seconds_total", e.Duration.Seconds())
	case engine.Computed:
		c.add("batches_total", 1)
		c.add("images_total", float64(e.Images))
		c.add("device_seconds_total", e.Duration.Seconds())
	}
	if e.Err != nil {
		c.add(fmt.Sprintf("failures_total{kind=%q}", e.Kind), 1)
	}
}

// WriteTo writes the counters in Prometheus's text format.
func (c *Counters) WriteTo(w io.Writer) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	total := 0
	for _, name := range slices.Sorted(maps.Keys(c.values)) {
		n, err := fmt.Fprintf(w, "crate_%s %g\n", name, c.values[name])
		if total += n; err != nil {
			return int64(total), err
		}
	}
	return int64(total), nil
}
