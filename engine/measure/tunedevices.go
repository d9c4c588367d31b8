package measure

import (
	"log/slog"
	"runtime"

	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// tuneCompilers bounds how many shapes are compiled at once: each holds tensors of
// full size on the device.
const tuneCompilers = 4

// tuneDevices are what shapes are compiled on, one a core, the first one being dev.
// A software driver compiles a kernel when it is first run, on the thread of the
// device's queue, one after another: there the others are the same device opened
// again. A shape is timed where it was compiled.
func tuneDevices(dev *prove.Device) ([]*prove.Device, error) {
	list := []*prove.Device{dev}
	for len(list) < min(runtime.GOMAXPROCS(0), tuneCompilers) {
		next := dev
		if dev.Info.Type == vk.TypeSoftware {
			twin, err := dev.Twin()
			if err != nil {
				closeTwins(list)
				return nil, err
			}
			next = prove.NewDevice(twin, prove.Options{Log: slog.New(slog.DiscardHandler)})
		}
		list = append(list, next)
	}
	return list, nil
}

// closeTwins closes those that tuneDevices opened.
func closeTwins(list []*prove.Device) {
	for _, d := range list[1:] {
		if d != list[0] {
			d.Close()
		}
	}
}
