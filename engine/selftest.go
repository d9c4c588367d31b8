package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/crate-vk/crate-vk/engine/plan"
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

// selfTest runs a fixed tensor through each kernel variant of a plan that has
// not been tested on this device, driver and SPIR-V, and returns those that
// differ from the interpreter.
func (e *Engine) selfTest(ctx context.Context, p *plan.Plan) ([]*KernelError, error) {
	g := e.gpu
	g.testing.Lock()
	defer g.testing.Unlock()
	var failed []*KernelError
	news := false
	if n := g.untested(p); n > 3 { // fewer take a moment
		e.opt.log.Info(fmt.Sprintf("compiling and testing %d kernels, once for this device and driver", n))
	}
	for i := range p.Dispatches {
		d := &p.Dispatches[i]
		key := d.Pipeline()
		if g.passed[key] {
			continue
		}
		c, err := plan.CaseOf(p, d, plan.CaseSize{})
		if err != nil {
			return nil, err
		}
		bad, err := g.runCase(ctx, c, d)
		if err != nil {
			return nil, err
		}
		if bad != nil {
			failed = append(failed, bad)
			continue
		}
		g.passed[key], news = true, true
	}
	if news {
		g.rememberTests()
	}
	return failed, nil
}

// untested counts the kernel variants of a plan that have not been tested.
func (g *gpu) untested(p *plan.Plan) int {
	seen := map[string]bool{}
	for i := range p.Dispatches {
		if key := p.Dispatches[i].Pipeline(); !g.passed[key] {
			seen[key] = true
		}
	}
	return len(seen)
}

// runCase runs a case on the device and in the interpreter. want is the
// dispatch whose variant the case must reproduce.
func (g *gpu) runCase(ctx context.Context, c *plan.Case, want *plan.Dispatch) (*KernelError, error) {
	p, err := plan.New(c.Graph, g.lim, c.Options)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(p.Dispatches, func(d plan.Dispatch) bool { return d.Pipeline() == want.Pipeline() }) {
		return nil, fmt.Errorf("engine: the self-test of %s %v does not reproduce it: %s %v", want.Kernel.Name, want.Spec, p.Dispatches[0].Kernel.Name, p.Dispatches[0].Spec)
	}
	inputs, params := randomInputs(c.Graph), randomParams(c.Graph)
	got, err := g.runOnce(ctx, p, params, inputs)
	if err != nil {
		return nil, err
	}
	ref, err := interp.Run(ctx, c.Graph, params.typed(), inputs)
	if err != nil {
		return nil, err
	}
	if fact := differ(c.Graph.Output("y"), got["y"].Data, ref["y"].Data, tolerance(p.Precision)); fact != "" {
		return &KernelError{Kernel: want.Kernel.Name, Value: c.Graph.Output("y").Op.String(), Fact: fact}, nil
	}
	return nil, nil
}

// runOnce loads a plan with weights of its own, runs it once and frees it.
func (g *gpu) runOnce(ctx context.Context, p *plan.Plan, params Params, inputs map[string]*interp.Tensor) (map[string]*Tensor, error) {
	store := newWeightStore(g.dev, params)
	defer store.close()
	pr, err := newProgram(ctx, g.dev, g.pipes, store, p, programOptions{slots: 1})
	if err != nil {
		return nil, err
	}
	defer pr.close()
	s, err := pr.acquire(ctx)
	if err != nil {
		return nil, err
	}
	if err := pr.fill(s, inputs); err != nil {
		return nil, err
	}
	if err := pr.submit(s); err != nil {
		return nil, err
	}
	if err := pr.wait(s); err != nil {
		return nil, err
	}
	out := map[string]*Tensor{}
	for _, o := range p.Outputs {
		data, shape, err := pr.output(s, o.Name)
		if err != nil {
			return nil, err
		}
		out[o.Name] = &Tensor{shape, data}
	}
	return out, nil
}

// fill packs inputs into a slot.
func (pr *program) fill(s *slot, inputs map[string]*interp.Tensor) error {
	for name, t := range inputs {
		mem, lay, err := pr.input(s, name)
		if err != nil {
			return err
		}
		data, err := lay.Pack(t.Data)
		if err != nil {
			return err
		}
		copy(mem, data)
	}
	return nil
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

// rememberedTests are the variants that passed in an earlier run.
func (g *gpu) rememberedTests() map[string]bool {
	passed := map[string]bool{}
	var list []string
	if json.Unmarshal(g.cache.read("selftest"), &list) == nil {
		for _, key := range list {
			passed[key] = true
		}
	}
	return passed
}

func (g *gpu) rememberTests() {
	var list []string
	for key := range g.passed {
		list = append(list, key)
	}
	slices.Sort(list)
	if data, err := json.Marshal(list); err == nil {
		g.cache.write("selftest", data)
	}
}
