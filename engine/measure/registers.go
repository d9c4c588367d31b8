package measure

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/shaders"
)

// quad is four float32 as the kernels of ceilings read and write them.
type quad [4]float32

// registerLoop is a kernel that reads quads, computes on registers alone for as many rounds
// as it is told, and writes one quad of each invocation.
type registerLoop struct {
	d      *vk.Device
	pipe   *vk.Pipeline
	memory *vk.Buffer // on the device: input quads, then output quads
	up     *vk.Buffer // the input on the host
	back   *vk.Buffer // the output on the host
	input  int64      // bytes, up to where an output may begin
	output int64      // bytes
	groups int        // workgroups
}

// newRegisterLoop compiles a kernel whose bindings are so many input quads and the output
// quads of so many workgroups of so many lanes each. Its errors are the driver's.
func newRegisterLoop(d *vk.Device, info vk.PipelineInfo, inputs, lanes, groups int) (*registerLoop, error) {
	l := &registerLoop{d: d, input: 16 * int64(inputs), output: 16 * int64(lanes*groups), groups: groups}
	align := max(d.StorageAlign, 16)
	l.input = (l.input + align - 1) / align * align
	var err error
	buffer := func(size int64, kind vk.MemoryKind) (b *vk.Buffer) {
		if err == nil {
			b, err = d.NewBuffer(size, kind)
		}
		return b
	}
	l.memory, l.up, l.back = buffer(l.input+l.output, vk.Local), buffer(l.input, vk.Upload), buffer(l.output, vk.Readback)
	if err == nil {
		l.pipe, err = d.NewPipeline(info, nil)
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *registerLoop) close() {
	if l.pipe != nil {
		l.pipe.Destroy()
	}
	for _, b := range []*vk.Buffer{l.memory, l.up, l.back} {
		if b != nil {
			b.Destroy()
		}
	}
}

// fill puts the same quad into all inputs.
func (l *registerLoop) fill(q quad) {
	bytes := l.up.Bytes()
	for at := 0; at < len(bytes); at += 4 {
		binary.LittleEndian.PutUint32(bytes[at:], math.Float32bits(q[at/4%4]))
	}
}

// dispatch is the kernel with its push constants.
func (l *registerLoop) dispatch(push []uint32) []vk.Dispatch {
	return []vk.Dispatch{{Pipeline: l.pipe, Push: push, Grid: [3]int{l.groups, 1, 1},
		Bindings: []vk.Binding{{Buffer: l.memory, Size: l.input}, {Buffer: l.memory, Offset: l.input, Size: l.output}}}}
}

// result runs the kernel once on its inputs and hands each output to look at.
func (l *registerLoop) result(push []uint32, look func(quad) error) error {
	list := l.dispatch(push)
	sets, err := l.d.NewSets(list)
	if err != nil {
		return err
	}
	defer sets.Destroy()
	r := vk.Recording{Dispatches: list, HostWrites: true,
		CopyIn:  []vk.Copy{{From: l.up, To: l.memory, Size: l.input}},
		CopyOut: []vk.Copy{{From: l.memory, FromAt: l.input, To: l.back, Size: l.output}}}
	if err := repeated(l.d, r, func(time.Duration) bool { return false }); err != nil {
		return err
	}
	for bytes := l.back.Bytes(); len(bytes) >= 16; bytes = bytes[16:] {
		var q quad
		for i := range q {
			q[i] = math.Float32frombits(binary.LittleEndian.Uint32(bytes[4*i:]))
		}
		if err := look(q); err != nil {
			return err
		}
	}
	return nil
}

// rate is how many rounds a second the kernel does: a run is made long against its
// submission, and repeated for about so long. push gives the push constants of a number
// of rounds; rounds are those to begin with, and those that were timed last.
func (l *registerLoop) rate(rounds int, push func(rounds int) []uint32, during time.Duration) (perSecond float64, timed int, err error) {
	const (
		long = 20 * time.Millisecond
		most = 1 << 15 // some devices end a longer loop
	)
	for ; ; rounds = min(4*rounds, most) {
		list := l.dispatch(push(rounds))
		sets, err := l.d.NewSets(list)
		if err != nil {
			return 0, 0, err
		}
		took, err := fastest(l.d, vk.Recording{Dispatches: list}, 0)
		if err == nil && (took > long || rounds == most) {
			took, err = fastest(l.d, vk.Recording{Dispatches: list}, during)
			sets.Destroy()
			return float64(rounds) / took.Seconds(), rounds, err
		}
		sets.Destroy()
		if err != nil {
			return 0, 0, err
		}
	}
}

// peakGroups is how many workgroups of 64 invocations or so measure a device: on a GPU
// enough that its last multiprocessors with work make no difference.
func peakGroups(g *run.Device) int {
	if g.Info.Type == vk.TypeSoftware {
		return 4096
	}
	return 32768
}

// wrongResult says that the device does not compute what it must; nothing that is
// measured with it means anything.
type wrongResult struct {
	got  quad
	want float32
}

func (w *wrongResult) Error() string {
	return fmt.Sprintf("wrong result: a register ends with %v, want %v", w.got, w.want)
}

// peakFLOPS measures multiply-adds by a variant of the kernel peak, in operations a second.
func peakFLOPS(g *run.Device, variant string, during time.Duration) (float64, error) {
	code, err := shaders.SPIRV(variant)
	if err != nil {
		return 0, err
	}
	lanes, groups := 64, peakGroups(g)
	if g.Info.Type == vk.TypeSoftware {
		lanes = g.Info.Subgroup
	}
	l, err := newRegisterLoop(g.VK, vk.PipelineInfo{Code: code, Slots: make([]vk.SlotKind, 2), PushBytes: 8, Spec: []uint32{uint32(lanes)}}, lanes*groups, lanes, groups)
	if err != nil {
		return 0, err
	}
	defer l.close()
	// Each step halves a sum and adds 1: from wherever it began, it ends at 2, or one float
	// below where a device rounds towards zero, as Vulkan allows.
	push := func(rounds int) []uint32 { return []uint32{uint32(rounds), math.Float32bits(0.5)} }
	l.fill(quad{1, 1, 1, 1})
	const begin, want, rounding = 8, 2 * shaders.PeakChains, 0.01
	err = l.result(push(begin), func(q quad) error {
		for _, sum := range q {
			if !(math.Abs(float64(sum)-want) <= rounding*want) {
				return &wrongResult{q, want}
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	rounds, _, err := l.rate(begin, push, during)
	return shaders.PeakFLOPs * rounds * float64(lanes*groups), err
}
