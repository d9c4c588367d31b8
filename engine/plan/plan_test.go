package plan_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/pass"
)

var update = flag.Bool("update", false, "rewrite the files of testdata/plan")

// cpuLimits are like llvmpipe's.
func cpuLimits() plan.Limits {
	l := plan.Limits{Device: "llvmpipe (LLVM 15.0.6, 256 bits)", Driver: "llvmpipe Mesa 22.3.6", Type: plan.Software, Load: plan.LoadTexels, MaxStorageRange: 1 << 27, MaxAllocation: 1 << 31,
		MaxTexels: 1 << 27, StorageAlign: 16, TexelAlign: 16, MaxInvocations: 1024, MaxWorkgroupSize: [3]int{1024, 1024, 1024},
		MaxWorkgroups: [3]int{65535, 65535, 65535}, MaxShared: 32768, MaxPush: 128, Subgroup: 8, Shuffle: true, Ballot: true, Storage16: true, Memory: 2 << 30}
	l.Quirks()
	return l
}

// gpuLimits are like a discrete GPU's.
func gpuLimits() plan.Limits {
	l := plan.BaselineLimits()
	l.Device, l.Processor = "gpu", plan.RDNA3
	l.MaxInvocations, l.MaxWorkgroupSize, l.MaxShared = 1024, [3]int{1024, 1024, 64}, 65536
	l.Subgroup, l.Shuffle, l.Ballot, l.Storage16, l.MaxLoops, l.ComputeUnits = 32, true, true, true, 0, 80
	return l
}

func build(t testing.TB, preset string, batch int, readout ...string) *graph.Graph {
	t.Helper()
	c, err := crate.Preset(preset)
	if err != nil {
		t.Fatal(err)
	}
	g, err := crate.Build(&c, crate.Request{Batch: batch, Height: c.ImageSize[0], Width: c.ImageSize[1], Outputs: readout})
	if err != nil {
		t.Fatal(err)
	}
	if err := pass.Run(g, pass.Options{}); err != nil {
		t.Fatal(err)
	}
	return g
}

