#version 450
// layernorm: each row standardised, with gain and bias (MODE 0) or without
// (MODE 1), or its scale 1/sqrt(var + eps) alone (MODE 2). The mean comes from one pass over the row, less a number near it, and the
// variance from a second one, around that mean: E[x²] − mean² or the sum of the row
// as it is would lose digits where the mean is large.
//
//   b0 in   x     quads, strides xrow, xquad
//   b1 out  y     quads, strides yrow, yquad          (MODE 0, 1)
//   b2 in   gain  f32 quads [quads]   (MODE 0)
//   b3 in   bias  f32 quads [quads]   (MODE 0)
//   b4 out  r     f32 quads [rows]    (MODE 2): the scale in the first channel
//   push    rows, quads, columns, xrow, xquad, yrow, yquad, fold, eps
//   spec 0  ROW_LANES: invocations a workgroup; they share a row with
//           ROW_BARRIERS, else each has its own
//        1  MODE
//   grid    rows or ceil(rows/ROW_LANES), 1, 1
//   loops   3·quads, with ROW_BARRIERS 3·ceil(quads/ROW_LANES) + 40
//   oracle  graph/interp layerNorm, 1e-5 of the largest value
#include "lib/quads.glsl"
#include "lib/fold.glsl"
#include "lib/finite.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint ROW_LANES = 64;
layout(constant_id = 1) const uint MODE = 0;

layout(push_constant) uniform Push {
    uint rows, quads, columns, xrow, xquad, yrow, yquad, fold;
    float eps;
} p;

INPUT(0, x)
OUTPUT(1, y)
INPUT32(2, gain)
INPUT32(3, bias)
OUTPUT32(4, r)
#include "lib/rows.glsl"
#include "lib/shift.glsl"

void main() {
    const uint row = ROW_INDEX;
    if (row >= p.rows) return;
    const float shift = rowShift(row * p.xrow, p.xquad, p.columns);
    float s = 0;
    for (uint q = ROW_LANE; q < p.quads; q += ROW_STEP) s += sum4(mask4(x(row * p.xrow + q * p.xquad) - shift, q, p.columns));
    const float mean = rowSum(s) / float(p.columns); // of the shifted row
    s = 0;
    for (uint q = ROW_LANE; q < p.quads; q += ROW_STEP) {
        const vec4 d = mask4((x(row * p.xrow + q * p.xquad) - shift) - mean, q, p.columns);
        s += sum4(d * d);
    }
    const float scale = rootInverse(rowSum(s) / float(p.columns) + p.eps);
    if (MODE == 2) {
        if (ROW_LANE == 0) r(row, vec4(scale, 0, 0, 0));
        return;
    }
    for (uint q = ROW_LANE; q < p.quads; q += ROW_STEP) {
        vec4 v = mask4(((x(row * p.xrow + q * p.xquad) - shift) - mean) * scale, q, p.columns);
        if (MODE == 0) v = fma(v, gain(q), bias(q));
        y(row * p.yrow + q * p.yquad, v);
    }
}
