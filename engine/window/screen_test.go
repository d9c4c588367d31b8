//go:build viewer && cgo

package window

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// unseen is a host with a surface that nobody sees, an engine whose device can show pictures
// there, and whose calls fail by faults, and a scene that is drawn. At the end the validation
// layers must have said nothing, of objects that are left over neither.
func unseen(t *testing.T) (*Host, *engine.Engine, *Canvas, *vk.Faults, *Scene) {
	t.Helper()
	// SwiftShader alone has such surfaces; Mesa 22.3 crashes when it is asked about one.
	for _, driver := range filepath.SplitList(os.Getenv("VK_ICD_FILENAMES")) {
		if strings.Contains(driver, "swiftshader") {
			t.Setenv("VK_ICD_FILENAMES", driver)
		}
	}
	if !strings.HasSuffix(os.Getenv("VK_ICD_FILENAMES"), "swiftshader_icd.json") {
		t.Skip("SwiftShader is not among the drivers (VK_ICD_FILENAMES)")
	}
	inst, err := vk.Open(vk.Options{Extensions: vk.Headless(), Validation: true})
	if err != nil {
		if os.Getenv("CRATE_VK_REQUIRE_DISPLAY") != "" {
			t.Fatal(err)
		}
		t.Skip("no surface without a display: ", err)
	}
	h := &Host{inst: inst}
	if h.surface, err = inst.NewHeadlessSurface(); err != nil {
		t.Fatal(err)
	}
	inst.PresentTo(h.surface)
	infos, err := inst.Devices()
	if err != nil {
		t.Fatal(err)
	}
	device := ""
	for _, d := range infos {
		if d.Presents {
			device = "uuid:" + d.UUID
		}
	}
	if device == "" {
		t.Fatal("no device shows pictures on a surface without a display")
	}
	faults := vk.NewFaults()
	var said bytes.Buffer
	eng, err := engine.Open(context.Background(), engine.WithDevice(device), engine.WithValidation(), engine.WithLogger(slog.New(slog.NewTextHandler(&said, nil))),
		engine.Expert(inside.Key{}, func(o *inside.Options) { o.Faults = faults }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		eng.Close()
		faults.Free()
		h.Close()
		for line := range strings.Lines(said.String()) {
			if strings.Contains(line, "validation: ") {
				t.Error(line)
			}
		}
	})
	c, err := NewCanvas(eng)
	if err != nil {
		t.Fatal(err)
	}
	s := &Scene{Width: 120, Height: 70}
	if _, err := c.Draw(context.Background(), s); err != nil {
		t.Fatal(err)
	}
	return h, eng, c, faults, s
}

// TestScreen: pictures are shown, of changing sizes, and whichever call fails for want of
// memory, Show says so and the next picture is shown.
func TestScreen(t *testing.T) {
	h, eng, c, faults, s := unseen(t)
	screen, err := h.NewScreen(eng, "")
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	for call := 0; ; call++ {
		screen.drop()
		s.Width = 100 + call%3 // another size, another image
		if _, err := c.Draw(context.Background(), s); err != nil {
			t.Fatal(err)
		}
		faults.Set(call, vk.OutOfDeviceMemory)
		_, err := screen.Show(c)
		fired := faults.Fired()
		faults.Set(-1, vk.Success)
		switch {
		case !fired && err != nil:
			t.Fatalf("no call failed, and Show did: %v", err)
		case fired && !errors.Is(err, engine.ErrOutOfMemory):
			t.Fatalf("call %d failed, and Show says %v", call, err)
		}
		if shown, err := screen.Show(c); err != nil || shown.State != vk.Visible {
			t.Fatalf("behind call %d: %v, %v", call, shown, err)
		}
		if !fired {
			t.Logf("%d calls", call)
			return
		}
		if call > 100 {
			t.Fatal("it has too many calls")
		}
	}
}

// TestScreenStates: a swapchain that is out of date is made anew, a window system that takes
// no picture is told of, a surface that is lost asks for another, and a device that is lost is
// opened anew and shows the next picture.
func TestScreenStates(t *testing.T) {
	const outOfDate, suboptimal, surfaceLost = vk.Result(-1000001004), vk.Result(1000001003), vk.Result(-1000000000)
	for _, f := range []struct {
		call   string
		result vk.Result
		state  vk.State
		err    error
	}{
		{"vkAcquireNextImageKHR", outOfDate, vk.Visible, nil},
		{"vkQueuePresentKHR", outOfDate, vk.Visible, nil},
		{"vkQueuePresentKHR", suboptimal, vk.Visible, nil},
		{"vkCreateSwapchainKHR", outOfDate, vk.Visible, nil},
		{"vkAcquireNextImageKHR", vk.Timeout, vk.NotTaken, nil},
		{"vkAcquireNextImageKHR", vk.NotReady, vk.NotTaken, nil},
		{"vkAcquireNextImageKHR", surfaceLost, 0, ErrSurfaceLost},
		{"vkGetPhysicalDeviceSurfaceCapabilitiesKHR", surfaceLost, 0, ErrSurfaceLost},
		{"vkAcquireNextImageKHR", vk.DeviceLost, 0, engine.ErrDeviceLost},
		{"vkQueueSubmit", vk.DeviceLost, 0, engine.ErrDeviceLost},
		{"vkQueuePresentKHR", vk.DeviceLost, 0, engine.ErrDeviceLost},
		{"vkWaitForFences", vk.DeviceLost, 0, engine.ErrDeviceLost},
	} {
		t.Run(f.call+" "+f.result.String(), func(t *testing.T) {
			h, eng, c, faults, s := unseen(t)
			screen, err := h.NewScreen(eng, "")
			if err != nil {
				t.Fatal(err)
			}
			defer screen.Close()
			for _, after := range []int{0, 1} { // with the first picture, and a later one
				if after > 0 {
					if _, err := screen.Show(c); err != nil {
						t.Fatal(err)
					}
				}
				times := 1
				if f.state == vk.NotTaken {
					times = 1 << 20 // it is asked again
				}
				faults.Plan(vk.Fault{Call: f.call, Times: times, Result: f.result})
				shown, err := screen.Show(c)
				if !faults.Fired() && f.call != "vkCreateSwapchainKHR" {
					t.Fatal("the call was not made")
				}
				faults.Set(-1, vk.Success)
				if !errors.Is(err, f.err) || f.err == nil && (err != nil || shown.State != f.state) {
					t.Fatalf("Show gives %v, %v, want state %v, %v", shown, err, f.state, f.err)
				}
				if errors.Is(err, ErrSurfaceLost) {
					screen.drop() // as Renew does, with the surface that there is
				}
				if _, err := c.Draw(context.Background(), s); err != nil {
					t.Fatal(err)
				}
				if shown, err := screen.Show(c); err != nil || shown.State != vk.Visible {
					t.Fatalf("afterwards: %v, %v", shown, err)
				}
			}
		})
	}
}

// TestNothingShown: what was not drawn since the device was opened anew does not count as shown.
func TestNothingShown(t *testing.T) {
	h, eng, c, _, _ := unseen(t)
	screen, err := h.NewScreen(eng, "")
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	c.drop()
	if shown, err := screen.Show(c); err != nil || shown.State == vk.Visible || shown.State == vk.Hidden {
		t.Errorf("Show gives %v, %v of nothing", shown, err)
	}
}
