package prove

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
)

// KernelError says that a kernel does not compute what its op is defined as.
type KernelError struct {
	Kernel string
	Value  string // what it computed
	Fact   string
}

func (e *KernelError) Error() string {
	return fmt.Sprintf("kernel %s computing %s: %s", e.Kernel, e.Value, e.Fact)
}

// tolerance is how far a kernel may be from the interpreter, as a share of the
// largest value.
func tolerance(p graph.DType) float64 {
	if p == graph.F16 {
		return 4e-3
	}
	return 2e-5
}

// SelfTest runs a fixed tensor through each kernel variant of a plan that has
// not been tested on this device, driver and SPIR-V, and returns those that
// differ from the interpreter.
func (dev *Device) SelfTest(ctx context.Context, p *plan.Plan) ([]*KernelError, error) {
	dev.testing.Lock()
	defer dev.testing.Unlock()
	var failed []*KernelError
	news := false
	if n := dev.untested(p); n > 3 { // fewer take a moment
		dev.log.Info(fmt.Sprintf("compiling and testing %d kernels, once for this device and driver", n))
	}
	defer func() {
		if news { // also those before one that could not be tested
			dev.rememberTests()
		}
	}()
	for i := range p.Dispatches {
		d := &p.Dispatches[i]
		key := d.Pipeline()
		if dev.passed[key] {
			continue
		}
		bad, err := dev.Test(ctx, p, d)
		if err != nil {
			return nil, err
		}
		if bad != nil {
			failed = append(failed, bad)
			continue
		}
		dev.passed[key], news = true, true
	}
	return failed, nil
}

// Test runs the case of dispatch d of plan p.
func (dev *Device) Test(ctx context.Context, p *plan.Plan, d *plan.Dispatch) (*KernelError, error) {
	c, err := plan.CaseOf(p, d, plan.CaseSize{})
	if err != nil {
		return nil, err
	}
	return dev.runCase(ctx, c, d)
}

// untested counts the kernel variants of a plan that have not been tested.
func (dev *Device) untested(p *plan.Plan) int {
	seen := map[string]bool{}
	for i := range p.Dispatches {
		if key := p.Dispatches[i].Pipeline(); !dev.passed[key] {
			seen[key] = true
		}
	}
	return len(seen)
}

// runCase runs a case on the device and in the interpreter. want is the
// dispatch whose variant the case must reproduce.
func (dev *Device) runCase(ctx context.Context, c *plan.Case, want *plan.Dispatch) (*KernelError, error) {
	p, err := plan.New(c.Graph, dev.Limits, c.Options)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(p.Dispatches, func(d plan.Dispatch) bool { return d.Pipeline() == want.Pipeline() }) {
		return nil, fmt.Errorf("engine: the self-test of %s %v does not reproduce it: %s %v", want.Kernel.Name, want.Spec, p.Dispatches[0].Kernel.Name, p.Dispatches[0].Spec)
	}
	inputs, params := caseInputs(c), RandomParams(c.Graph)
	got, err := dev.Once(ctx, p, params, inputs)
	if err != nil {
		return nil, err
	}
	ref, err := interp.Run(ctx, c.Graph, run.Typed(params), inputs)
	if err != nil {
		return nil, err
	}
	if fact := differ(c.Graph.Output("y"), got["y"].Data, ref["y"].Data, tolerance(p.Precision)); fact != "" {
		return &KernelError{Kernel: want.Kernel.Name, Value: c.Graph.Output("y").Op.String(), Fact: fact}, nil
	}
	return nil, nil
}

// caseInputs are the inputs of a case. At half precision they are numbers that
// float16 has: what is compared is the kernel, not the rounding of its input,
// which would turn bits of an affinity over.
func caseInputs(c *plan.Case) map[string]*interp.Tensor {
	in := RandomInputs(c.Graph)
	if c.Options.Precision == graph.F16 {
		for _, t := range in {
			for i, x := range t.Data {
				t.Data[i] = float64(graph.F16ToF32(graph.ToF16(x)))
			}
		}
	}
	for name, t := range in {
		if c.Centred(name) {
			centre(t)
		}
	}
	return in
}

// centre subtracts the mean of each row.
func centre(t *interp.Tensor) {
	for i := range t.Shape.Rows() {
		row, sum := t.Row(i), 0.0
		for _, x := range row {
			sum += x
		}
		for j := range row {
			row[j] -= sum / float64(len(row))
		}
	}
}

// differ is disagreement for the elements of v, which may be words of bits.
func differ(v *graph.Value, got []float32, want []float64, tol float64) string {
	if v.Type.DType == graph.U32 {
		return differentBits(got, want)
	}
	return disagreement(got, want, tol)
}

// differentBits compares words, which lie in got as float32 of the same bits. A
// bit may differ where a product lies within rounding of the threshold: one
// pair of bits, and one bit in ten thousand, are let pass.
func differentBits(got []float32, want []float64) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d words, want %d", len(got), len(want))
	}
	wrong, at := 0, 0
	for i, w := range want {
		if x := math.Float32bits(got[i]) ^ uint32(w); x != 0 {
			wrong, at = wrong+bits.OnesCount32(x), i
		}
	}
	if wrong <= 2+len(want)*32/10000 {
		return ""
	}
	return fmt.Sprintf("%d of %d bits differ, the last in word %d: %08x, the reference has %08x", wrong, 32*len(want), at, math.Float32bits(got[at]), uint32(want[at]))
}

// disagreement compares with the reference, within tol of its largest value,
// and says where they differ most; "" when they agree.
func disagreement(got []float32, want []float64, tol float64) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d elements, want %d", len(got), len(want))
	}
	top, worst, at := 0.0, 0.0, 0
	for i, w := range want {
		top = max(top, math.Abs(w))
		if d := math.Abs(float64(got[i]) - w); !(d <= worst) {
			worst, at = d, i
			if math.IsNaN(d) {
				break
			}
		}
	}
	if worst <= tol*top {
		return ""
	}
	return fmt.Sprintf("element %d is %g, the reference has %g: off by %.2g of the largest value, allowed is %.2g", at, got[at], want[at], worst/top, tol)
}
