package measure

import (
	"math"
	"time"

	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// Ceiling is what a device can do, measured: multiply-adds of float32 on registers
// alone, and copying within its memory.
type Ceiling struct {
	GFLOPS float64 // 10⁹ operations a second, a multiply-add counting two
	GBs    float64 // 10⁹ bytes a second, read and written
}

// Each measurement repeats for about this long and takes the fastest
// repetition: a ceiling is what nothing disturbed.
const ceilingTime = 400 * time.Millisecond

// DeviceCeiling measures the device.
func DeviceCeiling(on inside.Opener) (Ceiling, error) {
	e, release, err := on.Inside(inside.Key{})
	if err != nil {
		return Ceiling{}, err
	}
	defer release()
	if err := e.Lacks("is not measured"); err != nil {
		return Ceiling{}, err
	}
	return ceiling(e.Device.Device)
}

func ceiling(g *run.Device) (Ceiling, error) {
	rate, err := peakFLOPS(g, "peak", ceilingTime)
	if err != nil {
		return Ceiling{}, err
	}
	bytes, err := copySpeed(g)
	return Ceiling{rate / 1e9, bytes / 1e9}, err
}

// fastest repeats a recording for about so long, three times at least, and returns the
// shortest time.
func fastest(d *vk.Device, r vk.Recording, during time.Duration) (time.Duration, error) {
	best := time.Duration(math.MaxInt64)
	start, n := time.Now(), 0
	err := repeated(d, r, func(took time.Duration) bool {
		best, n = min(best, took), n+1
		return n < 3 || time.Since(start) < during
	})
	return best, err
}

// repeated executes a recording at least once, for as long as again, which is told what the
// last time took by the clock, wants it once more.
func repeated(d *vk.Device, r vk.Recording, again func(took time.Duration) bool) error {
	fence, err := d.NewFence()
	if err != nil {
		return err
	}
	defer fence.Destroy()
	cmds, err := d.Record(r)
	if err != nil {
		return err
	}
	defer cmds.Destroy()
	for more := true; more; {
		start := time.Now()
		if err := d.Submit([]*vk.Commands{cmds}, fence); err != nil {
			return err
		}
		if err := fence.Wait(run.WaitLimit); err != nil {
			d.Idle()
			return err
		}
		more = again(time.Since(start))
	}
	return nil
}

// copyBytes is what is copied to measure memory: on a GPU more than its caches hold, of
// which the largest have 128 MB, where it has room for that.
func copyBytes(g *run.Device) int64 {
	const least, most = 32 << 20, 256 << 20
	if g.Info.Type == vk.TypeSoftware {
		return least
	}
	room := min(g.Info.MaxAllocation, g.VK.MemoryLeft()/2) / 2
	return max(least, min(most, room&^15))
}

// copySpeed is in bytes a second, read and written.
func copySpeed(g *run.Device) (float64, error) {
	size := copyBytes(g)
	buf, err := g.VK.NewBuffer(2*size, vk.Local)
	if err != nil {
		return 0, err
	}
	defer buf.Destroy()
	took, err := fastest(g.VK, vk.Recording{CopyIn: []vk.Copy{{From: buf, To: buf, ToAt: size, Size: size}}}, ceilingTime)
	return float64(2*size) / took.Seconds(), err
}
