package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph/interp"
	"github.com/crate-vk/crate-vk/graph/pass"
	"github.com/crate-vk/crate-vk/shaders"
)

// variantPlans are plans that together use every kernel variant that a device
// can run: small models of each kind, each family and precision, with passes
// and without.
func variantPlans(t *testing.T, lim plan.Limits) []*plan.Plan {
	t.Helper()
	plans, err := standardPlans(lim)
	if err != nil {
		t.Fatal(err)
	}
	return plans
}

// openGPU opens a device for white-box tests, without caches on disk.
func openGPU(t *testing.T, inst *vk.Instance, info vk.Info) *gpu {
	t.Helper()
	dev, err := inst.OpenDevice(info, false)
	if err != nil {
		t.Fatal(err)
	}
	g := &gpu{dev: dev, info: info, lim: limitsOf(info, 0), cache: &diskCache{}, passed: map[string]bool{}, broken: map[string]bool{}}
	g.pipes = newPipelineSet(dev, nil, shaders.SPIRV)
	t.Cleanup(func() {
		g.pipes.close()
		if n := dev.Live(); n != 0 {
			t.Errorf("%d objects are left on the device", n)
		}
		dev.Close()
	})
	return g
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
		g := openGPU(t, inst, info)
		seen, kernels := map[string]bool{}, map[string]bool{}
		for _, p := range variantPlans(t, g.lim) {
			for i := range p.Dispatches {
				d := &p.Dispatches[i]
				if key := variantKey(d); !seen[key] {
					seen[key], kernels[d.Kernel] = true, true
					t.Run(fmt.Sprint(d.Kernel, d.Spec), func(t *testing.T) { testVariant(t, g, p, d) })
				}
			}
		}
		for _, k := range shaders.Manifest() {
			for _, v := range k.Variants {
				if name := k.Name + v.Suffix; !kernels[name] && k.Name != "peak" && runsOn(g.lim, &k, v) {
					t.Errorf("kernel %s was not tested", name)
				}
			}
		}
	})
}

// runsOn reports that the static choice may take a variant on a device. Texel
// variants are for devices where they are the cheaper path, the others of the
// same kernels for all else.
func runsOn(lim plan.Limits, k *shaders.Kernel, v shaders.Variant) bool {
	hasTexel := slices.ContainsFunc(k.Variants, func(v shaders.Variant) bool { return v.Has("TEXEL") })
	return (!v.Has("F16") || lim.Storage16) && (!hasTexel || v.Has("TEXEL") == plan.PrefersTexels(lim))
}

func testVariant(t *testing.T, g *gpu, p *plan.Plan, d *plan.Dispatch) {
	c, err := d.Constants()
	if err != nil {
		t.Fatal(err)
	}
	tile := max(c("ROWS"), c("BM"), c("LANES")*max(c("QUERIES"), 1), c("ROW_LANES"))
	sizes := []caseSize{{}, {rows: 1}, {rows: 2, extra: 1}, {rows: tile - 1}, {rows: tile}, {rows: tile + 1, extra: 2}, {rows: 31}, {rows: 53}}
	for _, size := range sizes {
		if size.rows < 0 {
			continue
		}
		opt := plan.Options{Family: p.Family, Precision: p.Precision}
		kc, err := caseFor(p, d, opt, size)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.guardedCase(kc, d); err != nil {
			t.Errorf("rows %d extra %d: %v", size.rows, size.extra, err)
		}
	}
}

// guardedCase runs a case three times between guards.
func (g *gpu) guardedCase(c *kernelCase, want *plan.Dispatch) error {
	ctx := context.Background()
	p, err := plan.New(c.graph, g.lim, c.opt)
	if err != nil {
		return err
	}
	if p.Dispatches[len(p.Dispatches)-1].Kernel != want.Kernel {
		return fmt.Errorf("the case runs %s", p.Dispatches[len(p.Dispatches)-1].Kernel)
	}
	guarded(p, max(g.lim.StorageAlign, g.lim.TexelAlign))
	store := newWeightStore(g.dev, c.params)
	defer store.close()
	pr, err := newProgram(ctx, g.dev, g.pipes, store, p, programOptions{slots: 1})
	if err != nil {
		return err
	}
	defer pr.close()
	mem := pr.spaces[0].Bytes()
	ref, err := interp.Run(ctx, c.graph, c.params.typed(), c.inputs)
	if err != nil {
		return err
	}
	var first []float32
	for range 3 {
		for i := range mem {
			mem[i] = guardByte
		}
		s, err := pr.acquire(ctx)
		if err != nil {
			return err
		}
		if err := pr.fill(s, c.inputs); err != nil {
			return err
		}
		if err := pr.submit(s); err != nil {
			return err
		}
		if err := pr.wait(s); err != nil {
			return err
		}
		out, _, err := pr.output(s, "y")
		if err != nil {
			return err
		}
		if fact := differ(c.graph.Output("y"), out, ref["y"].Data, tolerance(p.Precision)); fact != "" {
			return fmt.Errorf("%s", fact)
		}
		if first == nil {
			first = out
		} else if !slices.EqualFunc(first, out, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }) {
			return fmt.Errorf("two runs differ")
		}
		if err := checkGuards(p, mem, s); err != nil {
			return err
		}
		pr.release(s)
	}
	return nil
}

