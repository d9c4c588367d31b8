//go:build viewer && cgo

package window

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/shaders"
)

// lanes is the size of the kernels' workgroups: each device has 64 invocations.
const lanes = 64

// objects are what a canvas has on a device.
type objects struct {
	dev          *vk.Device
	limit        int64 // of a binding
	maps, canvas *vk.Pipeline
	fence        *vk.Fence

	up      *vk.Buffer // as large as scene, on the host
	scene   space
	raw     space // rows of tensors
	shown   space // maps
	picture space
	down    *vk.Buffer // least and largest values; grows
	back    *vk.Buffer // of read; nil: none yet

	sets   *vk.Sets      // of the two kernels' bindings
	kernel []vk.Dispatch // maps, canvas: with bindings and set
}

// space is a buffer that grows.
type space struct{ buffer *vk.Buffer }

func (s *space) size() int64 {
	if s.buffer == nil {
		return 0
	}
	return s.buffer.Size()
}

func newObjects(dev *prove.Device) (g *objects, err error) {
	g = &objects{dev: dev.VK, limit: dev.Limits.MaxStorageRange}
	defer func() {
		if err != nil {
			g.destroy()
			g = nil
		}
	}()
	if g.maps, err = g.pipeline("view/maps"); err != nil {
		return g, err
	}
	if g.canvas, err = g.pipeline("view/canvas"); err != nil {
		return g, err
	}
	g.fence, err = g.dev.NewFence()
	return g, err
}

func (g *objects) pipeline(name string) (*vk.Pipeline, error) {
	v, err := shaders.Lookup(name)
	if err != nil {
		return nil, err
	}
	code, err := shaders.SPIRV(name)
	if err != nil {
		return nil, err
	}
	p, err := g.dev.NewPipeline(vk.PipelineInfo{Code: code, Slots: make([]vk.SlotKind, len(v.Kernel.Bindings)), PushBytes: 4 * len(v.Kernel.Push), Spec: []uint32{lanes}}, nil)
	if err != nil {
		return nil, fmt.Errorf("kernel %s: %w", name, err)
	}
	return p, nil
}

// spaces are the buffers that grow with a scene, in the order of grow's sizes.
func (g *objects) spaces() []*space { return []*space{&g.scene, &g.raw, &g.shown, &g.picture} }

// grow makes buffers of at least these sizes, in bytes: of scene, raw, shown and picture,
// and of what comes back.
func (g *objects) grow(sizes []int64, back int64) error {
	fits := g.sets != nil && g.down.Size() >= back // sets are made last
	for i, s := range g.spaces() {
		fits = fits && s.size() >= sizes[i]
	}
	if fits {
		return nil
	}
	g.dropSets()
	for i, s := range g.spaces() {
		want := max(sizes[i], 1<<12)
		if s.size() >= want {
			continue
		}
		want = min(want+want/4+255, max(want, g.limit)) &^ 255
		if want < sizes[i] || want > g.limit {
			return g.tooLarge(sizes[i])
		}
		free(&s.buffer)
		if s == &g.scene {
			free(&g.up)
		}
		var err error
		if s.buffer, err = g.dev.NewBuffer(want, vk.Local); err != nil {
			return err
		}
	}
	var err error
	if g.up == nil {
		if g.up, err = g.dev.NewBuffer(g.scene.size(), vk.Upload); err != nil {
			return err
		}
	}
	if g.down == nil || g.down.Size() < back {
		free(&g.down)
		if g.down, err = g.dev.NewBuffer(max(back, 256), vk.Readback); err != nil {
			return err
		}
	}
	return g.bind()
}

// tooLarge refuses a buffer that can't be bound.
func (g *objects) tooLarge(bytes int64) error {
	return fmt.Errorf("window: the picture needs a buffer of %d bytes, and %s binds %d at most: make the window smaller", bytes, g.dev.Name, g.limit)
}