func newPlan(t testing.TB, g *graph.Graph, lim plan.Limits, opt plan.Options) *plan.Plan {
	t.Helper()
	p, err := plan.New(g, lim, opt)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestRoundTrip prints and parses plans at every stage.
func TestRoundTrip(t *testing.T) {
	for _, preset := range []string{"emergence-t8", "crate-s16", "alpha-b16", "mae-b16", "vit-s16"} {
		g := build(t, preset, 2, "tokens.1", "cls_attention.3", "attention.0", "key.2")
		for _, lim := range []plan.Limits{cpuLimits(), gpuLimits()} {
			for _, precision := range []graph.DType{graph.F32, graph.F16} {
				p, err := plan.Lower(g, lim, plan.Options{Precision: precision})
				if err != nil {
					t.Fatal(err)
				}
				checkRoundTrip(t, p)
				if err := p.Arena(lim); err != nil {
					t.Fatal(err)
				}
				checkRoundTrip(t, p)
				p.Barriers()
				checkRoundTrip(t, p)
				if err := p.Check(lim); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

func checkRoundTrip(t *testing.T, p *plan.Plan) {
	t.Helper()
	text := p.String()
	again, err := plan.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if again.String() != text {
		t.Error("the text changes when it is parsed and printed")
	}
}

// TestDispatches: at most four dispatches a layer, and reuse in the arena.
func TestDispatches(t *testing.T) {
	for name, lim := range map[string]plan.Limits{"lanes": cpuLimits(), "tiles": gpuLimits()} {
		one := newPlan(t, build(t, "emergence-b8", 1, "tokens.0"), lim, plan.Options{})
		all := newPlan(t, build(t, "emergence-b8", 1, "tokens.11"), lim, plan.Options{})
		if per := float64(len(all.Dispatches)-len(one.Dispatches)) / 11; per > 4 {
			t.Errorf("%s: %.1f dispatches a layer, want at most 4", name, per)
		}
		if all.ArenaBytes() > 2*one.ArenaBytes() {
			t.Errorf("%s: twelve layers need %d bytes, one needs %d: the arena is not reused", name, all.ArenaBytes(), one.ArenaBytes())
		}
	}
}

// TestFLOPs: a plan's sum is its graph's.
func TestFLOPs(t *testing.T) {
	for _, readout := range []string{"tokens.11", "cls_attention.10", "key.11", "attention.2"} {
		g := build(t, "emergence-b8", 8, readout)
		for _, lim := range []plan.Limits{cpuLimits(), gpuLimits()} {
			if p := newPlan(t, g, lim, plan.Options{}); p.FLOPs() != g.FLOPs() {
				t.Errorf("%s: the plan has %d FLOPs, the graph %d", readout, p.FLOPs(), g.FLOPs())
			}
		}
	}
}

// TestCheckFindsFaults breaks a good plan in one place after another: each
// must be refused, with a message about that place.
func TestCheckFindsFaults(t *testing.T) {
	lim := cpuLimits()
	g := build(t, "emergence-t8", 1, "tokens.1")
	for _, c := range []struct {
		name string
		harm func(p *plan.Plan, lim *plan.Limits)
		want string
	}{
		{"no barriers", func(p *plan.Plan, _ *plan.Limits) {
			for i := range p.Dispatches {
				p.Dispatches[i].Barrier = false
			}
		}, "without a barrier"},
		{"one barrier less", func(p *plan.Plan, _ *plan.Limits) {
			i := slices.IndexFunc(p.Dispatches, func(d plan.Dispatch) bool { return d.Barrier })
			p.Dispatches[i].Barrier = false
		}, "without a barrier"},
		{"everything at one place", func(p *plan.Plan, _ *plan.Limits) {
			for i := range p.Buffers {
				p.Buffers[i].Offset = 0
			}
			p.Barriers()
		}, "whose contents are not there"},
		{"a buffer beyond its space", func(p *plan.Plan, _ *plan.Limits) { p.Spaces[0] /= 2 }, "outside the arena"},
		{"an odd offset", func(p *plan.Plan, _ *plan.Limits) {
			p.Spaces[0] += 64
			for i := range p.Buffers {
				p.Buffers[i].Offset += 4
			}
		}, "no multiple of 16"},
		{"a binding too large", func(_ *plan.Plan, l *plan.Limits) { l.MaxStorageRange = 1000 }, "the device allows 1000"},
		{"too few texels", func(_ *plan.Plan, l *plan.Limits) { l.MaxTexels = 100 }, "the device allows 100"},
		{"a grid too large", func(p *plan.Plan, _ *plan.Limits) { p.Dispatches[1].Grid[0] = 70000 }, "grid"},
		{"an empty grid", func(p *plan.Plan, _ *plan.Limits) { p.Dispatches[1].Grid[0] = 0 }, "grid"},
		{"another subgroup size", func(_ *plan.Plan, l *plan.Limits) { l.Subgroup = 16 }, "subgroups of 8, the device has 16"},
		{"few invocations", func(_ *plan.Plan, l *plan.Limits) { l.MaxInvocations = 4 }, "invocations a workgroup"},
		{"few push constants", func(_ *plan.Plan, l *plan.Limits) { l.MaxPush = 16 }, "push constants"},
		{"few loops", func(_ *plan.Plan, l *plan.Limits) { l.MaxLoops = 10 }, "silently"},
		{"a write to a weight", func(p *plan.Plan, _ *plan.Limits) {
			for i := range p.Buffers {
				p.Buffers[i].Role = plan.Weight
			}
		}, "writes buffer"},
		{"a write to what is read", func(p *plan.Plan, _ *plan.Limits) { p.Dispatches[1].Bind[0] = p.Dispatches[1].Bind[2] }, "one of them is written"},
		{"an unknown kernel", func(p *plan.Plan, _ *plan.Limits) { p.Dispatches[0].Kernel = nil }, "a dispatch has no kernel"},
		{"a constant too few", func(p *plan.Plan, _ *plan.Limits) { p.Dispatches[0].Push = p.Dispatches[0].Push[1:] }, "push constants"},
		{"an output that is overwritten", func(p *plan.Plan, _ *plan.Limits) {
			out := p.Outputs[0].Buffers[0]
			for _, b := range p.Dispatches[0].Bind {
				if p.Buffers[b].Role == plan.Scratch {
					p.Outputs[0].Buffers = []int{b}
					_ = out
				}
			}
		}, "is not there at the end"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, l := newPlan(t, g, lim, plan.Options{}), lim
			c.harm(p, &l)
			err := p.Check(l)
			var le *plan.LimitError
			if !errors.As(err, &le) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want a *LimitError with %q", err, c.want)
			}
		})
	}
}

// TestBarriersAreNeeded takes out each barrier of a plan in turn: the check
// must object every time, so none is wider than needed.
func TestBarriersAreNeeded(t *testing.T) {
	lim := gpuLimits()
	p := newPlan(t, build(t, "emergence-t8", 2, "logits", "cls_attention.1", "key.0"), lim, plan.Options{})
	for i := range p.Dispatches {
		if !p.Dispatches[i].Barrier {
			continue
		}
		p.Dispatches[i].Barrier = false
		if p.Check(lim) == nil {
			t.Errorf("the barrier before dispatch %d (%s) is not needed", i, p.Dispatches[i].Kernel.Name)
		}
		p.Dispatches[i].Barrier = true
	}
}

// TestBaseline plans the largest published model at batch 64 within the minima
// that Vulkan guarantees: where one binding is too small for a batch, a smaller
// batch must fit.
func TestBaseline(t *testing.T) {
	for _, preset := range []string{"crate-l16", "emergence-b8", "alpha-l14"} {
		fits := 0
		for batch := 64; batch >= 1; batch /= 2 {
			_, err := plan.New(build(t, preset, batch, "tokens.2", "cls_attention.1"), plan.BaselineLimits(), plan.Options{})
			var le *plan.LimitError
			if err == nil {
				fits = batch
				break
			}
			if !errors.As(err, &le) {
				t.Fatalf("%s at batch %d: %v", preset, batch, err)
			}
		}
		t.Logf("%s fits the minima at batch %d", preset, fits)
		if fits < 16 {
			t.Errorf("%s fits the minima only at batch %d", preset, fits)
		}
	}
}

// TestVariantIndependentOfBatch: which kernels run, and their constants, never
// depend on the batch, but for rows and tiles, which don't change a row's
// arithmetic.
func TestVariantIndependentOfBatch(t *testing.T) {
	free := []string{"ROWS", "BM", "BN", "TM", "TN", "LX", "INVOCATIONS"}
	for _, lim := range []plan.Limits{cpuLimits(), gpuLimits()} {
		describe := func(batch int) []string {
			var list []string
			for _, d := range newPlan(t, build(t, "crate-s16", batch, "logits"), lim, plan.Options{}).Dispatches {
				var words []string
				for _, w := range strings.Fields(d.Describe()) {
					name, _, _ := strings.Cut(w, "=")
					if !slices.Contains(free, name) {
						words = append(words, w)
					}
				}
				list = append(list, strings.Join(words, " "))
			}
			return list
		}
		if one, many := describe(1), describe(9); !slices.Equal(one, many) {
			t.Errorf("%s:\nbatch 1 %v\nbatch 9 %v", lim.Device, one, many)
		}
	}
}

// TestPack: every layout gives back what was put in, and zeros around it.
func TestPack(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, s := range []string{
		"rows{elem:f32 rows:5 columns:12 group:12 pitch:3}", "rows{elem:f32 rows:5 columns:10 group:5 pitch:7}", "quads{elem:f32 rows:5 columns:10 group:10 pitch:8}",
		"quads{elem:f32 rows:7 columns:15 group:5 pitch:9}", "rows{elem:f16 rows:3 columns:9 group:3 pitch:3}", "rows{elem:f32 rows:1 columns:1 group:1 pitch:1}",
	} {
		text := fmt.Sprintf("plan family=plain precision=f32\ngraph \"g\" {\nv0 = input {name=\"x\"} : f32[N:1]\n}\nbuffer b0 input v0 %s\n", s)
		p, err := plan.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		l := p.Buffers[0].Layout
		in := make([]float64, l.Rows*l.Columns)
		for i := range in {
			in[i] = float64(r.IntN(2000)) - 1000
		}
		data, err := l.Pack(in)
		if err != nil || int64(len(data)) != l.Bytes() {
			t.Fatalf("%s: %d bytes, want %d (%v)", s, len(data), l.Bytes(), err)
		}
		out := make([]float32, len(in))
		if err := l.Unpack(out, data); err != nil {
			t.Fatal(err)
		}
		nonzero := 0
		for i := range in {
			if float64(out[i]) != in[i] {
				t.Fatalf("%s: element %d is %g, want %g", s, i, out[i], in[i])
			}
			if in[i] != 0 {
				nonzero += l.Elem.Bytes()
			}
		}
		bytes := 0
		for i := 0; i < len(data); i += l.Elem.Bytes() {
			if slices.ContainsFunc(data[i:i+l.Elem.Bytes()], func(b byte) bool { return b != 0 }) {
				bytes += l.Elem.Bytes()
			}
		}
		if bytes != nonzero {
			t.Errorf("%s: padding is not zero", s)
		}
	}
}

func TestLayoutsThatLie(t *testing.T) {
	for _, s := range []string{"rows{elem:f32 rows:5 columns:12 group:12 pitch:2}", "quads{elem:f32 rows:5 columns:12 group:12 pitch:4}", "rows{elem:f32 rows:5 columns:12 group:5 pitch:9}",
		"panels{elem:f32 rows:8 columns:8 group:8 panel:2 lines:7 linegroup:8}", "rows{rows:5 columns:12 group:12 pitch:3}", "rows{elem:f32 rows:0 columns:12 group:12 pitch:3}", "heap{elem:f32 rows:1}"} {
		if _, err := plan.Parse(fmt.Sprintf("plan family=plain precision=f32\ngraph \"g\" {\n}\nbuffer b0 input v0 %s\n", s)); err == nil {
			t.Errorf("%s is accepted", s)
		}
	}
}

// TestGolden compares whole plans with the committed text: a change of
// lowering shows as a diff.
func TestGolden(t *testing.T) {
	c, err := crate.Preset("emergence-t8")
	if err != nil {
		t.Fatal(err)
	}
	c.ImageSize, c.Depth, c.Classes = [2]int{32, 32}, 2, 10
	g, err := crate.Build(&c, crate.Request{Batch: 2, Height: 32, Width: 32, Outputs: []string{"tokens.0", "logits"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := pass.Run(g, pass.Options{}); err != nil {
		t.Fatal(err)
	}
	for name, lim := range map[string]plan.Limits{"lanes": cpuLimits(), "tiles": gpuLimits(), "plain": plan.BaselineLimits()} {
		p := newPlan(t, g, lim, plan.Options{Family: plan.Family(name)})
		path := filepath.Join("../../testdata/plan", name+".plan")
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(p.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if p.String() != string(want) {
			t.Errorf("%s differs: run go test ./engine/plan -update and read the diff", path)
		}
	}
}

// TestOps: every op is executed as it is, expanded by a required pass, or only
// ever static. A new op that none of the models uses shows here.
func TestOps(t *testing.T) {
	static := []graph.Op{graph.OpParam, graph.OpEye, graph.OpFill, graph.OpKept, graph.OpMatMul, graph.OpTranspose, graph.OpSlice, graph.OpConcat, graph.OpCentre, graph.OpConvAsLinear, graph.OpResamplePositions}
	expanded := []graph.Op{graph.OpISTA, graph.OpODL, graph.OpClassAttention}
	for _, op := range graph.Ops() {
		if slices.Contains(static, op) || slices.Contains(expanded, op) {
			continue
		}
		if !plan.Lowers(op) {
			t.Errorf("no kernel computes %s, and no pass expands it", op)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"lanes", "tiles", "plain"} {
		text, err := os.ReadFile(filepath.Join("../../testdata/plan", name+".plan"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	lim := cpuLimits()
	f.Fuzz(func(t *testing.T, text string) {
		p, err := plan.Parse(text)
		if err != nil {
			return
		}
		again, err := plan.Parse(p.String())
		if err != nil || again.String() != p.String() {
			t.Errorf("%v", err)
		}
		p.Finish(lim)
	})
}
