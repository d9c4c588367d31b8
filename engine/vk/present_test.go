//go:build cgo && viewer

package vk

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// screenOf is a swapchain on a surface that nobody sees, which SwiftShader alone has, and a
// picture of size × size pixels for it.
func screenOf(t *testing.T, size int) (*Device, *Swapchain, *Buffer, *Faults) {
	t.Helper()
	faults := NewFaults()
	t.Cleanup(faults.Free)
	driver := ""
	for _, path := range filepath.SplitList(os.Getenv("VK_ICD_FILENAMES")) {
		if strings.HasSuffix(path, "swiftshader_icd.json") {
			driver = path
		}
	}
	if driver == "" {
		t.Skip("SwiftShader is not among the drivers (VK_ICD_FILENAMES)")
	}
	t.Setenv("VK_ICD_FILENAMES", driver)
	inst, err := Open(Options{Extensions: Headless(), Faults: faults})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(inst.Close)
	surface, err := inst.NewHeadlessSurface()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(surface.Destroy)
	inst.PresentTo(surface)
	infos, err := inst.Devices()
	if err != nil {
		t.Fatal(err)
	}
	d, err := inst.OpenDevice(infos[0], false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	picture, err := d.NewBuffer(int64(4*size*size), Local)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(picture.Destroy)
	w, err := d.NewSwapchain(surface)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Destroy)
	return d, w, picture, faults
}

// TestHungScreen: where the device does nothing more Present gives up after its limit, and
// neither it nor Destroy waits for the queue without one.
func TestHungScreen(t *testing.T) {
	const size = 64
	d, w, picture, faults := screenOf(t, size)
	if s, err := w.Present(picture, size, size); err != nil || s.State != Visible {
		t.Fatalf("Present gives %v, %v", s, err)
	}
	busy, fence := copying(t, d, 400)
	limit := idleLimit
	idleLimit = time.Millisecond
	defer func() { idleLimit = limit }()
	if err := d.Submit([]*Commands{busy}, fence); err != nil {
		t.Fatal(err)
	}
	// Software drivers wait in vkQueuePresentKHR, which has no limit; others don't.
	faults.Plan(Fault{Call: "vkQueuePresentKHR", Times: 1, Result: 1000001003})
	if _, err := w.Present(picture, size, size); !errors.Is(err, ErrDeviceLost) {
		t.Errorf("Present on a queue that is not done says %v, want a lost device", err)
	}
	if err := fence.Wait(0); !errors.Is(err, ErrTimeout) {
		t.Fatalf("Present has waited for the queue: %v", err)
	}
	w.Destroy()
	if err := fence.Wait(0); !errors.Is(err, ErrTimeout) {
		t.Errorf("Destroy has waited for the queue: %v", err)
	}
	// It did not hang, after all, so that what was left can be freed.
	idleLimit = limit
	d.hung, d.lost = false, false
	if err := d.Idle(); err != nil {
		t.Error(err)
	}
	d.count(1) // the clean-up destroys the swapchain once more
}

// copying is a submission that takes seconds: so many copies of 64 MB.
func copying(t *testing.T, d *Device, copies int) (*Commands, *Fence) {
	t.Helper()
	const bytes = 64 << 20
	r := Recording{}
	from, err := d.NewBuffer(bytes, Local)
	if err != nil {
		t.Fatal(err)
	}
	to, err := d.NewBuffer(bytes, Local)
	if err != nil {
		t.Fatal(err)
	}
	for range copies {
		r.CopyOut = append(r.CopyOut, Copy{From: from, To: to, Size: bytes})
	}
	cmds, err := d.Record(r)
	if err != nil {
		t.Fatal(err)
	}
	fence, err := d.NewFence()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmds.Destroy()
		fence.Destroy()
		from.Destroy()
		to.Destroy()
	})
	return cmds, fence
}

// TestRefused: a picture that the window system refused, as its swapchain is out of date, is
// presented again, and does not count as shown where that is refused, too.
func TestRefused(t *testing.T) {
	const size, outOfDate = 64, Result(-1000001004)
	_, w, picture, faults := screenOf(t, size)
	for _, c := range []struct {
		times int
		state State
	}{{1, Visible}, {100, Resizing}, {0, Visible}} {
		faults.Plan(Fault{Call: "vkQueuePresentKHR", Times: c.times, Result: outOfDate})
		if s, err := w.Present(picture, size, size); err != nil || s.State != c.state {
			t.Errorf("refused %d times Present gives %v, %v, want state %v", c.times, s, err, c.state)
		}
		if calls := faults.Calls(); calls < 2 && c.times > 0 {
			t.Errorf("refused %d times the picture was presented %d times", c.times, calls)
		}
	}
}

// TestNotTaken: while the window system has no image to give Present asks again, for a while,
// and others may use the queue.
func TestNotTaken(t *testing.T) {
	const size, notReady = 64, Result(1)
	d, w, picture, faults := screenOf(t, size)
	for times, want := range map[int]State{3: Visible, 1 << 20: NotTaken} {
		faults.Plan(Fault{Call: "vkAcquireNextImageKHR", Times: times, Result: notReady})
		done := make(chan Shown)
		go func() {
			s, err := w.Present(picture, size, size)
			if err != nil {
				t.Error(err)
			}
			done <- s
		}()
		free := 0
		for s, over := (Shown{}), false; !over; {
			select {
			case s = <-done:
				over = true
				if s.State != want {
					t.Errorf("taken after %d refusals: %v, want state %v", times, s, want)
				}
			default:
				if d.queueing.TryLock() {
					free++
					d.queueing.Unlock()
				}
				time.Sleep(100 * time.Microsecond)
			}
		}
		if calls := faults.Calls(); calls < min(times, 3) || free < 3 {
			t.Errorf("%d refusals: asked %d times, and the queue was free %d times meanwhile", times, calls, free)
		}
	}
	faults.Plan(Fault{})
}

// TestShortPicture: a picture of fewer bytes than its size says is refused, also where the
// one before was larger.
func TestShortPicture(t *testing.T) {
	_, w, _, _ := screenOf(t, 64)
	if s, err := w.PresentBytes(make([]byte, 4*64*64), 64, 64); err != nil || s.State != Visible {
		t.Fatalf("PresentBytes gives %v, %v", s, err)
	}
	for _, pix := range [][]byte{nil, make([]byte, 4*64*63)} {
		if _, err := w.PresentBytes(pix, 64, 64); err == nil {
			t.Errorf("%d bytes are a picture of 64 × 64 pixels", len(pix))
		}
	}
}
