package prove

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/internal/enginetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph/interp"
	"github.com/crate-vk/crate-vk/shaders"
)

// variantPlans are plans that together use every kernel variant that a device
// can run: small models of each kind, each family and precision, with passes
// and without.
func variantPlans(t *testing.T, lim plan.Limits) []*plan.Plan {
	t.Helper()
	plans, err := StandardPlans(lim, plan.Families(lim))
	if err != nil {
		t.Fatal(err)
	}
	for _, lim.Load = range plan.Loads(lim) {
		other, err := StandardPlans(lim, []plan.Family{plan.Lanes})
		if err != nil {
			t.Fatal(err)
		}
		plans = append(plans, other...)
	}
	return plans
}

// open opens a device, without caches on disk.
func open(t *testing.T, inst *vk.Instance, info vk.Info) *Device {
	t.Helper()
	return NewDevice(enginetest.Open(t, inst, info), Options{Log: slog.New(slog.DiscardHandler)})
}

// guard is the space before and behind each buffer of the arena, and what it
// is filled with.
const (
	guard     = 1024
	guardByte = 0xA5
)

// guarded moves the buffers of a plan apart, without reuse, so that a write
// beyond one of them shows.
func guarded(p *plan.Plan, align int64) {
	at := int64(guard)
	for i := range p.Buffers {
		b := &p.Buffers[i]
		if b.Role == plan.Weight {
			continue
		}
		at = (at + align - 1) / align * align
		b.Space, b.Offset = 0, at
		at += b.Layout.Bytes() + guard
	}
	p.Spaces = []int64{at}
	p.Barriers()
}

// TestKernels holds each kernel variant against the interpreter on sizes around
// its tile and on primes, three runs each with the same bits, with guard bytes
// around every buffer. Read buffers must stay as they were.
func TestKernels(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		g := open(t, inst, info)
		kernels := map[string]bool{}
		for p, d := range plan.Pipelines(variantPlans(t, g.Limits)) {
			kernels[d.Kernel.Name] = true
			t.Run(d.Pipeline(), func(t *testing.T) { testVariant(t, g, p, d) })
		}
		for _, k := range shaders.Manifest() {
			for _, v := range k.Variants {
				if !kernels[v.Name] && !strings.HasPrefix(k.Name, "peak") && k.Name != "mark" && runsOn(g.Limits, v) {
					t.Errorf("kernel %s was not tested", v.Name)
				}
			}
		}
	})
}

// runsOn reports that a device may be given a variant without being tuned.
func runsOn(lim plan.Limits, v *shaders.Variant) bool {
	return (!v.Has("F16") || lim.Storage16) && (!v.Has("TEXEL") || plan.Loads(lim) != nil)
}

func testVariant(t *testing.T, g *Device, p *plan.Plan, d *plan.Dispatch) {
	c, err := d.Constants()
	if err != nil {
		t.Fatal(err)
	}
	tile := max(c("ROWS"), c("BM"), c("LANES")*max(c("QUERIES"), 1), c("ROW_LANES"))
	sizes := []plan.CaseSize{{}, {Rows: 1}, {Rows: 2, Extra: 1}, {Rows: tile - 1}, {Rows: tile}, {Rows: tile + 1, Extra: 2}, {Rows: 31}, {Rows: 53}}
	for _, size := range sizes {
		if size.Rows < 0 {
			continue
		}
		kc, err := plan.CaseOf(p, d, size)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.guardedCase(kc, d); err != nil {
			t.Errorf("rows %d extra %d: %v", size.Rows, size.Extra, err)
		}
	}
}

// guardedCase runs a case three times between guards.
func (g *Device) guardedCase(c *plan.Case, want *plan.Dispatch) error {
	ctx := context.Background()
	p, err := plan.New(c.Graph, g.Limits, c.Options)
	if err != nil {
		return err
	}
	if p.Dispatches[len(p.Dispatches)-1].Kernel != want.Kernel {
		return fmt.Errorf("the case runs %s", p.Dispatches[len(p.Dispatches)-1].Kernel.Name)
	}
	guarded(p, max(g.Limits.StorageAlign, g.Limits.TexelAlign))
	inputs, params := caseInputs(c), RandomParams(c.Graph)
	store := run.NewWeightStore(g.Device, params)
	defer store.Close()
	pr, err := run.NewProgram(ctx, g.Device, store, p, run.ProgramOptions{Slots: 1})
	if err != nil {
		return err
	}
	defer pr.Close()
	mem := pr.Memory(0) // nil where the host does not see it: nothing guards then
	ref, err := interp.Run(ctx, c.Graph, run.Typed(params), inputs)
	if err != nil {
		return err
	}
	var first []float32
	for range 3 {
		for i := range mem {
			mem[i] = guardByte
		}
		s, err := pr.Acquire(ctx)
		if err != nil {
			return err
		}
		if err := pr.Fill(s, inputs); err != nil {
			return err
		}
		if err := pr.Execute(ctx, s); err != nil {
			return err
		}
		out, _, err := pr.Output(s, "y")
		if err != nil {
			return err
		}
		if fact := differ(c.Graph.Output("y"), out, ref["y"].Data, tolerance(p.Precision)); fact != "" {
			return fmt.Errorf("%s", fact)
		}
		if first == nil {
			first = out
		} else if !slices.EqualFunc(first, out, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }) {
			return fmt.Errorf("two runs differ")
		}
		if err := checkGuards(pr, mem, s); err != nil {
			return err
		}
		pr.Release(s)
	}
	return nil
}

// checkGuards looks for writes outside the written buffers.
func checkGuards(pr *run.Program, mem []byte, s *run.Slot) error {
	if mem == nil {
		return nil
	}
	inside := make([]bool, len(mem))
	p := pr.Plan
	for i, b := range p.Buffers {
		if b.Role == plan.Weight {
			continue
		}
		for k := range b.Layout.Bytes() {
			inside[b.Offset+k] = true
		}
		if b.Role == plan.Input {
			size := b.Layout.Bytes()
			given, _, err := pr.Input(s, p.Value(b.Value).Str("name"))
			if err != nil {
				return err
			}
			if !bytes.Equal(mem[b.Offset:b.Offset+size], given) {
				return fmt.Errorf("input buffer %d was written to", i)
			}
		}
	}
	for i, x := range mem {
		if !inside[i] && x != guardByte {
			return fmt.Errorf("byte %d, outside every buffer, was written to", i)
		}
	}
	return nil
}
