package measure

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/shaders"
)

// Peak is one ceiling of arithmetic: what a device computes when nothing leaves its
// registers.
type Peak struct {
	Factors, Sums string  // fp32, fp16, int8 or int32
	Shape         [3]int  // of cooperative matrices M×K and K×N: M, N, K; zero: none, a lane's own multiply-adds
	Scope         string  // who has a matrix together, subgroup or workgroup; "": none
	GFLOPS        float64 // 10⁹ operations a second, a multiply-add counting two
	Err           error   // it can't be measured, or the device computed something else
}

// Ceilings are all ceilings of a device.
type Ceilings struct {
	GBs   float64 // copying within the device's memory, 10⁹ bytes a second, read and written
	Peaks []Peak  // float32 first
	Lacks []string
}

// matrixTime is how long each kind of cooperative matrices is measured: devices have a dozen.
const matrixTime = 150 * time.Millisecond

// DeviceCeilings measures everything that a device computes with: float32, float16 where
// kernels may compute with it, and each kind of cooperative matrices of float16 or int8.
// Each measurement checks its result. Lacks names what the device does not have.
func DeviceCeilings(ctx context.Context, on inside.Opener) (*Ceilings, error) {
	e, release, err := on.Inside(inside.Key{})
	if err != nil {
		return nil, err
	}
	defer release()
	if err := e.Lacks("is not measured"); err != nil {
		return nil, err
	}
	g := e.Device.Device
	base, err := ceiling(g)
	if err != nil {
		return nil, err
	}
	c := &Ceilings{GBs: base.GBs, Peaks: []Peak{{Factors: "fp32", Sums: "fp32", GFLOPS: base.GFLOPS}}}
	if g.Info.Float16 {
		half := Peak{Factors: "fp16", Sums: "fp16"}
		rate, err := peakFLOPS(g, "peak.f16", ceilingTime)
		if half.GFLOPS, half.Err = rate/1e9, err; errors.Is(err, vk.ErrDeviceLost) {
			return nil, err
		}
		c.Peaks = append(c.Peaks, half)
	} else {
		c.Lacks = append(c.Lacks, "arithmetic in float16 (shaderFloat16)")
	}
	return c, c.matrices(ctx, g)
}

