package sensors

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// tree writes files below a folder that stands for /.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// look watches a device on a machine that shows these files.
func look(t *testing.T, d Device, files map[string]string) Reading {
	t.Helper()
	return start(context.Background(), d, tree(t, files), time.Millisecond).Stop()
}

func median(s *Span) float64 {
	if s == nil {
		return 0
	}
	return s.Median
}

// TestFiles: clocks in MHz and power in W from what Linux shows of a card or of
// the processor, and a reason where it doesn't.
func TestFiles(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("sensors are read on Linux alone")
	}
	const card0, card1 = "sys/class/drm/card0/", "sys/class/drm/card1/"
	amd := map[string]string{
		card0 + "device/vendor":                                "0x1002",
		card0 + "device/hwmon/hwmon3/freq1_input":              "2450000000",
		card0 + "device/hwmon/hwmon3/freq2_input":              "1250000000",
		card0 + "device/hwmon/hwmon3/power1_average":           "287000000",
		"sys/class/drm/card0-DP-1/device/vendor":               "0x1002", // a connector is no card
		card1 + "device/vendor":                                "0x8086",
		card1 + "gt_act_freq_mhz":                              "1350",
		"sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "3000000",
		"sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "4000000",
	}
	twins := map[string]string{card0 + "device/vendor": "0x1002", card1 + "device/vendor": "0x1002"}
	for _, c := range []struct {
		name                 string
		device               Device
		files                map[string]string
		clock, memory, power float64
		unread               string
	}{
		{"AMD", Device{Type: "discrete", Driver: "radv Mesa 26.1.6"}, amd, 2450, 1250, 287, ""},
		{"Intel beside it", Device{Type: "integrated", Driver: "Intel open-source Mesa driver"}, amd, 1350, 0, 0, "power: the driver doesn't show"},
		{"processor", Device{Type: "software", Driver: "llvmpipe"}, amd, 3500, 0, 0, "power: no /sys/class/powercap"},
		{"cpuinfo", Device{Type: "software"}, map[string]string{"proc/cpuinfo": "cpu MHz\t\t: 2000.0\nx : 7\ncpu MHz\t\t: 2200.0"}, 2100, 0, 0, "power: "},
		{"nothing of a processor", Device{Type: "software"}, nil, 0, 0, 0, "clocks and power: neither cpufreq nor /proc/cpuinfo"},
		{"no card", Device{Type: "discrete", Driver: "radv"}, map[string]string{card0 + "device/vendor": "0x8086"}, 0, 0, 0, "no card of this driver"},
		{"twins", Device{Type: "discrete", Driver: "radv"}, twins, 0, 0, 0, "several cards"},
		{"a file of nonsense", Device{Type: "discrete", Driver: "radv"}, map[string]string{card0 + "device/vendor": "0x1002", card0 + "device/hwmon/hwmon0/freq1_input": "fast"}, 0, 0, 0, "clocks and power: the driver doesn't show"},
	} {
		r := look(t, c.device, c.files)
		if median(r.Clock) != c.clock || median(r.Memory) != c.memory || median(r.Power) != c.power || (c.unread == "") != (r.Unread == "") || !strings.Contains(r.Unread, c.unread) {
			t.Errorf("%s: clock %g, memory %g, power %g, %q; want %g, %g, %g, %q", c.name, median(r.Clock), median(r.Memory), median(r.Power), r.Unread, c.clock, c.memory, c.power, c.unread)
		}
	}
}

// TestMeter: watts are the growth of a counter of energy; its first look and its
// beginning anew tell nothing.
func TestMeter(t *testing.T) {
	m := meter{}
	if w := m.watts(5e6); w != 0 {
		t.Errorf("the first look gives %g W", w)
	}
	m.at = m.at.Add(-2 * time.Second)
	if w := m.watts(25e6); w < 9.9 || w > 10 {
		t.Errorf("20 J in a little over 2 s are %g W", w)
	}
	if w := m.watts(1e6); w != 0 {
		t.Errorf("a counter that begins anew gives %g W", w)
	}
}

// TestNvidia runs a program in nvidia-smi's place.
func TestNvidia(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in is a shell script")
	}
	const uuid = "0123456789abcdef0123456789abcdef"
	device := Device{Type: "discrete", Driver: "NVIDIA 595.1", UUID: uuid}
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	if r := start(context.Background(), device, "/", time.Millisecond).Stop(); r.Clock != nil || !strings.Contains(r.Unread, "no nvidia-smi") {
		t.Errorf("without the program: %+v", r)
	}
	for _, c := range []struct {
		says                       string
		least, clock, memory, most float64
		power                      float64
		unread                     string
	}{
		{"echo 1000, 2619, 500.5; echo 1980, 2619, 512.5; echo 1990, 2619, 520.5", 1000, 1980, 2619, 1990, 512.5, ""},
		{"echo '1980, 2619, [N/A]'", 1980, 1980, 2619, 1980, 0, "power: nvidia-smi: says nothing"},
		{"echo No devices were found; exit 6", 0, 0, 0, 0, 0, "clocks and power: nvidia-smi: No devices were found"},
		{`[ "$*" = "${*%GPU-01234567-89ab-cdef-0123-456789abcdef}" ] || echo 1, 2, 3`, 1, 1, 2, 1, 3, ""},
	} {
		if err := os.WriteFile(filepath.Join(dir, "nvidia-smi"), []byte("#!/bin/sh\n"+c.says+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
		r := watch(ctx, device, "/", time.Millisecond) // until the program ends by itself
		stop()
		var least, most float64
		if r.Clock != nil {
			least, most = r.Clock.Least, r.Clock.Most
		}
		if least != c.least || most != c.most || median(r.Clock) != c.clock || median(r.Memory) != c.memory || median(r.Power) != c.power || (c.unread == "") != (r.Unread == "") || !strings.Contains(r.Unread, c.unread) {
			t.Errorf("%s: %g … %g … %g MHz, memory %g, %g W, %q", c.says, least, median(r.Clock), most, median(r.Memory), median(r.Power), r.Unread)
		}
	}
}
