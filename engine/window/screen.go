//go:build viewer && cgo

package window

import (
	"errors"
	"fmt"
	"image"
	"slices"
	"sync"

	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// Host is the process's use of Vulkan with what a window system needs. It is opened before
// the engine is, which has the same instance then, and closed after it.
type Host struct {
	inst    *vk.Instance
	surface *vk.Surface
}

// Open opens Vulkan with the instance extensions that a window system names, and otherwise as
// the engine will: with validation layers, and vectors of so many bits of llvmpipe.
func Open(extensions []string, validation bool, vectorBits int) (*Host, error) {
	inst, err := vk.Open(vk.Options{Extensions: extensions, Validation: validation, VectorBits: vectorBits})
	if err != nil {
		return nil, run.NoVulkan(err)
	}
	return &Host{inst: inst}, nil
}

// Instance is the VkInstance, a pointer, of which a window system makes a surface.
func (h *Host) Instance() any { return h.inst.Pointer() }

// Adopt takes over the VkSurfaceKHR that lies at an address. Devices that are opened from now
// on have a queue that shows pictures on it, where they can.
func (h *Host) Adopt(surface uintptr) {
	h.surface = h.inst.NewSurface(surface)
	h.inst.PresentTo(h.surface)
}

// Close destroys the surface, whose screens were closed, and lets Vulkan go.
func (h *Host) Close() {
	if h.surface != nil {
		h.surface.Destroy()
	}
	h.inst.Close()
}

// Screen brings a canvas's pictures to the host's surface: on the engine's device, or where
// that can't show pictures there, by a copy to another one that can.
type Screen struct {
	host   *Host
	eng    inside.Attacher
	detach func()

	mu    sync.Mutex
	chain *vk.Swapchain // on the engine's device; nil: there is none yet
	via   string        // the device that pictures are copied to, "" where they aren't
	far   vk.Info       // that device
	other *vk.Device    // when it is open
	there *vk.Swapchain // on it
}

// Shown tells of a picture that was brought to the screen, or why it was not.
type Shown = vk.Shown

// ErrSurfaceLost says that the window needs another surface: see Screen.Renew.
var ErrSurfaceLost = vk.ErrSurfaceLost

// States of a picture: it is on the screen; the window has no pixel; the window system did not
// take it in time.
const (
	Visible  = vk.Visible
	Hidden   = vk.Hidden
	NotTaken = vk.NotTaken
)

// NewScreen finds the way to the surface: the engine's own device, or the one that via names,
// as engine.WithDevice does, or any that can. The error is ErrNoDevice where none can show
// anything there.
func (h *Host) NewScreen(eng inside.Attacher, via string) (*Screen, error) {
	m, release, err := eng.Inside(inside.Key{})
	if err != nil {
		return nil, err
	}
	defer release()
	if err := m.Lacks("has no screen"); err != nil {
		return nil, err
	}
	s := &Screen{host: h, eng: eng}
	if via != "" || !m.Device.Info.Presents {
		if err := s.findOther(via, m.Device.Info); err != nil {
			return nil, err
		}
	}
	s.detach = eng.Attach(inside.Key{}, s.drop)
	return s, nil
}

// findOther finds the device that via names, or the first that can show pictures, unless that
// is the engine's own.
func (s *Screen) findOther(via string, own vk.Info) error {
	infos, err := s.host.inst.Devices()
	if err != nil {
		return err
	}
	able := slices.DeleteFunc(infos, func(d vk.Info) bool { return !d.Presents })
	if len(able) == 0 {
		return run.NoDevice(fmt.Errorf("%s can't show pictures in this window, and neither can another device", own.Name))
	}
	info, err := run.Choose(able, via)
	if err != nil {
		return fmt.Errorf("of the devices that can show pictures in this window: %w", err)
	}
	if info.UUID != own.UUID {
		s.via, s.far = info.Name, info
	}
	return nil
}

// Via names the device that pictures are copied to, "" where they aren't.
func (s *Screen) Via() string { return s.via }

// Show brings the picture that the canvas drew last to the screen. With ErrDeviceLost the
// device was opened anew, and the picture has to be drawn again.
func (s *Screen) Show(c *Canvas) (shown Shown, err error) {
	if s.via == "" {
		err = c.use(func(g *objects) (err error) {
			if c.drawn == (image.Point{}) {
				shown.State = vk.Resizing // the device was opened anew meanwhile: the next frame is shown
				return nil
			}
			shown, err = s.show(&s.chain, g.dev, func(w *vk.Swapchain) (Shown, error) {
				return w.Present(g.picture.buffer, c.drawn.X, c.drawn.Y)
			})
			return err
		})
		return shown, err
	}
	m, err := c.Picture()
	if err != nil {
		return shown, err
	}
	if s.other == nil {
		if s.other, err = s.host.inst.OpenDevice(s.far, false); err != nil {
			return shown, run.NoDevice(err)
		}
	}
	shown, err = s.show(&s.there, s.other, func(w *vk.Swapchain) (Shown, error) {
		return w.PresentBytes(m.Pix, m.Rect.Dx(), m.Rect.Dy())
	})
	if errors.Is(err, vk.ErrDeviceLost) {
		s.leave()
	}
	return shown, err
}

// show makes a swapchain where there is none.
func (s *Screen) show(chain **vk.Swapchain, dev *vk.Device, present func(*vk.Swapchain) (Shown, error)) (Shown, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if *chain == nil {
		w, err := dev.NewSwapchain(s.host.surface)
		if err != nil {
			return Shown{}, err
		}
		*chain = w
	}
	return present(*chain)
}

// leave gives up the other device, which the next picture opens anew.
func (s *Screen) leave() {
	if s.there != nil {
		s.there.Destroy()
	}
	if s.other != nil {
		s.other.Close()
	}
	s.there, s.other = nil, nil
}

// Renew takes another surface in the place of one that was lost, with ErrSurfaceLost.
func (s *Screen) Renew(surface uintptr) error {
	_, release, err := s.eng.Inside(inside.Key{})
	if err != nil {
		return err
	}
	defer release()
	s.drop()
	s.leave()
	s.host.surface.Destroy()
	s.host.Adopt(surface)
	return nil
}

// drop frees what is on the engine's device.
func (s *Screen) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.chain != nil {
		s.chain.Destroy()
		s.chain = nil
	}
}

// Close gives the screen up.
func (s *Screen) Close() {
	s.detach()
	if _, release, err := s.eng.Inside(inside.Key{}); err == nil {
		s.drop()
		release()
	}
	s.leave()
}
