package isa

import (
	"slices"
	"strings"
	"testing"
)

// A product's step as each driver lists it, cut down: two loads, a fragment read from shared
// memory, multiply-adds, a barrier, and the jump back.

const nvkListing = `block.u 0 L2 [] -> {
      r0        = s2r sr[0x21]                        // delay=2 wr:0
                  bar.sync                            // delay=6 yld
} -> [1]
block.u 1 L4 [0, 3] -> {
      up0       = isetp.ge.u32 ur3 ur4                // delay=4
                  bra !up0 L9                         // delay=1
} -> [2, 3]
block.u 2 L8 [1] -> {
@!p0              exit                                // delay=1
      r9        = ffma r1 r2 r9                       // delay=1
                  exit                                // delay=1
} -> []
block.u 3 L9 [1] -> {
      r12 up0   = iadd3 r11 c[0x1][0x0] rZ            // delay=4
      ur4       = lea ur13 3 0x1                      // delay=4
      r69       = r2ur ur4                            // delay=4
      r16..20   = ld.global.a64.constant.b128 [r12..14], pT // delay=1 wr:1
      r20..24   = ld.shared.strong.cta.b128 [r0.x16+0x10]   // delay=1
%s                  st.shared.strong.cta.b32 [r5.x4] r13      // delay=2
      r31       = fadd.ftz r30 r29                    // delay=1
      r32       = f2f.f32.f16.re r31                  // delay=1
      r33       = mufu.exp2.f32 r32                   // delay=1
      r34       = fmnmx.ftz r33 r31 pT                // delay=1
                  st.global.a64.strong.gpu.b128 [r12..14], r16..20 // delay=1
                  nop                                 // delay=2
                  bra pT L4                           // delay=1
} -> [1]
`

const anvListing = `mov(16)         g126<1>UD       g0.7<0,1,0>UD                   { align1 WE_all 1H };
LABEL1:
cmp.l.f0.0(16)  null<1>UD       g14<8,8,1>UD    g25.1<0,1,0>UD  { align1 1H I@1 };
(+f0.0) break(16) JIP:  LABEL0        UIP:  LABEL0              { align1 1H };
send(16)        g35UD           g34UD           nullUD          0x62403500                0x02000000
                ugm MsgDesc: ( load, a32, d32, V4, L1STATE_L3MOCS dst_len = 4, src0_len = 1, src1_len = 0 bti )  BTI 2  base_offset 0  { align1 1H $1 };
send(8)         g35UD           g34UD           nullUD          0x62403500                0x02000000
                hdc1 MsgDesc: (untyped surface read, Surface = 2, SIMD8, Mask = 0xc)  mlen 1 ex_mlen 0 rlen 2 { align1 1Q $1 };
send(16)        g1UD            g40UD           nullUD          0x02403500                0x00000000
                slm MsgDesc: ( load, a32, d16u32, V4, L1STATE_L3MOCS dst_len = 4, src0_len = 1, src1_len = 0 flat )  base_offset 0  { align1 1H $8 };
send(8)         g1UD            g40UD           nullUD          0x02403500                0x00000000
                hdc1 MsgDesc: (DC untyped surface write, Surface = 254, SIMD8, Mask = 0xe)  mlen 1 ex_mlen 1 rlen 0 { align1 1Q @1 $13 };
(+f0.0.any8h) send(1) g123UD    g0UD            nullUD          0x0219e0fe                0x00000000
                hdc0 MsgDesc: (DC unaligned OWORD block read, bti 2, 3)  mlen 1 ex_mlen 0 rlen 2 { align1 WE_all 1H $0 };
send(1)         g25UD           g73UD           nullUD          0x0210d580                0x00000000
                ugm MsgDesc: ( load, a64, d32, V16, transpose, L1STATE_L3MOCS dst_len = 1, src0_len = 1, src1_len = 0 flat )  base_offset 0  { align1 WE_all 1N $0 };
%sadd(16)         g39<1>F         g35<1,1,0>F     g36<1,1,0>F     { align1 1H $1.dst compacted };
mad(16)         g40<1>D         g35<1,1,0>D     g36<1,1,0>D     g37<1,1,1>D { align1 1H };
math exp(16)    g37<1>F         g127<0,1,0>F    null<8,8,1>F    { align1 WE_all 1H F@1 };
send(16)        nullUD          g38UD           g10UD           0x02000504                0x00000040
                ugm MsgDesc: ( store, a32, d32, V4, L1STATE_L3MOCS dst_len = 0, src0_len = 1, src1_len = 4 bti )  BTI 1  base_offset 0  { align1 1H $10 };
(+f0.0) if(16)  JIP:  LABEL2          UIP:  LABEL2              { align1 1H };
mul(16)         g37<1>F         g127<0,1,0>F    g1<8,8,1>F      { align1 1H };
mul(16)         g38<1>F         g127<0,1,0>F    g1<8,8,1>F      { align1 1H };
mul(16)         g39<1>F         g127<0,1,0>F    g1<8,8,1>F      { align1 1H };
mul(16)         g40<1>F         g127<0,1,0>F    g1<8,8,1>F      { align1 1H };
LABEL2:
endif(16)       JIP:  LABEL0                                    { align1 1H };
send(1)         nullUD          g44UD           nullUD          0x02000004                0x00000000
                gateway MsgDesc: (barrier msg)  mlen 1 ex_mlen 0 rlen 0 { align1 WE_all 1N };
sync nop(1)                     null<0,1,0>UB                   { align1 WE_all 1N $9.dst };
LABEL0:
while(16)       JIP:  LABEL1                                    { align1 1H };
send(16)        nullUD          g126UD          nullUD          0x02000000                0x00000000
                ts/btd MsgDesc:  mlen 1 ex_mlen 0 rlen 0        { align1 WE_all 1Q @1 EOT };
`

