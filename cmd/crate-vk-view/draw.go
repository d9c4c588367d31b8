//go:build viewer && cgo

package main

import (
	"context"
	"errors"
	"image"
	"slices"
	"time"

	"github.com/crate-vk/crate-vk/cmd/internal/paint"
	"github.com/crate-vk/crate-vk/cmd/internal/viewer"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/window"
)

// drawer draws what the app's state is. It belongs to one goroutine.
type drawer struct {
	*app
	canvas *window.Canvas

	scaled  scaled
	alike   map[int]*likeness // of patches, at one layer of one image
	alikeOf layer
	text    *image.RGBA // the overlay
	times   viewer.Times
	ranges  []viewer.Range // of the panes that were drawn last
	version int            // of the state that was drawn last
	untimed bool           // no times are shown
	closed  bool
}

func newDrawer(a *app) (*drawer, error) {
	c, err := window.NewCanvas(a.reader.eng)
	return &drawer{app: a, canvas: c, alike: map[int]*likeness{}}, err
}

func (d *drawer) close() {
	d.closed = true
	d.forgetAlike()
	d.canvas.Close()
}

// snapshot is the state that a frame shows.
type snapshot struct {
	version int
	size    image.Point
	layout  viewer.Layout
	choice  viewer.Choice
	hover   int // patch, −1: none
	now     *openedImage
	mask    *foundMask
}

func (d *drawer) snapshot() snapshot {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := snapshot{version: d.stateVersion, size: d.ui.Size(), layout: d.ui.Layout(), choice: d.ui.Choice(), hover: -1, now: d.now, mask: d.mask}
	if patch, ok := d.ui.Hover(); ok {
		s.hover = patch
	}
	return s
}

// frame composes one frame; the picture is on the canvas then. It reports whether the state
// had something to show: a minimised window has no pixel.
func (d *drawer) frame(ctx context.Context) (drawn bool, err error) {
	if d.closed {
		return false, errClosed
	}
	for again := 0; again < mostTries; again++ {
		switch drawn, err = d.try(ctx); {
		case errors.Is(err, engine.ErrTensorClosed):
			d.forgetAlike() // another image was opened meanwhile
		case errors.Is(err, engine.ErrDeviceLost) && !errors.Is(err, engine.ErrClosed):
			// The tensors went with the device, which was opened anew. Until the model has
			// run again there are no maps.
			d.forgetAlike()
			d.forget()
		default:
			return drawn, err
		}
	}
	return drawn, err
}

// mostTries is how often a frame is tried: a device that is lost each time is given up.
const mostTries = 4

func (d *drawer) try(ctx context.Context) (bool, error) {
	started := time.Now()
	s := d.snapshot()
	if s.size.X < 1 || s.size.Y < 1 {
		d.version = s.version
		return false, nil
	}
	if err := d.canvas.Fits(s.size.X, s.size.Y); err != nil {
		return false, err
	}
	scene := &window.Scene{Width: s.size.X, Height: s.size.Y, Ground: viewer.Background, Palette: paint.Palette()}
	if s.now != nil && s.now.err == nil {
		scene.Frame = s.now.prepared.frame
		if err := d.tiles(ctx, scene, &s); err != nil {
			return false, err
		}
	}
	mapped := time.Now()
	scene.Overlay = d.overlay(&s)
	laid := time.Now()
	drawn, err := d.canvas.Draw(ctx, scene)
	if err != nil {
		return false, err
	}
	d.times.Map, d.times.Text, d.times.Upload, d.times.Compose = mapped.Sub(started), laid.Sub(mapped), drawn.Upload, drawn.Compose
	d.version = s.version
	if ranges := rangesOf(scene, drawn, len(s.layout.Panes)); !slices.Equal(ranges, d.ranges) {
		d.ranges = ranges
		poke(d.redraw) // the bars of colours have other ends
	}
	return true, nil
}

// rangesOf are those of the panes' maps, which are the first tiles; none from the first pane
// on that has no map.
func rangesOf(scene *window.Scene, drawn window.Drawn, panes int) (list []viewer.Range) {
	for i := range min(panes, len(scene.Tiles)) {
		if scene.Tiles[i].Map == nil {
			break
		}
		list = append(list, viewer.Range{Low: float64(drawn.Ranges[i][0]), High: float64(drawn.Ranges[i][1])})
	}
	return list
}

// overlay draws text and marks.
func (d *drawer) overlay(s *snapshot) *image.RGBA {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.text == nil || d.text.Rect.Size() != s.size {
		d.text = image.NewRGBA(image.Rectangle{Max: s.size})
	}
	d.ui.Overlay(d.info(s), d.text)
	return d.text
}

