package plan_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/engine/plan"
)

// TestNonsenseLimits plans for devices that report what no device has: a reason, and
// no division by zero.
func TestNonsenseLimits(t *testing.T) {
	g := build(t, "crate-s16", 1, "logits")
	for want, change := range map[string]func(*plan.Limits){
		"subgroups of 0 invocations":      func(l *plan.Limits) { l.Subgroup = 0 },
		"subgroups of -1 invocations":     func(l *plan.Limits) { l.Subgroup = -1 },
		"subgroups of 134217727":          func(l *plan.Limits) { l.Subgroup = 134217727 },
		"0 invocations in a workgroup":    func(l *plan.Limits) { l.MaxInvocations = 0 },
		"0 bytes in a storage buffer":     func(l *plan.Limits) { l.MaxStorageRange = 0 },
		"0 bytes in an allocation":        func(l *plan.Limits) { l.MaxAllocation = 0 },
		"0 bytes of push constants":       func(l *plan.Limits) { l.MaxPush = 0 },
		"0 invocations along x":           func(l *plan.Limits) { l.MaxWorkgroupSize[0] = 0 },
		"0 workgroups along z":            func(l *plan.Limits) { l.MaxWorkgroups[2] = 0 },
		"0 bytes between storage buffers": func(l *plan.Limits) { l.StorageAlign = 0 },
	} {
		for _, lim := range []plan.Limits{cpuLimits(), gpuLimits()} {
			change(&lim)
			_, err := plan.New(g, lim, plan.Options{})
			if !errors.As(err, new(*plan.LimitError)) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want one that says %q", lim.Device, err, want)
			}
		}
	}
	// Few invocations, texels or workgroups are no nonsense: a plan or a reason.
	for _, n := range []int{1, 2, 3, 7} {
		for _, lim := range []plan.Limits{cpuLimits(), gpuLimits()} {
			lim.Subgroup, lim.MaxInvocations, lim.MaxTexels, lim.MaxShared = n, n, 0, n
			lim.MaxWorkgroupSize, lim.MaxWorkgroups = [3]int{n, n, n}, [3]int{n, n, n}
			if _, err := plan.New(g, lim, plan.Options{}); err != nil && !errors.As(err, new(*plan.LimitError)) {
				t.Errorf("%s with %d of everything: %v", lim.Device, n, err)
			}
		}
	}
}
