#version 450
// linear_lanes: y = act(r∘(x·Wᵀ) + bias + residual), for devices whose lanes
// are a CPU's vector: no shared memory, no barrier.
//
//   b0 in   x         quads [kquads][xpitch]            tokens, k-major
//   b1 in   w         quads [panels][4·kquads][LANES]   W in column panels
//   b2 out  y         quads [nquads][ypitch]
//   b3 in   bias      f32 quads [nquads]                (BIAS)
//   b4 in   residual  quads [nquads][rpitch]            (RESIDUAL)
//   push    rows, kquads, nquads, xpitch, ypitch, rpitch,
//           columns = K, fold, inverse = 1/K for NORM, eps, threshold
//   spec 0  LANES: subgroup size and workgroup size
//        1  ROWS: rows a workgroup
//        2  COLS: quads of columns a lane
//        3  NORM: r = 1/sqrt(var(x) + eps) of each row, else 1
//        4  BIAS  5 RESIDUAL  6 ACT
//        7  CENTRED: the rows of W add up to zero
//        8  TAIL: K is no multiple of 4, with CENTRED
//   grid    ceil(panels/COLS), ceil(rows/ROWS), 1
//   loops   kquads
//   oracle  graph/interp linear, 1e-5 of the largest value
//
// Lane l fetches row l of x: one fetch by all lanes brings four channels of LANES
// rows. Every lane needs every row, and gets it by a shuffle whose source lane is
// a constant, which is one vector instruction. The sums for NORM are taken from
// the same fetches. With CENTRED a number near its mean is taken off a row as it is
// fetched, which changes neither the product nor the variance E[x²] − mean², and keeps
// both from losing digits where the mean is large (numerics 6.5). NORM wants CENTRED.
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "lib/quads.glsl"
#include "lib/fold.glsl"
#include "lib/finite.glsl"
#include "lib/activation.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 8;
layout(constant_id = 1) const uint ROWS = 32;
layout(constant_id = 2) const uint COLS = 2;
layout(constant_id = 3) const bool NORM = false;
layout(constant_id = 4) const bool BIAS = false;
layout(constant_id = 5) const bool RESIDUAL = false;
layout(constant_id = 6) const uint ACT = 0;
layout(constant_id = 7) const bool CENTRED = false;
layout(constant_id = 8) const bool TAIL = false;

layout(push_constant) uniform Push {
    uint rows, kquads, nquads, xpitch, ypitch, rpitch, columns, fold;
    float inverse, eps, threshold;
} p;

INPUT(0, x)
INPUT(1, w)
OUTPUT(2, y)
INPUT32(3, bias)
INPUT(4, residual)
#include "lib/shift.glsl"

const uint FETCHES = (ROWS + LANES - 1) / LANES; // fetches that bring ROWS rows

void main() {
    const uint lane = gl_LocalInvocationID.x;
    // Push constants are read once: llvmpipe gathers them lane by lane, some forty
    // instructions at each place where a loop reads one.
    const uint kquads = p.kquads, xpitch = p.xpitch, columns = p.columns;
    const uint panels = (p.nquads + LANES - 1) / LANES;
    const uint panel = gl_WorkGroupID.x * COLS, row = ROW_GROUP(y) * ROWS;

    uint at[FETCHES]; // the row that this lane fetches; past the end, the last one
    float shift[FETCHES], sum[FETCHES], square[FETCHES];
    [[unroll]] for (uint f = 0; f < FETCHES; f++) {
        at[f] = min(row + f * LANES + lane, p.rows - 1);
        sum[f] = square[f] = 0;
        if (CENTRED) shift[f] = rowShift(at[f], xpitch, columns);
    }
    uint from[COLS];
    [[unroll]] for (uint j = 0; j < COLS; j++) from[j] = min(panel + j, panels - 1) * 4 * kquads * LANES + lane;
    vec4 acc[ROWS][COLS];
    [[unroll]] for (uint i = 0; i < ROWS; i++)
        [[unroll]] for (uint j = 0; j < COLS; j++) acc[i][j] = vec4(0);

    for (uint k = 0; k < kquads; k++) {
        vec4 a[FETCHES];
        [[unroll]] for (uint f = 0; f < FETCHES; f++) {
            a[f] = x(k * xpitch + at[f]);
            if (CENTRED) a[f] -= shift[f];
            if (TAIL) a[f] = mask4(a[f], k, columns);
            if (NORM) {
                sum[f] += sum4(a[f]);
                square[f] += sum4(a[f] * a[f]);
            }
        }
        [[unroll]] for (uint j = 0; j < COLS; j++) {
            vec4 b[4];
            [[unroll]] for (uint c = 0; c < 4; c++) b[c] = w(from[j] + (4 * k + c) * LANES);
            // The accumulator is touched once for four k.
            [[unroll]] for (uint i = 0; i < ROWS; i++) {
                vec4 s = acc[i][j], t = subgroupShuffle(a[i / LANES], i % LANES);
                [[unroll]] for (uint c = 0; c < 4; c++) s = fma(vec4(t[c]), b[c], s);
                acc[i][j] = s;
            }
        }
    }

    float scale[FETCHES];
    [[unroll]] for (uint f = 0; f < FETCHES; f++) {
        float mean = sum[f] * p.inverse;
        scale[f] = rootInverse(notNegative(square[f] * p.inverse - mean * mean) + p.eps);
    }
    [[unroll]] for (uint j = 0; j < COLS; j++) {
        const uint n = (panel + j) * LANES + lane;
        const bool inside = n < p.nquads;
        vec4 plus = vec4(0);
        if (BIAS) plus = bias(min(n, p.nquads - 1));
        [[unroll]] for (uint i = 0; i < ROWS; i++) {
            vec4 v = acc[i][j];
            // All lanes take part in the shuffle: what an inactive lane would
            // hand over is undefined.
            if (NORM) v *= subgroupShuffle(scale[i / LANES], i % LANES);
            if (inside && row + i < p.rows) {
                v += plus;
                if (RESIDUAL) v += residual(n * p.rpitch + row + i);
                y(n * p.ypitch + row + i, activate(ACT, v, p.threshold));
            }
        }
    }
}