// checkGuards looks for writes outside the written buffers.
func checkGuards(p *plan.Plan, mem []byte, s *slot) error {
	inside := make([]bool, len(mem))
	at := int64(0)
	for i, b := range p.Buffers {
		if b.Role == plan.Weight {
			continue
		}
		for k := range b.Layout.Bytes() {
			inside[b.Offset+k] = true
		}
		if b.Role == plan.Input {
			size := b.Layout.Bytes()
			if !bytes.Equal(mem[b.Offset:b.Offset+size], s.up.Bytes()[at:at+size]) {
				return fmt.Errorf("input buffer %d was written to", i)
			}
			at += roundUp(size)
		}
	}
	for i, x := range mem {
		if !inside[i] && x != guardByte {
			return fmt.Errorf("byte %d, outside every buffer, was written to", i)
		}
	}
	return nil
}

// TestSelfTestFindsBadKernel corrupts a computation in each kernel's SPIR-V in
// turn and expects the self-test, and a checked run, to name that kernel.
func TestSelfTestFindsBadKernel(t *testing.T) {
	src, err := Preset("emergence-t8")
	if err != nil {
		t.Fatal(err)
	}
	src.Config.ImageSize, src.Config.Depth = [2]int{32, 32}, 2
	src.params = src.Config.RandomParams(1)
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		g := openGPU(t, inst, info)
		gr, err := readout.Graph(&src.Config, Request{Batch: 1, Height: 32, Width: 32, Outputs: []string{"logits", "cls_attention.0"}}, pass.Options{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.New(gr, g.lim, plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		kernels := map[string]bool{}
		for _, d := range p.Dispatches {
			kernels[d.Kernel] = true
		}
		for name := range kernels {
			t.Run(name, func(t *testing.T) { testBadKernel(t, src, info, name) })
		}
	})
}

// testBadKernel changes the computations of a kernel one after another until both
// the self-test and the checked run notice. Some don't matter, such
// as a start value that is overwritten; at least one must.
func testBadKernel(t *testing.T, src *ModelSource, info vk.Info, name string) {
	good, err := shaders.SPIRV(name)
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for code := range corruptions(good) {
		tried++
		if noticed(t, src, info, name, code) {
			return
		}
	}
	t.Errorf("none of %d corruptions is noticed by both self-test and checked run", tried)
}

// noticed runs self-test and checked run with a corrupted kernel. If they fail
// they must name it.
func noticed(t *testing.T, src *ModelSource, info vk.Info, name string, code []byte) bool {
	ctx := context.Background()
	e, err := Open(ctx, WithDevice("uuid:"+info.UUID), WithSPIRV(serving(name, code)))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	model := *src
	m, err := e.Load(ctx, &model)
	if err != nil {
		t.Fatal(err)
	}
	r := Request{Batch: 1, Height: 32, Width: 32, Outputs: []string{"logits", "cls_attention.0"}}
	gr, err := m.Graph(r, pass.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.New(gr, e.Limits(), e.planOptions())
	if err != nil {
		t.Fatal(err)
	}
	failed, err := e.selfTest(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range failed {
		if f.Kernel != name {
			t.Errorf("the self-test names %s", f.Kernel)
		}
	}
	pixels := make([]byte, 32*32*3)
	for i := range pixels {
		pixels[i] = byte(i * i)
	}
	_, err = m.Check(ctx, r, pixels)
	var bad *KernelError
	if errors.As(err, &bad) {
		if bad.Kernel != name {
			t.Errorf("the checked run names %s", bad.Kernel)
		}
	} else if err != nil {
		t.Error(err)
	}
	return len(failed) > 0 && bad != nil
}
