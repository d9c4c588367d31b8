package main

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/cmd/internal/outputs"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/loader/picture"
	"github.com/crate-vk/crate-vk/loader/quote"
)

// collector takes the stream's items, encodes them on all cores and records
// what was written.
type collector[T any] struct {
	r      *folderRun[T]
	ctx    context.Context
	total  int
	stream bool // images come one by one, and their names are claimed so

	mu      sync.Mutex
	err     error
	seen    int // images that are done or failed
	before  int // of these, those that an earlier run had done
	failed  int
	arrived []string
	known   map[string]bool // of arrived
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
	*pendingTask
	item engine.Item[T]
}

func (c *collector[T]) consume(source iter.Seq[task]) error {
	c.bar = c.r.progress(c.total)
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
	for range cmp.Or(c.r.jobs, runtime.GOMAXPROCS(0)) {
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
		jobs <- work[T]{item.Input.Data.(*pendingTask), item}
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
		return cli.Coded(cli.ExitInterrupted, fmt.Errorf("interrupted: %d images are finished, run again to go on", c.seen-c.failed))
	}
	return c.err
}

// pendingTask is what an input carries through the engine.
type pendingTask struct {
	task task
	sha  string // of the bytes that were decoded, once they are
}

// load is what the engine calls for the image, unless the run was interrupted
// before.
func (p *pendingTask) load(run context.Context, opt picture.Options) func(context.Context) (*picture.RGB, error) {
	return func(ctx context.Context) (img *picture.RGB, err error) {
		if err := run.Err(); err != nil {
			return nil, err
		}
		img, p.sha, err = p.task.load(ctx, opt)
		return img, err
	}
}

// inputs offers the images that are not finished yet.
func (c *collector[T]) inputs(source iter.Seq[task]) iter.Seq[engine.Input] {
	return func(yield func(engine.Input) bool) {
		for t := range until(c.ctx, source) {
			if c.done(&t) {
				continue
			}
			p := &pendingTask{task: t}
			if !yield(engine.Input{Name: t.label(), Data: p, Load: p.load(c.ctx, c.r.decode)}) {
				return
			}
		}
	}
}

// done reports, and counts, an image that an earlier run finished.
func (c *collector[T]) done(t *task) bool {
	if !c.r.journal.Recorded(t.label()) {
		return false
	}
	sum, err := t.hash(c.ctx)
	if err != nil || !c.r.journal.Finished(c.ctx, t.label(), sum) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen++
	c.before++
	c.arrive(t)
	c.bar.skip()
	return true
}

// arrive notes an image for results.jsonl.
func (c *collector[T]) arrive(t *task) {
	if c.known == nil {
		c.known = map[string]bool{}
	}
	if !c.known[t.label()] {
		c.known[t.label()] = true
		c.arrived = append(c.arrived, t.label())
	}
}

// count notes an image that is done, or failed.
func (c *collector[T]) count(t *task, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen++
	c.arrive(t)
	if err != nil {
		c.failed++
	}
	c.bar.add()
}

// outcome says how the run ended, and returns it as an error.
func (c *collector[T]) outcome() error {
	failed := c.failed + c.r.unusable
	c.r.log.Info(fmt.Sprintf("%s → %s", summary(c.seen-c.failed, c.before, failed), quote.Path(c.r.source.out)))
	if failed > 0 {
		return cli.Coded(cli.ExitInputs, nil)
	}
	return nil
}

// summary counts the images of a run.
func summary(done, before, failed int) string {
	text := fmt.Sprintf("%d done", done)
	if before > 0 && before < done {
		text += fmt.Sprintf(" (%d of them before)", before)
	}
	if failed > 0 {
		text += fmt.Sprintf(", %d failed", failed)
	}
	if before > 0 && before == done && failed == 0 {
		text = "nothing left to do: " + text
	}
	return text
}

// finish writes an image's outputs and its record.
func (c *collector[T]) finish(w work[T]) {
	if c.broken() != nil {
		return
	}
	rec := &record{Entry: outputs.Entry{Path: w.task.label(), SHA256: w.sha}}
	if raw := quote.Unescape(rec.Path); raw != rec.Path {
		rec.PathBytes = base64.StdEncoding.EncodeToString([]byte(raw))
	}
	if err := w.item.Err; err != nil {
		c.failedImage(w, rec, err)
		return
	}
	rec.Width, rec.Height = w.item.Frame.ImageWidth, w.item.Frame.ImageHeight
	if f := w.item.Frame; f.Trimmed() {
		rec.Trimmed = fmt.Sprintf("%dx%d of %dx%d", f.TrimmedWidth(), f.TrimmedHeight(), f.Width, f.Height)
		c.r.log.Info(fmt.Sprintf("%s: the right and bottom are trimmed to whole patches: %s px", w.task.label(), rec.Trimmed))
	}
	if err := c.claim(&w.task); err != nil {
		c.failedImage(w, rec, err)
		return
	}
	files, err := c.r.encode(rec, w.task.base, w.item)
	if err == nil {
		err = c.write(rec, w.task.base, files)
	}
	if err == nil {
		err = c.r.journal.Add(rec.Path, rec)
	}
	if err != nil {
		c.fail(fmt.Errorf("writing the outputs of %s: %w", w.task.label(), err))
		return
	}
	c.count(&w.task, nil)
	c.print(rec)
}

// claim claims the names of an image that nobody knew of when the run began.
func (c *collector[T]) claim(t *task) error {
	if !c.stream {
		return nil
	}
	return c.r.journal.Claim(c.r.source.outputNames(*t), nil)
}

// write writes files by suffix, in the order of the suffixes.
func (c *collector[T]) write(rec *record, base string, files map[string][]byte) error {
	for _, suffix := range sortedKeys(files) {
		f, err := c.r.journal.Write(filepath.ToSlash(base)+suffix, files[suffix])
		if err != nil {
			return err
		}
		rec.Outputs = append(rec.Outputs, f)
	}
	return nil
}

func (c *collector[T]) failedImage(w work[T], rec *record, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	c.r.app.failed(w.task.label(), err)
	rec.Error = err.Error()
	if err := c.r.journal.Add(rec.Path, rec); err != nil {
		c.fail(err)
	}
	c.count(&w.task, err)
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
