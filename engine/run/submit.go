package run

import (
	"errors"
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

	mu       sync.Mutex
	segments int
	runs     int
	free     time.Time     // when the device was done with this program last
	longest  time.Duration // of a submission in the last run, on average
}

func newPace(p *plan.Plan, target time.Duration) pace {
	if target == 0 {
		target = submitTarget
	}
	return pace{target: target, segments: clampSegments(float64(p.FLOPs())/submitFLOPs, len(p.Dispatches))}
}

func clampSegments(n float64, dispatches int) int {
	return max(1, min(int(n)+1, dispatches))
}

// ran takes the time of a run into account, submission to end. The first one is
// passed over: it pays for what the driver puts off.
func (c *pace) ran(started, ended time.Time, dispatches int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if started.Before(c.free) {
		started = c.free // it waited for the run before
	}
	c.free = ended
	if c.runs++; c.runs == 1 {
		return
	}
	took := ended.Sub(started)
	c.longest = took / time.Duration(c.segments)
	want := clampSegments(1.25*float64(took)/float64(c.target), dispatches)
	if c.longest > c.target && want > c.segments || 3*want < c.segments {
		c.segments = want
	}
}

func (c *pace) now() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.segments
}

// record makes the slot's command buffers: the dispatches in order, split into
// segments of about the same arithmetic; the first one copies the inputs in,
// the last one the outputs out.
func (pr *Program) record(s *Slot, segments int) error {
	for _, c := range s.cmds {
		c.Destroy()
	}
	s.cmds, s.segments = nil, 0
	ends := pr.split(segments)
	from := 0
	for i, to := range ends {
		r := vk.Recording{Dispatches: pr.dispatches[from:to], First: from, Sets: pr.sets, Queries: s.queries, HostWrites: i == 0}
		if i == 0 {
			r.CopyIn = pr.copies(pr.inputs(), s.up, true)
		}
		if i == len(ends)-1 {
			r.CopyOut = pr.copies(pr.outputs(), s.down, false)
		}
		pr.passMark(&r, s, i, i == len(ends)-1)
		if pr.lose != nil && pr.lose(i) {
			r = vk.Recording{}
		}
		c, err := pr.dev.Record(r)
		if err != nil {
			return err
		}
		s.cmds = append(s.cmds, c)
		from = to
	}
	s.segments = segments
	return nil
}

// split is where segments end.
func (pr *Program) split(segments int) []int {
	// A dispatch costs something even without arithmetic.
	const least = 1e6
	total := 0.0
	for i := range pr.Plan.Dispatches {
		total += least + float64(pr.Plan.Dispatches[i].FLOPs)
	}
	var ends []int
	sum := 0.0
	for i := range pr.Plan.Dispatches {
		sum += least + float64(pr.Plan.Dispatches[i].FLOPs)
		if sum >= total*float64(len(ends)+1)/float64(segments) && len(ends) < segments-1 {
			ends = append(ends, i+1)
		}
	}
	n := len(pr.Plan.Dispatches)
	if len(ends) == 0 || ends[len(ends)-1] != n {
		ends = append(ends, n)
	}
	return ends
}

// Submit starts a slot whose inputs are filled in.
func (pr *Program) Submit(s *Slot) error {
	if n := pr.pace.now(); n != s.segments {
		if err := pr.record(s, n); err != nil {
			return err
		}
	}
	pr.setMark(s)
	s.started = time.Now()
	return pr.dev.Submit(s.cmds, s.fence)
}

// Wait waits until a slot that Submit started is done, and learns from the time
// it took into how many submissions a run is to be split.
func (pr *Program) Wait(s *Slot) error {
	err := pr.await(s)
	if err == nil {
		pr.pace.ran(s.started, time.Now(), len(pr.Plan.Dispatches))
	}
	return err
}

// await waits for the slot's fence. Even when it fails, the device no longer
// uses the slot afterwards; the fence, which may still be signalled and would
// end the next wait before its time, is replaced.
func (pr *Program) await(s *Slot) error {
	err := s.fence.Wait(WaitLimit)
	if err == nil {
		return nil
	}
	pr.dev.Idle()
	fence, failed := pr.dev.NewFence()
	if failed == nil {
		s.fence.Destroy()
		s.fence = fence
	}
	if failed != nil || errors.Is(err, vk.ErrDeviceLost) {
		pr.dev.GiveUp()
	}
	return err
}
