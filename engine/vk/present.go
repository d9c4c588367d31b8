//go:build cgo && viewer

package vk

// #include "cvk_present.h"
import "C"

import (
	"errors"
	"fmt"
	"time"
)

func init() {
	presentFamily = func(i *Instance, phys, surface Handle) (family, timestampBits int, ok bool) {
		var bits C.uint32_t
		f := C.cvk_present_family(i.gipa, C.cvk_handle(i.handle), C.cvk_handle(phys), C.cvk_handle(surface), &bits)
		return int(f), int(bits), f >= 0
	}
}

// ErrSurfaceLost says that the window is gone for Vulkan: another surface has to be made.
var ErrSurfaceLost = errors.New("vulkan: the window's surface was lost")

// surfaceLost is VK_ERROR_SURFACE_LOST_KHR.
const surfaceLost Result = -1000000000

// Pointer is the VkInstance, as vulkan-go has it, of which a window system makes surfaces.
func (i *Instance) Pointer() any { return instanceOf(i.handle) }

// Surface is a window as Vulkan sees it.
type Surface struct {
	inst *Instance
	h    Handle
}

// NewSurface takes over a VkSurfaceKHR of the instance. Where it lies in memory is what glfw
// gives; it is read at once.
func (i *Instance) NewSurface(at uintptr) *Surface {
	return &Surface{i, Handle(C.cvk_surface_at(C.uintptr_t(at)))}
}

// Headless are the extensions that NewHeadlessSurface needs, for Options.Extensions.
func Headless() []string { return []string{surfaceExtension, "VK_EXT_headless_surface"} }

// NewHeadlessSurface makes a surface that nobody sees, on which tests show pictures.
func (i *Instance) NewHeadlessSurface() (*Surface, error) {
	var h C.cvk_handle
	if err := check("vkCreateHeadlessSurfaceEXT", Result(C.cvk_headless_surface(i.gipa, C.cvk_handle(i.handle), &h))); err != nil {
		return nil, err
	}
	return &Surface{i, Handle(h)}, nil
}

// PresentTo makes the devices that are listed and opened from now on have a queue that shows
// pictures on the surface, where they have such a queue: see Info.Presents.
func (i *Instance) PresentTo(s *Surface) {
	process.Lock()
	defer process.Unlock()
	process.surface = s.h
}

// Destroy destroys the surface, whose swapchains were destroyed.
func (s *Surface) Destroy() {
	process.Lock()
	defer process.Unlock()
	if process.surface == s.h {
		process.surface = 0
	}
	C.cvk_surface_destroy(s.inst.gipa, C.cvk_handle(s.inst.handle), C.cvk_handle(s.h))
}

// Swapchain brings pictures to a surface. It follows the window's size by itself. It belongs
// to one goroutine.
type Swapchain struct {
	d       *Device
	c       *C.cvk_screen
	staging *Buffer // of PresentBytes
}

// NewSwapchain makes the device's way to a surface, which the device's queue can show
// pictures on.
func (d *Device) NewSwapchain(s *Surface) (*Swapchain, error) {
	if !d.Presents {
		return nil, fmt.Errorf("vulkan: %s can't show pictures in this window", d.Name)
	}
	w := &Swapchain{d: d}
	r := Result(C.cvk_screen_create(s.inst.gipa, C.cvk_handle(s.inst.handle), C.cvk_handle(d.physical), d.c, C.uint32_t(d.queue), C.cvk_handle(s.h), &w.c))
	if err := check("vkCreateCommandPool", r); err != nil {
		return nil, err
	}
	d.count(1)
	return w, nil
}

// State is what became of a picture.
type State int

// The states: only the first one is seen.
const (
	Visible  State = C.CVK_SHOWN
	Hidden   State = C.CVK_HIDDEN    // the window has no pixel: it is minimised
	NotTaken State = C.CVK_NOT_TAKEN // the window system took no picture in time: the window may be covered
	Resizing State = C.CVK_RESIZING  // the window changed its size faster than a swapchain could follow
)

