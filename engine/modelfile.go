package engine

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/loader/regular"
	"github.com/crate-vk/crate-vk/loader/weights"
)

// ModelOptions are the choices of OpenModel and OpenModelBytes. The zero value takes
// what the file and a config.json beside it say.
type ModelOptions struct {
	Settings   crate.Settings // they precede what the file says
	ConfigPath string         // a config.json; "" looks for one beside the weights
	Branch     crate.Branch   // of a checkpoint with several networks; "" is the teacher
	Prefix     string         // before the model's names in the file; "" finds it
}

// ModelSource is a model that Load can put on a device: its configuration and
// where its weights come from.
type ModelSource struct {
	Name     string // file name, or preset
	Config   crate.Config
	Hash     string            // SHA-256 of the weight file; a preset's is made from name and seed
	Bytes    int64             // size of the file, 0 for a preset
	Warnings []string          // guesses that the user should know of
	Ignored  []string          // tensors in the file that the model does not need
	DTypes   []string          // element types in the file
	Branch   crate.Branch      // which network was taken, where the file holds several
	Origins  map[string]string // where values of Config come from that the shapes don't tell, by their names in config.json

	params Params
	preset bool
	life   *sourceLife
}

// sourceLife is what the models of a source share.
type sourceLife struct {
	// verify reads all weights and reports the first that is no number, or can't
	// be read; nil where they are known to be fine.
	verify func(ctx context.Context) error
	close  func() error // of the file; nil where there is none

	checking sync.Mutex
	checked  bool

	mu     sync.Mutex
	holds  int // models, and Loads that are under way
	models int
	closed bool // by Close, or with the last model
}

// errSourceClosed is what loading a source gives that is closed.
var errSourceClosed = errors.New("its source is closed: open it again")

// Close releases the file, at once or with the last model that was loaded from
// it. A source that was loaded need not be closed. It may be called twice.
func (m *ModelSource) Close() error {
	if m == nil || m.life == nil {
		return nil
	}
	l := m.life
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	if l.closed = true; l.holds == 0 && l.close != nil {
		return l.close()
	}
	return nil
}

// hold keeps the file open for one more model.
func (m *ModelSource) hold() error {
	l := m.life
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errSourceClosed
	}
	l.holds++
	return nil
}

// loaded says that a model came of a hold.
func (m *ModelSource) loaded() {
	l := m.life
	l.mu.Lock()
	l.models++
	l.mu.Unlock()
}

// release is the end of a model. With the last one the source is closed.
func (m *ModelSource) release() {
	l := m.life
	l.mu.Lock()
	defer l.mu.Unlock()
	l.models--
	l.closed = l.closed || l.models == 0
	l.drop()
}

// leave is the end of a hold of which no model came: the source may be loaded again.
func (m *ModelSource) leave() {
	l := m.life
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop()
}

// drop is the end of a hold. Behind the last one the file of a source that is closed is
// closed, too; mu is held.
func (l *sourceLife) drop() {
	if l.holds--; l.holds == 0 && l.closed && l.close != nil {
		l.close()
	}
}

// check reads all weights, once a source.
func (m *ModelSource) check(ctx context.Context) error {
	l := m.life
	l.checking.Lock()
	defer l.checking.Unlock()
	if l.checked || l.verify == nil {
		return nil
	}
	if err := l.verify(ctx); err != nil {
		return err
	}
	l.checked = true
	return nil
}

// OpenModel opens a safetensors file, the index of a sharded one, or the folder
// of either, and resolves its configuration: options, config.json, metadata, shapes, defaults.
// A file that is no model is a *ModelError.
func OpenModel(path string, opt ModelOptions) (*ModelSource, error) {
	f, err := weights.Open(path)
	if err != nil {
		if looksLikePickle(path) {
			err = errors.New("is a PyTorch checkpoint, which runs only after conversion: crate-vk convert IN OUT.safetensors")
		}
		return nil, modelError(path, err)
	}
	m, err := readModel(f.Path(), f, opt)
	if err != nil {
		f.Close()
		return nil, modelError(path, err)
	}
	return m, nil
}

