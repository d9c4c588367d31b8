package sensors

import (
	"bufio"
	"bytes"
	"context"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/crate-vk/crate-vk/loader/regular"
)

// otherSystem is why nothing is read elsewhere.
const otherSystem = "clocks and power: they are read on Linux alone"

// number reads a file of one number, as Linux has them below /sys; 0 where there
// is none.
func number(ctx context.Context, path string) float64 {
	x, err := strconv.ParseFloat(text(ctx, path), 64)
	if err != nil {
		return 0
	}
	return x
}

func text(ctx context.Context, path string) string {
	data, err := regular.Read(ctx, path, regular.Proc)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

func glob(parts ...string) []string {
	list, err := filepath.Glob(filepath.Join(parts...))
	if err != nil {
		return nil
	}
	return list
}

// first is the first number that is to be had among the files of a folder.
func first(ctx context.Context, dir string, names ...string) float64 {
	for _, n := range names {
		if x := number(ctx, filepath.Join(dir, n)); x > 0 {
			return x
		}
	}
	return 0
}

// meter turns a counter of microjoules into watts between two looks.
type meter struct {
	joules float64
	at     time.Time
}

func (m *meter) watts(microjoules float64) float64 {
	now, joules := time.Now(), microjoules/1e6
	was := *m
	*m = meter{joules, now}
	if was.at.IsZero() || joules <= was.joules { // the first look, or the counter began anew
		return 0
	}
	return (joules - was.joules) / now.Sub(was.at).Seconds()
}

// card is a GPU whose driver is part of Linux: amdgpu, i915, xe, nouveau, msm and
// others show it below /sys/class/drm.
type card struct {
	dir    string // /sys/class/drm/cardN
	hwmon  string // "": none
	energy meter
}

// vendors are the words in a driver's name as Vulkan has it, and the vendor's
// number at PCI.
var vendors = []struct{ word, id string }{
	{"radv", "0x1002"}, {"amd", "0x1002"}, {"intel", "0x8086"}, {"nvk", "0x10de"},
}

// newCard finds the card that a driver drives, or says why none is found.
func newCard(ctx context.Context, root, driver string) (*card, string) {
	if runtime.GOOS != "linux" {
		return nil, otherSystem
	}
	want := ""
	for _, v := range vendors {
		if strings.Contains(driver, v.word) {
			want = v.id
			break
		}
	}
	var found []*card
	for _, dir := range glob(root, "sys/class/drm/card*") {
		if strings.Contains(filepath.Base(dir), "-") { // a connector, such as card0-DP-1
			continue
		}
		if id := text(ctx, filepath.Join(dir, "device/vendor")); want != "" && id != want {
			continue
		}
		c := &card{dir: dir}
		if list := glob(dir, "device/hwmon/hwmon*"); len(list) > 0 {
			c.hwmon = list[0]
		}
		found = append(found, c)
	}
	switch len(found) {
	case 1:
		return found[0], ""
	case 0:
		return nil, "clocks and power: /sys/class/drm has no card of this driver"
	}
	return nil, "clocks and power: /sys/class/drm has several cards of this vendor, and nothing tells which one this is"
}

func (c *card) name() string { return c.dir }

// look reads hertz and microwatts from hwmon, megahertz beside it on Intel.
func (c *card) look(ctx context.Context) sample {
	var s sample
	if c.hwmon != "" {
		s.clock, s.memory = number(ctx, filepath.Join(c.hwmon, "freq1_input"))/1e6, number(ctx, filepath.Join(c.hwmon, "freq2_input"))/1e6
		s.power = first(ctx, c.hwmon, "power1_average", "power1_input") / 1e6
		if energy := number(ctx, filepath.Join(c.hwmon, "energy1_input")); s.power == 0 && energy > 0 {
			s.power = c.energy.watts(energy)
		}
	}
	if s.clock == 0 {
		s.clock = first(ctx, c.dir, "gt_act_freq_mhz", "device/tile0/gt0/freq0/act_freq")
	}
	return s
}

func (c *card) missing(r Reading) string {
	if lacks := r.lacks(); lacks != "" {
		return lacks + ": the driver doesn't show them below " + c.dir
	}
	return ""
}

// processor is what a software device computes on.
type processor struct {
	root   string
	clocks []string // cpufreq's files, one a core
	energy meter
}

func newProcessor(root string) *processor {
	return &processor{root: root, clocks: glob(root, "sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq")}
}

func (p *processor) name() string {
	if len(p.clocks) == 0 {
		return "/proc/cpuinfo, where a virtual machine has the nominal clock"
	}
	return "cpufreq and powercap"
}

func (p *processor) look(ctx context.Context) sample {
	var s sample
	for _, path := range p.clocks {
		s.clock += number(ctx, path) / 1e3 / float64(len(p.clocks)) // from kHz
	}
	if s.clock == 0 {
		s.clock = cpuinfoClock(ctx, filepath.Join(p.root, "proc/cpuinfo"))
	}
	var energy float64
	for _, dir := range glob(p.root, "sys/class/powercap/intel-rapl:[0-9]*") {
		if strings.HasPrefix(text(ctx, filepath.Join(dir, "name")), "package") {
			energy += number(ctx, filepath.Join(dir, "energy_uj"))
		}
	}
	if energy > 0 {
		s.power = p.energy.watts(energy)
	}
	return s
}

// cpuinfoClock is the average of the cores' "cpu MHz". A virtual machine has the
// nominal clock there.
func cpuinfoClock(ctx context.Context, path string) float64 {
	data, err := regular.Read(ctx, path, regular.Config)
	if err != nil {
		return 0
	}
	var sum, n float64
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), ":")
		if x, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil && strings.TrimSpace(key) == "cpu MHz" {
			sum, n = sum+x, n+1
		}
	}
	if n == 0 {
		return 0
	}
	return sum / n
}

func (p *processor) missing(r Reading) string {
	switch {
	case runtime.GOOS != "linux":
		return otherSystem
	case r.Clock == nil:
		return r.lacks() + ": neither cpufreq nor /proc/cpuinfo tells"
	case r.Power == nil:
		return "power: no /sys/class/powercap/intel-rapl:*/energy_uj that can be read (root alone may, and virtual machines have none)"
	}
	return ""
}

// CPUModel is the processor's name, the architecture where it is not known.
func CPUModel() string {
	data, err := regular.Read(context.Background(), "/proc/cpuinfo", regular.Config)
	if err == nil {
		for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
			if name, ok := strings.CutPrefix(lines.Text(), "model name"); ok {
				return strings.TrimSpace(strings.TrimLeft(name, "\t :"))
			}
		}
	}
	return runtime.GOARCH
}
