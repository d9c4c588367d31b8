#version 450
// lanczos_next: w less its parts along 1/scale, v and before, at length 1. A
// row is an image's vector.
//
//   b0 in   scale   f32 quads [rows][quads]
//   b1 in   w       f32 quads [rows][quads]   (TERMS ≥ 1), else hashed numbers
//   b2 in   v       f32 quads [rows][quads]   (TERMS ≥ 2)
//   b3 in   before  f32 quads [rows][quads]   (TERMS = 3)
//   b4 out  y       f32 quads [rows][quads]
//   push    rows, quads, columns
//   spec 0  ROW_LANES: as in layernorm
//        1  TERMS: how many of w, v and before there are
//   grid    rows or ceil(rows/ROW_LANES), 1, 1
//   loops   3·quads, with ROW_BARRIERS 3·ceil(quads/ROW_LANES) + 49
//   oracle  graph/interp lanczosNext, 1e-5 of the largest value
#include "lib/quads.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint ROW_LANES = 64;
layout(constant_id = 1) const uint TERMS = 3;

layout(push_constant) uniform Push { uint rows, quads, columns; } p;

INPUT32(0, scale)
INPUT32(1, w)
INPUT32(2, v)
INPUT32(3, before)
OUTPUT32(4, y)
#include "lib/rows.glsl"

// hashed is a number in −1 … 1 made of i (PCG's output permutation).
float hashed(uint i) {
    i = i * 747796405u + 2891336453u;
    i = (i >> ((i >> 28) + 4) ^ i) * 277803737u;
    return float(int(i >> 22 ^ i)) / 2147483648.0;
}

vec4 start(uint q) { return mask4(vec4(hashed(4 * q), hashed(4 * q + 1), hashed(4 * q + 2), hashed(4 * q + 3)), q, p.columns); }

// top is the known eigenvector, not scaled to length 1.
vec4 top(uint i, uint q) { return mask4(1.0 / scale(i), q, p.columns); }

void main() {
    const uint row = ROW_INDEX, from = row * p.quads;
    if (row >= p.rows) return;
    float s[6]; // dots of w with the others, and of these with themselves
    [[unroll]] for (uint k = 0; k < 6; k++) s[k] = 0;
    for (uint q = ROW_LANE; q < p.quads; q += ROW_STEP) {
        vec4 x = TERMS >= 1 ? w(from + q) : start(q);
        const vec4 t = top(from + q, q);
        s[0] += dot(x, t);
        s[1] += dot(t, t);
        if (TERMS >= 2) {
            const vec4 a = v(from + q);
            s[2] += dot(x, a);
            s[3] += dot(a, a);
        }
        if (TERMS >= 3) {
            const vec4 a = before(from + q);
            s[4] += dot(x, a);
            s[5] += dot(a, a);
        }
    }
    const float along = rowSum(s[0]) / rowSum(s[1]);
    float alongV = 0, alongBefore = 0;
    if (TERMS >= 2) alongV = rowSum(s[2]) / rowSum(s[3]);
    if (TERMS >= 3) alongBefore = rowSum(s[4]) / rowSum(s[5]);
    float norm = 0;
    for (uint sweep = 0; sweep < 2; sweep++) {
        const float by = sweep == 0 ? 1.0 : 1.0 / max(norm, 1e-30);
        float square = 0;
        for (uint q = ROW_LANE; q < p.quads; q += ROW_STEP) {
            vec4 x = TERMS >= 1 ? w(from + q) : start(q);
            x -= along * top(from + q, q);
            if (TERMS >= 2) x -= alongV * v(from + q);
            if (TERMS >= 3) x -= alongBefore * before(from + q);
            square += dot(x, x);
            if (sweep == 1) y(from + q, x * by);
        }
        if (sweep == 0) norm = sqrt(rowSum(square));
    }
}
