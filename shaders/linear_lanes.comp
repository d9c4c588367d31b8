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
//           inverse = 1/K for NORM, eps, threshold
//   spec 0  LANES: subgroup size and workgroup size
//        1  ROWS: rows a workgroup
//        2  COLS: quads of columns a lane
//        3  NORM: r = 1/sqrt(var(x) + eps) of each row, else 1
//        4  BIAS  5 RESIDUAL  6 ACT
//   grid    ceil(panels/COLS), ceil(rows/ROWS), 1
//   loops   kquads
//   oracle  graph/interp linear, 1e-5 of the largest value
//
// Lane l fetches row l of x: one fetch by all lanes brings four channels of LANES
// rows. Every lane needs every row, and gets it by a shuffle whose source lane is
// a constant, which is one vector instruction. The sums for NORM are taken from
// the same fetches. The rows of W are centred (numerics 6.5), so that the product
// does not need the mean of a row, only its variance, E[x²] − mean². That formula
// is exact enough while means are not large against deviations, as in the token
// streams of these models; TestRowStatistics in engine/prove checks how far it reaches.
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "lib/quads.glsl"
#include "lib/activation.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 8;
layout(constant_id = 1) const uint ROWS = 32;
layout(constant_id = 2) const uint COLS = 2;
layout(constant_id = 3) const bool NORM = false;
layout(constant_id = 4) const bool BIAS = false;
layout(constant_id = 5) const bool RESIDUAL = false;
layout(constant_id = 6) const uint ACT = 0;

layout(push_constant) uniform Push {
    uint rows, kquads, nquads, xpitch, ypitch, rpitch;
    float inverse, eps, threshold;
} p;

INPUT(0, x)
INPUT(1, w)
OUTPUT(2, y)
INPUT32(3, bias)
INPUT(4, residual)

const uint FETCHES = (ROWS + LANES - 1) / LANES; // fetches that bring ROWS rows

void main() {
    const uint lane = gl_LocalInvocationID.x;
    // Push constants are read once: llvmpipe gathers them lane by lane, some forty
    // instructions at each place where a loop reads one.
    const uint kquads = p.kquads, xpitch = p.xpitch;
    const uint panels = (p.nquads + LANES - 1) / LANES;
    const uint panel = gl_WorkGroupID.x * COLS, row = gl_WorkGroupID.y * ROWS;

    uint at[FETCHES]; // the row that this lane fetches; past the end, the last one
    float sum[FETCHES], square[FETCHES];
    [[unroll]] for (uint f = 0; f < FETCHES; f++) {
        at[f] = min(row + f * LANES + lane, p.rows - 1);
        sum[f] = square[f] = 0;
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
        scale[f] = inversesqrt(max(square[f] * p.inverse - mean * mean, 0.0) + p.eps);
    }
    [[unroll]] for (uint j = 0; j < COLS; j++) {
        const uint n = (panel + j) * LANES + lane;
        const bool inside = n < p.nquads;
        vec4 shift = vec4(0);
        if (BIAS) shift = bias(min(n, p.nquads - 1));
        [[unroll]] for (uint i = 0; i < ROWS; i++) {
            vec4 v = acc[i][j];
            // All lanes take part in the shuffle: what an inactive lane would
            // hand over is undefined.
            if (NORM) v *= subgroupShuffle(scale[i / LANES], i % LANES);
            if (inside && row + i < p.rows) {
                v += shift;
                if (RESIDUAL) v += residual(n * p.rpitch + row + i);
                y(n * p.ypitch + row + i, activate(ACT, v, p.threshold));
            }
        }
    }
}
