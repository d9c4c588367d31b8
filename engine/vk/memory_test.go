package vk_test

import (
	"errors"
	"testing"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// TestAllocationLimit: what one allocation can't hold is refused before the driver is
// asked, which may crash then, and so is what goes past the limit of all buffers.
func TestAllocationLimit(t *testing.T) {
	faults := vk.NewFaults()
	defer faults.Free()
	inst := devicetest.Open(t, faults)
	infos, err := inst.Devices()
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		info.MaxAllocation = 4096
		d, err := inst.OpenDevice(info, false)
		if err != nil {
			t.Fatal(err)
		}
		faults.Plan(vk.Fault{})
		for _, size := range []int64{4097, 1 << 62, 0, -1} {
			if _, err := d.NewBuffer(size, vk.Local); !errors.Is(err, vk.ErrOutOfMemory) {
				t.Errorf("%s: a buffer of %d bytes gives %v", info.Name, size, err)
			}
		}
		if n := faults.Calls(); n != 0 {
			t.Errorf("%s: the driver was called %d times", info.Name, n)
		}
		d.LimitMemory(6000)
		b, err := d.NewBuffer(4096, vk.Local)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.NewBuffer(4096, vk.Local); !errors.Is(err, vk.ErrOutOfMemory) || d.MemoryLeft() != 6000-4096 {
			t.Errorf("%s: past the limit: %v, %d bytes left", info.Name, err, d.MemoryLeft())
		}
		b.Destroy()
		d.Close()
	}
}
