#version 450
// embed: rows of a table (prefix tokens and positions), with the patch tokens
// added behind the prefix: table + gain∘standardise(x) (NORM), or table + x.
//
//   b0 in   x      quads, strides xrow, xquad   [images·(tokens − prefix)] rows
//   b1 in   table  quads, strides trow, tquad   [tokens] rows
//   b2 out  y      quads, strides yrow, yquad   [images·tokens] rows
//   b3 in   gain   f32 quads [quads]            (GAIN)
//   push    rows = images·tokens, tokens, prefix, quads, columns, xrow, xquad,
//           trow, tquad, yrow, yquad, fold, eps
//   spec 0  ROW_LANES: as in layernorm
//        1  NORM  2 GAIN
//   grid    rows or ceil(rows/ROW_LANES), 1, 1
//   loops   3·quads, with ROW_BARRIERS 3·ceil(quads/ROW_LANES) + 40
//   oracle  graph/interp embed, 1e-5 of the largest value
#include "lib/quads.glsl"
#include "lib/fold.glsl"
#include "lib/finite.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint ROW_LANES = 64;
layout(constant_id = 1) const bool NORM = false;
layout(constant_id = 2) const bool GAIN = false;

layout(push_constant) uniform Push {
    uint rows, tokens, prefix, quads, columns, xrow, xquad, trow, tquad, yrow, yquad, fold;
    float eps;
} p;

INPUT(0, x)
INPUT(1, table)
OUTPUT(2, y)
INPUT32(3, gain)
#include "lib/rows.glsl"
#include "lib/shift.glsl"

void main() {
    const uint row = ROW_INDEX;
    if (row >= p.rows) return;
    const uint b = row / p.tokens, t = row % p.tokens;
    const bool patch_ = t >= p.prefix;
    const uint from = (b * (p.tokens - p.prefix) + (patch_ ? t - p.prefix : 0)) * p.xrow;
    float shift = 0, mean = 0, scale = 1; // as in layernorm
    if (NORM) { // a prefix row computes statistics that it does not use
        shift = rowShift(from, p.xquad, p.columns);
        float s = 0;
        for (uint q = ROW_LANE; q < p.quads; q += ROW_STEP) s += sum4(mask4(x(from + q * p.xquad) - shift, q, p.columns));
        mean = rowSum(s) / float(p.columns);
        s = 0;
        for (uint q = ROW_LANE; q < p.quads; q += ROW_STEP) {
            const vec4 d = mask4((x(from + q * p.xquad) - shift) - mean, q, p.columns);
            s += sum4(d * d);
        }
        scale = rootInverse(rowSum(s) / float(p.columns) + p.eps);
    }
    for (uint q = ROW_LANE; q < p.quads; q += ROW_STEP) {
        vec4 v = table(t * p.trow + q * p.tquad);
        if (patch_) {
            vec4 z = x(from + q * p.xquad);
            if (NORM) z = mask4(((z - shift) - mean) * scale, q, p.columns);
            if (GAIN) z *= gain(q);
            v += z;
        }
        y(row * p.yrow + q * p.yquad, v);
    }
}
