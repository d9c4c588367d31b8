package run

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// Drivers reset a GPU whose submission runs for too long: after two seconds on
// Windows, some for less. A run is split so that its submissions are measured to
// stay below submitTarget.
const (
	submitTarget = 100 * time.Millisecond
	// Before anything is measured a slow device is assumed: 10 GFLOP take a
	// device of 100 GFLOP/s 100 ms.
	submitFLOPs = 10e9
)

// pace decides how many submissions a run is split into.
type pace struct {
	target time.Duration
	fixed  bool

	mu       sync.Mutex
	segments int
	most     int // segments
	runs     int
}

// newPace is for a plan whose dispatches may be cut.
func newPace(p *plan.Plan, target time.Duration, segments int) pace {
	most := mostSegments(p)
	if target == 0 {
		target = submitTarget
	}
	if segments > 0 {
		return pace{target: target, fixed: true, segments: min(segments, most), most: most}
	}
	return pace{target: target, segments: clampSegments(float64(p.FLOPs())/submitFLOPs, most), most: most}
}

func clampSegments(n float64, most int) int {
	return max(1, min(int(n)+1, most))
}

// ran takes into account how long a run kept the device. The first one is passed
// over: it pays for what the driver puts off.
func (c *pace) ran(took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.runs++; c.runs == 1 || c.fixed {
		return
	}
	mean := took / time.Duration(c.segments)
	want := clampSegments(1.25*float64(took)/float64(c.target), c.most)
	if mean > c.target && want > c.segments || 3*want < c.segments {
		c.segments = want
	}
}

func (c *pace) now() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.segments
}

// record makes the slot's command buffers: the dispatches in order, or parts of them, split into
// segments of about the same arithmetic; the first one copies the inputs in,
// the last one the outputs out.
func (pr *Program) record(s *Slot, segments int) error {
	s.dropMain()
	parts := pr.parts(segments)
	if err := pr.timeParts(s, parts); err != nil {
		return err
	}
	ends := split(parts, segments)
	from, link := 0, s.first()
	for i, to := range ends {
		r := vk.Recording{Dispatches: pr.commands(parts[from:to]), First: from, Queries: s.queries, HostWrites: i == 0}
		if i == 0 {
			r.CopyIn = pr.copies(pr.inputs(), s.up, true, s.borrowed)
		}
		if i == len(ends)-1 {
			r.CopyOut = pr.copies(pr.outputs(), s.down, false, nil)
		}
		look := pr.sights(0)
		if to > 0 {
			look = pr.sightsBehind(parts[to-1])
		}
		p, err := pr.piece(r, s, s.first()+i, link, look, i == len(ends)-1 && len(pr.keep) == 0)
		if err != nil {
			return err
		}
		s.main = append(s.main, p)
		if s.counts != nil {
			n, err := pr.invocations(parts[from:to])
			if err != nil {
				return err
			}
			p.invocations += n
		}
		from, link = to, link+p.links
	}
	s.segments, s.without = segments, slices.Clone(s.borrowed)
	return nil
}

// dropMain frees what record has made.
func (s *Slot) dropMain() {
	for _, p := range s.main {
		p.destroy()
	}
	s.main, s.segments = nil, 0
}

// execute runs a slot whose inputs are filled in, when its turn comes: one
// submission after another, with a look at ctx before each. When it returns the
// device no longer uses the slot. From the times that it measures it learns into
// how many submissions a run is to be split.
func (pr *Program) execute(ctx context.Context, s *Slot, t *turn) error {
	defer t.pass()
	s.took = 0
	if err := t.wait(ctx); err != nil {
		return err
	}
	if n := pr.pace.now(); n != s.segments || !slices.Equal(s.without, s.borrowed) {
		if err := pr.record(s, n); err != nil {
			return err
		}
	}
	if err := pr.recordMoves(s); err != nil {
		return err
	}
	pr.setMark(s)
	groups := s.submissions()
	for i, group := range groups {
		if err := context.Cause(ctx); err != nil {
			if i > 0 { // what was measured counts for the rest, too
				pr.pace.ran(s.took * time.Duration(len(s.main)) / time.Duration(i))
			}
			return err
		}
		started := time.Now()
		if err := pr.dev.Submit(commandsOf(group), s.fence); err != nil {
			return err
		}
		if i == len(groups)-1 {
			t.pass()
		}
		if err := pr.await(s); err != nil {
			return err
		}
		began, ended := pr.queue.done(started)
		s.took += ended.Sub(began)
	}
	pr.pace.ran(s.took)
	return nil
}

func commandsOf(group []*piece) []*vk.Commands {
	list := make([]*vk.Commands, len(group))
	for i, p := range group {
		list[i] = p.cmds
	}
	return list
}

// Execute runs a slot whose inputs are filled in, behind what others have
// started. It doesn't look at the outputs.
func (pr *Program) Execute(ctx context.Context, s *Slot) error {
	return pr.execute(ctx, s, pr.queue.enter())
}

// await waits for the slot's fence. Even when it fails, the device no longer
// uses the slot afterwards.
func (pr *Program) await(s *Slot) error { return awaitFence(pr.dev, &s.fence) }

// awaitFence waits for a fence, and where that fails until the device is idle.
// The fence, which may still be signalled then and would end the next wait before
// its time, is replaced.
func awaitFence(dev *vk.Device, f **vk.Fence) error {
	err := (*f).Wait(WaitLimit)
	if err == nil {
		return nil
	}
	dev.Idle()
	fence, failed := dev.NewFence()
	if failed == nil {
		(*f).Destroy()
		*f = fence
	}
	if failed != nil || errors.Is(err, vk.ErrDeviceLost) {
		dev.GiveUp()
	}
	return err
}
