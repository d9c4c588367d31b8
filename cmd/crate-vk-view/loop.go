//go:build viewer && cgo

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/go-gl/glfw/v3.3/glfw"

	"github.com/crate-vk/crate-vk/cmd/internal/viewer"
	"github.com/crate-vk/crate-vk/engine/window"
	"github.com/crate-vk/crate-vk/loader/quote"
)

// display is a window on a screen. Its methods belong to the main thread, but for do, await and end.
type display struct {
	win  *glfw.Window
	host *window.Host

	mu    sync.Mutex
	queue []func() // for the main thread
	over  bool     // the loop has ended, and glfw may be gone
	quit  bool
	ended chan struct{} // closed when the loop has ended
}

// openDisplay opens an invisible window and a Vulkan instance that can show pictures in it.
func openDisplay(width, height int, validation bool, vectorBits int) (d *display, err error) {
	if err := initGLFW(); err != nil {
		return nil, noDisplay(err)
	}
	d = &display{ended: make(chan struct{})}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if !glfw.VulkanSupported() {
		return d, noDisplay(fmt.Errorf("the window system finds no Vulkan loader"))
	}
	glfw.WindowHint(glfw.ClientAPI, glfw.NoAPI)
	glfw.WindowHint(glfw.Visible, glfw.False)
	glfw.WindowHint(glfw.ScaleToMonitor, glfw.True)
	if d.win, err = glfw.CreateWindow(width, height, name, nil, nil); err != nil {
		return d, noDisplay(err)
	}
	if d.host, err = window.Open(d.win.GetRequiredInstanceExtensions(), validation, vectorBits); err != nil {
		return d, err
	}
	surface, err := d.win.CreateWindowSurface(d.host.Instance(), nil)
	if err != nil {
		return d, noDisplay(err)
	}
	d.host.Adopt(surface)
	return d, nil
}

// initGLFW starts glfw, whose Go package tells some failures to the log alone, and goes on.
func initGLFW() error {
	var said bytes.Buffer
	log.SetOutput(&said)
	defer log.SetOutput(os.Stderr)
	err := glfw.Init()
	if err == nil && said.Len() > 0 {
		_, text, ok := strings.Cut(said.String(), "PlatformError: ")
		if !ok {
			text = said.String()
		}
		err = errors.New(strings.TrimSpace(text))
	}
	return err
}

// close closes the window. The engine and its screen were closed before.
func (d *display) close() {
	if d.host != nil {
		d.host.Close()
	}
	if d.win != nil {
		d.win.Destroy()
	}
	glfw.Terminate()
}

// do has the main thread run something soon. Behind the loop's end it does nothing: glfw
// panics when it is called while it is gone.
func (d *display) do(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over {
		return
	}
	d.queue = append(d.queue, f)
	glfw.PostEmptyEvent()
}

// finish says that the loop has ended.
func (d *display) finish() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	close(d.ended)
}

// await has the main thread run something, and waits for that; false: the loop has ended.
func (d *display) await(f func()) bool {
	done := make(chan struct{})
	d.do(func() {
		f()
		close(done)
	})
	select {
	case <-done:
		return true
	case <-d.ended:
		return false
	}
}

// end ends the loop.
func (d *display) end() { d.do(func() { d.quit = true }) }

// loop shows the window and hands its events to feed, until it is closed. wake says how long
// the loop may sleep before the next Tick.
func (d *display) loop(ctx context.Context, feed func(viewer.Event), wake func(now time.Time) (time.Duration, bool)) {
	defer context.AfterFunc(ctx, d.end)()
	defer d.finish()
	d.listen(feed)
	d.win.Show()
	d.resized(feed)
	for !d.quit && !d.win.ShouldClose() {
		if wait, playing := wake(time.Now()); playing {
			glfw.WaitEventsTimeout(max(wait.Seconds(), 0.001))
			feed(viewer.Tick{Now: time.Now()})
		} else {
			glfw.WaitEvents()
		}
		d.mu.Lock()
		queue := d.queue
		d.queue = nil
		d.mu.Unlock()
		for _, f := range queue {
			f()
		}
	}
}

// resized tells the size of the framebuffer, and how many pixels of it make one of text.
func (d *display) resized(feed func(viewer.Event)) {
	w, h := d.win.GetFramebufferSize()
	scale, _ := d.win.GetContentScale()
	if d.win.GetAttrib(glfw.Iconified) == glfw.True {
		w, h = 0, 0
	}
	feed(viewer.Resize{Width: w, Height: h, Scale: float64(scale)})
}

