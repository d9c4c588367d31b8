package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/crate-vk/crate-vk/cmd/internal/outputs"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/loader/picture"
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

// record is what results.jsonl tells of an image. Strings that are no UTF-8
// have \xNN for each such byte, and the bytes themselves in path_bytes.
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
	finish  func(f *outputs.Folder, j *outputs.Journal, paths []string) error // files of the whole run; may be nil
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
			return usage(err)
		}
		return err
	}
	defer r.folder.Close()
	if r.journal, err = outputs.OpenJournal(r.folder, r.header, r.source.overwrite); err != nil {
		if errors.Is(err, outputs.ErrOtherRun) {
			return usage(fmt.Errorf("%w (use --overwrite to throw it away, or another --out)", err))
		}
		return err
	}
	finished := false
	defer func() {
		if !finished {
			if e := r.journal.Close(); err == nil {
				err = e
			}
		}
	}()
	c := &collector[T]{r: r, ctx: ctx, total: len(list)}
	source := slices.Values(list)
	if stream {
		source = arriving(r.app, c.fail)
	}
	if err := c.consume(source); err != nil {
		return err
	}
	var paths []string
	if !stream {
		for _, t := range list {
			paths = append(paths, printable(t.rel))
		}
	} else {
		paths = c.arrived
	}
	if r.finish != nil {
		if err := r.finish(r.folder, r.journal, paths); err != nil {
			return err
		}
	}
	finished = true
	if err := r.journal.Finish(paths); err != nil {
		return err
	}
	if c.failed > 0 {
		return &codedError{exitInputs, fmt.Errorf("%d of %d images failed", c.failed, c.seen)}
	}
	return nil
}

// collector takes the stream's items, encodes them on all cores and records
// what was written.
type collector[T any] struct {
	r     *folderRun[T]
	ctx   context.Context
	total int

	mu      sync.Mutex
	err     error
	seen    int
	failed  int
	arrived []string
	bar     *progress
}

func (c *collector[T]) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
}

func (c *collector[T]) broken() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// work is a finished image on its way to disk.
type work[T any] struct {
	task task
	sha  string
	item engine.Item[T]
}

func (c *collector[T]) consume(source iter.Seq[task]) error {
	c.bar = newProgress(c.r.err, c.total)
	defer c.bar.finish()
	inputs := c.inputs(source)
	if c.r.read.Joint() {
		wanted := slices.Collect(inputs)
		if n := len(wanted); n > 0 && n != c.total {
			return fmt.Errorf("some outputs of this run are missing, and each depends on all images: use --overwrite to make all of them again")
		}
		inputs = slices.Values(wanted)
	}
	jobs := make(chan work[T])
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for w := range jobs {
				c.finish(w)
			}
		})
	}
	var streamErr error
	under, stop := draining(c.ctx)
	defer stop()
	for item, err := range c.r.read.Stream(under, c.r.model, inputs) {
		if err != nil {
			streamErr = err
			break
		}
		p := item.Input.Data.(pendingTask)
		jobs <- work[T]{p.task, p.sha, item}
		if c.broken() != nil {
			break
		}
	}
	close(jobs)
	wg.Wait()
	if streamErr != nil && !errors.Is(streamErr, context.Canceled) {
		return errors.Join(streamErr, c.err)
	}
	if err := c.ctx.Err(); err != nil {
		return &codedError{exitInterrupted, fmt.Errorf("interrupted: %d images are finished, run again to go on", c.seen-c.failed)}
	}
	return c.err
}

// pendingTask is what an input carries through the engine.
type pendingTask struct {
	task task
	sha  string
}

// inputs offers the images that are not finished yet.
func (c *collector[T]) inputs(source iter.Seq[task]) iter.Seq[engine.Input] {
	return func(yield func(engine.Input) bool) {
		for t := range until(c.ctx, source) {
			sha, err := outputs.HashFile(t.path)
			if err == nil && c.r.journal.Finished(printable(t.rel), sha) {
				c.count(t, nil)
				continue
			}
			if !yield(engine.Input{Name: printable(t.rel), Data: pendingTask{t, sha}, Load: loader(c.ctx, t.path, c.r.decode)}) {
				return
			}
		}
	}
}

