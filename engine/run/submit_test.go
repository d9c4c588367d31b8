package run

import (
	"slices"
	"testing"
	"time"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// TestSubmissionsAreSized: a run that takes longer than the target is split by
// what was measured, gives the same bits however it is split, and comes
// together again when it is fast.
func TestSubmissionsAreSized(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		pr := logitsProgram(t, openFor(t, inst, info, ""), 2, ProgramOptions{Slots: 1, Target: time.Microsecond})
		p := pr.Plan
		in, _, err := pr.Input(pr.slots[0], crate.InputName)
		if err != nil {
			t.Fatal(err)
		}
		copy(in, devicetest.Pixels(32, 32, 2))
		var first []float32
		run := func(n int) {
			t.Helper()
			for range n {
				if err := pr.Once(t.Context(), pr.slots[0]); err != nil {
					t.Fatal(err)
				}
				logits, _, err := pr.Output(pr.slots[0], "logits")
				if err != nil {
					t.Fatal(err)
				}
				if first == nil {
					first = logits
				} else if !slices.Equal(logits, first) {
					t.Errorf("%d submissions give other bits", pr.slots[0].segments)
				}
			}
		}
		if n := pr.slots[0].segments; n != 1 {
			t.Errorf("%d submissions for a plan of %d FLOP", n, p.FLOPs())
		}
		run(4)
		if n := len(pr.slots[0].main); n <= len(p.Dispatches) {
			t.Errorf("%d submissions of %d dispatches, each of which is longer than the target", n, len(p.Dispatches))
		}
		pr.pace.target = time.Minute
		run(3)
		if n := len(pr.slots[0].main); n != 1 {
			t.Errorf("%d submissions of a run that is far below the target", n)
		}
	})
}

// TestSplit: segments have about the same arithmetic, and all dispatches.
func TestSplit(t *testing.T) {
	p := &plan.Plan{}
	for i := range 40 {
		p.Dispatches = append(p.Dispatches, plan.Dispatch{FLOPs: int64(1e8 * (1 + i%3))})
	}
	pr := &Program{Plan: p}
	for _, segments := range []int{1, 2, 7, 40} {
		ends := split(pr.parts(segments), segments)
		if len(ends) != segments && segments < 40 || ends[len(ends)-1] != 40 || !slices.IsSorted(ends) {
			t.Errorf("%d segments end at %v", segments, ends)
		}
		from, worst := 0, int64(0)
		for _, to := range ends {
			sum := int64(0)
			for _, d := range p.Dispatches[from:to] {
				sum += d.FLOPs
			}
			from, worst = to, max(worst, sum)
		}
		if worst > p.FLOPs()/int64(segments)+3e8 {
			t.Errorf("%d segments: the largest has %d of %d", segments, worst, p.FLOPs())
		}
	}
	if n := newPace(p, 0, 0).segments; n != 1 {
		t.Errorf("%d submissions of 8 GFLOP", n)
	}
	p.Dispatches[0].FLOPs = 95e9
	if pace := newPace(p, 0, 0); pace.segments != 11 {
		t.Errorf("%d submissions of 103 GFLOP", pace.segments)
	}
}

// TestCutDispatches: a dispatch that is longer than the target by itself is cut into
// parts in submissions of their own, with the same bits, and the marks of all of them
// come back. What is timed is cut, too, and has one time for each dispatch.
func TestCutDispatches(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		d := openFor(t, inst, info, "")
		testCutDispatches(t, d)
		for _, segments := range []int{1, 1000} {
			testTimes(t, logitsProgram(t, d, 2, ProgramOptions{Slots: 1, Timestamps: true, Segments: segments}), segments)
		}
	})
}

// testTimes wants a time for each dispatch, in however many submissions.
func testTimes(t *testing.T, pr *Program, segments int) {
	t.Helper()
	s := pr.slots[0]
	if err := pr.Once(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if n := len(s.main); segments == 1000 && n <= len(pr.Plan.Dispatches) {
		t.Errorf("%d submissions of %d dispatches that are timed: none was cut", n, len(pr.Plan.Dispatches))
	}
	ns, err := pr.Nanoseconds(s)
	if err != nil || pr.timed && len(ns) != len(pr.Plan.Dispatches) || slices.Contains(ns, 0) {
		t.Errorf("%d submissions: times of %d dispatches, want %d, none of them 0; %v", len(s.main), len(ns), len(pr.Plan.Dispatches), err)
	}
}

func testCutDispatches(t *testing.T, d *Device) {
	t.Helper()
	var want []float32
	for _, segments := range []int{1, 40, 1000} {
		pr := logitsProgram(t, d, 2, ProgramOptions{Slots: 1})
		pr.pace.segments, pr.pace.fixed = min(segments, pr.pace.most), true
		copies := OnDevice(pr)
		got, err := logits(t, copies, devicetest.Pixels(32, 32, 2))
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d submissions give other bits", len(pr.slots[0].main))
		}
		if n := len(pr.slots[0].main); segments == 1000 && n <= len(pr.Plan.Dispatches) {
			t.Errorf("%d submissions of %d dispatches: none was cut", n, len(pr.Plan.Dispatches))
		}
		checkParts(t, pr)
	}
}

// checkParts wants each workgroup in one part.
func checkParts(t *testing.T, pr *Program) {
	t.Helper()
	groups := map[int]int{}
	for _, x := range pr.parts(pr.pace.segments) {
		groups[x.of] += x.grid[0] * x.grid[1] * x.grid[2]
	}
	for i, d := range pr.Plan.Dispatches {
		if want := d.Grid[0] * d.Grid[1] * d.Grid[2]; groups[i] != want {
			t.Errorf("dispatch %d has %d workgroups in parts, want %d", i, groups[i], want)
		}
	}
}
