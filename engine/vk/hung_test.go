//go:build cgo

package vk

import (
	"errors"
	"os"
	"testing"
	"time"

	vulkan "github.com/vulkan-go/vulkan"
)

// TestHungDriver: a driver that doesn't return from the wait for its queue is left after
// a while, and nothing is given to it any more.
func TestHungDriver(t *testing.T) {
	inst, err := Open(Options{})
	if err != nil {
		if os.Getenv("CRATE_VK_REQUIRE_VULKAN") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	defer inst.Close()
	infos, err := inst.Devices()
	if err != nil {
		t.Fatal(err)
	}
	d, err := inst.OpenDevice(infos[0], false)
	if err != nil {
		t.Fatal(err)
	}
	limit := idleLimit
	idleLimit = time.Millisecond
	hang := make(chan struct{})
	waitIdle = func(dev vulkan.Device) vulkan.Result {
		<-hang
		return vulkan.Success
	}
	defer func() { idleLimit, waitIdle = limit, vulkan.DeviceWaitIdle }()
	d.used = true
	for range 2 {
		if err := d.Idle(); !errors.Is(err, ErrTimeout) {
			t.Errorf("Idle gives %v", err)
		}
	}
	if err := d.Submit(nil, nil); !errors.Is(err, ErrDeviceLost) {
		t.Errorf("Submit gives %v", err)
	}
	d.Close()
	d.used, d.hung = false, false
	d.Close()
	close(hang)
}
