#version 450
// head_project: o_k = U_k·m_k + bias_k, one invocation a quad of o.
//
//   b0 in   m     f32 quads, strides mrow, mquad       [images·heads] rows
//   b1 in   u     f32 quads [4·mquads][heads·headquads]   Uᵀ, heads padded
//   b2 out  o     f32 quads, strides orow, oquad       [images] rows, heads padded
//   b3 in   bias  f32 quads [heads·headquads]      (BIAS)
//   push    heads, headquads, mquads, mrow, mquad, orow, oquad
//   spec 0  LANES: invocations a workgroup, along quads of o
//        1  BIAS
//   grid    ceil(heads·headquads/LANES), images, 1
//   loops   mquads
//   oracle  graph/interp headProject, 1e-5 of the largest value
#include "lib/quads.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;
layout(constant_id = 1) const bool BIAS = false;

layout(push_constant) uniform Push { uint heads, headquads, mquads, mrow, mquad, orow, oquad; } p;

INPUT32(0, m)
INPUT32(1, u)
OUTPUT32(2, o)
INPUT32(3, bias)

void main() {
    const uint n = gl_GlobalInvocationID.x, image = gl_WorkGroupID.y, all = p.heads * p.headquads;
    if (n >= all) return;
    vec4 sum = vec4(0);
    if (BIAS) sum = bias(n);
    for (uint q = 0; q < p.mquads; q++) {
        const vec4 a = m((image * p.heads + n / p.headquads) * p.mrow + q * p.mquad);
        [[unroll]] for (uint c = 0; c < 4; c++) sum = fma(vec4(a[c]), u((4 * q + c) * all + n), sum);
    }
    o(image * p.orow + n * p.oquad, sum);
}
