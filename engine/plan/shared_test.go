package plan_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/engine/plan"
)

// TestSharedMemory: a plan for GPUs does not pass for a device with less shared memory,
// smaller workgroups or smaller allocations, and planning for one takes other shapes.
func TestSharedMemory(t *testing.T) {
	g := build(t, "emergence-t8", 2, "logits")
	p := newPlan(t, g, gpuLimits(), plan.Options{})
	for want, change := range map[string]func(*plan.Limits){
		"bytes of shared memory, the device has 512": func(l *plan.Limits) { l.MaxShared = 512 },
		"workgroup size":               func(l *plan.Limits) { l.MaxWorkgroupSize[0] = 16 },
		"the device allocates at most": func(l *plan.Limits) { l.MaxAllocation = 4096 },
	} {
		lim := gpuLimits()
		change(&lim)
		var le *plan.LimitError
		if err := p.Check(lim); !errors.As(err, &le) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want a *LimitError with %q", err, want)
		}
	}
	lim := gpuLimits()
	lim.MaxShared = 16384
	small := newPlan(t, g, lim, plan.Options{})
	for i := range small.Dispatches {
		d := &small.Dispatches[i]
		c, err := d.Constants()
		if err != nil {
			t.Fatal(err)
		}
		if k := d.Kernel.Kernel; k.Shared != nil && k.Shared(c, d.Kernel) > lim.MaxShared {
			t.Errorf("dispatch %d takes %d bytes of shared memory of %d", i, k.Shared(c, d.Kernel), lim.MaxShared)
		}
	}
}
