package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/loader/weights"
)

// ModelOptions of OpenModel and Preset.
type ModelOptions struct {
	Settings   crate.Settings // from flags: they precede every other source
	ConfigPath string         // a config.json; "" looks for one beside the weights
	Branch     crate.Branch   // of a checkpoint with a teacher and a student; "" is the teacher
}

// ModelSource is a model that Load can put on a device: its configuration and
// where its weights come from.
type ModelSource struct {
	Name     string // file name, or preset
	Config   crate.Config
	Hash     string       // SHA-256 of the weight file; a preset's is made from name and seed
	Bytes    int64        // size of the file, 0 for a preset
	Warnings []string     // guesses that the user should know of
	Ignored  []string     // tensors in the file that the model does not need
	DTypes   []string     // element types in the file
	Branch   crate.Branch // which network was taken, where the file holds a teacher and a student

	params Params
	close  func() error
}

// Close releases the file. A loaded model does not need it any more.
func (m *ModelSource) Close() error {
	if m.close == nil {
		return nil
	}
	return m.close()
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
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
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
	if opt.Branch == "" {
		opt.Branch = crate.Teacher
	}
	var stored []crate.Stored
	m := &ModelSource{Name: filepath.Base(path), Bytes: f.Size(), close: f.Close}
	for _, t := range f.Tensors() {
		stored = append(stored, crate.Stored{Name: t.Name, Shape: t.Shape})
		if d := string(t.DType); !slices.Contains(m.DTypes, d) {
			m.DTypes = append(m.DTypes, d)
		}
	}
	ckpt, err := crate.NewCheckpoint(stored, opt.Branch)
	if err != nil {
		return nil, err
	}
	m.Branch = ckpt.Branch()
	file, notice, err := ReadConfig(path, opt.ConfigPath)
	if err != nil {
		return nil, err
	}
	meta, err := crate.ParseMetadata(f.Metadata())
	if err != nil {
		return nil, err
	}
	if m.Config, m.Warnings, err = crate.Resolve(ckpt, opt.Settings, file, meta); err != nil {
		return nil, err
	}
	if notice != "" {
		m.Warnings = append(m.Warnings, notice)
	}
	if m.Ignored, err = ckpt.Compare(&m.Config); err != nil {
		return nil, err
	}
	if m.Hash, err = f.Hash(); err != nil {
		return nil, err
	}
	m.params = func(name string) ([]float64, error) {
		s, ok := ckpt.StoredName(name)
		if !ok {
			return nil, fmt.Errorf("no tensor %q", name)
		}
		return f.ReadF64(s)
	}
	return m, nil
}

// ReadConfig reads the configuration file that the user named, or the
// config.json beside the weights at path, if there is one. A config.json of
// somebody else's is left alone, and the notice says so.
func ReadConfig(path, named string) (s crate.Settings, notice string, err error) {
	at := named
	if at == "" && path == "" {
		return s, "", nil // not from a folder
	}
	if at == "" {
		at = filepath.Join(filepath.Dir(path), "config.json")
	}
	data, err := os.ReadFile(at)
	if errors.Is(err, fs.ErrNotExist) && named == "" {
		return s, "", nil
	}
	if err != nil {
		return s, "", err
	}
	s, ours, err := crate.ParseConfig(data)
	if err != nil {
		return s, "", fmt.Errorf("%s: %w", at, err)
	}
	if !ours && named != "" {
		return s, "", fmt.Errorf("%s: its architecture is none of %v", at, crate.Architectures())
	}
	if !ours {
		return crate.Settings{}, fmt.Sprintf("%s is not ours (no architecture that we know) and is ignored", at), nil
	}
	return s, "", nil
}
