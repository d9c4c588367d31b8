//go:build viewer && cgo

package window

import (
	"context"
	"errors"
	"image"
	"sync"
	"time"

	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// Canvas composes scenes into pictures on an engine's device. When the device was lost it
// begins anew on the one that the engine has opened in its place. It may be used from several
// goroutines.
type Canvas struct {
	eng    inside.Attacher
	detach func()

	mu    sync.Mutex
	gpu   *objects // on the engine's device; nil: there are none
	mem   []byte   // of the last packing, reused
	sent  []byte   // what the buffer scene holds
	drawn image.Point
}

// Drawn tells of a picture that was composed.
type Drawn struct {
	// Ranges are the values of the first and the last colour of each tile's map, by tile; zero
	// where there is none.
	Ranges [][2]float32
	// Uploaded is how many bytes of pictures were new to the device, Upload how long it took
	// to find and hand them over, Compose how long the device took for the rest.
	Uploaded        int64
	Upload, Compose time.Duration
}

// NewCanvas makes a canvas on the device of an engine. The interpreter has none.
func NewCanvas(eng inside.Attacher) (*Canvas, error) {
	m, release, err := eng.Inside(inside.Key{})
	if err != nil {
		return nil, err
	}
	defer release()
	if err := m.Lacks("has no window"); err != nil {
		return nil, err
	}
	c := &Canvas{eng: eng}
	c.detach = eng.Attach(inside.Key{}, c.drop)
	return c, nil
}

// Close frees the canvas.
func (c *Canvas) Close() {
	c.detach()
	_, release, err := c.eng.Inside(inside.Key{})
	if err != nil {
		return // the engine was closed, and has dropped it
	}
	defer release()
	c.drop()
}

// drop frees what is on the device.
func (c *Canvas) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gpu != nil {
		c.gpu.destroy()
	}
	c.gpu, c.sent, c.drawn = nil, nil, image.Point{}
}

// use calls f with the canvas's objects on the engine's device, making them where there are
// none yet. A device that is lost with that is opened anew; the error says so, and the next
// call finds the new one.
func (c *Canvas) use(f func(g *objects) error) error {
	m, release, err := c.eng.Inside(inside.Key{})
	if err != nil {
		return err
	}
	err = c.with(m.Device, f)
	release()
	if errors.Is(err, vk.ErrDeviceLost) {
		if failed := c.eng.Renew(inside.Key{}, m.Device); failed != nil {
			return failed
		}
	}
	return err
}

func (c *Canvas) with(dev *prove.Device, f func(g *objects) error) (err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gpu == nil {
		if c.gpu, err = newObjects(dev); err != nil {
			c.gpu = nil
			return err
		}
	}
	return f(c.gpu)
}

// Draw composes a scene. The picture stays on the device, until the next one.
func (c *Canvas) Draw(ctx context.Context, s *Scene) (d Drawn, err error) {
	if err := context.Cause(ctx); err != nil {
		return d, err
	}
	if err := s.check(); err != nil {
		return d, err
	}
	err = c.use(func(g *objects) error {
		started := time.Now()
		p := s.pack(c.mem)
		table := p.table()
		c.mem = p.words
		elements := s.Frame.Rows * s.Frame.Columns
		if err := c.make(g, p, elements, s.Width*s.Height); err != nil {
			return err
		}
		r := vk.Recording{HostWrites: true}
		r.CopyIn, d.Uploaded = c.changes(g)
		known := c.sent
		c.sent = nil // until the device has them
		holding, err := g.bring(&r, p.raw, elements)
		defer holding.release()
		if err != nil {
			return err
		}
		d.Upload = time.Since(started)
		g.dispatch(&r, p, table, elements)
		if err := g.run(r); err != nil {
			return err
		}
		c.sent = append(known[:0], c.mem...)
		d.Compose = time.Since(started) - d.Upload
		d.Ranges = g.ranges(s, p)
		c.drawn = image.Pt(s.Width, s.Height)
		return nil
	})
	return d, err
}

// Fits refuses a size in pixels that the device has no room for, before a scene of it is made.
func (c *Canvas) Fits(width, height int) error {
	return c.use(func(g *objects) error {
		if bytes := 4 * int64(width) * int64(height); bytes > g.limit {
			return g.tooLarge(bytes)
		}
		return nil
	})
}

// make sees to it that the buffers are large enough.
func (c *Canvas) make(g *objects, p *packing, elements, pixels int) error {
	if int64(len(p.words)) > g.scene.size() {
		c.sent = nil // a new buffer holds nothing
	}
	sizes := []int64{int64(len(p.words)), 4 * int64(len(p.raw)*elements), 4 * int64(len(p.maps)*(2+elements)), 4 * int64(pixels)}
	return g.grow(sizes, 8*int64(len(p.maps)))
}

// chunk is what is compared, and sent where something in it has changed.
const chunk = 16 << 10

// changes writes what differs from what the device has into the upload buffer.
func (c *Canvas) changes(g *objects) (list []vk.Copy, bytes int64) {
	up := g.up.Bytes()
	for at := 0; at < len(c.mem); at += chunk {
		end := min(at+chunk, len(c.mem))
		if end <= len(c.sent) && string(c.mem[at:end]) == string(c.sent[at:end]) {
			continue
		}
		copy(up[at:end], c.mem[at:end])
		bytes += int64(end - at)
		if n := len(list); n > 0 && list[n-1].FromAt+list[n-1].Size == int64(at) {
			list[n-1].Size += int64(end - at)
		} else {
			list = append(list, vk.Copy{From: g.up, To: g.scene.buffer, FromAt: int64(at), ToAt: int64(at), Size: int64(end - at)})
		}
	}
	return list, bytes
}

// Picture reads the picture that was composed last.
func (c *Canvas) Picture() (*image.RGBA, error) {
	var m *image.RGBA
	return m, c.use(func(g *objects) error {
		if c.drawn == (image.Point{}) {
			return errors.New("window: nothing was drawn")
		}
		m = image.NewRGBA(image.Rectangle{Max: c.drawn})
		return g.read(m.Pix)
	})
}