// info is what the overlay says beside the state; mu is held.
func (d *drawer) info(s *snapshot) viewer.Info {
	i := viewer.Info{Ranges: d.ranges, Busy: d.errand}
	if !d.untimed {
		i.Times = d.times
		i.Times.Model = d.ran
	}
	if d.step != nil {
		i.Busy = d.step.what
	}
	if s.now == nil {
		return i
	}
	if s.now.class != nil {
		i.Class = *s.now.class
	}
	if err := wrong(s.now, s.mask, s.choice); err != nil {
		i.Error = err.Error()
	} else if s.mask != nil && s.mask.key == maskOf(s.choice) {
		for _, o := range s.mask.objects {
			i.Objects = append(i.Objects, o.Score)
		}
	}
	return i
}

// tiles adds the panes, then the heads at the side.
func (d *drawer) tiles(ctx context.Context, scene *window.Scene, s *snapshot) error {
	t, computed := s.now.prepared.layer(s.choice.Layer)
	colours := &viewer.ColourMaps()[s.choice.Colours]
	opacity := uint8(s.choice.Opacity*255 + 0.5)
	d.scaled.of(s)
	for _, p := range s.layout.Panes {
		visible := p.Visible()
		if visible.Empty() {
			continue
		}
		tile := window.Tile{Rect: visible, Whole: p.Picture, Photo: d.scaled.photo(s, p.Picture, visible), Colours: &colours.Colours, Zero: colours.Diverging, Opacity: opacity}
		if s.mask != nil && s.mask.err == nil && s.mask.key == maskOf(s.choice) {
			tile.Labels = d.scaled.labels(s, p.Picture, visible)
			tile.Tint = d.scaled.tint(s, p.Picture, visible)
		}
		if computed && tile.Tint == nil {
			m, err := d.mapOf(ctx, s, t, s.choice.Head, patchOf(p, s))
			if err != nil {
				return err
			}
			tile.Map = m
		}
		scene.Tiles = append(scene.Tiles, tile)
	}
	for _, x := range s.layout.Tiles {
		tile := window.Tile{Rect: x.Map, Photo: d.scaled.photo(s, x.Map, x.Map), Colours: &colours.Colours, Zero: colours.Diverging, Opacity: max(opacity, 160)}
		if computed {
			m, err := d.mapOf(ctx, s, t, x.Head, patchOf(s.layout.Panes[0], s))
			if err != nil {
				return err
			}
			tile.Map = m
		}
		scene.Tiles = append(scene.Tiles, tile)
	}
	return nil
}

// patchOf is the patch whose map a pane shows: the one that is pinned there, else the one
// under the mouse, −1 for the class token's.
func patchOf(p viewer.Pane, s *snapshot) int {
	switch {
	case s.choice.Show == viewer.ShowClass:
		return -1
	case p.Patch >= 0:
		return p.Patch
	}
	return s.hover
}

// mapOf is the map of a head, with −1 of all, for a patch: nil where there is none. Without a
// patch it is the class token's, where the model has one.
func (d *drawer) mapOf(ctx context.Context, s *snapshot, t layer, head, patch int) (*window.Map, error) {
	f := s.now.prepared.frame
	switch {
	case patch < 0 && d.reader.config.Prefix == 0, patch >= f.Rows*f.Columns:
		return nil, nil
	case patch < 0:
		m := d.reader.attention(t, f, head, 0)
		return &m, nil
	case s.choice.Show == viewer.ShowKeys:
		x, err := d.alikeTo(ctx, t, s, patch)
		if x == nil || err != nil {
			return nil, err
		}
		m := x.of(head)
		return &m, nil
	}
	m := d.reader.attention(t, f, head, d.reader.config.Prefix+patch)
	return &m, nil
}

// keptAlike is for how many patches likenesses are kept: two pins, and one under the mouse.
const keptAlike = 3

// alikeTo is the likeness of a patch's key, computed once; nil where the keys of this image
// can't be compared, which is shown as its error.
func (d *drawer) alikeTo(ctx context.Context, t layer, s *snapshot, patch int) (*likeness, error) {
	if t != d.alikeOf || len(d.alike) >= keptAlike && d.alike[patch] == nil {
		d.forgetAlike()
	}
	d.alikeOf = t
	if x := d.alike[patch]; x != nil {
		return x, nil
	}
	if d.unlike(s) != nil {
		return nil, nil
	}
	x, err := d.reader.likeness(ctx, t, s.now.prepared.frame, patch)
	switch {
	case err == nil:
		d.alike[patch] = x
	case !errors.Is(err, engine.ErrTensorClosed) && !errors.Is(err, engine.ErrDeviceLost) && !errors.Is(err, engine.ErrClosed) && ctx.Err() == nil:
		d.mu.Lock()
		s.now.unlike, s.now.odd = err, s.choice.Layer
		d.mu.Unlock()
		return nil, nil
	}
	return x, err
}

// unlike is why the keys of the layer can't be compared.
func (d *drawer) unlike(s *snapshot) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s.now.odd != s.choice.Layer {
		return nil
	}
	return s.now.unlike
}

func (d *drawer) forgetAlike() {
	for _, x := range d.alike {
		x.close()
	}
	clear(d.alike)
	d.alikeOf = layer{}
}
