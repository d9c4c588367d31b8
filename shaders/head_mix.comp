#version 450
// head_mix: m_k = Σ_j a_kj·r_j·x_j, one invocation a quad of m of HEADS heads,
// which share each load of x.
//
//   b0 in   a      f32 quads, strides arow, aquad   [images·heads] rows of tokens
//   b1 in   x      quads, strides xrow, xquad   [images·tokens] rows
//   b2 out  m      f32 quads, strides mrow, mquad   [images·heads] rows
//   b3 in   scale  f32 quads, stride srow: r in the first channel (SCALE)
//   push    tokens, heads, quads, arow, aquad, xrow, xquad, mrow, mquad, srow
//   spec 0  LANES: invocations a workgroup, along quads
//        1  SCALE
//        2  HEADS: heads an invocation; divides heads
//   grid    ceil(quads/LANES), heads/HEADS, images
//   loops   ceil(tokens/4)
//   oracle  graph/interp headMix, 1e-5 of the largest value
#include "lib/quads.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;
layout(constant_id = 1) const bool SCALE = false;
layout(constant_id = 2) const uint HEADS = 1;

layout(push_constant) uniform Push { uint tokens, heads, quads, arow, aquad, xrow, xquad, mrow, mquad, srow; } p;

INPUT32(0, a)
INPUT(1, x)
OUTPUT32(2, m)
INPUT32(3, scale)

void main() {
    const uint n = gl_GlobalInvocationID.x, head = gl_WorkGroupID.y * HEADS, image = gl_WorkGroupID.z;
    if (n >= p.quads) return;
    vec4 sum[HEADS];
    [[unroll]] for (uint h = 0; h < HEADS; h++) sum[h] = vec4(0);
    for (uint j = 0; j < p.tokens; j += 4) {
        vec4 token[4];
        [[unroll]] for (uint u = 0; u < 4; u++) {
            const uint row = image * p.tokens + min(j + u, p.tokens - 1);
            token[u] = x(row * p.xrow + n * p.xquad);
            if (SCALE) token[u] *= scale(row * p.srow).x;
            if (j + u >= p.tokens) token[u] = vec4(0);
        }
        [[unroll]] for (uint h = 0; h < HEADS; h++) {
            const vec4 weight = a((image * p.heads + head + h) * p.arow + j / 4 * p.aquad);
            [[unroll]] for (uint u = 0; u < 4; u++) sum[h] = fma(vec4(weight[u]), token[u], sum[h]);
        }
    }
    [[unroll]] for (uint h = 0; h < HEADS; h++) m((image * p.heads + head + h) * p.mrow + n * p.mquad, sum[h]);
}
