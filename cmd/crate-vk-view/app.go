//go:build viewer && cgo

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"sync"
	"time"

	"github.com/crate-vk/crate-vk/cmd/internal/viewer"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/loader/picture"
	"github.com/crate-vk/crate-vk/loader/quote"
)

// app is what the window shows, and the work behind it. Events change the state; one
// goroutine makes what the state asks for, one draws what there is.
type app struct {
	options *options
	model   *engine.Model
	reader  *modelReader

	mu    sync.Mutex
	ui    *viewer.UI
	paths []string     // of the images
	now   *openedImage // the image; nil until it is read
	mask  *foundMask   // of that image; nil until it is made
	fatal error        // the device is gone for good

	opened func(path string)   // told of each image that is shown; nil: nobody is
	read   map[string]struct{} // paths of all images that were opened

	step         *task // that is under way
	cancel       context.CancelCauseFunc
	wake         chan struct{} // the state asks for something else
	redraw       chan struct{} // there is something else to draw
	idle         chan struct{} // closed, and made anew, whenever nothing is left to be made
	stateVersion int           // versions of what is drawn

	waiting int           // errands that are not done
	errand  string        // the one that is being done, for people
	ran     time.Duration // the model's last run
}

// openedImage is the image that the window shows, or why it can't.
type openedImage struct {
	index    int
	path     string
	picture  *picture.RGB
	prepared *preparedImage
	err      error // it can't be shown
	failed   error // the layer bad could not be computed
	bad      int
	unlike   error // the keys of layer odd could not be compared
	odd      int
	class    *string // what the model takes it for; nil: not asked yet
}

// wrong is why the image, its layer or its mask can't be shown; nil where they can.
func wrong(now *openedImage, mask *foundMask, c viewer.Choice) error {
	switch {
	case now.err != nil:
		return now.err
	case now.failed != nil && now.bad == c.Layer:
		return now.failed
	case c.Show == viewer.ShowKeys && now.unlike != nil && now.odd == c.Layer:
		return now.unlike
	case mask != nil && mask.key == maskOf(c):
		return mask.err
	}
	return nil
}

// errUnwanted ends work that nobody wants any more.
var errUnwanted = errors.New("something else is wanted")

func newApp(o *options, model *engine.Model, l *modelReader, ui *viewer.UI, paths []string) *app {
	return &app{options: o, model: model, reader: l, ui: ui, paths: paths, read: map[string]struct{}{},
		wake: make(chan struct{}, 1), redraw: make(chan struct{}, 1), idle: make(chan struct{})}
}

// poke puts a word into a channel that may have one.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// changed says that the state is another one; mu is held.
func (a *app) changed() {
	a.stateVersion++
	if a.step != nil && !a.step.wanted() {
		a.cancel(errUnwanted)
	}
	poke(a.wake)
	poke(a.redraw)
}

// handle takes an event, and gives back what it asks of the program.
func (a *app) handle(e viewer.Event) []viewer.Action {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.ui.Choice()
	do := a.ui.Handle(e)
	if _, tick := e.(viewer.Tick); !tick || a.ui.Choice() != before {
		a.changed()
	}
	return do
}

// nextTick is how long the film may wait for its next Tick, and whether it plays.
func (a *app) nextTick(now time.Time) (wait time.Duration, playing bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ui.Wake(now)
}

// task is something that the state asks for.
type task struct {
	what   string      // for people
	wanted func() bool // it still is; mu is held
	do     func(ctx context.Context)
}

// work makes what the state asks for until ctx ends: the image, its layer, its mask.
func (a *app) work(ctx context.Context) {
	for ctx.Err() == nil {
		t := a.next()
		if t == nil {
			select {
			case <-a.wake:
			case <-ctx.Done():
			}
			continue
		}
		stepped, cancel := context.WithCancelCause(ctx)
		if a.begin(t, cancel) {
			t.do(stepped)
		}
		cancel(nil)
		a.end()
	}
}

// begin reports false where the task is not wanted any more.
func (a *app) begin(t *task, cancel context.CancelCauseFunc) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.step, a.cancel = t, cancel
	poke(a.redraw)
	return t.wanted()
}

func (a *app) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.step = nil
	a.changed()
}

// next is the next thing to be made: nil where all is there.
func (a *app) next() *task {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, t := range []*task{a.reading(), a.computing(), a.finding(), a.classing()} {
		if t != nil && a.fatal == nil {
			return t
		}
	}
	if a.waiting == 0 {
		close(a.idle) // whoever waits for that
		a.idle = make(chan struct{})
	}
	return nil
}

// current reports that the image is the one that is wanted; mu is held.
func (a *app) current() bool {
	i := a.ui.Image()
	return a.now != nil && i < len(a.paths) && a.now.index == i && a.now.path == a.paths[i]
}

// reading is the task to read the image; mu is held, here and in the following.
func (a *app) reading() *task {
	if len(a.paths) == 0 || a.current() {
		return nil
	}
	index := a.ui.Image()
	path := a.paths[index]
	wanted := func() bool { return a.ui.Image() == index && index < len(a.paths) && a.paths[index] == path }
	return &task{"reading the image", wanted, func(ctx context.Context) { a.open(ctx, index, path) }}
}

