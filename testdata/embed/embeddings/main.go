// Embeddings makes a vector of each picture of a folder and finds those that are
// most alike:
//
//	embeddings -out vectors.npy photos          vectors.npy, and names in vectors.npy.txt
//	embeddings -like fish.png -n 3 photos       the three pictures nearest to fish.png
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"example.com/embed/setup"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/loader/picture"
)

func main() {
	flags := setup.New()
	out := flag.String("out", "", "npy file to write the vectors to")
	like := flag.String("like", "", "picture to find others for")
	n := flag.Int("n", 5, "how many")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: embeddings [-out vectors.npy] [-like picture] photos")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, flags, flag.Arg(0), *out, *like, *n); err != nil {
		slog.Error("no vectors", "reason", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, flags *setup.Flags, photos, out, like string, n int) error {
	eng, model, err := flags.Open(ctx)
	if err != nil {
		return err
	}
	defer eng.Close()
	files, err := filepath.Glob(filepath.Join(photos, "*"))
	if err != nil {
		return err
	}
	names, vectors, err := embed(ctx, model, files)
	if err != nil {
		return err
	}
	slog.Info("embedded", "pictures", len(vectors), "failed", len(files)-len(vectors))
	if out != "" {
		if err := writeNPY(out, vectors); err != nil {
			return err
		}
		if err := os.WriteFile(out+".txt", []byte(strings.Join(names, "\n")+"\n"), 0o644); err != nil {
			return err
		}
	}
	if like == "" {
		return nil
	}
	_, query, err := embed(ctx, model, []string{like})
	if err != nil {
		return err
	}
	if len(query) == 0 {
		return errors.New("there is no vector to compare with")
	}
	for _, m := range nearest(query[0], vectors, n) {
		fmt.Printf("%.3f %s\n", m.cosine, names[m.index])
	}
	return nil
}

// embed makes a vector of length 1 of each file, and leaves out those that fail.
// Only the vectors leave the device: a few hundred numbers a picture.
func embed(ctx context.Context, model *engine.Model, files []string) (names []string, vectors [][]float32, err error) {
	read := engine.Embed(engine.EmbedOptions{})
	for item, err := range read.Stream(ctx, model, engine.Files(files, picture.Options{})) {
		switch {
		case err != nil:
			return nil, nil, err
		case item.Err != nil:
			slog.Warn("no vector", "picture", item.Input.Name, "reason", item.Err)
		default:
			names, vectors = append(names, item.Input.Name), append(vectors, unit(item.Value))
		}
	}
	return names, vectors, nil
}

// unit is a vector scaled to length 1, so that a product of two is their cosine.
func unit(v []float32) []float32 {
	length := math.Sqrt(dot(v, v))
	u := make([]float32, len(v))
	if length == 0 {
		return u
	}
	for i := range v {
		u[i] = float32(float64(v[i]) / length)
	}
	return u
}

func dot(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

// match is a vector of a list, and how near it is.
type match struct {
	index  int
	cosine float64
}

// nearest are the n vectors with the largest cosines.
func nearest(query []float32, vectors [][]float32, n int) []match {
	var all []match
	for i, v := range vectors {
		all = append(all, match{i, dot(query, v)})
	}
	slices.SortStableFunc(all, func(a, b match) int { return cmp.Compare(b.cosine, a.cosine) })
	return all[:min(n, len(all))]
}
