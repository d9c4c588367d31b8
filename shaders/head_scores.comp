#version 450
// head_scores: s_kj = r_j·(x_j·t_k) of all heads, one invocation a token; with
// SCALE 1 r_j = 1/sqrt(var(x_j) + eps). With CENTRED a number near its mean is taken
// off each x_j as it is loaded, which changes no product with t and keeps it from
// losing digits where the mean is large (numerics 6.5); the variance is of the
// shifted row in any case.
//
//   b0 in   x      quads, strides xrow, xquad   [images·tokens] rows
//   b1 in   t      f32 quads, strides trow, tquad   [images·HEADS] rows
//   b2 out  s      float [images·HEADS][spitch·4]
//   b3 in   scale  f32 quads, stride srow: r in the first channel (SCALE = 2)
//   push    tokens, quads, xrow, xquad, trow, tquad, spitch, srow,
//           columns = C, inverse = 1/C, eps
//   spec 0  LANES: invocations a workgroup, along tokens
//        1  HEADS
//        2  SCALE: 0 none, 1 from x itself with eps, 2 from b3
//        3  CENTRED: the channels of each row of t add up to zero
//   grid    ceil(tokens/LANES), images, 1
//   loops   quads
//   oracle  graph/interp headScores, 1e-5 of the largest value
#include "lib/quads.glsl"
#include "lib/finite.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;
layout(constant_id = 1) const uint HEADS = 12;
layout(constant_id = 2) const uint SCALE = 0;
layout(constant_id = 3) const bool CENTRED = false;

layout(push_constant) uniform Push {
    uint tokens, quads, xrow, xquad, trow, tquad, spitch, srow, columns;
    float inverse, eps;
} p;

INPUT(0, x)
INPUT32(1, t)
// Tokens are channels here: each invocation writes one number a head.
layout(set = 0, binding = 2, std430) writeonly restrict buffer s_buffer { float s[]; };
INPUT32(3, scale)
#include "lib/shift.glsl"

void main() {
    const uint j = gl_GlobalInvocationID.x, image = gl_WorkGroupID.y;
    if (j >= 4 * p.spitch) return;
    const uint row = image * p.tokens + min(j, p.tokens - 1);
    const uint columns = p.columns;
    const float shift = SCALE == 1 || CENTRED ? rowShift(row * p.xrow, p.xquad, columns) : 0.0;
    vec4 acc[HEADS], sum = vec4(0), square = vec4(0);
    [[unroll]] for (uint h = 0; h < HEADS; h++) acc[h] = vec4(0);
    for (uint q = 0; q < p.quads; q++) {
        vec4 a = x(row * p.xrow + q * p.xquad);
        const vec4 d = mask4(a - shift, q, columns);
        if (SCALE == 1) {
            sum += d;
            square = fma(d, d, square);
        }
        if (CENTRED) a = d;
        [[unroll]] for (uint h = 0; h < HEADS; h++) acc[h] = fma(a, t((image * HEADS + h) * p.trow + q * p.tquad), acc[h]);
    }
    float r = j < p.tokens ? 1.0 : 0.0; // the padding is zero
    if (SCALE == 1) {
        const float mean = sum4(sum) * p.inverse;
        r *= rootInverse(notNegative(sum4(square) * p.inverse - mean * mean) + p.eps);
    }
    if (SCALE == 2) r *= scale(row * p.srow).x;
    [[unroll]] for (uint h = 0; h < HEADS; h++) s[(image * HEADS + h) * 4 * p.spitch + j] = r * sum4(acc[h]);
}
