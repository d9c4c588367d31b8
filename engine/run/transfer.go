package run

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/crate-vk/crate-vk/engine/vk"
)

// transfer makes copies outside a program's runs, and waits. A mark goes behind
// them; where it does not arrive they are made once more, as runs are.
func transfer(dev *vk.Device, copies []vk.Copy) error {
	up, err := dev.NewBuffer(recordBytes, vk.Upload)
	if err != nil {
		return err
	}
	defer up.Destroy()
	down, err := dev.NewBuffer(recordBytes, vk.Readback)
	if err != nil {
		return err
	}
	defer down.Destroy()
	r := vk.Recording{HostWrites: true, CopyIn: copies, CopyOut: []vk.Copy{{From: up, To: down, Size: recordBytes}}}
	for range 2 {
		binary.LittleEndian.PutUint64(up.Bytes(), rand.Uint64())
		if err := once(dev, r); err != nil {
			return err
		}
		if bytes.Equal(up.Bytes()[:8], down.Bytes()[:8]) {
			return nil
		}
	}
	return fmt.Errorf("%w: %s", ErrLostWork, dropped)
}

// once records and runs something, and waits.
func once(dev *vk.Device, r vk.Recording) error {
	fence, err := dev.NewFence()
	if err != nil {
		return err
	}
	defer func() { fence.Destroy() }()
	return Submit(dev, r, &fence)
}

// Submit records and runs something outside a program's runs, and waits for the fence, which
// is replaced where the wait fails. The device no longer uses anything of it afterwards.
func Submit(dev *vk.Device, r vk.Recording, fence **vk.Fence) error {
	cmds, err := dev.Record(r)
	if err != nil {
		return err
	}
	defer cmds.Destroy()
	if err := dev.Submit([]*vk.Commands{cmds}, *fence); err != nil {
		return err
	}
	return awaitFence(dev, fence)
}
