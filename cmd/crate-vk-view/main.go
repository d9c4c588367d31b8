//go:build viewer && cgo

package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"

	"github.com/spf13/pflag"

	"github.com/crate-vk/crate-vk/cmd/internal/viewer"
	"github.com/crate-vk/crate-vk/crate/demo"
	"github.com/crate-vk/crate-vk/engine"
)

const name = "crate-vk-view"

func init() { runtime.LockOSThread() } // window systems want the main thread

func main() {
	if err := tmpRun(); err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
}

func tmpRun() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	device := pflag.String("device", "auto", "")
	via := pflag.String("present", "", "")
	script := pflag.String("script", "", "")
	pflag.Parse()
	files, names, _, err := list(ctx, pflag.Args())
	if err != nil {
		return err
	}
	valid := os.Getenv("CRATE_VK_VALIDATION") == "1"
	d, err := openDisplay(1100, 720, valid)
	if err != nil {
		return err
	}
	defer d.close()
	opts := []engine.Option{engine.WithDevice(*device), engine.WithLogger(slog.Default())}
	if valid {
		opts = append(opts, engine.WithValidation())
	}
	eng, err := engine.Open(ctx, opts...)
	if err != nil {
		return err
	}
	defer eng.Close()
	src, err := engine.OpenModelBytes(demo.Name, demo.Safetensors, engine.ModelOptions{})
	if err != nil {
		return err
	}
	model, err := eng.Load(ctx, src)
	if err != nil {
		return err
	}
	c := model.Config()
	attention, err := engine.AttentionOptions{}.Resolved(&c)
	if err != nil {
		return err
	}
	o := &options{attention: attention, objects: 1, cut: func(layer int) engine.Readout[*engine.Segmentation] {
		return engine.MaskCut(engine.MaskCutOptions{Layer: &layer, Objects: 1})
	}}
	info := viewer.Model{Name: model.Source().Name, Device: eng.Device().Name, Layers: c.Depth, Heads: c.Heads}
	s, err := newSession(newApp(o, model, newLens(model, eng, engine.InputOptions{}), viewer.New(info, names, viewer.DefaultChoice(info)), files))
	if err != nil {
		return err
	}
	w := &windowed{display: d, via: *via}
	if *script != "" {
		f, err := os.Open(*script)
		if err != nil {
			return err
		}
		if w.steps, err = viewer.ParseScript(f); err != nil {
			return err
		}
		w.scripted = true
	}
	return w.run(ctx, s)
}
