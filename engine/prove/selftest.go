package prove

import (
	"context"
	"fmt"
	"maps"
	"math"
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
func (dev *Device) SelfTest(ctx context.Context, p *plan.Plan, opt plan.Options) ([]*KernelError, error) {
	dev.testing.Lock()
	defer dev.testing.Unlock()
	var failed []*KernelError
	news := false
	if n := dev.untested(p); n > 3 { // fewer take a moment
		dev.log.Info(fmt.Sprintf("compiling and testing %d kernels, once for this device and driver", n))
	}
	for i := range p.Dispatches {
		d := &p.Dispatches[i]
		key := run.VariantKey(d)
		if dev.passed[key] {
			continue
		}
		bad, err := dev.Test(ctx, p, d, opt)
		if err != nil {
			return nil, err
		}
		if bad != nil {
			failed = append(failed, bad)
			continue
		}
		dev.passed[key], news = true, true
	}
	if news {
		dev.rememberTests()
	}
	return failed, nil
}

// Test runs the case of dispatch d of plan p.
func (dev *Device) Test(ctx context.Context, p *plan.Plan, d *plan.Dispatch, opt plan.Options) (*KernelError, error) {
	c, err := caseFor(p, d, opt, caseSize{})
	if err != nil {
		return nil, err
	}
	return dev.runCase(ctx, c, d)
}

// untested counts the kernel variants of a plan that have not been tested.
func (dev *Device) untested(p *plan.Plan) int {
	seen := map[string]bool{}
	for i := range p.Dispatches {
		if key := run.VariantKey(&p.Dispatches[i]); !dev.passed[key] {
			seen[key] = true
		}
	}
	return len(seen)
}

// runCase runs a case on the device and in the interpreter. want is the
// dispatch whose variant the case must reproduce.
func (dev *Device) runCase(ctx context.Context, c *kernelCase, want *plan.Dispatch) (*KernelError, error) {
	p, err := dev.planCase(c, want)
	if err != nil {
		return nil, err
	}
	got, err := dev.Once(ctx, p, c.params, c.inputs)
	if err != nil {
		return nil, err
	}
	ref, err := interp.Run(ctx, c.graph, c.params.Typed(), c.inputs)
	if err != nil {
		return nil, err
	}
	if fact := differ(c.graph.Output("y"), got["y"].Data, ref["y"].Data, tolerance(p.Precision)); fact != "" {
		return &KernelError{Kernel: want.Kernel, Value: c.graph.Output("y").Op.String(), Fact: fact}, nil
	}
	return nil, nil
}

// planCase plans a case. At the size of the case another kernel may come first
// than at that of the real plan, where it was disabled or did not fit: it is
// ruled out for the case.
func (dev *Device) planCase(c *kernelCase, want *plan.Dispatch) (*plan.Plan, error) {
	opt := c.opt
	for {
		p, err := plan.New(c.graph, dev.Limits, opt)
		if err != nil || slices.ContainsFunc(p.Dispatches, func(d plan.Dispatch) bool { return run.VariantKey(&d) == run.VariantKey(want) }) {
			return p, err
		}
		other := p.Dispatches[len(p.Dispatches)-1].Kernel
		if other == want.Kernel || opt.Disabled[other] {
			return nil, fmt.Errorf("engine: the self-test of %s %v does not reproduce it: %s %v", want.Kernel, want.Spec, p.Dispatches[0].Kernel, p.Dispatches[0].Spec)
		}
		disabled := map[string]bool{other: true}
		maps.Copy(disabled, opt.Disabled)
		opt.Disabled = disabled
	}
}

// differ is disagreement for the elements of v, which may be words of bits.
func differ(v *graph.Value, got []float32, want []float64, tol float64) string {
	if v.Type.DType == graph.U32 {
		return differentBits(got, want)
	}
	return disagreement(got, want, tol)
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
