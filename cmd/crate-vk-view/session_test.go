//go:build viewer

package main

import (
	"context"
	"image"
	"testing"

	"github.com/crate-vk/crate-vk/cmd/internal/viewer"
	"github.com/crate-vk/crate-vk/crate/demo"
	"github.com/crate-vk/crate-vk/engine"
)

// headless is a session without a window.
func headless(t *testing.T, paths ...string) (*session, context.Context) {
	t.Helper()
	ctx := t.Context()
	eng, err := engine.Open(ctx, engine.WithDevice("llvmpipe"), engine.WithCache(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { eng.Close() })
	src, err := engine.OpenModelBytes(demo.Name, demo.Safetensors, engine.ModelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	model, err := eng.Load(ctx, src)
	if err != nil {
		t.Fatal(err)
	}
	c := model.Config()
	attention, err := engine.AttentionOptions{}.Resolved(&c)
	if err != nil {
		t.Fatal(err)
	}
	o := &options{attention: attention, objects: 1, cut: func(layer int) engine.Readout[*engine.Segmentation] {
		return engine.MaskCut(engine.MaskCutOptions{Layer: &layer, Objects: 1})
	}}
	info := viewer.Model{Name: demo.Name, Device: eng.Device().Name, Layers: c.Depth, Heads: c.Heads}
	choice := viewer.DefaultChoice(info)
	ui := viewer.New(info, paths, choice)
	s, err := newSession(newApp(o, model, newLens(model, eng, engine.InputOptions{}), ui, paths))
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- s.run(running) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s, ctx
}

// offstage plays scripts without a window.
type offstage struct{ s *session }

func (o offstage) feed(e viewer.Event) error    { o.s.handle(e); return nil }
func (o offstage) resize(e viewer.Resize) error { o.s.handle(e); return nil }

func TestTry(t *testing.T) {
	s, ctx := headless(t, "../../testdata/demo/samples/images/01-fish.png")
	for i, e := range []viewer.Event{viewer.Resize{Width: 1100, Height: 720, Scale: 1}, viewer.Key{Name: "1"}, viewer.Key{Name: "3"}, viewer.Key{Name: "k"}, viewer.Key{Name: "?"}} {
		s.handle(e)
		if i == 1 {
			s.playOne(ctx, viewer.Patch{Row: 7, Column: 8}, offstage{s})
		}
		if err := s.shownAll(ctx); err != nil {
			t.Fatal(err)
		}
		if err := s.saveShot(ctx, "/tmp/w/shot"+string(rune('0'+i))+".png"); err != nil {
			t.Fatal(err)
		}
	}
	_ = image.Rect
}