const turnipListing = `; CL prog 20/1: 0 last-baryf, 0 last-helper, 0 half, 48 full, 20 constlen
@const(c12.x)   0x00000000, 0x00000000, 0x00000000, 0x00000000
shps #l16
getone #l16
l16:
mov.u32u32 r24.x, 0
(sy)bar.g
l241:
(ss)br p0.y, #l1271
isam.v.base0 (u16)(xyz)hr4.z, r1.z, s#0, t#0
(sy)(ss)ldl.u32 r41.x, l[r4.x+128], 4
stl.u32 l[r2.w], r18.x, 1
%s(nop2) add.f r7.z, (last)r7.z, (last)r7.w
(rpt2)add.u r1.y, (last)r1.y, (r)r1.z
mad.u16 r1.x, r1.y, r1.z, r1.w
cov.f16f32 r2.x, hr4.z
exp2 r3.x, r2.x
ldc.u32 r9.x, c[r2.y], 4
predt p0.x
mul.f r4.x, r4.x, r3.x
mul.f r4.y, r4.y, r3.x
mul.f r4.z, r4.z, r3.x
mul.f r4.w, r4.w, r3.x
prede
stib.b.untyped.1d.u32.4.imm.base0 r33.z, r24.w, 4
(rpt1)nop
jump #l241
l1271:
end
`

const honeykrispListing = `block0 {
   948 = get_sr #0x50
}
   0: f2051004               mov      $r1, thread_in_grid_x
   4: 522cbe421904           while    $r63, u10, 1, ult
   a: 20c0661f0000           jmp_none 134
  10: 05214c0e18caf200       load     r68_r69_r70, du14, r66, lsl 2, i16, xyz, a
  18: 69e5180214000000       lload    r25, r12l, 0, i32, xyzw
  20: 29b1320214000000       lstore   r12, r25l, 0, i32, x
%s  40: 0e09542668220000       fadd     r66, r10.sx, $r65.sx
  48: 0e09542668220000       iadd     r66, r10.sx, $r65.sx
  50: 92817e42197e00304024   csel     $r64, r63, u10, r63, 0, ult
  5a: 0a01c082               rcp      r0, ^r0
  5e: be810a042c00           u32_to_f $r0, ^r0, rte
  64: 4561c80e50caf200       store    r76_r77_r78_r79, du44, r6, lsl 2, i32, xyzw, a
  6c: 522842021900           if       r1, u8, 1, ult
  72: 0e09542668220000       fmul     r66, r10, $r65
  76: 0e09542668220000       fmul     r66, r10, $r65
  7a: 0e09542668220000       fmul     r66, r10, $r65
  7e: 0e09542668220000       fmul     r66, r10, $r65
  82: 520e00000000           pop_exec 1
  88: 3800                   wait     a
  8a: 6800                   barrier
  8c: 00c09ae0ffff           jmp_any  -136
  90: 8800                   stop
   0: 0501500d00c87200       load     r0_r1_r2, du0, 5, lsl 2, i32, xyz, a
   4: 8800                   stop
`

