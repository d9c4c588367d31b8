package isa

import (
	"math"
	"slices"
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
	c := Parse(attention, RADV)
	if c.Statistics["VGPRs"] != 144 || c.Statistics["Subgroups per SIMD"] != 7 {
		t.Errorf("statistics are %v", c.Statistics)
	}
	if len(c.Blocks) != 5 || len(c.Blocks[1].Code) != 15 || len(c.Blocks[3].Code) != 2 {
		t.Fatalf("blocks are %v", c.Blocks)
	}
	if in := c.Blocks[1].Code[2]; in.Op != "s_buffer_load_dwordx4" || in.Args != "s[36:39], s[12:15], s21 offset:16" {
		t.Errorf("read %q %q", in.Op, in.Args)
	}
	if c := Parse(attention, nil); len(c.Blocks) != 0 || c.Statistics["VGPRs"] != 144 {
		t.Errorf("without a dialect there are %d blocks and statistics %v", len(c.Blocks), c.Statistics)
	}
}

func TestHotLoop(t *testing.T) {
	c := Parse(attention, RADV)
	hot, ok := c.HotLoop()
	if !ok || !slices.Equal(hot.Blocks, []int{1, 2, 3}) {
		t.Fatalf("the hot loop is %v %v", hot, ok)
	}
	n := c.Count(hot)
	want := Counts{Of: counts(MultiplyAdd, 8, Integer, 2, Special, 1, Control, 2, ScalarLoad, 2, Wait, 2), Flops: 16}
	if n != want {
		t.Errorf("counted %+v, want %+v", n, want)
	}
	// 16 flops in 11 slots, the exponential in four of them.
	if p := Navi21.Predict(n, 7); math.Abs(p.Share-16.0/28) > 1e-12 || p.By != "arithmetic" {
		t.Errorf("predicted %v", p)
	}
	if p := Navi21.Predict(n, 0.5); math.Abs(p.Share-8.0/28) > 1e-12 {
		t.Errorf("predicted %v for half a subgroup", p)
	}
}

// counts are so many instructions of each unit.
func counts(pairs ...any) (of [units]int) {
	for i := 0; i < len(pairs); i += 2 {
		of[pairs[i].(Unit)] = pairs[i+1].(int)
	}
	return of
}

// TestLoops: the innermost loop is hot, a loop's head may stand behind its body, code that the
// loop only jumps around is not of it, and a jump back is not always a loop.
func TestLoops(t *testing.T) {
	fma := strings.Repeat("\tv_fma_f32 v1, v2, v3, v1 ; 0\n", 8)
	const nop, end = "\ts_nop 0 ; 0\n", "\ts_endpgm ; 0\n"
	for name, x := range map[string]struct {
		code string
		want []int // nil: no hot loop
	}{
		"nested":           {"BB0:\n" + nop + "BB1:\n" + nop + "BB2:\n" + fma + "\ts_cbranch_scc1 BB2 ; 0\nBB3:\n\ts_branch BB1 ; 0\n", []int{2}},
		"head behind":      {"BB0:\n\ts_branch BB2 ; 0\nBB1:\n" + fma + "BB2:\n\ts_cbranch_scc1 BB1 ; 0\n" + end, []int{1, 2}},
		"exit inside":      {"BB0:\n" + nop + "BB1:\n\ts_cbranch_scc1 BB3 ; 0\n" + end + "BB3:\n" + fma + "\ts_branch BB1 ; 0\n", []int{1, 3}},
		"no loop":          {"BB0:\n" + fma + end, nil},
		"few":              {"BB0:\n" + nop + "BB1:\n" + fma[:7*len(fma)/8] + "\ts_cbranch_scc1 BB1 ; 0\n" + end, nil},
		"two ways in":      {"BB0:\n\ts_cbranch_scc1 BB2 ; 0\nBB1:\n" + fma + "BB2:\n" + nop + "\ts_cbranch_scc1 BB1 ; 0\n" + end, nil},
		"nothing":          {"", nil},
		"its own start":    {"BB0:\n" + fma + "\ts_cbranch_scc1 BB0 ; 0\n" + end, []int{0}},
		"unreached blocks": {"BB0:\n" + end + "BB1:\n" + fma + "\ts_cbranch_scc1 BB1 ; 0\n" + end, nil},
	} {
		hot, ok := Parse("isa\n"+x.code, RADV).HotLoop()
		if ok != (x.want != nil) || ok && !slices.Equal(hot.Blocks, x.want) {
			t.Errorf("%s: the hot loop is %v %v, want %v", name, hot, ok, x.want)
		}
	}
}

// TestRare: a block is rare that may be left out and rescales; one that loads is not, nor one
// that something jumps to over another.
func TestRare(t *testing.T) {
	const block = "BB0:\n\ts_nop 0 ; 0\nBB1:\n%f\t%b ; 0\nBB2:\n%m%rBB3:\n\ts_cbranch_scc0 BB1 ; 0\n\ts_endpgm ; 0\n"
	fma, rescaling := strings.Repeat("\tv_fma_f32 v1, v2, v3, v1 ; 0\n", 8), strings.Repeat("\tv_mul_f32_e32 v9, v9, v5 ; 0\n", 4)
	for name, x := range map[string]struct {
		branch, more string
		floats       int
	}{
		"rescaling": {"s_cbranch_execz BB3", "", 0},
		"loading":   {"s_cbranch_execz BB3", "\tbuffer_load_b32 v1, v2, s[0:3], 0 ; 0\n", 4},
		"the other": {"s_cbranch_execz BB2 ; 0\n\ts_branch BB3", "", 4},
	} {
		c := Parse("isa\n"+strings.NewReplacer("%f", fma, "%b", x.branch, "%m", x.more, "%r", rescaling).Replace(block), RADV)
		hot, _ := c.HotLoop()
		if n := c.Count(hot); n.Of[Float] != x.floats {
			t.Errorf("%s: %d float instructions, want %d", name, n.Of[Float], x.floats)
		}
	}
}

func TestPredict(t *testing.T) {
	n := Counts{Of: counts(MultiplyAdd, 64, Float, 16, Integer, 20, Shared, 10, Scalar, 30, Wait, 100), Flops: 128, SharedBytes: 160, LoadBytes: 8}
	for name, x := range map[string]struct {
		gpu   GPU
		share float64
		by    string
	}{
		"slots":         {GPU{FlopsSlot: 2, Pipe: arithmetic}, 64.0 / 100, "arithmetic"},
		"float alone":   {GPU{FlopsSlot: 2, Pipe: []Unit{MultiplyAdd, Float}}, 64.0 / 80, "arithmetic"},
		"issue":         {GPU{FlopsSlot: 2, Pipe: arithmetic, FlopsIssue: 2}, 64.0 / 140, "issue"},
		"shared memory": {GPU{Flops: 256, Shared: 64, FlopsSlot: 2, Pipe: arithmetic}, 0.25 * 128 / 160, "shared memory"},
		"first cache":   {GPU{Flops: 256, L1: 4, FlopsSlot: 2, Pipe: arithmetic}, 4.0 / 256 * 128 / 8, "first cache"},
		"scalar":        {GPU{FlopsSlot: 2, Pipe: arithmetic, FlopsScalar: 8}, 128.0 / 240, "scalar"},
	} {
		if p := x.gpu.Predict(n, 1); math.Abs(p.Share-x.share) > 1e-12 || p.By != x.by {
			t.Errorf("%s: predicted %v, want %g by %s", name, p, x.share, x.by)
		}
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