// matrices measures each kind of cooperative matrices, on the device opened once more.
func (c *Ceilings) matrices(ctx context.Context, g *run.Device) error {
	m, err := g.VK.OpenMatrices(false)
	if err != nil {
		return err
	}
	if m.Device == nil {
		c.Lacks = append(c.Lacks, "cooperative matrices (VK_KHR_cooperative_matrix)")
		return nil
	}
	defer m.Device.Close()
	if g.Info.Type == vk.TypeSoftware && g.Info.Subgroup != matrixLanes {
		c.Lacks = append(c.Lacks, fmt.Sprintf("cooperative matrices that work in vectors of %d bits", 32*g.Info.Subgroup))
		return nil
	}
	m.Device.LimitMemory(g.VK.MemoryLeft())
	others, workgroups := 0, false
	for _, k := range m.Kinds {
		workgroups = workgroups || k.Scope == vk.Workgroup
		loop, ok := newMatrixLoop(k, g.Limits.Subgroup, g.Info)
		if !ok || k.A == vk.Int8 && !m.Int8 {
			others++
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		p := loop.peak()
		p.GFLOPS, p.Err = loop.measure(m.Device)
		if errors.Is(p.Err, vk.ErrDeviceLost) {
			return fmt.Errorf("%v: %w", p, p.Err)
		}
		c.Peaks = append(c.Peaks, p)
	}
	if others > 0 {
		c.Lacks = append(c.Lacks, fmt.Sprintf("a kernel of ours for %d more kinds of cooperative matrices, of other types", others))
	}
	if !workgroups {
		c.Lacks = append(c.Lacks, "cooperative matrices of a whole workgroup (VK_NV_cooperative_matrix2)")
	}
	return nil
}

func (p Peak) String() string {
	if p.Scope == "" {
		return p.Factors + " multiply-adds"
	}
	return fmt.Sprintf("%s×%s+%s matrices of %d×%d×%d a %s", p.Factors, p.Factors, p.Sums, p.Shape[0], p.Shape[1], p.Shape[2], p.Scope)
}

// matrixLanes is the subgroup in which llvmpipe has cooperative matrices that work: vectors
// of 256 bits. With Mesa 26.1 it has none in narrower ones, and crashes in wider ones.
const matrixLanes = 8

// matrixVariants are the variants of peak_matrix by the types of factors and sums.
var matrixVariants = map[[2]vk.Component]string{
	{vk.Float16, vk.Float32}: "peak_matrix",
	{vk.Float16, vk.Float16}: "peak_matrix.half",
	{vk.Int8, vk.Int32}:      "peak_matrix.int8",
}

// MatrixKernel is the kernel that measures one kind of cooperative matrices.
type MatrixKernel struct {
	Peak     Peak // not measured
	Pipeline vk.PipelineInfo
}

// MatrixKernels are those of the kinds that a device has, for who compiles them and runs
// nothing. The bindings are two storage buffers.
func MatrixKernels(g *run.Device, m vk.Matrices) (list []MatrixKernel, err error) {
	for _, k := range m.Kinds {
		loop, ok := newMatrixLoop(k, g.Limits.Subgroup, g.Info)
		if !ok || k.A == vk.Int8 && !m.Int8 {
			continue
		}
		info, err := loop.pipeline()
		if err != nil {
			return nil, err
		}
		list = append(list, MatrixKernel{loop.peak(), info})
	}
	return list, nil
}

// matrixLoop is peak_matrix for one kind of cooperative matrices.
type matrixLoop struct {
	kind     vk.Matrix // with the shape that is measured
	variant  string
	lanes    int
	groups   int
	subgroup int
	turn     uint32 // 1: a software device, whose compiler must find nothing to take out of the loop
}

// newMatrixLoop is false where no variant has the types.
func newMatrixLoop(k vk.Matrix, subgroup int, info vk.Info) (*matrixLoop, bool) {
	variant, ok := matrixVariants[[2]vk.Component{k.A, k.D}]
	if !ok || k.B != k.A || k.Result != k.D || k.Saturates || k.Scope != vk.Subgroup && k.Scope != vk.Workgroup {
		return nil, false
	}
	l := &matrixLoop{kind: k, variant: variant, subgroup: subgroup, lanes: 128, groups: 16384}
	if info.Type == vk.TypeSoftware {
		l.lanes, l.groups, l.turn = info.Subgroup, 512, 1
	}
	if k.Scope == vk.Workgroup {
		l.lanes = k.Invocations
		// Four chains of sums have at most half of an invocation's registers, of which
		// GPUs have 256 at most.
		for k := &l.kind; shaders.MatrixChains*k.M*k.N <= 64*l.lanes; {
			if k.M <= k.N {
				k.M *= 2
			} else {
				k.N *= 2
			}
		}
	}
	l.lanes = min(l.lanes, info.MaxInvocations)
	return l, true
}

func (l *matrixLoop) peak() Peak {
	types := map[vk.Component]string{vk.Float16: "fp16", vk.Float32: "fp32", vk.Int8: "int8", vk.Int32: "int32"}
	scopes := map[vk.Scope]string{vk.Subgroup: "subgroup", vk.Workgroup: "workgroup"}
	k := l.kind
	return Peak{Factors: types[k.A], Sums: types[k.D], Shape: [3]int{k.M, k.N, k.K}, Scope: scopes[k.Scope]}
}

func (l *matrixLoop) pipeline() (vk.PipelineInfo, error) {
	code, err := shaders.SPIRV(l.variant)
	k := l.kind
	spec := []uint32{uint32(l.lanes), uint32(k.Scope), uint32(k.M), uint32(k.N), uint32(k.K), l.turn}
	return vk.PipelineInfo{Code: code, Slots: make([]vk.SlotKind, 2), PushBytes: 4, Spec: spec, Subgroup: l.subgroup}, err
}

// measure is in 10⁹ operations a second.
func (l *matrixLoop) measure(d *vk.Device) (float64, error) {
	info, err := l.pipeline()
	if err != nil {
		return 0, err
	}
	loop, err := newRegisterLoop(d, info, 1, l.lanes, l.groups)
	if err != nil {
		return 0, err
	}
	defer loop.close()
	// Once with sums that grow, which tells rounds and factors, and once with those that
	// are timed, where every second product takes the first one back.
	const begin = 1
	if _, err := l.check(loop, quad{1, 1, 2, begin}, 1); err != nil {
		return 0, err
	}
	timed := quad{1, 1, -1, begin}
	loop.fill(timed)
	push := func(rounds int) []uint32 { return []uint32{uint32(rounds)} }
	perSecond, rounds, err := loop.rate(8, push, matrixTime)
	if err != nil {
		return 0, err
	}
	matrices, err := l.check(loop, timed, rounds)
	k := l.kind
	return shaders.MatrixFLOPs * float64(k.M*k.N*k.K) * matrices * perSecond / 1e9, err
}

// check runs the kernel and looks at every place of every result. It returns how many
// matrices of sums there were.
func (l *matrixLoop) check(loop *registerLoop, values quad, rounds int) (matrices float64, err error) {
	want, places := l.want(values, rounds), 0.0
	loop.fill(values)
	err = loop.result([]uint32{uint32(rounds)}, func(q quad) error {
		if q[0] != want || q[1] != want {
			return &wrongResult{q, want}
		}
		places += float64(q[2])
		return nil
	})
	if err != nil {
		return 0, err
	}
	return l.matrices(places)
}

// want is what the chains add up to in each place.
func (l *matrixLoop) want(values quad, rounds int) float32 {
	sum := float32(0)
	for chain := range shaders.MatrixChains {
		a, d := values[0]+float32(chain), values[3]+float32(chain)
		sum += d + float32(rounds*l.kind.K)*a*(values[1]+values[2])
	}
	return sum
}

// matrices is how many there are, of as many places: they say so, whatever a driver's
// subgroups are.
func (l *matrixLoop) matrices(places float64) (float64, error) {
	n := places / float64(l.kind.M*l.kind.N)
	if n < float64(l.groups) || n != math.Trunc(n) {
		return 0, fmt.Errorf("wrong result: %.0f places are no matrices of %d×%d for each of %d workgroups", places, l.kind.M, l.kind.N, l.groups)
	}
	return n, nil
}
