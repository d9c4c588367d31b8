package measure

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/shaders"
)

// KernelReport is what a driver tells about one kernel variant.
type KernelReport struct {
	Name       string             `json:"name"`
	Family     string             `json:"family"`
	Spec       map[string]float64 `json:"spec"`       // specialization constants
	Statistics map[string]float64 `json:"statistics"` // by the driver's own names
	ISA        string             `json:"isa,omitempty"`
}

// Kernels compiles the kernel variants that the model's read-outs need, or
// with all those of the verify suite, and collects what the driver tells. The
// engine must have been opened WithStatistics. Nothing is executed.
func Kernels(ctx context.Context, on inside.ModelOpener, batch int, isa, all bool) ([]KernelReport, error) {
	m, release, err := on.Inside(inside.Key{})
	if err != nil {
		return nil, err
	}
	defer release()
	if err := m.Lacks("has no kernels"); err != nil {
		return nil, err
	}
	plans, err := kernelPlans(m, batch, all)
	if err != nil {
		return nil, err
	}
	rows := []KernelReport{}
	for p, d := range plan.Pipelines(plans) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		row, err := report(m.Device.Device, p, d, isa)
		if err != nil {
			return nil, fmt.Errorf("kernel %s: %w", d.Kernel.Name, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func kernelPlans(m inside.Model, batch int, all bool) ([]*plan.Plan, error) {
	if all {
		return prove.StandardPlans(m.Device.Limits, plan.Families(m.Device.Limits))
	}
	c := m.Config
	opt := m.Options
	opt.Disabled = m.Device.Disabled()
	var plans []*plan.Plan
	for _, name := range []string{fmt.Sprintf("attention@%d", c.ReadLayer()), fmt.Sprintf("keys@%d", c.Depth-1), "tokens", "logits"} {
		outputs, err := readout.Outputs(c, name)
		if err != nil {
			continue // a model without a head
		}
		g, err := readout.Graph(c, readout.Request{Outputs: outputs, Height: c.ImageSize[0], Width: c.ImageSize[1], Batch: batch}, m.Passes)
		if err != nil {
			return nil, err
		}
		p, err := plan.New(g, m.Device.Limits, opt)
		if err != nil {
			return nil, err
		}
		plans = append(plans, p)
	}
	return plans, nil
}

func report(g *run.Device, p *plan.Plan, d *plan.Dispatch, isa bool) (KernelReport, error) {
	row := KernelReport{Name: d.Kernel.Name, Family: string(p.Family), Spec: map[string]float64{}, Statistics: map[string]float64{}}
	for i, c := range d.Kernel.Kernel.Spec {
		row.Spec[c.Name] = float64(d.Spec[i])
		if c.Kind == shaders.F32 {
			row.Spec[c.Name] = float64(math.Float32frombits(d.Spec[i]))
		}
	}
	pipe, err := g.Pipeline(d)
	if err != nil {
		return row, err
	}
	text, err := pipe.Report(isa)
	if err != nil {
		return row, err
	}
	stats, code, _ := strings.Cut(text, "isa\n")
	row.ISA = strings.TrimSpace(code)
	for line := range strings.Lines(stats) {
		name, val, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "stat "), " = ")
		var x float64
		if _, err := fmt.Sscan(val, &x); ok && err == nil {
			row.Statistics[name] = x
		}
	}
	return row, nil
}
