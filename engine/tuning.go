package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// tuningFormat is the version of the stored file.
const tuningFormat = 1

// tuningFile is what Tune stores: shapes by kind, for one device with one
// driver version and one vector width.
type tuningFile struct {
	Format int               `json:"format"`
	Device tuningDevice      `json:"device"`
	Shapes map[string]string `json:"shapes"` // as plan.Kind and plan.Shapes name them
	Sum    string            `json:"sum"`    // of all the above
}

// tuningDevice is what a choice holds for.
type tuningDevice struct {
	Name       string `json:"name"`
	UUID       string `json:"uuid"`
	Driver     string `json:"driver"`
	Version    uint32 `json:"driver_version"`
	VectorBits int    `json:"vector_bits"` // asked of llvmpipe; 0: the driver's own choice
}

func tuningDeviceOf(info vk.Info) tuningDevice {
	return tuningDevice{info.Name, info.UUID, describe(info).Driver, info.Driver, vk.VectorBits()}
}

// path is where the choice for a device lies, beside the pipeline cache.
func (d tuningDevice) path(dir string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %s %d", d.UUID, d.Version, d.Driver, d.VectorBits))
	return filepath.Join(dir, "tuning-"+hex.EncodeToString(sum[:8])+".json")
}

func (f tuningFile) sum() string {
	f.Sum = ""
	data, err := json.Marshal(f)
	if err != nil {
		panic(err) // strings and numbers only
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// readTuning reads the stored choice of a device. None is no error; one that is
// corrupt or belongs to something else is, and is to be ignored.
func readTuning(dir string, d tuningDevice) (map[string]string, error) {
	if dir == "" {
		return nil, nil
	}
	path := d.path(dir)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var f tuningFile
	switch err := json.Unmarshal(data, &f); {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	case f.Format != tuningFormat:
		return nil, fmt.Errorf("%s: format %d, want %d", path, f.Format, tuningFormat)
	case f.Sum != f.sum():
		return nil, fmt.Errorf("%s: the checksum is wrong", path)
	case f.Device != d:
		return nil, fmt.Errorf("%s: made for %s, driver %s (%d), %d-bit vectors", path, f.Device.Name, f.Device.Driver, f.Device.Version, f.Device.VectorBits)
	}
	return f.Shapes, nil
}

// writeTuning stores choices beside those that are there, atomically; "" takes
// one away.
func writeTuning(dir string, d tuningDevice, shapes map[string]string) error {
	if dir == "" {
		return errors.New("engine: there is no cache folder to store the choice in")
	}
	all, _ := readTuning(dir, d) // a corrupt one is replaced
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, shapes)
	maps.DeleteFunc(all, func(_, shape string) bool { return shape == "" })
	f := tuningFile{Format: tuningFormat, Device: d, Shapes: all}
	f.Sum = f.sum()
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(d.path(dir), append(data, '\n'))
}

// replaceFile makes a file with that content, or leaves what was there.
func replaceFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// tuningName is a short name of a choice: static, or a hash.
func tuningName(shapes map[string]string) string {
	if len(shapes) == 0 {
		return "static"
	}
	h := sha256.New()
	for _, kind := range slices.Sorted(maps.Keys(shapes)) {
		fmt.Fprintf(h, "%s: %s\n", kind, shapes[kind])
	}
	return hex.EncodeToString(h.Sum(nil)[:4])
}

// adoptTuning reads the stored choice for the engine's device, once, as the
// engine is opened: it stays the same until the engine is closed.
func (e *Engine) adoptTuning(info vk.Info) {
	if e.opt.untuned {
		return
	}
	shapes, err := readTuning(e.opt.cacheDir, tuningDeviceOf(info))
	if err != nil {
		e.opt.log.Warn("the stored tuning is ignored", "reason", err)
		return
	}
	e.tuned = shapes
}

// StoredTuning is the choice that an engine with that cache folder would read
// for a device, which is not opened, and its name.
func StoredTuning(selector, dir string) (plan.Choices, string, error) {
	inst, err := vk.Open(vk.Options{})
	if err != nil {
		return nil, "", noDevice(err)
	}
	defer inst.Close()
	infos, err := inst.Devices()
	if err != nil {
		return nil, "", noDevice(err)
	}
	info, err := choose(infos, selector)
	if err != nil {
		return nil, "", err
	}
	shapes, err := readTuning(dir, tuningDeviceOf(info))
	return shapes, tuningName(shapes), err
}
