package main

// findings are what was made of the tables, and what was tried by hand. Figures that the
// tables don't have are of Mesa 26.1.6 and were taken once.
const findings = `
## What the tables say

**Occupancy on NVIDIA.** On Turing, Ampere, Ada and Blackwell alike products keep 16 to 24 subgroups in flight on a multiprocessor (the
least asked for is 16) and attention 12 to 16 (12). The 12 are heads of 48 channels: an invocation keeps all 12 quads of a query and as
many sums, which takes 152 registers, and of the 65,536 of a multiprocessor that leaves 12 subgroups. Products of 8 × 8 outputs have 112
to 128 registers, 64 of them sums: 16 subgroups. ` + "`-check`" + ` fails below either.

**Attention on NVIDIA is bound by its loads**, at a quarter of the peak in float32 on all generations. A key's number is loaded into a
register of each lane, though all read the same, and serves one multiply-add: 2 bytes for each operation, where the first cache has half
a byte. On AMD and Intel the same loads are made once for a subgroup. At float16 half the bytes are loaded, but each number is converted
in an instruction of its own: 23 % on Ampere. What would help is several queries in an invocation, which share the loaded keys; that is
not built.

**Products on RDNA 3 and 4** are at most 84 to 87 % (the target is 90), because one multiply-add in six or seven finds no partner to be
issued with. The compiler pairs what lies within 16 instructions, after registers were given out: the results' registers must be one odd
and one even, the sources' of different banks of four. Registers are given out without regard to that, so that which multiply-adds can
be paired is chance. Tried on a Navi 31, on the 64 × 128 tile, of which two variants are shown (with LayerNorm's statistics, and with a
residual):

| order of the 64 multiply-adds of a channel | with statistics | with residual |
|---|--:|--:|
| along diagonals of 4 × 4 blocks (taken) | 84.3 % | 85.9 % |
| row by row; column by column | 84.6 %; 85.7 % | 85.8 %; 83.3 % |
| along diagonals of the whole block | 84.7 % | 88.0 % |
| pairs on the diagonals of 2 × 2 blocks | 86.5 % | 85.9 % |
| the sums set to zero just before the loop, diagonals of 4 × 4 blocks | 84.7 % | 85.9 % |
| the same, diagonals of the whole block | 87.0 % | 88.0 % |
| the same, 36 permutations (of a stride and a skew) | 79.8 – 87.1 % | 81.4 – 88.3 % |
| the same, results' registers transposed, four orders | 84.7 – 87.1 % | 85.9 – 88.0 % |
| the same, two channels' fragments read at once, four orders | 84.4 – 86.4 % | 86.5 – 86.8 % |
| the weights' tile as four-component vectors, three orders | 82.8 – 86.2 % | 83.3 – 85.9 % |

None reaches 90. In all of them some 8 of a channel's 64 multiply-adds stay single, or more. The best of them, diagonals of the whole
block behind late zeros, was compiled for ten GPUs: on Navi 48 it takes 1.7 points off the variants with statistics (86.7 to 85.0 %) and
about 2 points off the 128 × 128 tile in float32, so it was not taken. Four-component vectors cost Navi 21 up to 4.6 points, in copies.
With the next compiler chance will be another.

**Attention at float16 on RDNA 3 and 4** is at most 47 %. A half of a register as a source is the instruction v_fma_mix_f32, which can't
be paired, so that 50 % is its limit. Keys are scalars and serve one multiply-add in each lane: to convert them first would take an
instruction of all lanes for each multiply-add, which is one and a half slots against the one of v_fma_mix_f32 (reckoned, not compiled).
Several queries in an invocation would help here, too. Float32 reaches 79 to 88 % there: on these GPUs float16 saves memory in
attention, and no time by this model. On Vega 10 the compiler converts each number: 46 to 48 %.

**Intel before Arc** shares one unit between floating-point and whole numbers, and its shared memory has half a byte for each operation,
so that tiles of 8 × 4 outputs are at most 64 %, and attention at most 53 %. 8 × 8 outputs would need more registers than a thread has.

**Adreno and Apple.** Attention loads a key's numbers for each lane there, too, and forms their addresses lane by lane: 25 to 26 % at
most on an Adreno 630, 64 to 76 % on a 740, 34 to 49 % on an M1; at float16 the 740 converts each number (26 to 30 %). Products on the
M1 are at most 45 to 52 %: Honeykrisp reads shared memory one number at a time, and adds up an address for each (192 reads and some
200 additions for 512 multiply-adds). Four-component vectors in shared memory might change that; on AMD they cost what the table above says.
Apple's own compiler is another.
`
