package run

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/crate-vk/crate-vk/engine/vk"
)

// proveMark runs the kernel mark on a few words, as every kernel is run before its
// first use, and sees whether the device counts invocations as they are.
func (d *Device) proveMark(pipe *vk.Pipeline) error {
	record, err := d.tryMark(pipe)
	if err != nil {
		return err
	}
	for i, want := range []uint32{0xffc00001, 7, 11 + notFiniteWords, 4} {
		if got := binary.LittleEndian.Uint32(record[4*i:]); got != want {
			return fmt.Errorf("engine: the kernel mark, by which lost work is noticed, gives %d in place of %d on %s: its driver can't be relied on", got, want, d.Info.Name)
		}
	}
	return nil
}

const notFiniteWords = 3 // of those that tryMark shows to the kernel

// tryMark gives the record that the kernel makes of one with 11 values and 3 links,
// and notes in d.counts whether the invocations were counted.
func (d *Device) tryMark(pipe *vk.Pipeline) ([]byte, error) {
	const at = 256 // of the record before, and behind it the one after
	up, err := d.VK.NewBuffer(2*at, vk.Upload)
	if err != nil {
		return nil, err
	}
	defer up.Destroy()
	work, err := d.VK.NewBuffer(3*at, vk.Local)
	if err != nil {
		return nil, err
	}
	defer work.Destroy()
	down, err := d.VK.NewBuffer(recordBytes, vk.Readback)
	if err != nil {
		return nil, err
	}
	defer down.Destroy()
	words := []float32{1, float32(math.NaN()), -3, float32(math.Inf(1)), math.MaxFloat32, 0, float32(math.Inf(-1)), 1e-40}
	for i, x := range words {
		binary.LittleEndian.PutUint32(up.Bytes()[4*i:], math.Float32bits(x))
	}
	for i, w := range []uint32{0xffc00001, 7, 11, 3} {
		binary.LittleEndian.PutUint32(up.Bytes()[at+4*i:], w)
	}
	list := []vk.Dispatch{{Pipeline: pipe, Push: []uint32{2, 4, 4, 0}, Grid: [3]int{1, 1, 1}, Bindings: []vk.Binding{
		{Buffer: work, Size: int64(4 * len(words))}, {Buffer: work, Offset: at, Size: recordBytes}, {Buffer: work, Offset: 2 * at, Size: recordBytes}}}}
	sets, err := d.VK.NewSets(list)
	if err != nil {
		return nil, err
	}
	defer sets.Destroy()
	r := vk.Recording{HostWrites: true, CopyIn: []vk.Copy{{From: up, To: work, Size: 2 * at}}, Untimed: list,
		CopyOut: []vk.Copy{{From: work, FromAt: 2 * at, To: down, Size: recordBytes}}}
	if d.Info.Invocations {
		if r.Counts, err = d.VK.NewCounts(1); err != nil {
			return nil, err
		}
		defer r.Counts.Destroy()
	}
	if err := d.once(r); err != nil {
		return nil, err
	}
	if r.Counts != nil {
		n, err := r.Counts.Sum(1)
		if err != nil && !notReady(err) {
			return nil, err
		}
		d.counts = err == nil && n == markLanes
	}
	return append([]byte(nil), down.Bytes()...), nil
}

// once records and runs something, and waits.
func (d *Device) once(r vk.Recording) error {
	cmds, err := d.VK.Record(r)
	if err != nil {
		return err
	}
	defer cmds.Destroy()
	fence, err := d.VK.NewFence()
	if err != nil {
		return err
	}
	defer func() { fence.Destroy() }()
	if err := d.VK.Submit([]*vk.Commands{cmds}, fence); err != nil {
		return err
	}
	return awaitFence(d.VK, &fence)
}