// Shown tells of a picture that was to be shown.
type Shown struct {
	State         State
	Width, Height int // of the window, in pixels
}

// acquireLimit bounds Present's wait for the window system, which may show a picture at every
// refresh of the screen or not at all; it is asked again after each acquirePause. The wait for
// the device has idleLimit.
const (
	acquireLimit = 100 * time.Millisecond
	acquirePause = time.Millisecond
)

// Present shows a picture: from holds width × height words of RGBA, 8 bits each, red lowest,
// row by row, which submissions wrote whose fence was waited for. It waits until the picture
// was read. In a window of another size it is enlarged or reduced by nearest. A device that
// does nothing until idleLimit is over counts as lost.
func (w *Swapchain) Present(from *Buffer, width, height int) (Shown, error) {
	if width < 1 || height < 1 || int64(width)*int64(height)*4 > from.Size() {
		return Shown{}, fmt.Errorf("vulkan: a picture of %d × %d px in a buffer of %d bytes", width, height, from.Size())
	}
	// While the window system has no image to give, others may use the queue.
	for end := time.Now().Add(acquireLimit); ; time.Sleep(acquirePause) {
		shown, err := w.present(from, width, height)
		if err != nil || shown.State != NotTaken || time.Now().After(end) {
			return shown, err
		}
	}
}

// present is Present without a wait for the window system.
func (w *Swapchain) present(from *Buffer, width, height int) (Shown, error) {
	d := w.d
	d.queueing.Lock()
	defer d.queueing.Unlock()
	if d.lost {
		return Shown{}, check("vkQueuePresentKHR", DeviceLost)
	}
	d.used = true
	var shown C.cvk_shown
	r := Result(C.cvk_screen_present(w.c, from.handle(), C.uint32_t(width), C.uint32_t(height), C.uint64_t(idleLimit), &shown))
	if r == Timeout {
		d.hung, r = true, DeviceLost
	}
	if r == DeviceLost {
		d.lost = true
	}
	if r == surfaceLost {
		return Shown{}, ErrSurfaceLost
	}
	return Shown{State(shown.state), int(shown.width), int(shown.height)}, check("vkQueuePresentKHR", r)
}

// PresentBytes shows a picture of the host's, as Present does one of the device's.
func (w *Swapchain) PresentBytes(pix []byte, width, height int) (s Shown, err error) {
	if width < 1 || height < 1 || int64(width)*int64(height)*4 != int64(len(pix)) {
		return s, fmt.Errorf("vulkan: a picture of %d × %d px in %d bytes", width, height, len(pix))
	}
	if w.staging == nil || w.staging.Size() < int64(len(pix)) {
		if w.staging != nil {
			w.staging.Destroy()
		}
		if w.staging, err = w.d.NewBuffer(int64(len(pix)), Upload); err != nil {
			w.staging = nil
			return s, err
		}
	}
	copy(w.staging.Bytes(), pix)
	if err := w.d.makeVisible(w.staging.unseen(), false); err != nil {
		return s, err
	}
	return w.Present(w.staging, width, height)
}

// Destroy frees the swapchain. On a device that hangs it is left as it is, as Close does
// with the device.
func (w *Swapchain) Destroy() {
	d := w.d
	d.queueing.Lock()
	if !d.hung && Result(C.cvk_screen_destroy(w.c, C.uint64_t(idleLimit))) == Timeout {
		d.hung, d.lost = true, true
	}
	hung := d.hung
	d.queueing.Unlock()
	if w.staging != nil && !hung {
		w.staging.Destroy()
	}
	d.count(-1)
}

// unseen is the buffer, where what the host wrote has to be made visible.
func (b *Buffer) unseen() []*Buffer {
	if !b.manual {
		return nil
	}
	return []*Buffer{b}
}
