package run

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/crate-vk/crate-vk/engine/internal/diskcache"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// tuningFormat is the version of the stored file.
const tuningFormat = 2

// tuningFile is what Tune stores: shapes by kind, for one device with one
// driver version and one vector width.
type tuningFile struct {
	Format int               `json:"format"`
	Device TuningDevice      `json:"device"`
	Shapes map[string]string `json:"shapes"` // as plan.Kind and plan.Shapes name them
}

// TuningDevice is what a choice holds for.
type TuningDevice struct {
	Name       string `json:"name"`
	UUID       string `json:"uuid"`
	Driver     string `json:"driver"`
	Version    uint32 `json:"driver_version"`
	VectorBits int    `json:"vector_bits"` // asked of llvmpipe; 0: the driver's own choice
}

// TuningDeviceOf is what a choice for a device holds for.
func TuningDeviceOf(info vk.Info) TuningDevice {
	return TuningDevice{info.Name, info.UUID, Describe(info).Driver, info.Driver, vk.VectorBits()}
}

// File is the name of the file with the choice for a device.
func (d TuningDevice) File() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %s %d", d.UUID, d.Version, d.Driver, d.VectorBits))
	return "tuning-" + hex.EncodeToString(sum[:8]) + ".json"
}

// ReadTuning reads the stored choice of a device. None is no error; one that is
// corrupt or belongs to something else is, and is to be ignored.
func ReadTuning(dir string, d TuningDevice) (map[string]string, error) {
	at := diskcache.Dir(dir)
	data, err := at.Read(d.File())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	path := at.Path(d.File())
	var f tuningFile
	switch err := json.Unmarshal(data, &f); {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	case f.Format != tuningFormat:
		return nil, fmt.Errorf("%s: format %d, want %d", path, f.Format, tuningFormat)
	case f.Device != d:
		return nil, fmt.Errorf("%s: made for %s, driver %s (%d), %d-bit vectors", path, f.Device.Name, f.Device.Driver, f.Device.Version, f.Device.VectorBits)
	}
	return f.Shapes, nil
}

// WriteTuning stores choices beside those that are there, atomically; "" takes
// one away.
func WriteTuning(dir string, d TuningDevice, shapes map[string]string) error {
	if dir == "" {
		return errors.New("engine: there is no cache folder to store the choice in")
	}
	all, _ := ReadTuning(dir, d) // a corrupt one is replaced
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, shapes)
	maps.DeleteFunc(all, func(_, shape string) bool { return shape == "" })
	f := tuningFile{Format: tuningFormat, Device: d, Shapes: all}
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	return diskcache.Dir(dir).Write(d.File(), append(data, '\n'))
}

// TuningName is a short name of a choice: static, or a hash.
func TuningName(shapes map[string]string) string {
	if len(shapes) == 0 {
		return "static"
	}
	h := sha256.New()
	for _, kind := range slices.Sorted(maps.Keys(shapes)) {
		fmt.Fprintf(h, "%s: %s\n", kind, shapes[kind])
	}
	return hex.EncodeToString(h.Sum(nil)[:4])
}

// StoredTuning is the choice that an engine with that cache folder would read
// for a device, which is not opened, and its name.
func StoredTuning(selector, dir string) (plan.Choices, string, error) {
	info, err := find(selector)
	if err != nil {
		return nil, "", err
	}
	if err := diskcache.Dir(dir).Safe(); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return nil, TuningName(nil), err
	}
	shapes, err := ReadTuning(dir, TuningDeviceOf(info))
	return shapes, TuningName(shapes), err
}
