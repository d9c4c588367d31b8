package run

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/crate-vk/crate-vk/engine/vk"
)

// proveMark runs the kernel mark on a few words, as every kernel is run before its
// first use, and sees whether the device counts invocations as they are. What was
// dropped is repeated once.
func (d *Device) proveMark(pipe *vk.Pipeline) error {
	var record []byte
	words := []uint32{0x3f800000, 0x7fc00000, 0xc0400000, 0x7f800000, 0x7f7fffff, 0, 0xff800000, 1} // three are not finite
	for range 2 {
		var err error
		if record, err = d.tryMark(pipe, words, []uint32{2, 4, 4, 0}, 1); err != nil {
			return err
		}
		if bytes.Equal(record, proved) {
			return nil
		}
	}
	return fmt.Errorf("%w: on %s the kernel mark, by which lost work is noticed, gives %x in place of %x", ErrLostWork, d.Info.Name, record, proved)
}

// proved is the record that the kernel mark makes of the one that tryMark gives it,
// and of three values that are not finite.
var proved = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, 7<<32|0xffc00001), 4<<32|14)

// tryMark shows words to the kernel and gives the records that it makes of some with
// 11 values and 3 links. It notes in d.counts whether the invocations were counted.
func (d *Device) tryMark(pipe *vk.Pipeline, words, push []uint32, records int) ([]byte, error) {
	size, given := int64(records)*recordBytes, roundUp(int64(4*len(words)))
	made := given + roundUp(size)
	up, err := d.VK.NewBuffer(made, vk.Upload)
	if err != nil {
		return nil, err
	}
	defer up.Destroy()
	work, err := d.VK.NewBuffer(made+size, vk.Local)
	if err != nil {
		return nil, err
	}
	defer work.Destroy()
	down, err := d.VK.NewBuffer(size, vk.Readback)
	if err != nil {
		return nil, err
	}
	defer down.Destroy()
	for i, w := range words {
		binary.LittleEndian.PutUint32(up.Bytes()[4*i:], w)
	}
	for i := range 4 * records {
		binary.LittleEndian.PutUint32(up.Bytes()[given+4*int64(i):], []uint32{0xffc00001, 7, 11, 3}[i%4])
	}
	list := []vk.Dispatch{{Pipeline: pipe, Push: push, Grid: [3]int{records, 1, 1}, Bindings: []vk.Binding{
		{Buffer: work, Size: int64(4 * len(words))}, {Buffer: work, Offset: given, Size: size}, {Buffer: work, Offset: made, Size: size}}}}
	sets, err := d.VK.NewSets(list)
	if err != nil {
		return nil, err
	}
	defer sets.Destroy()
	r := vk.Recording{HostWrites: true, CopyIn: []vk.Copy{{From: up, To: work, Size: made}}, Untimed: list,
		CopyOut: []vk.Copy{{From: work, FromAt: made, To: down, Size: size}}}
	if d.Info.Invocations {
		if r.Counts, err = d.VK.NewCounts(1); err != nil {
			return nil, err
		}
		defer r.Counts.Destroy()
	}
	if err := once(d.VK, r); err != nil {
		return nil, err
	}
	if r.Counts != nil {
		n, err := r.Counts.Sum(1)
		if err != nil && !notReady(err) {
			return nil, err
		}
		d.counts = err == nil && n == int64(markLanes*records)
	}
	return append([]byte(nil), down.Bytes()...), nil
}
