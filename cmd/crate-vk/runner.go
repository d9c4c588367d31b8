package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/cmd/internal/outputs"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/loader/picture"
	"github.com/crate-vk/crate-vk/loader/quote"
)

// header is the first record of results.jsonl: what the outputs depend on
// besides the images. A run continues only under an equal header.
type header struct {
	Command string `json:"command"`
	Model   string `json:"model"`
	SHA256  string `json:"model_sha256"`
	Flags   string `json:"flags"`
	Version string `json:"version"`
	Device  string `json:"device"`
	Driver  string `json:"driver"`
	Tuning  string `json:"tuning"`
}

// record is what results.jsonl tells of an image. Where the path could not be
// written as it is (see quote.Escape), path_bytes has its bytes.
type record struct {
	outputs.Entry
	PathBytes string       `json:"path_bytes,omitempty"` // base64
	Width     int          `json:"width,omitempty"`
	Height    int          `json:"height,omitempty"`
	Trimmed   string       `json:"trimmed,omitempty"`
	Masks     []maskRecord `json:"masks,omitempty"`
}

// maskRecord is one mask of an image.
type maskRecord struct {
	Object       int             `json:"object,omitempty"` // 1 … K where there are several
	Head         *int            `json:"head,omitempty"`
	Segmentation json.RawMessage `json:"segmentation"` // COCO RLE
	Box          [4]int          `json:"bbox"`         // x y width height
	Area         int             `json:"area"`
	Score        float64         `json:"score"`          // a confidence, 0 … 1
	Mass         *float64        `json:"mass,omitempty"` // of attention: the share of the map inside
}

// folderRun is a run over images into an output folder.
type folderRun[T any] struct {
	*app
	header  header
	source  *sourceFlags
	decode  picture.Options
	model   *engine.Model
	read    engine.Readout[T]
	encode  func(r *record, base string, item engine.Item[T]) (map[string][]byte, error)
	finish  func(j *outputs.Journal, paths []string) error // files of the whole run; may be nil
	started time.Time

	folder  *outputs.Folder
	journal *outputs.Journal
}

// run computes what is missing and returns the run's outcome as an error with
// an exit code.
func (r *folderRun[T]) run(ctx context.Context, list []task, stream bool) (err error) {
	r.started = time.Now()
	if r.folder, err = outputs.OpenFolder(r.source.out); err != nil {
		if errors.Is(err, outputs.ErrBusy) {
			return cli.Usage(err)
		}
		return err
	}
	defer r.folder.Close()
	finished := false
	if err := r.open(ctx, list); err != nil {
		return err
	}
	defer func() {
		if !finished {
			if e := r.journal.Close(); err == nil {
				err = e
			}
		}
	}()
	c := &collector[T]{r: r, ctx: ctx, total: len(list), stream: stream}
	source := slices.Values(list)
	if stream {
		source = r.source.arriving(ctx, r.app, c.fail)
	}
	if err := c.consume(source); err != nil {
		return err
	}
	var paths []string
	if !stream {
		for _, t := range list {
			paths = append(paths, t.label())
		}
	} else {
		paths = c.arrived
	}
	paths = r.journal.WithEarlier(ctx, paths)
	if r.finish != nil {
		if err := r.finish(r.journal, paths); err != nil {
			return err
		}
	}
	finished = true
	if err := r.journal.Finish(paths); err != nil {
		return err
	}
	return c.outcome()
}

// open opens the journal, and claims the names that the run will write.
func (r *folderRun[T]) open(ctx context.Context, list []task) (err error) {
	opt := outputs.Options{Overwrite: r.source.overwrite, Inputs: r.source.inputNames(list)}
	if r.journal, err = outputs.OpenJournal(ctx, r.folder, r.header, opt); err != nil {
		if errors.Is(err, outputs.ErrOtherRun) {
			return cli.Usage(fmt.Errorf("%w (use --overwrite to throw it away, or another --out)", err))
		}
		return err
	}
	err = r.journal.Claim(r.source.outputNames(list...), r.source.runFiles)
	if err != nil {
		r.journal.Close()
	}
	if foreign := (*outputs.ForeignError)(nil); errors.As(err, &foreign) {
		return cli.Usage(err)
	}
	return err
}

// printable is a path for messages and JSON.
func printable(path string) string { return quote.Escape(path) }

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