// computing is the task to run the model.
func (a *app) computing() *task {
	now, k := a.now, a.ui.Choice().Layer
	if !a.current() || now.err != nil || now.failed != nil && now.bad == k {
		return nil
	}
	if _, ok := now.prepared.layer(k); ok {
		return nil
	}
	what := fmt.Sprintf("computing layer %d", k)
	if a.reader.atOnce(now.prepared.frame) {
		what = "computing all layers"
	}
	wanted := func() bool {
		return a.now == now && a.current() && (a.ui.Choice().Layer == k || a.reader.atOnce(now.prepared.frame))
	}
	return &task{what, wanted, func(ctx context.Context) { a.compute(ctx, now, k) }}
}

// finding is the task to make the mask.
func (a *app) finding() *task {
	now, key := a.now, maskOf(a.ui.Choice())
	if !a.current() || now.err != nil || key.method == viewer.MethodNone || a.mask != nil && a.mask.key == key {
		return nil
	}
	wanted := func() bool { return a.now == now && a.current() && maskOf(a.ui.Choice()) == key }
	return &task{fmt.Sprintf("finding the mask by %s", key.method), wanted, func(ctx context.Context) { a.find(ctx, now, key) }}
}

// classing is the task to classify the image, where the model has classes.
func (a *app) classing() *task {
	now := a.now
	if !a.current() || now.err != nil || now.class != nil || !a.options.classes {
		return nil
	}
	wanted := func() bool { return a.now == now && a.current() }
	return &task{"classifying", wanted, func(ctx context.Context) { a.classify(ctx, now) }}
}

func (a *app) classify(ctx context.Context, s *openedImage) {
	list, err := engine.Classify(engine.ClassifyOptions{InputOptions: a.options.input, Top: 1}).One(ctx, a.model, s.picture)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil && ctx.Err() != nil {
		return
	}
	a.fail(err)
	s.class = new("") // nothing is said where it can't be computed
	if len(list) > 0 {
		*s.class = fmt.Sprintf("%s %.0f %%", cmp.Or(list[0].Name, fmt.Sprintf("class %d", list[0].Index)), 100*list[0].Probability)
	}
}

// open reads an image.
func (a *app) open(ctx context.Context, index int, path string) {
	s := &openedImage{index: index, path: path}
	if s.picture, _, s.err = picture.DecodeFile(ctx, path, a.options.decode); s.err == nil {
		if s.prepared, s.err = a.reader.prepare(ctx, s.picture); s.err != nil {
			s.err = fmt.Errorf("%s: %w", quote.Path(path), s.err)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if ctx.Err() != nil && s.err != nil {
		return // nobody wants it
	}
	if a.now != nil && a.now.prepared != nil {
		a.now.prepared.close()
	}
	a.now, a.mask = s, nil
	a.read[path] = struct{}{}
	if a.opened != nil {
		a.opened(path)
	}
	p := viewer.Picture{}
	if s.err == nil {
		f := s.prepared.frame
		p = viewer.Picture{Width: f.ImageWidth, Height: f.ImageHeight, Rows: f.Rows, Columns: f.Columns,
			Resized: image.Pt(f.Width, f.Height), Seen: image.Pt(f.TrimmedWidth(), f.TrimmedHeight())}
	}
	a.ui.SetPicture(p)
}

// compute runs the model as far as a layer. A device that was lost is opened anew by the
// engine; one that is lost again is gone.
func (a *app) compute(ctx context.Context, s *openedImage, k int) {
	took, err := a.reader.compute(ctx, s.prepared, k)
	a.mu.Lock()
	defer a.mu.Unlock()
	if took > 0 {
		a.ran = took
	}
	if err != nil && ctx.Err() == nil {
		a.fail(err)
		s.failed, s.bad = err, k
	}
}

// fail notes an error that no other image or choice would mend; mu is held.
func (a *app) fail(err error) {
	if errors.Is(err, engine.ErrDeviceLost) || errors.Is(err, engine.ErrLostWork) || errors.Is(err, engine.ErrClosed) {
		a.fatal = err
	}
}

func (a *app) find(ctx context.Context, s *openedImage, key maskKey) {
	f := a.options.find(ctx, a.model, s.picture, key)
	a.mu.Lock()
	defer a.mu.Unlock()
	if f.err != nil && ctx.Err() != nil {
		return
	}
	a.fail(f.err)
	if a.now == s {
		a.mask = f
	}
}

// forget drops what was on a device that is gone, so that it is computed anew.
func (a *app) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.now != nil && a.now.prepared != nil {
		a.now.prepared.close()
	}
	a.changed()
}

// settled waits until everything that the state asks for is made.
func (a *app) settled(ctx context.Context) error {
	for {
		a.mu.Lock()
		idle, fatal := a.idle, a.fatal
		a.mu.Unlock()
		if fatal != nil {
			return fatal
		}
		poke(a.wake) // the worker looks again, and finds nothing
		select {
		case <-idle:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// replace takes other images in the place of those that there are.
func (a *app) replace(paths, names []string, at int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.paths = paths
	if a.now != nil && a.now.prepared != nil {
		a.now.prepared.close()
	}
	a.now, a.mask = nil, nil
	a.ui.SetImages(names, at)
	a.changed()
}
