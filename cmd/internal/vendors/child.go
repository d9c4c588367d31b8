package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crate-vk/crate-vk/cmd/internal/isa"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/shaders"
)

// answer is what a child, which runs inside the tree, tells of its one device.
type answer struct {
	Device, Driver   string
	Processor        string
	Subgroup         int // of kernels with subgroup operations
	Smallest, Widest int // subgroups that the device has
	Half             bool
	Rows             []row
	Matrices         []matrixRow // not of the short check
}

// row is a compiled variant.
type row struct {
	Kernel, Constants string
	Used              []string
	Statistics        map[string]float64 // by the driver's own names
	Hot               string             // cells of the hot loop, where its machine code can be read
}

// compileAll compiles what the device is given, as the engine does, and the kernels that
// measure cooperative matrices. With only, a model's name or ofMatrices, nothing else.
func compileAll(t target, only string) (*answer, error) {
	inst, err := vk.Open(vk.Options{})
	if err != nil {
		return nil, err
	}
	defer inst.Close()
	dev, err := run.OpenDevice(inst, run.DeviceOptions{Selector: "0", Statistics: true, Memory: 16 << 30, SPIRV: shaders.SPIRV})
	if err != nil {
		return nil, err
	}
	defer dev.Close()
	info := dev.Info
	a := &answer{Device: info.Name, Driver: info.DriverName + " " + info.DriverInfo, Processor: string(dev.Limits.Processor), Subgroup: dev.Limits.Subgroup,
		Smallest: info.MinSubgroup, Widest: info.MaxSubgroup, Half: info.Storage16}
	list, err := given(dev.Limits, only == "")
	if err != nil {
		return nil, err
	}
	for _, v := range list {
		if only != "" && !slices.Contains(v.used, only) {
			continue
		}
		r, err := compile(t, dev, v)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", r.Kernel, r.Constants, err)
		}
		a.Rows = append(a.Rows, r)
	}
	if only == "" || only == ofMatrices {
		a.Matrices, err = compileMatrices(dev)
	}
	return a, err
}

func compile(t target, dev *run.Device, v variant) (row, error) {
	d := v.dispatch
	r := row{Kernel: d.Kernel.Name, Used: v.used, Statistics: map[string]float64{}}
	c, err := d.Constants()
	if err != nil {
		return r, err
	}
	r.Constants = constants(d.Kernel.Kernel, c)
	pipe, err := dev.Pipeline(d)
	if err != nil {
		return r, err
	}
	text, err := pipe.Report(true)
	if err != nil {
		return r, err
	}
	code := isa.Parse(text)
	for name, n := range code.Statistics {
		r.Statistics[name] = float64(n)
	}
	for _, name := range append([]string{t.driver.registers, t.driver.occupancy, t.driver.size}, t.driver.spills...) {
		if _, ok := r.Statistics[name]; !ok {
			return r, fmt.Errorf("the driver tells no %q, but %v", name, code.Statistics)
		}
	}
	if t.model != "" {
		r.Hot = hot(isa.Model(t.model), d, c, code)
	}
	return r, nil
}

// constants names the specialization constants, booleans where they are true.
func constants(k *shaders.Kernel, c shaders.Values) string {
	var words []string
	for _, s := range k.Spec {
		switch n := c(s.Name); {
		case s.Kind == shaders.Bool && n != 0:
			words = append(words, s.Name)
		case s.Kind != shaders.Bool:
			words = append(words, fmt.Sprintf("%s=%d", s.Name, n))
		}
	}
	return strings.Join(words, " ")
}

// hot describes the hot loop, "" where there is none: the cells of hotColumns.
func hot(gpu isa.GPU, d *plan.Dispatch, c shaders.Values, code *isa.Code) string {
	loop, ok := code.HotLoop()
	if !ok {
		return ""
	}
	n := code.Count(loop)
	p := gpu.Predict(n, float64(code.Statistics["Subgroups per SIMD"]))
	flops := float64(max(n.Flops, 1))
	bank := ""
	if d.Kernel.Kernel.Name == "linear_tiles" {
		bank = fmt.Sprintf("%.3f", isa.TileBankCycles(c("BM"), c("BN"), c("TM"), c("TN"), c("LX")))
	}
	return fmt.Sprintf("%.1f %% | %d | %.3f | %.3f | %s | %.1f %% | %s", 100*n.Density(), 100*(n.Scalar+n.ScalarLoads)/max(n.Vector, 1),
		float64(n.SharedBytes)/flops, float64(n.LoadBytes)/flops, bank, 100*p.Share, p.Bound)
}
