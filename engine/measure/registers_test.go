package measure

import (
	"math"
	"testing"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/internal/enginetest"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/shaders"
)

// TestRegisterLoop: the kernel that measures registers computes what it says, with as many
// rounds as it is told, and the numbers come back.
func TestRegisterLoop(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		g := enginetest.Open(t, inst, info)
		for variant, there := range map[string]bool{"peak": true, "peak.f16": info.Float16} {
			if !there {
				continue
			}
			code, err := shaders.SPIRV(variant)
			if err != nil {
				t.Fatal(err)
			}
			const lanes, groups = 8, 3
			l, err := newRegisterLoop(g.VK, vk.PipelineInfo{Code: code, Slots: make([]vk.SlotKind, 2), PushBytes: 8, Spec: []uint32{lanes}}, lanes*groups, lanes, groups)
			if err != nil {
				t.Fatal(err)
			}
			defer l.close()
			l.fill(quad{1, 2, 4, 8})
			// Chain c begins with x + c; without a round that is all.
			n := 0
			for rounds, want := range map[uint32]quad{0: {21, 27, 39, 63}, 9: {12, 24, 48, 96}} {
				err := l.result([]uint32{rounds, math.Float32bits(0.5)}, func(q quad) error {
					if n++; q != want {
						t.Errorf("%s: %d rounds give %v, want %v", variant, rounds, q, want)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
			if n != 2*lanes*groups {
				t.Errorf("%s: %d values came back, want %d", variant, n, 2*lanes*groups)
			}
		}
	})
}

// TestMatrixResults: what the chains must add up to, by hand, and how many matrices there
// must be.
func TestMatrixResults(t *testing.T) {
	l := &matrixLoop{kind: vk.Matrix{M: 8, N: 4, K: 16}, groups: 6}
	for _, c := range []struct {
		values quad
		rounds int
		want   float32
	}{
		{quad{1, 1, 2, 1}, 0, 1 + 2 + 3 + 4},
		{quad{1, 1, 2, 1}, 1, 10 + 16*(1+2+3+4)*3},
		{quad{2, 1, 2, 5}, 3, 5 + 6 + 7 + 8 + 3*16*(2+3+4+5)*3},
		{quad{1, 1, -1, 1}, 30000, 10},
	} {
		if got := l.want(c.values, c.rounds); got != c.want {
			t.Errorf("%v, %d rounds: %v, want %v", c.values, c.rounds, got, c.want)
		}
	}
	for places, want := range map[float64]float64{6 * 32: 6, 12 * 32: 12, 5 * 32: 0, 6*32 + 1: 0, 0: 0} {
		if n, err := l.matrices(places); n != want || (err == nil) != (want > 0) {
			t.Errorf("%.0f places: %.0f matrices, %v, want %.0f", places, n, err, want)
		}
	}
}

// TestMatrixKinds: which kinds of cooperative matrices are measured, and in which shape.
func TestMatrixKinds(t *testing.T) {
	gpu := vk.Info{Type: vk.TypeDiscrete, MaxInvocations: 1024, Subgroup: 32}
	half := vk.Matrix{M: 16, N: 16, K: 16, A: vk.Float16, B: vk.Float16, D: vk.Float32, Result: vk.Float32, Scope: vk.Subgroup}
	with := func(change func(*vk.Matrix)) vk.Matrix {
		m := half
		change(&m)
		return m
	}
	workgroup := with(func(m *vk.Matrix) { m.M, m.N, m.Scope, m.Invocations = 32, 16, vk.Workgroup, 256 })
	for _, c := range []struct {
		name string
		kind vk.Matrix
		want string // as a Peak prints; "": not measured
	}{
		{"half", half, "fp16×fp16+fp32 matrices of 16×16×16 a subgroup"},
		{"half sums", with(func(m *vk.Matrix) { m.D, m.Result = vk.Float16, vk.Float16 }), "fp16×fp16+fp16 matrices of 16×16×16 a subgroup"},
		{"int8", with(func(m *vk.Matrix) { m.A, m.B, m.D, m.Result, m.K = vk.Int8, vk.Int8, vk.Int32, vk.Int32, 32 }), "int8×int8+int32 matrices of 16×16×32 a subgroup"},
		{"saturating", with(func(m *vk.Matrix) { m.Saturates = true }), ""},
		{"mixed factors", with(func(m *vk.Matrix) { m.B = vk.Int8 }), ""},
		{"other result", with(func(m *vk.Matrix) { m.Result = vk.Float16 }), ""},
		{"unsigned", with(func(m *vk.Matrix) { m.A, m.B = 7, 7 }), ""},
		{"a device's scope", with(func(m *vk.Matrix) { m.Scope = 1 }), ""},
		// 4 sums of 64×128 are 128 registers of 256 invocations.
		{"workgroup", workgroup, "fp16×fp16+fp32 matrices of 128×64×16 a workgroup"},
	} {
		l, ok := newMatrixLoop(c.kind, 32, gpu)
		got := ""
		if ok {
			got = l.peak().String()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if ok && l.lanes%32 != 0 {
			t.Errorf("%s: %d invocations are no whole subgroups", c.name, l.lanes)
		}
	}
}
