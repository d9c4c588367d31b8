package run

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/crate-vk/crate-vk/engine/internal/diskcache"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/shaders"
)

// Interpreter is the selector of the interpreter: the reference, on the CPU. A
// driver that computes on the CPU is a software device.
const Interpreter = "cpu"

// DeviceInfo describes a device that a selector can name.
type DeviceInfo struct {
	Index      int
	Name       string
	Type       string // discrete, integrated, virtual, software, other; reference: the interpreter; simulated
	Driver     string
	API        string
	UUID       string
	Memory     int64 // bytes of the device's own memory
	Subgroup   int
	FP16       bool
	Validation bool   // the process uses Vulkan with validation layers
	Unusable   string // why no engine can be opened on it; "": one can
}

// Reference reports the interpreter.
func (d DeviceInfo) Reference() bool { return d.Type == "reference" }

func (d DeviceInfo) String() string {
	if d.Reference() {
		return d.Name
	}
	return fmt.Sprintf("%s (%s, %s)", d.Name, d.Type, d.Driver)
}

// Describe is what there is to say of a device.
func Describe(info vk.Info) DeviceInfo {
	driver := strings.TrimSpace(info.DriverName + " " + info.DriverInfo)
	if info.DriverInfo == "" {
		driver = fmt.Sprintf("%s %d.%d.%d", info.DriverName, info.Driver>>22, info.Driver>>12&0x3ff, info.Driver&0xfff)
	}
	return DeviceInfo{Index: info.Index, Name: info.Name, Type: info.Type.String(), Driver: driver, API: info.API, UUID: info.UUID,
		Memory: info.LocalHeap, Subgroup: info.Subgroup, FP16: info.Storage16, Validation: info.Validation, Unusable: unusable(info)}
}

// ReferenceDevice describes the interpreter.
func ReferenceDevice() DeviceInfo {
	return DeviceInfo{Index: -1, Name: "interpreter", Type: "reference", Driver: "float64"}
}

// Devices lists the devices, in the loader's order. It executes nothing.
func Devices() ([]DeviceInfo, error) {
	inst, err := vk.Open(vk.Options{})
	if err != nil {
		return nil, NoVulkan(err)
	}
	defer inst.Close()
	infos, err := inst.Devices()
	if err != nil {
		return nil, NoVulkan(err)
	}
	list := make([]DeviceInfo, len(infos))
	for i, info := range infos {
		list[i] = Describe(info)
	}
	return list, nil
}

// Choose finds the device that a selector names among some.
func Choose(infos []vk.Info, selector string) (vk.Info, error) { return choose(infos, selector) }

// choose finds the device that a selector names.
func choose(infos []vk.Info, selector string) (vk.Info, error) {
	if selector == "" || selector == "auto" {
		var why []string
		usable := slices.DeleteFunc(slices.Clone(infos), func(d vk.Info) bool {
			reason := unusable(d)
			if reason != "" {
				why = append(why, fmt.Sprintf("%d: %s %s", d.Index, d.Name, reason))
			}
			return reason != ""
		})
		if len(usable) == 0 {
			return vk.Info{}, NoDevice(fmt.Errorf("none of the devices can be used (%s); cpu is the interpreter", strings.Join(why, ", ")))
		}
		best := usable[0]
		for _, d := range usable[1:] {
			// Among software devices the wider vectors are the faster ones.
			if p, q := preference(d.Type), preference(best.Type); p < q || p == q && d.Type == vk.TypeSoftware && d.Subgroup > best.Subgroup {
				best = d
			}
		}
		return best, nil
	}
	var match func(vk.Info) bool
	if n, err := strconv.Atoi(selector); err == nil {
		match = func(d vk.Info) bool { return d.Index == n }
	} else if id, ok := strings.CutPrefix(selector, "uuid:"); ok {
		id = strings.ToLower(strings.ReplaceAll(id, "-", ""))
		match = func(d vk.Info) bool { return d.UUID == id }
	} else {
		match = func(d vk.Info) bool { return strings.Contains(strings.ToLower(d.Name), strings.ToLower(selector)) }
	}
	var names []string
	for _, d := range infos {
		if match(d) {
			if reason := unusable(d); reason != "" {
				return vk.Info{}, NoDevice(fmt.Errorf("device %d, %s, can't be used: it %s", d.Index, d.Name, reason))
			}
			return d, nil
		}
		names = append(names, fmt.Sprintf("%d is %s, ", d.Index, d.Name))
	}
	return vk.Info{}, NoDevice(fmt.Errorf("no device matches %q: %scpu is the interpreter (crate-vk devices --why looks for what is missing)", selector, strings.Join(names, "")))
}

func preference(t vk.DeviceType) int {
	switch t {
	case vk.TypeDiscrete:
		return 0
	case vk.TypeIntegrated:
		return 1
	case vk.TypeVirtual:
		return 2
	case vk.TypeSoftware:
		return 4
	}
	return 3
}

// find is the device that a selector names, which is not opened.
func find(selector string) (vk.Info, error) {
	inst, err := vk.Open(vk.Options{})
	if err != nil {
		return vk.Info{}, NoVulkan(err)
	}
	defer inst.Close()
	infos, err := inst.Devices()
	if err != nil {
		return vk.Info{}, NoVulkan(err)
	}
	return choose(infos, selector)
}

// PlanningLimits are the limits of the device that a selector names, without
// opening it, with what an engine with that cache folder keeps of it.
func PlanningLimits(selector, dir string) (plan.Limits, error) {
	info, err := find(selector)
	if err != nil {
		return plan.Limits{}, err
	}
	lim := LimitsOf(info, 0)
	if dir != "" && diskcache.Dir(dir).Safe() == nil {
		lim.Load = keptLoad(newDeviceCache(diskcache.Dir(dir), info, vk.VectorBits(), shaders.SPIRV))
	}
	return lim, nil
}
