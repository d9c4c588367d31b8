package isa

import (
	"math"
	"strings"
	"testing"
)

// A loop in RADV's form: a guarded rescaling block inside, code after it, and
// an instruction that the disassembler doesn't know.
const attention = `stat VGPRs = 144
stat Spilled VGPRs = 0
stat Subgroups per SIMD = 7
isa
BB0:
	s_mov_b32 s0, s3                                            ; be800303
	v_lshl_add_u32 v2, s8, 5, v0                                ; d7460002 04010a08
BB1:
	s_clause 0x1                                                ; bfa10001
	s_buffer_load_dwordx4 s[32:35], s[12:15], s21               ; f4280806 2a000000
	s_buffer_load_dwordx4 s[36:39], s[12:15], s21 offset:16     ; f4280906 2a000010
	s_waitcnt lgkmcnt(0)                                        ; bf8cc07f
	v_fma_f32 v132, v68, s32, -v11                              ; d54b0084 842c4144
	v_fmac_f32_e32 v132, s33, v69                               ; 57088a21
	v_fmac_f32_e32 v132, s34, v70                               ; 57088a21
	v_fmac_f32_e32 v132, s35, v71                               ; 57088a21
	v_fmac_f32_e32 v133, s36, v68                               ; 57088a21
	v_fmac_f32_e32 v133, s37, v69                               ; 57088a21
	v_fmac_f32_e32 v133, s38, v70                               ; 57088a21
	v_fmac_f32_e32 v133, s39, v71                               ; 57088a21
	v_max_f32_e32 v4, v132, v133                                ; 57088a21
	v_cmpx_lt_f32_e32 s40, v4                                   ; 57088a21
	s_cbranch_execz BB3                                         ; bf880004
BB2:
	v_exp_f32_e64 v5, -v4                                       ; 57088a21
	v_mul_f32_e32 v6, v6, v5                                    ; 57088a21
	v_mul_f32_e32 v7, v7, v5                                    ; 57088a21
	v_mul_f32_e32 v8, v8, v5                                    ; 57088a21
	v_mul_f32_e32 v9, v9, v5                                    ; 57088a21
BB3:
	v_exp_f32_e32 v132, v132                                    ; 57088a21
	(invalid instruction)                                       ; f4301706
	s_cbranch_scc0 BB1                                          ; bf84001d
BB4:
	buffer_store_dwordx4 v[0:3], v4, s[8:11], 0 offen           ; e0781000 80020004
	s_endpgm                                                    ; bf810000
`

func TestParse(t *testing.T) {
	c := Parse(attention)
	if c.Statistics["VGPRs"] != 144 || c.Statistics["Subgroups per SIMD"] != 7 {
		t.Errorf("statistics are %v", c.Statistics)
	}
	if len(c.Blocks) != 5 || len(c.Blocks[1].Code) != 15 || len(c.Blocks[3].Code) != 2 {
		t.Fatalf("blocks are %v", c.Blocks)
	}
	if in := c.Blocks[1].Code[2]; in.Op != "s_buffer_load_dwordx4" || in.Args != "s[36:39], s[12:15], s21 offset:16" {
		t.Errorf("read %q %q", in.Op, in.Args)
	}
}

func TestHotLoop(t *testing.T) {
	c := Parse(attention)
	hot, ok := c.HotLoop()
	if !ok || hot != (Loop{1, 3}) {
		t.Fatalf("the hot loop is %v %v", hot, ok)
	}
	n := c.Count(hot)
	want := Counts{MultiplyAdds: 8, Flops: 16, Vector: 11, Quarter: 1, Scalar: 2, ScalarLoads: 2}
	if n != want {
		t.Errorf("counted %+v, want %+v", n, want)
	}
	// 16 flops in 11 slots and three more for the exponential.
	if p := GPUs()[0].Predict(n, 7); math.Abs(p.Share-16.0/28) > 1e-12 || p.Bound != "vector" {
		t.Errorf("predicted %v", p)
	}
	if p := GPUs()[0].Predict(n, 0.5); math.Abs(p.Share-8.0/28) > 1e-12 {
		t.Errorf("predicted %v for half a subgroup", p)
	}
}