// listen makes the window's callbacks.
func (d *display) listen(feed func(viewer.Event)) {
	w := d.win
	w.SetFramebufferSizeCallback(func(*glfw.Window, int, int) { d.resized(feed) })
	w.SetContentScaleCallback(func(*glfw.Window, float32, float32) { d.resized(feed) })
	w.SetIconifyCallback(func(*glfw.Window, bool) { d.resized(feed) })
	w.SetRefreshCallback(func(*glfw.Window) { d.resized(feed) })
	w.SetCursorPosCallback(func(_ *glfw.Window, x, y float64) {
		sx, sy := d.pixels()
		feed(viewer.Move{X: x * sx, Y: y * sy})
	})
	w.SetCursorEnterCallback(func(_ *glfw.Window, entered bool) {
		if !entered {
			feed(viewer.Leave{})
		}
	})
	w.SetMouseButtonCallback(func(_ *glfw.Window, b glfw.MouseButton, a glfw.Action, _ glfw.ModifierKey) {
		if button, ok := map[glfw.MouseButton]viewer.Button{glfw.MouseButtonLeft: viewer.Left, glfw.MouseButtonRight: viewer.Right}[b]; ok && a == glfw.Press {
			feed(viewer.Click{Button: button})
		}
	})
	w.SetScrollCallback(func(_ *glfw.Window, dx, dy float64) {
		shift := w.GetKey(glfw.KeyLeftShift) == glfw.Press || w.GetKey(glfw.KeyRightShift) == glfw.Press
		control := w.GetKey(glfw.KeyLeftControl) == glfw.Press || w.GetKey(glfw.KeyRightControl) == glfw.Press
		if math.Abs(dx) > math.Abs(dy) { // what some systems make of shift and the wheel
			dy = dx
		}
		feed(viewer.Scroll{DY: dy, Shift: shift, Control: control})
	})
	w.SetCharCallback(func(_ *glfw.Window, c rune) { feed(viewer.Key{Name: string(c)}) })
	w.SetKeyCallback(func(_ *glfw.Window, k glfw.Key, _ int, a glfw.Action, m glfw.ModifierKey) {
		if named, ok := keyNames[k]; ok && a != glfw.Release {
			feed(viewer.Key{Name: named, Shift: m&glfw.ModShift != 0, Control: m&glfw.ModControl != 0})
		}
	})
	w.SetDropCallback(func(_ *glfw.Window, paths []string) { feed(viewer.Drop{Paths: paths}) })
}

// keyNames are the keys that write no character.
var keyNames = map[glfw.Key]string{glfw.KeyUp: "up", glfw.KeyDown: "down", glfw.KeyLeft: "left", glfw.KeyRight: "right", glfw.KeyPageUp: "pageup", glfw.KeyPageDown: "pagedown",
	glfw.KeyHome: "home", glfw.KeyEnd: "end", glfw.KeyEscape: "escape", glfw.KeyTab: "tab", glfw.KeyEnter: "enter", glfw.KeyF1: "f1"}

// pixels is how many pixels of the framebuffer a unit of the window's coordinates has.
func (d *display) pixels() (x, y float64) {
	w, h := d.win.GetSize()
	fw, fh := d.win.GetFramebufferSize()
	if w < 1 || h < 1 {
		return 1, 1
	}
	return float64(fw) / float64(w), float64(fh) / float64(h)
}

// title names the image in the window's title.
func (d *display) title(path string) {
	d.win.SetTitle(quote.Escape(filepath.Base(path)) + " – " + name)
}

// onScreen brings a session's pictures to the display.
type onScreen struct {
	display *display
	screen  *window.Screen
	canvas  *window.Canvas
	told    bool // that nothing is taken
	tell    func(text string)
}

func (o *onScreen) show() (later bool, err error) {
	shown, err := o.screen.Show(o.canvas)
	if err == nil && shown.State == window.NotTaken && !o.told {
		o.told = true
		o.tell("the window system takes no pictures: the window may be covered")
	}
	return shown.State != window.Visible && shown.State != window.Hidden, err
}

// renew makes another surface in the place of one that was lost.
func (o *onScreen) renew() error {
	var err error
	o.display.await(func() {
		var surface uintptr
		if surface, err = o.display.win.CreateWindowSurface(o.display.host.Instance(), nil); err == nil {
			err = o.screen.Renew(surface)
		}
	})
	return err
}

// onStage plays scripts in the window, on the main thread as the window's own callbacks are.
type onStage struct {
	d   *display
	s   *session
	ctx context.Context
}

func (o onStage) feed(e viewer.Event) (quit bool) {
	if !o.d.await(func() { quit = o.s.act(o.ctx, o.s.handle(e)) }) {
		return true // it was closed
	}
	return quit
}

func (o onStage) pass(ctx context.Context, d time.Duration) error { return pause(ctx, d) }

// resizeLimit bounds the wait for a window's size, which a window manager may refuse.
const resizeLimit = time.Second

// resize has the window system change the window's size, and waits for that.
func (o onStage) resize(e viewer.Resize) {
	if e.Width == 0 || e.Height == 0 {
		o.feed(e) // minimised, for which a window manager is needed
		return
	}
	o.d.await(func() {
		sx, sy := o.d.pixels()
		o.d.win.SetSize(int(math.Round(float64(e.Width)/sx)), int(math.Round(float64(e.Height)/sy)))
	})
	for end := time.Now().Add(resizeLimit); time.Now().Before(end); time.Sleep(time.Millisecond) {
		var there bool
		if !o.d.await(func() {
			w, h := o.d.win.GetFramebufferSize()
			there = w == e.Width && h == e.Height
		}) || there {
			break
		}
	}
	o.d.await(func() { o.d.resized(func(e viewer.Event) { o.s.act(o.ctx, o.s.handle(e)) }) })
}
