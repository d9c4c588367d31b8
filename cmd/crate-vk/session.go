package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/expert"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// session is a model on an open device.
type session struct {
	*app
	e   *engine.Engine
	m   *engine.Model
	src *engine.ModelSource
}

// load opens the device and loads a model that is already open. The session
// has to be closed, which closes both.
func (a *app) load(ctx context.Context, f *cli.DeviceFlags, src *engine.ModelSource) (*session, error) {
	e, err := f.Open(ctx, a.log)
	if err != nil {
		return nil, err
	}
	a.jobs = f.Jobs
	m, err := e.Load(ctx, src)
	if err != nil {
		e.Close()
		return nil, err
	}
	return &session{a, e, m, src}, nil
}

func (s *session) close() { s.e.Close() }

// header is what a run's outputs depend on; flags are those of the command.
func (s *session) header(command, flags string) header {
	model := s.src.Name
	if s.src.Preset() {
		model += " (random weights)"
	}
	return header{Command: command, Model: model, SHA256: s.src.Hash, Flags: flags + configFlags(s.src), Version: cli.Version(),
		Device: s.e.Device().Name, Driver: s.e.Device().Driver, Tuning: expert.Tuning(s.e)}
}

// sweep goes over images without an output folder.
type sweep[T any] struct {
	*app
	tasks  []task
	coming *sourceFlags // tasks arrive on standard input instead, as these flags say
	quiet  bool         // no progress
	decode picture.Options
	model  *engine.Model
	read   engine.Readout[T]
	// use takes the items in the order of the tasks, those that failed too.
	use func(task, engine.Item[T]) error
}

// run hands all items to use. The error says how many images failed; each of
// them has been named on the log.
func (p *sweep[T]) run(ctx context.Context) error {
	var readErr error
	under, stop := draining(ctx)
	defer stop()
	source := slices.Values(p.tasks)
	if p.coming != nil {
		source = p.coming.arriving(ctx, p.app, func(err error) { readErr = err })
	}
	inputs := func(yield func(engine.Input) bool) {
		for t := range until(ctx, source) {
			pt := &pendingTask{task: t}
			if !yield(engine.Input{Name: t.label(), Data: pt, Load: pt.load(ctx, p.decode)}) {
				return
			}
		}
	}
	var bar *progress
	if !p.quiet {
		bar = p.app.progress(len(p.tasks))
		defer bar.finish()
	}
	failed, seen := 0, 0
	for item, err := range p.read.Stream(under, p.model, inputs) {
		if err != nil {
			return err
		}
		if ctx.Err() != nil && errors.Is(item.Err, context.Canceled) {
			continue // not taken any more
		}
		seen++
		if item.Err != nil {
			failed++
			p.failed(item.Input.Name, item.Err)
		}
		if err := p.use(item.Input.Data.(*pendingTask).task, item); err != nil {
			return err
		}
		if bar != nil {
			bar.add()
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if readErr != nil {
		return readErr
	}
	if failed += p.unusable; failed > 0 {
		return cli.Coded(cli.ExitInputs, fmt.Errorf("%d of %d images failed", failed, seen+p.unusable))
	}
	return nil
}

// failed tells what is wrong with an image.
func (a *app) failed(name string, err error) {
	var skip *picture.SkipError
	if errors.As(err, &skip) {
		a.log.Error(fmt.Sprintf("%s: skipped: %s", name, skip.What))
		return
	}
	a.log.Error(err.Error())
	var bug *picture.BugError
	if errors.As(err, &bug) {
		a.log.Error(fmt.Sprintf("this is a bug of the decoder, please report it:\n%s", bug.Stack))
	}
}

// partly reports that a sweep ended, with images that failed: its results hold
// for the others.
func partly(err error) bool {
	var coded *cli.CodedError
	return errors.As(err, &coded) && coded.Code == cli.ExitInputs
}
