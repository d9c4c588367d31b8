#version 450
// head_mix: m_k = Σ_j a_kj·r_j·x_j, one invocation a quad of m.
//
//   b0 in   a      f32 quads, strides arow, aquad   [images·heads] rows of tokens
//   b1 in   x      quads, strides xrow, xquad   [images·tokens] rows
//   b2 out  m      f32 quads, strides mrow, mquad   [images·heads] rows
//   b3 in   scale  f32 quads, stride srow: r in the first channel (SCALE)
//   push    tokens, heads, quads, arow, aquad, xrow, xquad, mrow, mquad, srow
//   spec 0  LANES: invocations a workgroup, along quads
//        1  SCALE
//   grid    ceil(quads/LANES), heads, images
//   loops   tokens
//   oracle  graph/interp headMix, 1e-5 of the largest value
#include "lib/quads.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;
layout(constant_id = 1) const bool SCALE = false;

layout(push_constant) uniform Push { uint tokens, heads, quads, arow, aquad, xrow, xquad, mrow, mquad, srow; } p;

INPUT32(0, a)
INPUT(1, x)
OUTPUT32(2, m)
INPUT32(3, scale)

void main() {
    const uint n = gl_GlobalInvocationID.x, head = gl_WorkGroupID.y, image = gl_WorkGroupID.z;
    if (n >= p.quads) return;
    vec4 sum = vec4(0);
    for (uint j = 0; j < p.tokens; j++) {
        float weight = a((image * p.heads + head) * p.arow + j / 4 * p.aquad)[j % 4];
        if (SCALE) weight *= scale((image * p.tokens + j) * p.srow).x;
        sum = fma(vec4(weight), x((image * p.tokens + j) * p.xrow + n * p.xquad), sum);
    }
    m((image * p.heads + head) * p.mrow + n * p.mquad, sum);
}
