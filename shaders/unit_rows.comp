#version 450
// unit_rows: x/max(‖x‖, 1e-12) of each token but an image's first ones, or of
// each head's part of it.
//
//   b0 in   x  quads, strides xrow, xquad     [images·(prefix + tokens)] rows
//   b1 out  f  f32 quads, strides frow, fquad   [rows] rows
//   push    rows = images·tokens, tokens, prefix, quads = of a head,
//           xrow, xquad, frow, fquad, fold
//   spec 0  ROW_LANES: as in layernorm
//   grid    rows or ceil(rows/ROW_LANES), heads, 1
//   loops   2·quads, with ROW_BARRIERS 2·ceil(quads/ROW_LANES) + 14
//   oracle  graph/interp unitRows, 1e-6 of the largest value
//
// Equal tokens give equal rows, to the last bit: MaskCut relies on such ties.
#include "lib/quads.glsl"
#include "lib/fold.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint ROW_LANES = 64;

layout(push_constant) uniform Push { uint rows, tokens, prefix, quads, xrow, xquad, frow, fquad, fold; } p;

INPUT(0, x)
OUTPUT32(1, f)
#include "lib/rows.glsl"

void main() {
    const uint row = ROW_INDEX, head = gl_WorkGroupID.y * p.quads;
    if (row >= p.rows) return;
    const uint from = (row / p.tokens * (p.prefix + p.tokens) + p.prefix + row % p.tokens) * p.xrow + head * p.xquad;
    float s = 0;
    for (uint q = ROW_LANE; q < p.quads; q += ROW_STEP) {
        const vec4 v = x(from + q * p.xquad);
        s += sum4(v * v);
    }
    const float scale = 1.0 / max(sqrt(rowSum(s)), 1e-12);
    for (uint q = ROW_LANE; q < p.quads; q += ROW_STEP) f(row * p.frow + (head + q) * p.fquad, x(from + q * p.xquad) * scale);
}
