// Package setup is what the programs beside it begin with: flags that say which
// device and which model, and both opened.
package setup

import (
	"context"
	"flag"
	"log/slog"

	"github.com/crate-vk/crate-vk/crate/demo"
	"github.com/crate-vk/crate-vk/engine"
)

// Flags are the flags that all programs have.
type Flags struct {
	device, model, cache string
}

// New declares the flags. Call it before flag.Parse.
func New() *Flags {
	f := &Flags{}
	flag.StringVar(&f.device, "device", "auto", "device: auto, cpu, an index, or a part of its name")
	flag.StringVar(&f.model, "model", "", "safetensors file, or the folder of one; without it a small model that is built in")
	flag.StringVar(&f.cache, "cache", "", "folder that keeps compiled kernels from one run to the next")
	return f
}

// Open opens the device and loads the model. Closing the engine closes both.
func (f *Flags) Open(ctx context.Context, opts ...engine.Option) (*engine.Engine, *engine.Model, error) {
	opts = append(opts, engine.WithDevice(f.device), engine.WithCache(f.cache), engine.WithLogger(slog.Default()))
	eng, err := engine.Open(ctx, opts...)
	if err != nil {
		return nil, nil, err
	}
	model, err := f.load(ctx, eng)
	if err != nil {
		eng.Close()
		return nil, nil, err
	}
	return eng, model, nil
}

func (f *Flags) load(ctx context.Context, eng *engine.Engine) (*engine.Model, error) {
	source, err := f.source()
	if err != nil {
		return nil, err
	}
	for _, w := range source.Warnings { // what the file did not say and was guessed
		slog.Warn(w)
	}
	return eng.Load(ctx, source)
}

func (f *Flags) source() (*engine.ModelSource, error) {
	if f.model == "" {
		return engine.OpenModelBytes(demo.Name, demo.Safetensors, engine.ModelOptions{})
	}
	return engine.OpenModel(f.model, engine.ModelOptions{})
}
