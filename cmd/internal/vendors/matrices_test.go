package main

import (
	"strings"
	"testing"
)

// TestCountProducts: lines of machine code as three drivers print them.
func TestCountProducts(t *testing.T) {
	for name, c := range map[string]struct {
		text           string
		products, loop int
	}{
		"NVK": {`           st.global.a64.strong.gpu.b128 [r2..4] r8..12 // delay=2 rd:0
} -> []
block.u 4 L5 [1] -> {
 r0      = mov r6                                       // delay=7
 r32..34 = hmma.m16n8k16.f16 r0..4 r20..22 r32..34      // delay=1 wr:0
 r34..36 = imma.m16n8k16.f16 r0..4 r22..24 r34..36      // delay=15 wr:1
           nop                                          // delay=8
} -> [L5]
block.u 5 L6 [1] -> {
 r32..34 = hmma.m16n8k16.f16 r0..4 r16..18 r32..34      // delay=1 wt=000001 rd:0 wr:2
           exit                                         // delay=1 wt=000001
`, 3, 4},
		"RADV": {`	v_dual_mov_b32 v55, s23 :: v_dual_mov_b32 v54, s20          ; ca100017 37360014
	v_wmma_i32_16x16x16_iu8 v[32:39], v[8:11], v[52:55], v[32:39] neg_lo:[1,1,0] ; cc444020 7c826908
BB1:
	s_or_b32 s31, s31, s43                                      ; 8c1f2b1f

	s_delay_alu instid0(SALU_CYCLE_1)                           ; bf870009
	v_wmma_i32_16x16x16_iu8 v[40:47], v[12:15], v[52:55], v[40:47] neg_lo:[1,1,0] ; cc444028 7ca2690c
	v_fma_f32 v0, v1, v2, v3
`, 2, 4},
		"ANV": {`LABEL1:
mov(16)         g102<1>UD       g23<1,1,0>UD                    { align1 1H I@7 compacted };
dpas.8x8(16)    g58<1>HF        g54<1,1,0>HF    g3<1,1,0>HF     g42<1,1,0>HF { align1 WE_all 1H $2 };
sync nop(1)                     null<0,1,0>UB                   { align1 WE_all 1N $2.src };
dpas.8x8(16)    g62<1>HF        g11<1,1,0>HF    g3<1,1,0>HF     g46<1,1,0>HF { align1 WE_all 1H $4 };
`, 2, 3},
		"none": {"v_fma_f32 v0, v1, v2, v3\nv_mul_f32 v0, v1, v2\n", 0, 0},
	} {
		if products, loop := countProducts(c.text); products != c.products || loop != c.loop {
			t.Errorf("%s: %d of %d, want %d of %d", name, products, loop, c.products, c.loop)
		}
	}
}

// TestMatricesReported: a spill fails the check, and so does a table that is of other kernels.
func TestMatricesReported(t *testing.T) {
	list := []target{targets[0], targets[5]}
	d := list[0].driver
	answers := func(spills, products float64) []*answer {
		a := []*answer{answered(list[0], "26.1.6", func(*row) {}), answered(list[1], "26.1.6", func(*row) {})}
		a[0].Matrices = []matrixRow{{row{Kernel: "peak_matrix", Constants: "a kind", Statistics: map[string]float64{d.registers: 48, d.spills[0]: spills}}, int(products), 10}}
		return a
	}
	old := report(list, answers(0, 8))
	for _, want := range []string{"| NVIDIA Turing | a kind | 8 | 80 % | 48 | 0 |", "Drivers without cooperative matrices: " + list[1].gpu + "."} {
		if !strings.Contains(old, want) {
			t.Errorf("%q is not in the report", want)
		}
	}
	for _, c := range []struct {
		spills, products float64
		fails            string
	}{{0, 8, ""}, {2, 8, "peak_matrix of a kind spills 2"}, {0, 7, "+ | NVIDIA Turing | a kind | 7 | 70 %"}} {
		_, err := verdict("vendors.md", old, list, answers(c.spills, c.products))
		if (err != nil) != (c.fails != "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%v: %v", c, err)
		}
	}
}
