// Graph finds in other pictures what is under a point of the first one, with a
// read-out of its own: a small graph behind the model's keys.
//
//	graph -at 60,70 -out heat fish.png another.jpg      heat/another.jpg.png
//
// The model runs once a picture. Its keys stay on the device, where the graph
// compares them; only the similarities come back, a number a patch.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/png"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"

	"example.com/embed/setup"
	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/loader/picture"
)

func main() {
	flags := setup.New()
	at := flag.String("at", "64,64", "point of the first picture, in pixels of the model's input")
	out := flag.String("out", "", "folder to write heat maps to")
	flag.Parse()
	if flag.NArg() < 2 {
		fmt.Fprintln(os.Stderr, "usage: graph [-at x,y] [-out heat] picture others...")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, flags, *at, *out, flag.Arg(0), flag.Args()[1:]); err != nil {
		slog.Error("nothing was found", "reason", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, flags *setup.Flags, at, out, first string, others []string) error {
	eng, model, err := flags.Open(ctx)
	if err != nil {
		return err
	}
	defer eng.Close() // programs and tensors, too
	f, err := newFinder(ctx, eng, model)
	if err != nil {
		return err
	}
	which, err := f.point(at)
	if err != nil {
		return err
	}
	query, err := f.keysOf(ctx, first)
	if err != nil {
		return err
	}
	defer query.Close()
	for _, path := range others {
		heat, err := f.find(ctx, which, query, path)
		if err != nil {
			return err
		}
		best := slices.Index(heat, slices.Max(heat))
		fmt.Printf("%.2f at %d,%d of %s\n", heat[best], best%f.columns*f.patch, best/f.columns*f.patch, path)
		if out != "" {
			if err := f.paint(filepath.Join(out, filepath.Base(path)+".png"), heat); err != nil {
				return err
			}
		}
	}
	return nil
}

// finder is the model's program and the graph behind it.
type finder struct {
	keys, compare        *engine.Program
	output               string // of keys: that of the last layer
	height, width, patch int
	rows, columns        int // of patches
}

func newFinder(ctx context.Context, eng *engine.Engine, model *engine.Model) (*finder, error) {
	c := model.Config()
	f := &finder{output: fmt.Sprintf("key.%d", c.Depth-1), height: c.ImageSize[0], width: c.ImageSize[1], patch: c.Patch}
	f.rows, f.columns = f.height/f.patch, f.width/f.patch
	var err error
	request := engine.Request{Outputs: []string{f.output}, Height: f.height, Width: f.width, Batch: 1}
	if f.keys, err = model.Compile(ctx, request, engine.CompileOptions{Keep: []string{f.output}}); err != nil {
		return nil, err
	}
	g, err := comparison(f.keys.Outputs()[0].Type, f.rows*f.columns)
	if err != nil {
		return nil, err
	}
	f.compare, err = eng.Compile(ctx, g, nil, engine.CompileOptions{}) // nil: it has no weights
	return f, err
}

// comparison is the graph. Beside each line is what it would be in PyTorch. Keys
// are [1 n d] with a row for the class token first, as the model gives them.
func comparison(keys graph.Type, patches int) (*graph.Graph, error) {
	prefix := graph.Attrs{"prefix": keys.Shape.Sizes()[1] - patches}
	b := graph.NewBuilder("comparison")
	here, there := b.Input("here", keys), b.Input("there", keys)
	which := b.Input("which", graph.F32Type("B", 1, "H", 1, "N", patches)) // 1 at the patch, else 0
	here = b.Do(graph.OpUnitRows, prefix, here)                            // F.normalize(here[:, 1:], dim=-1)
	there = b.Do(graph.OpUnitRows, prefix, there)                          // F.normalize(there[:, 1:], dim=-1)
	query := b.Do(graph.OpHeadMix, nil, which, here)                       // which @ here
	b.Output("cosine", b.Do(graph.OpHeadScores, nil, there, query))        // query @ there.mT
	return b.Graph()
}

// point marks the patch under a point.
func (f *finder) point(at string) ([]float32, error) {
	var x, y int
	if _, err := fmt.Sscanf(at, "%d,%d", &x, &y); err != nil {
		return nil, fmt.Errorf("%q is no point: want x,y", at)
	}
	column, row := x/f.patch, y/f.patch
	if x < 0 || y < 0 || column >= f.columns || row >= f.rows {
		return nil, fmt.Errorf("%s is beside the picture of %d×%d pixels", at, f.width, f.height)
	}
	which := make([]float32, f.rows*f.columns)
	which[row*f.columns+column] = 1
	return which, nil
}

// keysOf runs the model. Its keys stay on the device until they are closed.
func (f *finder) keysOf(ctx context.Context, path string) (*engine.DeviceTensor, error) {
	img, _, err := picture.DecodeFile(ctx, path, picture.Options{})
	if err != nil {
		return nil, err
	}
	small := picture.Resize(img, f.width, f.height, picture.Bilinear)
	out, err := f.keys.Run(ctx, engine.Inputs{crate.InputName: small.Pix})
	if err != nil {
		return nil, err
	}
	return out.Device[f.output], nil
}

// find is how much each patch of a picture is like the one that which marks.
func (f *finder) find(ctx context.Context, which []float32, query *engine.DeviceTensor, path string) ([]float32, error) {
	keys, err := f.keysOf(ctx, path)
	if err != nil {
		return nil, err
	}
	defer keys.Close() // query stays
	out, err := f.compare.Run(ctx, engine.Inputs{"here": query, "which": which, "there": keys})
	if err != nil {
		return nil, err
	}
	return out.Tensors["cosine"].Data, nil
}

// paint writes similarities as a picture: black at 0, white at 1.
func (f *finder) paint(target string, heat []float32) error {
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	small := picture.NewGray(f.columns, f.rows)
	for i, v := range heat {
		small.Pix[i] = uint8(255 * max(0, min(1, v)))
	}
	large := &image.Gray{Pix: picture.ResizeGray(small, f.width, f.height, picture.Bilinear).Pix, Stride: f.width, Rect: image.Rect(0, 0, f.width, f.height)}
	file, err := os.Create(target)
	if err != nil {
		return err
	}
	return errors.Join(png.Encode(file, large), file.Close())
}
