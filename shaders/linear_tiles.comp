#version 450
// linear_tiles: y = act(r∘(x·Wᵀ) + bias + residual), for GPUs: tiles of both
// operands in shared memory, a TM×TN block of y in each invocation's registers.
//
//   b0 in   x         quads [rows][xpitch]
//   b1 in   w         quads [panels][kpadded][BN/4]    W in column panels, zero rows up to a multiple of BK
//   b2 out  y         quads [rows][ypitch]
//   b3 in   bias      f32 quads [nquads]                (BIAS)
//   b4 in   residual  quads [rows][rpitch]              (RESIDUAL)
//   push    rows, kpadded, kquads, nquads, xpitch, ypitch, rpitch,
//           columns = K with CENTRED, else 4·kquads; fold, inverse = 1/K for NORM, eps,
//           threshold
//   spec 0  INVOCATIONS = (BM/TM)·(BN/TN)
//        1  BM  2 BN  3 BK: the tile
//        4  TM  5 TN: the register block, multiples of 4
//        6  LX: invocations of a 32-lane group along n
//        7  NORM  8 BIAS  9 RESIDUAL  10 ACT
//        11 TAIL: columns is no multiple of BK
//        12 CENTRED: the rows of W add up to zero
//   grid    panels, ceil(rows/BM), 1
//   loops   kpadded/BK
//   oracle  graph/interp linear, 1e-5 of the largest value
//
// While one tile is multiplied, the next one is on its way from memory to
// registers. The row statistics of a tile are summed when it is stored to shared
// memory and not earlier, because an earlier sum would have to wait for the fetch.
// Row indices are clamped and base addresses formed once, before the loop.
//
// With CENTRED a number near its mean is taken off a row as it is stored, which
// changes neither the product nor the variance E[x²] − mean², and keeps both from
// losing digits where the mean is large (numerics 6.5). NORM wants CENTRED.
//
// The tile of x is stored transposed, each row of it BM + 4 floats long. An
// invocation's TM rows and TN columns are not adjacent: they are groups of four,
// 4·NY rows and 4·NX columns apart. Both serve one aim: eight neighbouring
// invocations read different banks of shared memory.
//
// Each sum has one accumulator and adds k in ascending order. Statistics are
// summed in an order that depends on BK alone. Every fused multiply-add is
// written out, so that no driver makes others. Hence tile shapes with the same BK
// give equal bits.
#include "lib/quads.glsl"
#include "lib/fold.glsl"
#include "lib/finite.glsl"
#include "lib/activation.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint INVOCATIONS = 128;
layout(constant_id = 1) const uint BM = 64;
layout(constant_id = 2) const uint BN = 64;
layout(constant_id = 3) const uint BK = 16;
layout(constant_id = 4) const uint TM = 8;
layout(constant_id = 5) const uint TN = 4;
layout(constant_id = 6) const uint LX = 8;
layout(constant_id = 7) const bool NORM = false;
layout(constant_id = 8) const bool BIAS = false;
layout(constant_id = 9) const bool RESIDUAL = false;
layout(constant_id = 10) const uint ACT = 0;
layout(constant_id = 11) const bool TAIL = false;
layout(constant_id = 12) const bool CENTRED = false;

layout(push_constant) uniform Push {
    uint rows, kpadded, kquads, nquads, xpitch, ypitch, rpitch, columns, fold;
    float inverse, eps, threshold;
} p;

INPUT(0, x)
INPUT(1, w)
OUTPUT(2, y)
INPUT32(3, bias)
INPUT(4, residual)
#include "lib/shift.glsl"

const uint NX = BN / TN, NY = BM / TM; // invocations along n and along m
const uint LY = 32 / LX;
const uint SA = BM + 4;                // stride of A's transposed tile
const uint QK = BK / 4;                // quads of k in a tile
const uint LOADS_A = BM * QK / INVOCATIONS, LOADS_B = BN * QK / INVOCATIONS;
const uint STEP_A = INVOCATIONS / QK;  // rows between an invocation's loads of A

shared float tile_a[BK * SA];
shared float tile_b[BK * BN];