// count notes an image that is done, or failed.
func (c *collector[T]) count(t task, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen++
	c.arrived = append(c.arrived, printable(t.rel))
	if err != nil {
		c.failed++
	}
	c.bar.add()
}

// finish writes an image's outputs and its record.
func (c *collector[T]) finish(w work[T]) {
	if c.broken() != nil {
		return
	}
	rec := &record{Entry: outputs.Entry{Path: printable(w.task.rel), SHA256: w.sha}}
	if !utf8.ValidString(w.task.rel) {
		rec.PathBytes = base64.StdEncoding.EncodeToString([]byte(w.task.rel))
	}
	if err := w.item.Err; err != nil {
		c.failedImage(w, rec, err)
		return
	}
	rec.Width, rec.Height = w.item.Frame.ImageWidth, w.item.Frame.ImageHeight
	if f := w.item.Frame; f.Trimmed() {
		rec.Trimmed = fmt.Sprintf("%dx%d of %dx%d", f.TrimmedWidth(), f.TrimmedHeight(), f.Width, f.Height)
		c.r.log.Info(fmt.Sprintf("%s: the right and bottom are trimmed to whole patches: %s px", printable(w.task.rel), rec.Trimmed))
	}
	files, err := c.r.encode(rec, w.task.base, w.item)
	if err == nil {
		err = c.write(rec, w.task.base, files)
	}
	if err == nil {
		err = c.r.journal.Add(rec.Path, rec)
	}
	if err != nil {
		c.fail(fmt.Errorf("writing the outputs of %s: %w", printable(w.task.rel), err))
		return
	}
	c.count(w.task, nil)
	c.print(rec)
}

// write writes files by suffix, in the order of the suffixes.
func (c *collector[T]) write(rec *record, base string, files map[string][]byte) error {
	for _, suffix := range sortedKeys(files) {
		f, err := c.r.folder.Write(base+suffix, files[suffix])
		if err != nil {
			return err
		}
		f.Name = printable(f.Name)
		rec.Outputs = append(rec.Outputs, f)
	}
	return nil
}

func (c *collector[T]) failedImage(w work[T], rec *record, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	var skip *picture.SkipError
	if errors.As(err, &skip) {
		c.r.log.Info(fmt.Sprintf("%s: skipped: %s", printable(w.task.rel), skip.What))
		c.count(w.task, nil)
		return
	}
	rec.Error = err.Error()
	c.r.log.Error(err.Error())
	var bug *picture.BugError
	if errors.As(err, &bug) {
		c.r.log.Error(fmt.Sprintf("this is a bug of the decoder, please report it:\n%s", bug.Stack))
	}
	if err := c.r.journal.Add(rec.Path, rec); err != nil {
		c.fail(err)
	}
	c.count(w.task, err)
	c.print(rec)
}

// print writes a record to standard output, with the time since the start.
func (c *collector[T]) print(rec *record) {
	if !c.r.source.asJSON {
		return
	}
	line, err := json.Marshal(struct {
		*record
		Seconds float64 `json:"seconds_since_start"`
	}{rec, time.Since(c.r.started).Seconds()})
	if err != nil {
		c.fail(err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.r.out.Write(append(line, '\n')); err != nil && c.err == nil {
		c.err = err
	}
}

// printable is a path for messages and JSON: control characters and bytes that
// are no UTF-8 are written as \xNN.
func printable(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); {
		r, n := utf8.DecodeRuneInString(path[i:])
		if r == utf8.RuneError && n == 1 || r < ' ' || r == 0x7f {
			for _, c := range []byte(path[i : i+n]) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		} else {
			b.WriteString(path[i : i+n])
		}
		i += n
	}
	return b.String()
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
