//go:build viewer && cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/expert"
	"github.com/crate-vk/crate-vk/engine/window"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// modelReader reads a model: of an image the attention and the keys of its layers, which stay on the
// device, and of these the maps that the window shows.
type modelReader struct {
	eng    *engine.Engine
	model  *engine.Model
	config crate.Config
	input  engine.InputOptions
	room   int64 // bytes that the tensors of an image may take, where more than one layer is kept

	mu       sync.Mutex
	programs map[programKey]*engine.Program // of the model
	compare  map[int]*engine.Program        // of keys, by patches
}

type programKey struct{ height, width, layer int } // layer −1: all layers at once

// keptPrograms is for how many sizes of images and layers programs are kept.
const keptPrograms = 24

func newModelReader(model *engine.Model, eng *engine.Engine, input engine.InputOptions) *modelReader {
	room := min(max(eng.Device().Memory/8, 256<<20), 2<<30)
	return &modelReader{eng: eng, model: model, config: model.Config(), input: input, room: room,
		programs: map[programKey]*engine.Program{}, compare: map[int]*engine.Program{}}
}

// layer is what one layer makes of an image.
type layer struct {
	attention *engine.DeviceTensor // [1 h n n]: the maps of every token, after the softmax
	keys      *engine.DeviceTensor // [1 n h·p]
}

// preparedImage is an image as the model sees it.
type preparedImage struct {
	request engine.Request // with other outputs
	frame   readout.Frame
	pixels  []byte

	mu       sync.Mutex
	layers   map[int]layer
	closings int // how often close was called
}

// prepare makes the model's input of an image.
func (l *modelReader) prepare(ctx context.Context, img *picture.RGB) (*preparedImage, error) {
	keys := engine.FeaturesOf(engine.FeatureOptions{InputOptions: l.input, Layers: []int{0}, Facets: []crate.Facet{crate.FacetKey}})
	request, pixels, frame, err := expert.Prepare(ctx, keys, l.model, img)
	if err != nil {
		return nil, err
	}
	return &preparedImage{request: request, frame: frame, pixels: pixels, layers: map[int]layer{}}, nil
}

// tokens of an image: the prefix and the patches.
func (l *modelReader) tokens(f readout.Frame) int { return l.config.Prefix + f.Rows*f.Columns }

// atOnce says that all layers of an image are computed and kept together.
func (l *modelReader) atOnce(f readout.Frame) bool {
	n := int64(l.tokens(f))
	return 4*n*(n*int64(l.config.Heads)+int64(l.config.Inner))*int64(l.config.Depth) <= l.room
}

// layer is what a layer makes of an image, if it is there.
func (s *preparedImage) layer(k int) (layer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.layers[k]
	return t, ok
}

// close frees the image's tensors, and those that are being computed when they are there. What
// is computed from now on is kept again.
func (s *preparedImage) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.layers {
		t.close()
	}
	clear(s.layers)
	s.closings++
}

func (t layer) close() {
	t.attention.Close()
	t.keys.Close()
}

// version is how often the image was closed.
func (s *preparedImage) version() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closings
}

// keep takes layers that were computed since a version. If the image was closed meanwhile,
// they are closed too: nobody would.
func (s *preparedImage) keep(layers []int, tensors map[string]*engine.DeviceTensor, version int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range layers {
		t := layer{tensors[attentionOf(k)], tensors[keysOf(k)]}
		if s.closings != version {
			t.close()
			continue
		}
		s.layers[k] = t
	}
}

// compute runs the model as far as a layer, or through all of them where they have room, and
// says how long that took.
func (l *modelReader) compute(ctx context.Context, s *preparedImage, k int) (took time.Duration, err error) {
	if _, ok := s.layer(k); ok {
		return 0, nil
	}
	p, layers, err := l.program(ctx, s, k)
	if err != nil {
		return 0, err
	}
	if len(layers) == 1 {
		s.close() // one layer has room
	}
	version, started := s.version(), time.Now()
	out, err := p.Run(ctx, engine.Inputs{crate.InputName: s.pixels})
	if err != nil {
		return 0, err
	}
	s.keep(layers, out.Device, version)
	return time.Since(started), nil
}

func attentionOf(layer int) string { return fmt.Sprintf("attention.%d", layer) }
func keysOf(layer int) string      { return fmt.Sprintf("key.%d", layer) }