// TestDialects reads each driver's hot loop.
func TestDialects(t *testing.T) {
	for name, x := range map[string]struct {
		dialect Dialect
		listing string
		fma     string
		blocks  []int
		want    Counts
	}{
		"NVK": {NVK, nvkListing, "      r12       = ffma.ftz r20 r16 r12 // delay=1\n", []int{1, 4},
			Counts{Of: counts(MultiplyAdd, 9, Float, 1, Integer, 2, Move, 2, Special, 1, Shared, 2, Load, 1, Store, 1, Scalar, 2, Control, 2, Wait, 1), Flops: 18, SharedBytes: 20, LoadBytes: 16}},
		"ANV": {ANV, anvListing, "mad(16) g100<1>F g48<8,8,1>F g9<8,8,1>F g5<1,1,1>F { align1 1H $10.dst };\n", []int{1, 2, 3, 4, 5, 6},
			Counts{Of: counts(MultiplyAdd, 9, Float, 1, Integer, 2, Special, 1, Shared, 2, Load, 2, Store, 1, ScalarLoad, 2, Control, 4, Wait, 2), Flops: 18, SharedBytes: 8 + 4, LoadBytes: 16 + 8}},
		"Turnip": {Turnip, turnipListing, "(sy)(rpt2)mad.f32 r39.x, c8.y, (neg)r7.z, (r)(last)r39.x\n", []int{3, 4, 5, 6},
			Counts{Of: counts(MultiplyAdd, 27, Float, 1, Integer, 4, Move, 1, Special, 1, Shared, 2, Load, 1, Store, 1, ScalarLoad, 1, Control, 3, Wait, 4), Flops: 54, SharedBytes: 20, LoadBytes: 6}},
		"Honeykrisp": {Honeykrisp, honeykrispListing, "  30: 3a0102040608             ffma     r0, r1, r2, r0\n", []int{1, 2, 3, 4, 5},
			Counts{Of: counts(MultiplyAdd, 9, Float, 1, Integer, 2, Move, 1, Special, 1, Shared, 2, Load, 1, Store, 1, Control, 4, Wait, 2), Flops: 18, SharedBytes: 20, LoadBytes: 6}},
	} {
		c := Parse("stat Instructions = 7\nisa\n"+strings.Replace(x.listing, "%s", strings.Repeat(x.fma, 9), 1), x.dialect)
		hot, ok := c.HotLoop()
		if !ok {
			t.Errorf("%s: no hot loop among %v", name, c.Blocks)
			continue
		}
		n := c.Count(hot)
		if n != x.want {
			t.Errorf("%s: counted %+v, want %+v", name, n, x.want)
		}
		if !slices.Equal(hot.Blocks, x.blocks) {
			t.Errorf("%s: the loop's blocks are %v, want %v", name, hot.Blocks, x.blocks)
		}
	}
}

