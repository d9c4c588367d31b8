package measure

import (
	"math"
	"time"

	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/shaders"
)

// Ceiling is what a device can do, measured: multiply-adds on registers alone,
// and copying within its memory.
type Ceiling struct {
	GFLOPS float64 // 10⁹ operations a second, a multiply-add counting two
	GBs    float64 // 10⁹ bytes a second, read and written
}

const (
	peakGroups = 4096
	copyBytes  = 32 << 20
	// Each measurement repeats for about this long and takes the fastest
	// repetition: a ceiling is what nothing disturbed.
	ceilingTime = 400 * time.Millisecond
)

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
	flops, err := peakFLOPS(e.Device.Device)
	if err != nil {
		return Ceiling{}, err
	}
	bytes, err := copySpeed(e.Device.Device)
	return Ceiling{flops / 1e9, bytes / 1e9}, err
}

// fastest repeats a recording and returns the shortest time.
func fastest(g *run.Device, r vk.Recording) (time.Duration, error) {
	fence, err := g.VK.NewFence()
	if err != nil {
		return 0, err
	}
	defer fence.Destroy()
	cmds, err := g.VK.Record(r)
	if err != nil {
		return 0, err
	}
	defer cmds.Destroy()
	best := time.Duration(math.MaxInt64)
	for start, n := time.Now(), 0; n < 3 || time.Since(start) < ceilingTime; n++ {
		t := time.Now()
		if err := g.VK.Submit([]*vk.Commands{cmds}, fence); err != nil {
			return 0, err
		}
		if err := fence.Wait(run.WaitLimit); err != nil {
			g.VK.Idle()
			return 0, err
		}
		best = min(best, time.Since(t))
	}
	return best, nil
}

func peakFLOPS(g *run.Device) (float64, error) {
	code, err := shaders.SPIRV("peak")
	if err != nil {
		return 0, err
	}
	lanes := 64
	if g.Info.Type == vk.TypeSoftware {
		lanes = g.Info.Subgroup
	}
	pipe, err := g.VK.NewPipeline(vk.PipelineInfo{Code: code, Slots: make([]vk.SlotKind, 2), PushBytes: 8, Spec: []uint32{uint32(lanes)}}, nil)
	if err != nil {
		return 0, err
	}
	defer pipe.Destroy()
	size := int64(16 * lanes * peakGroups)
	buf, err := g.VK.NewBuffer(2*size, vk.Local)
	if err != nil {
		return 0, err
	}
	defer buf.Destroy()
	// Rounds grow until a run is long against its submission.
	for rounds := 8; ; rounds *= 4 {
		list := []vk.Dispatch{{Pipeline: pipe, Push: []uint32{uint32(rounds), math.Float32bits(0.999)}, Grid: [3]int{peakGroups, 1, 1},
			Bindings: []vk.Binding{{Buffer: buf, Size: size}, {Buffer: buf, Offset: size, Size: size}}}}
		sets, err := g.VK.NewSets(list)
		if err != nil {
			return 0, err
		}
		took, err := fastest(g, vk.Recording{Dispatches: list})
		sets.Destroy()
		if err != nil {
			return 0, err
		}
		if took > 20*time.Millisecond || rounds >= 1<<15 {
			return float64(shaders.PeakFLOPs) * float64(rounds) * float64(lanes*peakGroups) / took.Seconds(), nil
		}
	}
}

func copySpeed(g *run.Device) (float64, error) {
	buf, err := g.VK.NewBuffer(2*copyBytes, vk.Local)
	if err != nil {
		return 0, err
	}
	defer buf.Destroy()
	took, err := fastest(g, vk.Recording{CopyIn: []vk.Copy{{From: buf, To: buf, ToAt: copyBytes, Size: copyBytes}}})
	return 2 * copyBytes / took.Seconds(), err
}