// TestNested takes the innermost of two loops around the same block.
func TestNested(t *testing.T) {
	fma := strings.Repeat("\tv_fma_f32 v1, v2, v3, v1 ; 0\n", 8)
	c := Parse("isa\nBB0:\n\ts_nop 0 ; 0\nBB1:\n\ts_nop 0 ; 0\nBB2:\n" + fma + "\ts_cbranch_scc1 BB2 ; 0\nBB3:\n\ts_branch BB1 ; 0\n")
	if hot, ok := c.HotLoop(); !ok || hot != (Loop{2, 2}) {
		t.Errorf("the hot loop is %v %v", hot, ok)
	}
	if loops := c.Loops(); len(loops) != 2 || loops[0] != (Loop{1, 3}) {
		t.Errorf("the loops are %v", loops)
	}
	if _, ok := Parse("isa\nBB0:\n" + fma).HotLoop(); ok {
		t.Error("a hot loop without a loop")
	}
}

func TestClasses(t *testing.T) {
	for _, x := range []struct {
		line  string
		class class
		flops int
		bytes int
	}{
		{"v_dual_fmac_f32 v1, v2, v3 :: v_dual_fmac_f32 v4, v5, v6", vector, 4, 0},
		{"v_dual_fmac_f32 v1, v2, v3 :: v_dual_mov_b32 v4, v5", vector, 2, 0},
		{"v_fma_mix_f32 v1, s2, v3, v1 op_sel_hi:[1,0,0]", vector, 2, 0},
		{"v_mac_f32_e32 v1, v2, v3", vector, 2, 0},
		{"v_mul_f32_e32 v1, v2, v3", vector, 0, 0},
		{"ds_read_b128 v[1:4], v5 offset:16", shared, 0, 16},
		{"ds_read2st64_b64 v[1:4], v5 offset1:1", shared, 0, 16},
		{"ds_load_2addr_b32 v[1:2], v5", shared, 0, 8},
		{"ds_write2_b32 v1, v2, v3", shared, 0, 8},
		{"ds_bpermute_b32 v1, v2, v3", shared, 0, 4},
		{"buffer_load_dwordx4 v[1:4], v5, s[0:3], 0 offen", vectorMemory, 0, 16},
		{"buffer_load_b128 v[1:4], v5, s[0:3], 0 offen", vectorMemory, 0, 16},
		{"buffer_load_dwordx2 v[1:2], v5, s[0:3], 0 offen", vectorMemory, 0, 8},
		{"buffer_load_dword v1, v5, s[0:3], 0 offen", vectorMemory, 0, 4},
		{"buffer_gl0_inv", other, 0, 0},
		{"s_buffer_load_b512 s[0:15], s[16:19], s20", scalarMemory, 0, 0},
		{"s_waitcnt vmcnt(0)", waiting, 0, 0},
		{"s_barrier", barrier, 0, 0},
		{"s_cbranch_scc0 BB1", branching, 0, 0},
		{"s_add_u32 s0, s1, s2", scalar, 0, 0},
	} {
		op, args, _ := strings.Cut(x.line, " ")
		in := Instruction{op, args}
		if in.class() != x.class || in.flops() != x.flops {
			t.Errorf("%s: class %d with %d flops, want %d and %d", x.line, in.class(), in.flops(), x.class, x.flops)
		}
		if x.bytes > 0 && in.bytes() != x.bytes {
			t.Errorf("%s: %d bytes, want %d", x.line, in.bytes(), x.bytes)
		}
	}
	if !(Instruction{Op: "v_rsq_f32_e32"}).quarterRate() || (Instruction{Op: "v_exp_foo"}).quarterRate() {
		t.Error("transcendentals are not told from others")
	}
}

// TestBanks checks the simulation on patterns with known conflicts, and that
// the tiles have none beyond what their fragments' sizes demand.
func TestBanks(t *testing.T) {
	if c := readCycles(func(lane int) int { return 4 * lane }); c != 4 {
		t.Errorf("consecutive quads take %d clocks, want 4", c)
	}
	if c := readCycles(func(int) int { return 8 }); c != 4 {
		t.Errorf("one quad for all takes %d clocks, want 4", c)
	}
	if c := readCycles(func(lane int) int { return 32 * lane }); c != 32 {
		t.Errorf("all in the same banks take %d clocks, want 32", c)
	}
	for _, x := range []struct {
		bm, bn, tm, tn, lx int
		want               float64
	}{{128, 128, 16, 8, 4, 24.0 / 128}, {128, 128, 8, 8, 8, 16.0 / 64}, {64, 64, 8, 4, 8, 12.0 / 32}} {
		if got := TileBankCycles(x.bm, x.bn, x.tm, x.tn, x.lx); got != x.want {
			t.Errorf("%dx%d in %dx%d: %g clocks a multiply-add, want %g", x.bm, x.bn, x.tm, x.tn, got, x.want)
		}
	}
}