// program is the model's for images of a size, and the layers that it computes.
func (l *modelReader) program(ctx context.Context, s *preparedImage, k int) (*engine.Program, []int, error) {
	layers, key, request := []int{k}, programKey{s.request.Height, s.request.Width, k}, s.request
	if l.atOnce(s.frame) {
		key.layer, layers = -1, nil
		for k := range l.config.Depth {
			layers = append(layers, k)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.programs[key]; p != nil {
		return p, layers, nil
	}
	forget(l.programs)
	request.Outputs = nil
	for _, k := range layers {
		request.Outputs = append(request.Outputs, attentionOf(k), keysOf(k))
	}
	p, err := l.model.Compile(ctx, request, engine.CompileOptions{Keep: request.Outputs})
	if err == nil {
		l.programs[key] = p
	}
	return p, layers, err
}

// forget closes all programs when there are too many: they are compiled again when they are
// wanted.
func forget[K comparable](list map[K]*engine.Program) {
	if len(list) < keptPrograms {
		return
	}
	for _, p := range list {
		p.Close()
	}
	clear(list)
}

// attention is the map of what a token attends to, by a head, or by the mean of all with −1.
// Token 0 is the class token of a model that has one; patch k is token prefix + k.
func (l *modelReader) attention(t layer, f readout.Frame, head, token int) window.Map {
	n := l.tokens(f)
	row := func(h int) window.Row {
		return window.Row{Tensor: t.attention, Row: h*n + token, From: l.config.Prefix}
	}
	if head >= 0 {
		return window.Map{row(head)}
	}
	var all window.Map
	for h := range l.config.Heads {
		all = append(all, row(h))
	}
	return all
}

// likeness is how alike the keys of all patches are to the key of one: cosines.
type likeness struct {
	heads *engine.DeviceTensor // [1 h N], of each head's part of the keys
	whole *engine.DeviceTensor // [1 1 N], of the whole keys
}

func (x *likeness) close() {
	if x != nil {
		x.heads.Close()
		x.whole.Close()
	}
}

// of is the map of a head, or with −1 that of the whole keys.
func (x *likeness) of(head int) window.Map {
	if head < 0 {
		return window.Map{{Tensor: x.whole}}
	}
	return window.Map{{Tensor: x.heads, Row: head}}
}

// likeness compares the keys of a layer with that of a patch, on the device.
func (l *modelReader) likeness(ctx context.Context, t layer, f readout.Frame, patch int) (*likeness, error) {
	patches := f.Rows * f.Columns
	p, err := l.comparison(ctx, t.keys.Type(), patches)
	if err != nil {
		return nil, err
	}
	which := make([]float32, l.config.Heads*patches)
	for h := range l.config.Heads {
		which[h*patches+patch] = 1
	}
	out, err := p.Run(ctx, engine.Inputs{"keys": t.keys, "which": which, "one": which[:patches]})
	if err != nil {
		return nil, err
	}
	return &likeness{heads: out.Device["heads"], whole: out.Device["whole"]}, nil
}

// comparison is the program of likeness.
func (l *modelReader) comparison(ctx context.Context, keys graph.Type, patches int) (*engine.Program, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.compare[patches]; p != nil {
		return p, nil
	}
	forget(l.compare)
	heads, inner := l.config.Heads, l.config.Inner
	g, err := cosines(keys, l.config.Prefix, patches, heads)
	if err != nil {
		return nil, err
	}
	own := func(name string) ([]float64, error) {
		if name != "own" {
			return nil, errors.New("there is none of that name")
		}
		return ownChannels(heads, inner), nil
	}
	p, err := l.eng.Compile(ctx, g, own, engine.CompileOptions{Keep: []string{"heads", "whole"}})
	if err == nil {
		l.compare[patches] = p
	}
	return p, err
}

// cosines is the graph: beside each line what it would be in PyTorch, with keys [n h·p].
func cosines(keys graph.Type, prefix, patches, h int) (*graph.Graph, error) {
	b := graph.NewBuilder("likeness of keys")
	x := b.Input("keys", keys)
	which := b.Input("which", graph.F32Type("B", 1, "H", h, "N", patches))         // 1 at the patch, else 0
	one := b.Input("one", graph.F32Type("B", 1, "H", 1, "N", patches))             // which[:1]
	own := b.Param("own", graph.F32Type("H", h, "C", keys.Shape.Last()))           // 1 at the channels of head k
	whole := b.Do(graph.OpUnitRows, graph.Attrs{"prefix": prefix}, x)              // F.normalize(keys[prefix:], dim=-1)
	parts := b.Do(graph.OpUnitRows, graph.Attrs{"prefix": prefix, "heads": h}, x)  // the same of each head's channels
	point := b.Do(graph.OpHeadMix, nil, one, whole)                                // one @ whole
	query := b.Do(graph.OpMul, nil, b.Do(graph.OpHeadMix, nil, which, parts), own) // (which @ parts) * own
	b.Output("whole", b.Do(graph.OpHeadScores, nil, whole, point))                 // point @ whole.mT
	b.Output("heads", b.Do(graph.OpHeadScores, nil, parts, query))                 // query @ parts.mT
	return b.Graph()
}

// ownChannels is 1 at the channels of each head, [h h·p].
func ownChannels(h, inner int) []float64 {
	own := make([]float64, h*inner)
	for k := range h {
		for c := range inner / h {
			own[k*inner+k*(inner/h)+c] = 1
		}
	}
	return own
}
