#version 450
// zero_count: how many channels of each row are exactly zero. In float16 tiny
// numbers have become zeros: count before any such rounding.
//
//   b0 in   x  quads, strides xrow, xquad   [rows] rows
//   b1 out  r  f32 quads [rows]: the count in the first channel
//   push    rows, quads, columns, xrow, xquad, fold
//   spec 0  ROW_LANES: as in layernorm
//   grid    rows or ceil(rows/ROW_LANES), 1, 1
//   loops   quads, with ROW_BARRIERS ceil(quads/ROW_LANES) + 7
//   oracle  graph/interp zeroCount, exact
#include "lib/quads.glsl"
#include "lib/fold.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint ROW_LANES = 64;

layout(push_constant) uniform Push { uint rows, quads, columns, xrow, xquad, fold; } p;

INPUT(0, x)
OUTPUT32(1, r)
#include "lib/rows.glsl"

const float LARGEST = 3.402823466e38;

void main() {
    const uint row = ROW_INDEX;
    if (row >= p.rows) return;
    float n = 0;
    for (uint q = ROW_LANE; q < p.quads; q += ROW_STEP) {
        const vec4 v = x(row * p.xrow + q * p.xquad), zero = vec4(equal(v, vec4(0)));
        n += sum4(mask4(zero, q, p.columns)) + sum4(v - clamp(v, -LARGEST, LARGEST)); // counts a NaN as NaN
    }
    n = rowSum(n);
    if (ROW_LANE == 0) r(row, vec4(n, 0, 0, 0));
}
