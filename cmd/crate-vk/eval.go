package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/cmd/internal/eval"
)

func (a *app) eval() *cobra.Command {
	c := &cobra.Command{
		Use:   "eval masks|voc|coco",
		Short: "Score masks against what is there",
		Long: `eval scores a model's masks, or masks that were made before, against the truth:

  masks  any folder of images and one of true masks: Jaccard, precision, recall
  voc    PASCAL VOC: Jaccard by class of the best head, as the papers report it
  coco   COCO: class-agnostic AP and AR of MaskCut's boxes and masks`,
		Args: cli.UnknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, sub := range []*cobra.Command{a.evalMasks(), a.evalVOC(), a.evalCOCO()} {
		sub.Flags().SortFlags = false
		c.AddCommand(sub)
	}
	return c
}

// evalFlags are those that all scorers have.
type evalFlags struct {
	model  cli.ModelFlags
	device cli.DeviceFlags
	input  cli.InputFlags
	truth  string
	asJSON bool
	limit  int
}

func (f *evalFlags) register(s *pflag.FlagSet, truth string) {
	s.StringVar(&f.truth, "truth", "", truth)
	s.BoolVar(&f.asJSON, "json", false, "print JSON instead of the table")
	f.model.Register(s, true)
}

func (f *evalFlags) registerRun(s *pflag.FlagSet) {
	f.input.Register(s)
	f.device.RegisterJobs(s)
	f.device.Register(s)
}

func (f *evalFlags) check() error {
	if f.truth == "" {
		return cli.Usage(fmt.Errorf("--truth is missing: name what is to be compared with"))
	}
	if f.limit < 0 {
		return cli.Usage(fmt.Errorf("--limit is %d, want a number of images, or 0 for all", f.limit))
	}
	return nil
}

// loadFor opens and loads the model that is scored.
func (a *app) loadFor(ctx context.Context, f *evalFlags) (*session, error) {
	src, err := f.model.Open(a.log)
	if err != nil {
		return nil, err
	}
	return a.load(ctx, &f.device, src)
}

// scores is what a scorer gives.
type scores interface {
	WriteTable(io.Writer) error
}

// evalReport is what eval --json prints.
type evalReport struct {
	Truth    string `json:"truth"`
	Model    string `json:"model,omitempty"`
	SHA256   string `json:"model_sha256,omitempty"`
	Device   string `json:"device,omitempty"`
	Driver   string `json:"driver,omitempty"`
	Settings string `json:"settings"`
	Version  string `json:"version"`
	Scores   scores `json:"scores"`
}

// print writes the report; settings says in a line what was scored.
func (a *app) print(f *evalFlags, s *session, settings string, result scores) error {
	r := evalReport{Truth: printable(f.truth), Settings: settings, Version: cli.Version(), Scores: result}
	if s != nil {
		r.Model, r.SHA256, r.Device, r.Driver = s.src.Name, s.src.Hash, s.e.Device().Name, s.e.Device().Driver
	}
	if f.asJSON {
		return writeJSON(a.out, r)
	}
	if s != nil {
		fmt.Fprintf(a.out, "%s on %s\n", r.Model, r.Device)
	}
	fmt.Fprintf(a.out, "%s\n\n", settings)
	return result.WriteTable(a.out)
}

// stem is an image's name without extension, with slashes.
func stem(rel string) string {
	return filepath.ToSlash(strings.TrimSuffix(rel, filepath.Ext(rel)))
}

// truthFiles are the masks of a folder by stem; none without a folder.
func truthFiles(ctx context.Context, dir string) (map[string]eval.MaskFile, error) {
	if dir == "" {
		return nil, nil
	}
	list, err := eval.MaskFolder(ctx, dir)
	if err != nil {
		return nil, cli.Usage(err)
	}
	if len(list) == 0 {
		if err := eval.NoPNG(dir); err != nil {
			return nil, cli.Usage(err)
		}
		return nil, cli.Usage(fmt.Errorf("--truth %s: has no PNG", printable(dir)))
	}
	found := map[string]eval.MaskFile{}
	for _, m := range list {
		if other, ok := found[m.Stem]; ok {
			return nil, cli.Usage(fmt.Errorf("%s and %s are masks of the same image, want one", printable(other.Path), printable(m.Path)))
		}
		found[m.Stem] = m
	}
	return found, nil
}
