// Folder writes a mask beside the name of each picture below a folder:
//
//	folder -out masks photos
//
// photos/a/b.jpg becomes masks/a/b.jpg.png. A picture that fails is told of and
// does not end the run.
package main

import (
	"context"
	"flag"
	"fmt"
	"image/png"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"example.com/embed/setup"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/loader/picture"
)

func main() {
	flags := setup.New()
	out := flag.String("out", "masks", "folder to write to")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: folder [-out masks] photos")
		os.Exit(2)
	}
	// The first Ctrl-C ends the stream, a second one the process.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop)
	s, err := run(ctx, flags, flag.Arg(0), *out)
	fmt.Println(s)
	if err != nil {
		slog.Error("the run ended early", "reason", err)
	}
	if err != nil || s.failed > 0 {
		os.Exit(1)
	}
}

// summary is what has become of the pictures.
type summary struct {
	masks, failed int
	covered       float64 // sum of the masks' shares of their pictures
	took          time.Duration
}

func (s summary) String() string {
	return fmt.Sprintf("%d masks, %d pictures failed, %.1f s; the objects cover %.0f %% of their pictures",
		s.masks, s.failed, s.took.Seconds(), 100*s.covered/float64(max(s.masks, 1)))
}

func run(ctx context.Context, flags *setup.Flags, photos, out string) (s summary, err error) {
	eng, model, err := flags.Open(ctx)
	if err != nil {
		return s, err
	}
	defer eng.Close()

	start := time.Now()
	defer func() { s.took = time.Since(start) }()
	var walking error
	segment := engine.Attention(engine.AttentionOptions{})
	for item, err := range segment.Stream(ctx, model, pictures(photos, out, &walking)) {
		if err != nil { // the whole stream: Ctrl-C, a device that was lost
			return s, err
		}
		target := item.Input.Data.(string)
		if item.Err == nil {
			item.Err = write(target, item.Value.Objects[0])
		}
		if item.Err != nil {
			s.failed++
			slog.Warn("no mask", "picture", item.Input.Name, "reason", item.Err)
			continue
		}
		mask := item.Value.Objects[0].Mask
		s.masks++
		s.covered += float64(mask.Area()) / float64(mask.Width*mask.Height)
	}
	return s, walking
}

// pictures are the files below a folder. The stream takes them as it needs them
// and decodes several at a time; Data comes back with the item.
func pictures(photos, out string, failed *error) iter.Seq[engine.Input] {
	return func(yield func(engine.Input) bool) {
		*failed = filepath.WalkDir(photos, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			rel, err := filepath.Rel(photos, path)
			if err != nil {
				return err
			}
			load := func(ctx context.Context) (*picture.RGB, error) {
				img, _, err := picture.DecodeFile(ctx, path, picture.Options{MaxPixels: 50_000_000})
				return img, err
			}
			if !yield(engine.Input{Name: path, Data: filepath.Join(out, rel+".png"), Load: load}) {
				return fs.SkipAll
			}
			return nil
		})
	}
}

// write writes a mask that is complete or not there.
func write(target string, o engine.Object) error {
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(target), "*.part")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // nothing, once it is renamed
	err = png.Encode(f, o.Mask)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), target)
}
