package run

import (
	"cmp"
	"fmt"
	"sync"

	"github.com/crate-vk/crate-vk/engine/internal/diskcache"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
	room "github.com/crate-vk/crate-vk/loader/memory"
)

// Device is one life of an open device: after it was lost another one replaces
// it.
type Device struct {
	VK     *vk.Device
	Info   vk.Info
	Limits plan.Limits

	queue     queue
	pipelines *Pipelines
	compiled  *vk.Cache // the driver's own, of pipelines
	kept      deviceCache

	marking sync.Mutex
	marked  bool // the kernel mark was proved; guarded by marking
	counts  bool // and the device counts invocations
}

// DeviceOptions of OpenDevice.
type DeviceOptions struct {
	Selector   string // as Choose reads it
	Half       bool   // the device must have 16-bit storage
	Statistics bool   // drivers collect statistics of the kernels
	Memory     int64  // limit in bytes; 0: three quarters of the device's own, and of a software device half of what the process may have at most
	CacheDir   string // "": nothing is kept
	SPIRV      func(name string) ([]byte, error)
	Warn       func(fact string) // nil: nobody is told
	OnHost     func(fact string) // told once, when the device's own memory has no room; nil: nobody is told
	Root       string            // of the system; "": /
}

// OpenDevice opens the device that a selector names.
func OpenDevice(inst *vk.Instance, o DeviceOptions) (*Device, error) {
	infos, err := inst.Devices()
	if err != nil {
		return nil, NoVulkan(err)
	}
	info, err := choose(infos, o.Selector)
	if err != nil {
		return nil, err
	}
	if lim := LimitsOf(info, 0); lim.Check() != nil {
		return nil, NoDevice(fmt.Errorf("%s: %w", info.Name, lim.Check()))
	}
	if o.Half && !info.Storage16 {
		return nil, NoDevice(fmt.Errorf("%s has no 16-bit storage, which half precision needs", info.Name))
	}
	if auto := o.Selector == "" || o.Selector == "auto"; auto && o.Warn != nil {
		if fact := unseenGPU(cmp.Or(o.Root, "/"), info, infos); fact != "" {
			o.Warn(fact)
		}
	}
	dev, err := inst.OpenDevice(info, o.Statistics)
	if err != nil {
		return nil, NoDevice(fmt.Errorf("%s: %w", info.Name, err))
	}
	memory := o.Memory
	if memory == 0 {
		memory = info.LocalHeap / 4 * 3
		if info.Type == vk.TypeSoftware { // whose memory is the process's own
			memory = min(memory, room.Here().Room().Bytes/2)
		}
	}
	dev.LimitMemory(memory)
	if o.OnHost != nil {
		var once sync.Once
		dev.OnHost(func(bytes int64) {
			once.Do(func() {
				o.OnHost(fmt.Sprintf("%s has no room of its own for %d bytes: they lie in the host's memory, where kernels reach them many times slower (close what uses the GPU, or run a smaller batch)", info.Name, bytes))
			})
		})
	}
	d := &Device{VK: dev, Info: info, Limits: LimitsOf(info, memory)}
	d.kept = newDeviceCache(diskcache.Dir(o.CacheDir), info, vk.VectorBits(), o.SPIRV)
	d.Limits.Load = keptLoad(d.kept)
	if d.compiled, err = dev.NewCache(d.kept.read("pipelines")); err != nil {
		dev.Close()
		return nil, NoDevice(fmt.Errorf("%s: %w", info.Name, err))
	}
	d.pipelines = newPipelines(dev, d.compiled, o.SPIRV)
	return d, nil
}

// Twin opens the same device once more: another queue, and pipelines of its own,
// which are not kept. It may use what memory the device has left.
func (d *Device) Twin() (*Device, error) {
	dev, err := d.VK.Again()
	if err != nil {
		return nil, NoDevice(fmt.Errorf("%s: %w", d.Info.Name, err))
	}
	dev.LimitMemory(d.VK.MemoryLeft())
	twin := &Device{VK: dev, Info: d.Info, Limits: d.Limits, kept: newDeviceCache("", d.Info, vk.VectorBits(), d.pipelines.code)}
	if twin.compiled, err = dev.NewCache(nil); err != nil {
		dev.Close()
		return nil, NoDevice(fmt.Errorf("%s: %w", d.Info.Name, err))
	}
	twin.pipelines = newPipelines(dev, twin.compiled, d.pipelines.code)
	return twin, nil
}

// Close releases the device, whose programs and weights were closed before. It
// returns how many objects are left all the same.
func (d *Device) Close() (left int) {
	d.pipelines.close()
	d.compiled.Destroy()
	left = d.VK.Live()
	d.VK.Close()
	return left
}

// KeepPipelines writes the pipeline cache to disk; a failure is no failure of
// the run.
func (d *Device) KeepPipelines() {
	if data, err := d.compiled.Data(); err == nil {
		d.kept.write("pipelines", data)
	}
}

// Kept is what Keep stored for this device, its driver and the embedded
// kernels; nil when it is missing or corrupt.
func (d *Device) Kept(name string) []byte { return d.kept.read(name) }

// Keep stores something for this device. The cache is an aid: failures are
// silent.
func (d *Device) Keep(name string, body []byte) { d.kept.write(name, body) }

// Pipeline is the compiled kernel of a dispatch.
func (d *Device) Pipeline(dispatch *plan.Dispatch) (*vk.Pipeline, error) {
	return d.pipelines.get(dispatch)
}
