#version 450
// softmax: softmax(scale·a) of each row.
//
//   b0 in   a  f32 quads, strides row, quad
//   b1 out  y  f32 quads, the same strides; the padding of a row becomes zero
//   push    rows, quads, columns, row, quad, fold, scale = factor·log2(e)
//   spec 0  ROW_LANES: as in layernorm
//   grid    rows or ceil(rows/ROW_LANES), 1, 1
//   loops   3·quads, with ROW_BARRIERS 3·ceil(quads/ROW_LANES) + 60
//   oracle  graph/interp softmax, 1e-6 of the largest value
#include "lib/quads.glsl"
#include "lib/fold.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint ROW_LANES = 64;

layout(push_constant) uniform Push {
    uint rows, quads, columns, row, quad, fold;
    float scale;
} p;

INPUT32(0, a)
OUTPUT32(1, y)
#include "lib/rows.glsl"

vec4 score(uint row, uint q) {
    return mix(vec4(-1e30), a(row * p.row + q * p.quad) * p.scale, lessThan(uvec4(0, 1, 2, 3) + 4 * q, uvec4(p.columns)));
}

void main() {
    const uint row = ROW_INDEX;
    if (row >= p.rows) return;
    vec4 m = vec4(-1e30);
    for (uint q = ROW_LANE; q < p.quads; q += ROW_STEP) m = max(m, score(row, q));
    const float top = rowMax(max(max(m.x, m.y), max(m.z, m.w)));
    float s = 0;
    for (uint q = ROW_LANE; q < p.quads; q += ROW_STEP) s += sum4(exp2(score(row, q) - top));
    const float r = 1.0 / rowSum(s);
    for (uint q = ROW_LANE; q < p.quads; q += ROW_STEP) y(row * p.row + q * p.quad, exp2(score(row, q) - top) * r);
}
