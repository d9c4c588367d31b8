package vk

import (
	"slices"
	"testing"
)

// TestMemoryTypes: which types of memory buffers are put in, best first.
func TestMemoryTypes(t *testing.T) {
	const local, visible, coherent, cached = flagLocal, flagVisible, flagCoherent, flagCached
	discrete := memoryTypes{{0, 1000}, {local, 1000}, {visible | coherent, 1000}, {visible | coherent | cached, 1000}, {local | visible | coherent, 100}}
	mobile := memoryTypes{{local | visible | coherent, 1000}, {local | visible | cached, 1000}}
	full := slices.Clone(discrete)
	full[1].left, full[4].left = 10, 10
	for _, x := range []struct {
		name   string
		types  memoryTypes
		kind   MemoryKind
		shared bool
		want   []int
	}{
		{"the device's own first, what the host sees of it last, then the host's", discrete, Local, false, []int{1, 0, 2, 3, 4}},
		{"shared memory is mapped", mobile, Local, true, []int{0, 1}},
		{"not what the host sees, where there is other memory", memoryTypes{{local | visible | coherent, 1000}, {local, 1000}}, Local, false, []int{1, 0}},
		{"shared memory is mapped, whatever comes first", memoryTypes{{local, 1000}, {local | visible | coherent, 1000}}, Local, true, []int{1, 0}},
		{"past the caches, whatever comes first", memoryTypes{{visible | coherent | cached, 1000}, {visible | coherent, 1000}}, Upload, false, []int{1, 0}},
		{"a heap without room comes last", full, Local, false, []int{0, 2, 3, 1, 4}},
		{"written past the caches", discrete, Upload, false, []int{2, 3, 4}},
		{"read through the caches", discrete, Readback, false, []int{3, 2, 4}},
		{"read through the caches, though they are not coherent", mobile, Readback, true, []int{1, 0}},
	} {
		if got := x.types.suiting(x.kind, x.shared, 0xff, 200); !slices.Equal(got, x.want) {
			t.Errorf("%s: got %v, want %v", x.name, got, x.want)
		}
	}
	if got := discrete.suiting(Local, false, 1<<4, 50); !slices.Equal(got, []int{4}) {
		t.Errorf("of one type that is allowed: %v", got)
	}
}