void main() {
    const uint t = gl_LocalInvocationIndex, group = t / 32, lane = t % 32;
    const uint tx = lane % LX + LX * (group % (NX / LX)), ty = lane / LX + LY * (group / (NX / LX));
    const uint row = ROW_GROUP(y) * BM;
    const uint quad_k = t % QK, row_a = t / QK;

    uint from_a[LOADS_A];
    [[unroll]] for (uint i = 0; i < LOADS_A; i++) from_a[i] = min(row + row_a + i * STEP_A, p.rows - 1) * p.xpitch + quad_k;
    const uint from_b = gl_WorkGroupID.x * p.kpadded * (BN / 4) + t;
    const uint to_a = quad_k * 4 * SA + row_a, to_b = t * 4, base_a = ty * 4, base_b = tx * 4;

    float acc[TM][TN];
    [[unroll]] for (uint i = 0; i < TM; i++)
        [[unroll]] for (uint j = 0; j < TN; j++) acc[i][j] = 0;
    float shift[LOADS_A], sum[LOADS_A], square[LOADS_A];
    [[unroll]] for (uint i = 0; i < LOADS_A; i++) {
        sum[i] = square[i] = 0;
        if (CENTRED) shift[i] = rowShift(from_a[i] - quad_k, 1, p.columns);
    }

    vec4 next_a[LOADS_A], next_b[LOADS_B];
#define FETCH(k)                                                                                     \
    [[unroll]] for (uint i = 0; i < LOADS_A; i++) {                                                  \
        next_a[i] = x(from_a[i] + (k) / 4);                                                          \
    }                                                                                                \
    [[unroll]] for (uint i = 0; i < LOADS_B; i++) next_b[i] = w(from_b + (k) * (BN / 4) + i * INVOCATIONS);
#define MEASURE                                                       \
    [[unroll]] for (uint i = 0; i < LOADS_A; i++)                     \
        [[unroll]] for (uint c = 0; c < 4; c++) {                     \
            sum[i] += next_a[i][c];                                   \
            square[i] = fma(next_a[i][c], next_a[i][c], square[i]);   \
        }
#define STORE(k)                                                                                                  \
    [[unroll]] for (uint i = 0; i < LOADS_A; i++) {                                                               \
        if (CENTRED) next_a[i] -= shift[i];                                                                       \
        if (TAIL) next_a[i] = mask4(next_a[i], quad_k + (k) / 4, p.columns);                                      \
        [[unroll]] for (uint c = 0; c < 4; c++) tile_a[to_a + c * SA + i * STEP_A] = next_a[i][c];                \
    }                                                                                                             \
    [[unroll]] for (uint i = 0; i < LOADS_B; i++)                                                                 \
        [[unroll]] for (uint c = 0; c < 4; c++) tile_b[to_b + i * INVOCATIONS * 4 + c] = next_b[i][c];

    FETCH(0)
    STORE(0)
    barrier();
    for (uint k0 = 0; k0 < p.kpadded; k0 += BK) {
        // The last fetch wraps round to the first tile: no bounds check, and in
        // this loop each tile is stored, and measured, exactly once.
        const uint k1 = k0 + BK < p.kpadded ? k0 + BK : 0;
        FETCH(k1)
        [[unroll]] for (uint k = 0; k < BK; k++) {
            float a[TM], b[TN];
            [[unroll]] for (uint i = 0; i < TM; i++) a[i] = tile_a[base_a + k * SA + (i / 4) * (NY * 4) + i % 4];
            [[unroll]] for (uint j = 0; j < TN; j++) b[j] = tile_b[base_b + k * BN + (j / 4) * (NX * 4) + j % 4];
            // Along the diagonals of 4×4 blocks: neighbours in program order
            // share neither accumulator nor source, so that gfx11 can pair them.
            [[unroll]] for (uint i = 0; i < TM; i += 4)
                [[unroll]] for (uint j = 0; j < TN; j += 4)
                    [[unroll]] for (uint r = 0; r < 4; r++)
                        [[unroll]] for (uint c = 0; c < 4; c++) {
                            const uint m = i + c, n = j + (c + r) % 4;
                            acc[m][n] = fma(a[m], b[n], acc[m][n]);
                        }
        }
        barrier();
        STORE(k1)
        if (NORM) { MEASURE }
        barrier();
    }

    if (NORM) { // QK invocations hold parts of each row's sums
        [[unroll]] for (uint i = 0; i < LOADS_A; i++) {
            tile_a[(row_a + i * STEP_A) * QK + quad_k] = sum[i];
            tile_b[(row_a + i * STEP_A) * QK + quad_k] = square[i];
        }
        barrier();
    }
    [[unroll]] for (uint i = 0; i < TM; i++) {
        const uint r = base_a + (i / 4) * (NY * 4) + i % 4;
        float scale = 1;
        if (NORM) {
            float s = 0, q = 0;
            [[unroll]] for (uint c = 0; c < QK; c++) {
                s += tile_a[r * QK + c];
                q += tile_b[r * QK + c];
            }
            const float mean = s * p.inverse;
            scale = rootInverse(notNegative(fma(-mean, mean, q * p.inverse)) + p.eps);
        }
        if (row + r < p.rows) {
            [[unroll]] for (uint j = 0; j < TN; j += 4) {
                const uint n = gl_WorkGroupID.x * (BN / 4) + tx + (j / 4) * NX;
                if (n < p.nquads) {
                    vec4 v = vec4(acc[i][j], acc[i][j + 1], acc[i][j + 2], acc[i][j + 3]);
                    if (NORM && BIAS) v = fma(v, vec4(scale), bias(n));
                    else if (NORM) v *= scale;
                    else if (BIAS) v += bias(n);
                    if (RESIDUAL) v += residual((row + r) * p.rpitch + n);
                    y((row + r) * p.ypitch + n, activate(ACT, v, p.threshold));
                }
            }
        }
    }
}