// looksLikePickle reports a file that begins like a PyTorch checkpoint: a zip
// archive or a pickle.
func looksLikePickle(path string) bool {
	f, _, err := regular.Open(path, regular.Weights)
	if err != nil {
		return false
	}
	defer f.Close()
	var head [4]byte
	n, _ := f.ReadAt(head[:], 0)
	return n == 4 && (string(head[:]) == "PK\x03\x04" || head[0] == 0x80 && head[1] <= 5)
}

// OpenModelBytes is OpenModel for a file that is in memory.
func OpenModelBytes(name string, data []byte, opt ModelOptions) (*ModelSource, error) {
	f, err := weights.OpenBytes(name, data)
	if err != nil {
		return nil, modelError(name, err)
	}
	m, err := readModel("", f, opt)
	if err != nil {
		return nil, modelError(name, err)
	}
	m.Name = name
	return m, nil
}

func readModel(path string, f *weights.File, opt ModelOptions) (*ModelSource, error) {
	switch opt.Branch {
	case "":
		opt.Branch = crate.Teacher
	case crate.Teacher, crate.Student, crate.EMA:
	default:
		return nil, fmt.Errorf("branch %q: want one of %v", opt.Branch, crate.Branches())
	}
	var stored []crate.Stored
	m := &ModelSource{Name: filepath.Base(path), Bytes: f.Size()}
	for _, t := range f.Tensors() {
		stored = append(stored, crate.Stored{Name: t.Name, Shape: t.Shape})
		if d := string(t.DType); !slices.Contains(m.DTypes, d) {
			m.DTypes = append(m.DTypes, d)
		}
	}
	ckpt, err := crate.NewCheckpoint(stored, opt.Branch, opt.Prefix)
	if err != nil {
		return nil, err
	}
	m.Branch = ckpt.Branch()
	beside, err := crate.ReadConfig(path, opt.ConfigPath)
	if err != nil {
		return nil, err
	}
	meta, err := crate.ParseMetadata(f.Metadata())
	if err != nil {
		return nil, err
	}
	sources := []crate.Settings{opt.Settings, beside.Own, meta, beside.Hub}
	if m.Config, m.Warnings, err = crate.Resolve(ckpt, sources...); err != nil {
		return nil, err
	}
	m.Origins = crate.Origins(sources...)
	m.Warnings = append(m.Warnings, beside.Notices...)
	if m.Branch == crate.Raw {
		m.Warnings = append(m.Warnings, "the file holds a model and the moving average of its weights: taking the model (--branch ema for the average)")
	}
	if m.Ignored, err = ckpt.Compare(&m.Config); err != nil {
		return nil, err
	}
	if m.Hash, err = f.Hash(); err != nil {
		return nil, err
	}
	m.life = &sourceLife{close: f.Close, verify: func(ctx context.Context) error { return verifyFile(ctx, f, ckpt, &m.Config) }}
	m.params = func(name string) ([]float64, error) {
		s, ok := ckpt.StoredName(name)
		if !ok {
			return nil, fmt.Errorf("no tensor %q", name)
		}
		return f.ReadF64(s)
	}
	return m, nil
}

// verifyFile reads all tensors of the network that was taken, those too that the model ignores:
// a file in which one is no number was not written as it should have been. Those of the model
// have to be what float32 holds, too.
func verifyFile(ctx context.Context, f *weights.File, ckpt *crate.Checkpoint, config *crate.Config) error {
	needed := map[string]bool{}
	for _, t := range config.Tensors() {
		stored, _ := ckpt.StoredName(t.Name)
		needed[stored] = true
	}
	for _, t := range f.Tensors() {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if !needed[t.Name] && !(ckpt.Holds(t.Name) && t.DType.Float()) {
			continue
		}
		check := f.Check
		if needed[t.Name] {
			check = f.CheckF32
		}
		if err := check(t.Name); err != nil {
			return err
		}
	}
	return nil
}

// Check reads all weights, and reports the first that is no number. Load does so, too, once for
// a source.
func (m *ModelSource) Check(ctx context.Context) error {
	if err := m.hold(); err != nil {
		return modelError(m.Name, err)
	}
	defer m.leave()
	if err := m.check(ctx); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return modelError(m.Name, err)
	}
	return nil
}