// TestUnits: instructions that the excerpts lack.
func TestUnits(t *testing.T) {
	for _, x := range []struct {
		dialect Dialect
		line    string
		unit    Unit
		flops   int
		bytes   int
	}{
		{RADV, "v_dual_fmac_f32 v1, v2, v3 :: v_dual_fmac_f32 v4, v5, v6", MultiplyAdd, 4, 0},
		{RADV, "v_dual_fmac_f32 v1, v2, v3 :: v_dual_mov_b32 v4, v5", MultiplyAdd, 2, 0},
		{RADV, "v_dual_add_f32 v1, v2, v3 :: v_dual_fmac_f32 v4, v5, v6", MultiplyAdd, 2, 0},
		{RADV, "v_fma_mix_f32 v1, s2, v3, v1 op_sel_hi:[1,0,0]", MultiplyAdd, 2, 0},
		{RADV, "v_mac_f32_e32 v1, v2, v3", MultiplyAdd, 2, 0},
		{RADV, "v_pk_fma_f16 v1, v2, v3, v4", MultiplyAdd, 4, 0},
		{RADV, "v_mul_f32_e32 v1, v2, v3", Float, 0, 0},
		{RADV, "v_mul_lo_u32 v1, v2, v3", Integer, 0, 0},
		{RADV, "v_rsq_f32_e32 v1, v2", Special, 0, 0},
		{RADV, "v_cvt_f32_f16_e32 v1, v2", Move, 0, 0},
		{RADV, "ds_read_b128 v[1:4], v5 offset:16", Shared, 0, 16},
		{RADV, "ds_read2st64_b64 v[1:4], v5 offset1:1", Shared, 0, 16},
		{RADV, "ds_load_2addr_b32 v[1:2], v5", Shared, 0, 8},
		{RADV, "ds_write2_b32 v1, v2, v3", Shared, 0, 8},
		{RADV, "ds_bpermute_b32 v1, v2, v3", Shared, 0, 4},
		{RADV, "buffer_load_dwordx4 v[1:4], v5, s[0:3], 0 offen", Load, 0, 16},
		{RADV, "buffer_load_b128 v[1:4], v5, s[0:3], 0 offen", Load, 0, 16},
		{RADV, "buffer_load_dwordx2 v[1:2], v5, s[0:3], 0 offen", Load, 0, 8},
		{RADV, "buffer_load_dword v1, v5, s[0:3], 0 offen", Load, 0, 4},
		{RADV, "buffer_store_b128 v[1:4], v5, s[0:3], 0 offen", Store, 0, 0},
		{RADV, "buffer_gl0_inv", Other, 0, 0},
		{RADV, "scratch_load_b32 v1, off, s0", Other, 0, 0},
		{RADV, "s_buffer_load_b512 s[0:15], s[16:19], s20", ScalarLoad, 0, 0},
		{RADV, "s_waitcnt vmcnt(0)", Wait, 0, 0},
		{RADV, "s_barrier", Wait, 0, 0},
		{RADV, "s_cbranch_scc0 BB1", Control, 0, 0},
		{RADV, "s_add_u32 s0, s1, s2", Scalar, 0, 0},
		{NVK, "r1 = shfl.idx r2 r3 // delay=1", Shared, 0, 4},
		{NVK, "ur1 = ldc.b64 c[0x0][+0x4] // delay=1", ScalarLoad, 0, 0},
		{NVK, "r1 = hfma2 r2 r3 r4 // delay=1", MultiplyAdd, 4, 0},
		{NVK, "r1 = ld.global.a64.constant.b64 [r12..14], pT // delay=1", Load, 0, 8},
		{NVK, "ur1 = mov rZ // delay=1", Scalar, 0, 0},
		{NVK, "r1 = mov ur14 // delay=1", Move, 0, 0},
		{ANV, "mad(8) g1<1>HF g2<8,8,1>HF g3<8,8,1>HF g4<1,1,1>HF { align1 1Q };", MultiplyAdd, 2, 0},
		{ANV, "sel.ge(16) g2<1>F g3<8,8,1>F g4<8,8,1>F { align1 1H };", Integer, 0, 0},
		{ANV, "hdc1 MsgDesc: (untyped surface read, Surface = 3, SIMD8, Mask = 0x0)", Load, 0, 16},
		{ANV, "slm MsgDesc: ( fence, a32, threadgroup, none, normal_routing dst_len = 1 )", Wait, 0, 0},
		{Turnip, "mad.f16 hr1.x, hr1.y, hr1.z, hr1.w", MultiplyAdd, 2, 0},
		{Turnip, "ldp.u32 r1.x, p[r2.x], 1", ScalarLoad, 0, 0},
		{Turnip, "isam.v.base0 (u32)(xyzw)r7.z, r6.z, s#0, t#0", Load, 0, 16},
		{Honeykrisp, "0: f2051004 ldimm $r1, 7", Move, 0, 0},
		{Honeykrisp, "0: f2051004 shuffle $r2, ^r2, ^r3", Shared, 0, 4},
	} {
		_, code := x.dialect()(x.line)
		if len(code) != 1 {
			t.Errorf("%s: %d instructions", x.line, len(code))
			continue
		}
		if in := code[0]; in.Unit != x.unit || in.Flops != x.flops || in.Bytes != x.bytes {
			t.Errorf("%s: unit %d with %d flops and %d bytes, want %d, %d and %d", x.line, in.Unit, in.Flops, in.Bytes, x.unit, x.flops, x.bytes)
		}
	}
}

// TestBranches: where instructions jump to, and whether what follows may be left out.
func TestBranches(t *testing.T) {
	for _, x := range []struct {
		dialect     Dialect
		line, to    string
		conditional bool
	}{
		{RADV, "s_branch BB7", "BB7", false},
		{RADV, "s_cbranch_execz BB7", "BB7", true},
		{RADV, "s_endpgm", nowhere, false},
		{NVK, "bra pT L9 // delay=1", "L9", false},
		{NVK, "bra !up0 L9 // delay=1", "L9", true},
		{NVK, "@!p0 bra pT L9 // delay=1", "L9", true},
		{NVK, "exit // delay=1", nowhere, false},
		{NVK, "@!p0 exit // delay=1", nowhere, true},
		{NVK, "b0 = bssy b0 pT L0 // delay=1", "", false},
		{ANV, "while(16)       JIP:  LABEL1        { align1 1H };", "LABEL1", true},
		{ANV, "endif(16)       JIP:  LABEL1        { align1 1H };", "", false},
		{Turnip, "(ss)br p0.y, #l12", "l12", true},
		{Turnip, "jump #l12", "l12", false},
		{Turnip, "predt p0.x", "", true},
		{Turnip, "end", nowhere, false},
		{Honeykrisp, "0: 00c09ae0ffff jmp_any 16", "10", true},
		{Honeykrisp, "0: 8800 stop", nowhere, false},
	} {
		_, code := x.dialect()(x.line)
		if len(code) != 1 || code[0].Unit != Control || code[0].To != x.to || code[0].Conditional != x.conditional {
			t.Errorf("%s: %+v, want a branch to %q, conditional %v", x.line, code, x.to, x.conditional)
		}
	}
}