// bind writes the descriptor sets.
func (g *objects) bind() error {
	all := func(s space) vk.Binding { return vk.Binding{Buffer: s.buffer, Size: s.size()} }
	g.kernel = []vk.Dispatch{
		{Pipeline: g.maps, Bindings: []vk.Binding{all(g.raw), all(g.scene), all(g.shown)}},
		{Pipeline: g.canvas, Bindings: []vk.Binding{all(g.scene), all(g.shown), all(g.picture)}},
	}
	sets, err := g.dev.NewSets(g.kernel)
	if err == nil {
		g.sets = sets
	}
	return err
}

func (g *objects) dropSets() {
	if g.sets != nil {
		g.sets.Destroy()
		g.sets = nil
	}
}

// free destroys a buffer that may not be there.
func free(b **vk.Buffer) {
	if *b != nil {
		(*b).Destroy()
		*b = nil
	}
}

func (g *objects) destroy() {
	g.dropSets()
	for _, b := range []**vk.Buffer{&g.up, &g.scene.buffer, &g.raw.buffer, &g.shown.buffer, &g.picture.buffer, &g.down, &g.back} {
		free(b)
	}
	for _, p := range []*vk.Pipeline{g.maps, g.canvas} {
		if p != nil {
			p.Destroy()
		}
	}
	if g.fence != nil {
		g.fence.Destroy()
	}
}

// held are tensors that are kept from being freed.
type held []*run.Held

func (h held) release() {
	for _, t := range h {
		t.Release()
	}
}

// bring adds the copies of rows of tensors.
func (g *objects) bring(r *vk.Recording, rows []Row, elements int) (h held, err error) {
	for i, row := range rows {
		t := row.Tensor.Inside(inside.Key{})
		if err := t.Hold(); err != nil {
			return h, err
		}
		h = append(h, t)
		if !t.On(g.dev) {
			return h, errors.New("window: a map is on another device than the canvas")
		}
		copies, err := t.Row(row.Row, row.From, elements, g.raw.buffer, 4*int64(i*elements))
		if err != nil {
			return h, err
		}
		r.CopyIn = append(r.CopyIn, copies...)
	}
	return h, nil
}

// dispatch adds the kernels' dispatches: the maps, then the tiles, which don't overlap.
func (g *objects) dispatch(r *vk.Recording, p *packing, table uint32, elements int) {
	if n := len(p.maps); n > 0 {
		d := g.kernel[0]
		d.Push, d.Grid = []uint32{uint32(elements), table}, [3]int{n, 1, 1}
		r.Untimed = append(r.Untimed, d)
		for i := range n {
			r.CopyOut = append(r.CopyOut, vk.Copy{From: g.shown.buffer, FromAt: 4 * int64(i*(2+elements)), To: g.down, ToAt: 8 * int64(i), Size: 8})
		}
	}
	for i, push := range p.tiles {
		d := g.kernel[1]
		d.Push, d.Grid, d.Barrier = push, [3]int{(int(push[4]) + lanes - 1) / lanes, int(push[5]), 1}, i == 0
		r.Untimed = append(r.Untimed, d)
	}
}

// ranges are the least and largest values that came back, by tile.
func (g *objects) ranges(s *Scene, p *packing) [][2]float32 {
	list := make([][2]float32, len(p.shown))
	for i, m := range p.shown {
		if m < 0 {
			continue
		}
		for k := range list[i] {
			list[i][k] = math.Float32frombits(binary.LittleEndian.Uint32(g.down.Bytes()[8*m+4*k:]))
		}
		if s.Tiles[i].Zero {
			most := max(-list[i][0], list[i][0], -list[i][1], list[i][1])
			list[i] = [2]float32{-most, most}
		}
	}
	return list
}

// run executes a recording and waits.
func (g *objects) run(r vk.Recording) error { return run.Submit(g.dev, r, &g.fence) }

// read copies the picture to the host.
func (g *objects) read(to []byte) (err error) {
	size := int64(len(to))
	if g.back == nil || g.back.Size() < size {
		free(&g.back)
		if g.back, err = g.dev.NewBuffer(size, vk.Readback); err != nil {
			return err
		}
	}
	if err := g.run(vk.Recording{CopyOut: []vk.Copy{{From: g.picture.buffer, To: g.back, Size: size}}}); err != nil {
		return err
	}
	copy(to, g.back.Bytes())
	return nil
}
