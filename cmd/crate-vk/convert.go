package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/loader/pth"
	"github.com/crate-vk/crate-vk/loader/regular"
	"github.com/crate-vk/crate-vk/loader/weights"
)

func (a *app) convert() *cobra.Command {
	var model cli.ModelFlags
	var overwrite bool
	c := &cobra.Command{
		Use:   "convert [flags] IN OUT.safetensors",
		Short: "Turn a PyTorch checkpoint (.pth) or a safetensors file into one with metadata",
		Long: `convert reads a PyTorch checkpoint, of which it never executes anything, or a
safetensors file, index or folder, strips wrappers and prefixes from the tensor names, and
writes safetensors with crate.* metadata that says what shapes can't: heads, η, λ, ε.
They come from flags, then from a config.json beside IN. Where neither they nor the file
tell the number of heads, there is no conversion: a file with metadata holds no guess.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return cli.Usage(fmt.Errorf("convert: want an input and an output file"))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.runConvert(&model, args[0], args[1], overwrite) },
	}
	model.RegisterSettings(c.Flags())
	c.Flags().StringVar(&model.Config, "config", "", "configuration `FILE`; default: config.json beside IN")
	c.Flags().StringSliceVar(&model.Labels, "labels", nil, "class names, or a `FILE` with one a line")
	c.Flags().BoolVar(&overwrite, "overwrite", false, "replace OUT if it exists")
	return c
}

// checkpoint is what convert reads from: a .pth file or safetensors.
type checkpoint interface {
	Path() string
	Tensors() []weights.Info
	Metadata() map[string]string
	ReadRaw(name string) (weights.Tensor, error)
	Close() error
}

// tensorFile makes a safetensors file a checkpoint.
type tensorFile struct{ *weights.File }

func (f tensorFile) ReadRaw(name string) (weights.Tensor, error) {
	if _, err := f.ReadF64(name); err != nil { // refuses what no model may hold
		return weights.Tensor{}, err
	}
	info, _ := f.Lookup(name)
	raw, err := f.ReadBytes(name)
	return weights.Tensor{Name: name, DType: info.DType, Shape: info.Shape, Raw: raw}, err
}

func openCheckpoint(path string) (checkpoint, error) {
	info, err := os.Stat(path)
	if s := strings.ToLower(path); err == nil && info.IsDir() || strings.HasSuffix(s, ".safetensors") || strings.HasSuffix(s, ".index.json") {
		f, err := weights.Open(path)
		if err != nil {
			return nil, err
		}
		return tensorFile{f}, nil
	}
	return pth.Open(path)
}

func (a *app) runConvert(model *cli.ModelFlags, in, out string, overwrite bool) error {
	if err := cli.NotOver(out, append(model.Files(), in)...); err != nil {
		return err
	}
	if _, err := os.Lstat(out); err == nil && !overwrite {
		return cli.Usage(fmt.Errorf("%s exists: use --overwrite to replace it", out))
	}
	refuse := func(err error) error { return cli.Coded(cli.ExitModel, fmt.Errorf("%s: %w", in, err)) }
	src, err := openCheckpoint(in)
	if err != nil {
		return refuse(err)
	}
	defer src.Close()
	settings, err := model.Settings()
	if err != nil {
		return err
	}
	if settings.Labels, err = readLabels(model.Labels); err != nil {
		return err
	}
	r, err := resolveCheckpoint(src, model, settings)
	if err != nil {
		return refuse(err)
	}
	// Metadata separates class names by commas, and ImageNet's have some.
	for _, name := range r.config.Labels {
		if strings.Contains(name, ",") {
			return cli.Usage(fmt.Errorf("class name %q has a comma, which the file's list of names can't hold: replace it, or keep the names in a config.json beside the converted file", name))
		}
	}
	if err := r.accept(a); err != nil {
		return refuse(err)
	}
	tensors, err := canonicalTensors(src, r.ckpt, &r.config)
	if err != nil {
		return refuse(err)
	}
	if err := writeFile(out, func(w io.Writer) error { return weights.Write(w, tensors, r.metadata()) }); err != nil {
		return err
	}
	a.log.Info(fmt.Sprintf("wrote %s: %s, %d tensors", out, &r.config, len(tensors)))
	return nil
}

// resolved is what is known of a checkpoint.
type resolved struct {
	ckpt     *crate.Checkpoint
	config   crate.Config
	given    crate.Settings // what flags, config.json and metadata say
	origins  map[string]string
	warnings []string // what was taken by default instead
}

// resolveCheckpoint finds out which model the tensors are.
func resolveCheckpoint(src checkpoint, model *cli.ModelFlags, settings crate.Settings) (r resolved, err error) {
	var stored []crate.Stored
	for _, t := range src.Tensors() {
		stored = append(stored, crate.Stored{Name: t.Name, Shape: t.Shape})
	}
	if r.ckpt, err = crate.NewCheckpoint(stored, crate.Branch(model.Branch), model.Prefix); err != nil {
		return r, err
	}
	beside, err := crate.ReadConfig(src.Path(), model.Config)
	if err != nil {
		return r, err
	}
	meta, err := crate.ParseMetadata(src.Metadata())
	if err != nil {
		return r, err
	}
	sources := []crate.Settings{settings, beside.Own, meta, beside.Hub}
	for _, s := range sources {
		r.given = r.given.Or(s)
	}
	r.origins = crate.Origins(sources...)
	r.config, r.warnings, err = crate.Resolve(r.ckpt, sources...)
	r.warnings = append(r.warnings, beside.Notices...)
	return r, err
}

// accept asks for heads that nothing gives: a file with metadata must not hold a
// guess. Then it compares the tensors with what the model needs.
func (r *resolved) accept(a *app) error {
	if r.given.Heads == nil && r.config.OutProjection {
		return fmt.Errorf("the file can't tell how many heads the model has, only that they fill %d rows: give --heads (models of this width have %d)", r.config.Inner, r.config.Heads)
	}
	for _, w := range r.warnings {
		a.log.Warn(w)
	}
	extra, err := r.ckpt.Compare(&r.config)
	if err == nil && len(extra) > 0 {
		a.log.Info(fmt.Sprintf("%d tensors are not needed and left out, such as %s", len(extra), extra[0]))
	}
	return err
}

// metadata is what the file will say of the model. A λ that is a guess stays out, so
// that whoever runs it is told.
func (r *resolved) metadata() map[string]string {
	m := r.config.Metadata()
	if r.given.Lambda == nil && r.config.LambdaVaries() {
		delete(m, "crate.lambda")
	}
	return m
}

// canonicalTensors reads what the model needs, under its canonical names.
func canonicalTensors(src checkpoint, ckpt *crate.Checkpoint, config *crate.Config) ([]weights.Tensor, error) {
	var list []weights.Tensor
	for _, want := range config.Tensors() {
		name, _ := ckpt.StoredName(want.Name)
		t, err := src.ReadRaw(name)
		if err != nil {
			return nil, err
		}
		t.Name = want.Name
		list = append(list, t)
	}
	return list, nil
}

// readLabels takes names, or one file with a name a line.
func readLabels(list []string) ([]string, error) {
	if len(list) != 1 {
		return list, nil
	}
	data, err := regular.Read(context.Background(), list[0], regular.Config)
	if errors.Is(err, fs.ErrNotExist) {
		return list, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for line := range strings.Lines(string(data)) {
		if name := strings.TrimSpace(line); name != "" {
			names = append(names, name)
		}
	}
	return names, nil
}
