package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/engine"
)

// classifyFlags of classify.
type classifyFlags struct {
	model  cli.ModelFlags
	device cli.DeviceFlags
	input  cli.InputFlags
	source sourceFlags
	top    int
	labels []string
}

func (a *app) classify() *cobra.Command {
	var f classifyFlags
	c := &cobra.Command{
		Use:   "classify [flags] PATH...",
		Short: "Print the most probable classes of each image",
		Args:  f.source.args,
		RunE:  func(cmd *cobra.Command, args []string) error { return a.runClassify(cmd.Context(), &f, args) },
	}
	s := c.Flags()
	f.model.Register(s, true)
	s.IntVar(&f.top, "top", 5, "print the `K` most probable classes")
	s.StringSliceVar(&f.labels, "labels", nil, "class names, or a `FILE` with one a line; default: the model's own")
	f.source.registerList(s)
	s.BoolVar(&f.source.asJSON, "json", false, "print a JSON line an image")
	f.input.Register(s)
	f.device.RegisterJobs(s)
	f.device.Register(s)
	return c
}

// classRecord is what --json prints of an image.
type classRecord struct {
	Path    string        `json:"path"`
	Classes []classResult `json:"classes,omitempty"`
	Error   string        `json:"error,omitempty"`
}

type classResult struct {
	Index       int     `json:"index"`
	Name        string  `json:"name,omitempty"`
	Probability float64 `json:"probability"`
}

func (a *app) runClassify(ctx context.Context, f *classifyFlags, args []string) error {
	o, err := f.input.Options()
	if err != nil {
		return err
	}
	src, err := f.model.Open(a.log)
	if err != nil {
		return err
	}
	if f.labels != nil {
		if src.Config.Labels, err = readLabels(f.labels); err != nil {
			return err
		}
		if n := src.Config.LogitCount(); len(src.Config.Labels) != n {
			return cli.Usage(fmt.Errorf("--labels has %d names, the model has %d classes", len(src.Config.Labels), n))
		}
	}
	tasks, stream, err := f.source.tasks(ctx, a, args)
	if err != nil {
		return err
	}
	on, err := a.load(ctx, &f.device, src)
	if err != nil {
		return err
	}
	defer on.close()
	p := &sweep[[]engine.Class]{app: a, tasks: tasks, quiet: true, decode: f.input.Decode()}
	if stream {
		p.coming = &f.source
	}
	p.model, p.read = on.m, engine.Classify(engine.ClassifyOptions{InputOptions: o, Top: f.top})
	p.use = func(_ task, item engine.Item[[]engine.Class]) error { return a.printClasses(item, f.source.asJSON) }
	return p.run(ctx)
}

func (a *app) printClasses(item engine.Item[[]engine.Class], asJSON bool) error {
	if asJSON {
		rec := classRecord{Path: item.Input.Name}
		if item.Err != nil {
			rec.Error = item.Err.Error()
		}
		for _, c := range item.Value {
			rec.Classes = append(rec.Classes, classResult{c.Index, c.Name, c.Probability})
		}
		return json.NewEncoder(a.out).Encode(rec)
	}
	if item.Err != nil {
		return nil
	}
	var words []string
	for _, c := range item.Value {
		name := c.Name
		if name == "" {
			name = fmt.Sprint("class ", c.Index)
		}
		words = append(words, fmt.Sprintf("%s %.1f %%", name, 100*c.Probability))
	}
	_, err := fmt.Fprintf(a.out, "%s\t%s\n", item.Input.Name, strings.Join(words, ", "))
	return err
}
