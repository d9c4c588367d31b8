// Package sensors reads what a machine says of its clocks and power while
// something is timed: of a GPU from its driver, of a software device from the
// processor. Where nothing can be read, it says why.
package sensors

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/crate-vk/crate-vk/cmd/internal/stats"
)

// Span is what a figure was while it was watched.
type Span struct {
	Least  float64 `json:"least"`
	Median float64 `json:"median"`
	Most   float64 `json:"most"`
}

// Reading is what was seen.
type Reading struct {
	From   string `json:"from,omitempty"`        // program or folder that tells
	Clock  *Span  `json:"clock_mhz,omitempty"`   // of the GPU's units, or of the processor's cores on average
	Memory *Span  `json:"memory_mhz,omitempty"`  // of the GPU's memory
	Power  *Span  `json:"power_watts,omitempty"` // of the card or of the processor
	Unread string `json:"unread,omitempty"`      // why what is missing above can't be read
}

// sample is one look; what is not to be had is 0.
type sample struct{ clock, memory, power float64 }

// Watch is a running observation.
type Watch struct {
	stop context.CancelFunc
	done chan Reading
}

// every is how often is looked: seldom enough to cost a core nothing.
const every = 250 * time.Millisecond

// Start watches a device until the watch is stopped or the context ends.
func Start(ctx context.Context, d Device) *Watch {
	return start(ctx, d, "/", every)
}

// Device is what is needed to find a device's sensors, as engine.DeviceInfo has it.
type Device struct {
	Type   string // discrete, integrated, virtual; software and reference: the processor computes
	Driver string // its name and version
	UUID   string // 32 hexadecimal digits
}

func start(ctx context.Context, d Device, root string, every time.Duration) *Watch {
	ctx, stop := context.WithCancel(ctx)
	w := &Watch{stop, make(chan Reading, 1)}
	go func() { w.done <- watch(ctx, d, root, every) }()
	return w
}

// Stop ends the observation and returns what was seen.
func (w *Watch) Stop() Reading {
	w.stop()
	return <-w.done
}

func watch(ctx context.Context, d Device, root string, every time.Duration) Reading {
	driver := strings.ToLower(d.Driver)
	switch {
	case d.Type == "software" || d.Type == "reference":
		return poll(ctx, newProcessor(root), every)
	case strings.Contains(driver, "nvidia"):
		return nvidia(ctx, d.UUID, every)
	}
	s, why := newCard(context.WithoutCancel(ctx), root, driver) // however short the watch is
	if s == nil {
		return Reading{Unread: why}
	}
	return poll(ctx, s, every)
}

// source is something that can be looked at again and again. missing says why it
// doesn't tell all that a Reading has.
type source interface {
	name() string
	look(ctx context.Context) sample
	missing(Reading) string
}

// poll looks until the context ends, at least once.
func poll(ctx context.Context, s source, every time.Duration) Reading {
	tick := time.NewTicker(every)
	defer tick.Stop()
	var list []sample
	for {
		list = append(list, s.look(context.WithoutCancel(ctx)))
		select {
		case <-ctx.Done():
			r := spans(list)
			r.From, r.Unread = s.name(), s.missing(r)
			return r
		case <-tick.C:
		}
	}
}

// spans sums up looks; what was 0 each time is left out.
func spans(list []sample) Reading {
	span := func(get func(sample) float64) *Span {
		var seen []float64
		for _, s := range list {
			if x := get(s); x > 0 {
				seen = append(seen, x)
			}
		}
		if seen == nil {
			return nil
		}
		slices.Sort(seen)
		return &Span{seen[0], stats.Quantile(seen, 0.5), seen[len(seen)-1]}
	}
	return Reading{Clock: span(func(s sample) float64 { return s.clock }), Memory: span(func(s sample) float64 { return s.memory }),
		Power: span(func(s sample) float64 { return s.power })}
}

// lacks names what a reading has not.
func (r Reading) lacks() string {
	var list []string
	if r.Clock == nil {
		list = append(list, "clocks")
	}
	if r.Power == nil {
		list = append(list, "power")
	}
	return strings.Join(list, " and ")
}
