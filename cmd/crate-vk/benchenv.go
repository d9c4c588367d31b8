package main

import (
	"fmt"
	"runtime"
	"time"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/cmd/internal/sensors"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/expert"
	"github.com/crate-vk/crate-vk/engine/measure"
)

// environment is where and with what a row was measured, beside its device and
// driver.
type environment struct {
	Time       string  `json:"time"` // UTC, of the first row
	Version    string  `json:"version"`
	Go         string  `json:"go"`
	Platform   string  `json:"platform"` // operating system/architecture
	CPU        string  `json:"cpu"`
	Cores      int     `json:"cores"`
	Type       string  `json:"device_type"`
	API        string  `json:"vulkan"`
	VectorBits int     `json:"vector_bits,omitempty"` // of a software device
	Tuning     string  `json:"tuning"`                // static, or a hash of the choice that tune stored
	GFLOPS     float64 `json:"ceiling_gflops,omitempty"`
	GBs        float64 `json:"ceiling_gb_per_second,omitempty"`
}

func newEnvironment(e *engine.Engine, c measure.Ceiling) environment {
	d := e.Device()
	env := environment{
		Time: time.Now().UTC().Format(time.RFC3339), Version: cli.Version(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		CPU: sensors.CPUModel(), Cores: runtime.NumCPU(), Type: d.Type, API: d.API, Tuning: expert.Tuning(e), GFLOPS: c.GFLOPS, GBs: c.GBs,
	}
	if d.Type == "software" {
		env.VectorBits = 32 * d.Subgroup // a lane of a subgroup is one float32 of a vector
	}
	return env
}

// headerLine is a line above the rows: the key is gobench's.
type headerLine struct{ key, text string }

func (v *environment) lines(d engine.DeviceInfo) []headerLine {
	device := fmt.Sprintf("%s (%s), driver %s", d.Name, d.Type, d.Driver)
	if d.API != "" {
		device += ", Vulkan " + d.API
	}
	if v.VectorBits > 0 {
		device += fmt.Sprintf(", vectors of %d bits", v.VectorBits)
	}
	list := []headerLine{
		{"version", fmt.Sprintf("crate-vk %s, %s, %s, %s", v.Version, v.Go, v.Platform, v.Time)},
		{"cpu", fmt.Sprintf("%s, %d cores", v.CPU, v.Cores)},
		{"device", device + ", tuning " + v.Tuning},
	}
	if v.GFLOPS > 0 {
		list = append(list, headerLine{"ceiling", fmt.Sprintf("measured in this run: %.1f GF/s multiply-adds on registers, %.1f GB/s copying", v.GFLOPS, v.GBs)})
	}
	return list
}
