#version 450
// head_query: t_k = w_k·U_k, one invocation a quad of t. w is the class token's
// query; the scores of head k with all tokens x_j are then x_j·t_k, so that no key
// has to be computed (numerics 6.7).
//
//   b0 in   w  f32 quads, strides wrow, wquad        [images] rows, heads padded
//   b1 in   u  f32 quads [heads·headdim][uquads]     rows of U
//   b2 out  t  f32 quads, strides trow, tquad        [images·heads] rows
//   push    heads, headdim, headquads, uquads, wrow, wquad, trow, tquad
//   spec 0  LANES: invocations a workgroup, along quads
//   grid    ceil(uquads/LANES), heads, images
//   loops   headdim
//   oracle  graph/interp headQuery, 1e-5 of the largest value
#include "lib/quads.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;

layout(push_constant) uniform Push { uint heads, headdim, headquads, uquads, wrow, wquad, trow, tquad; } p;

INPUT32(0, w)
INPUT32(1, u)
OUTPUT32(2, t)

void main() {
    const uint n = gl_GlobalInvocationID.x, head = gl_WorkGroupID.y, image = gl_WorkGroupID.z;
    if (n >= p.uquads) return;
    vec4 sum = vec4(0);
    for (uint e = 0; e < p.headdim; e++) {
        const float a = w(image * p.wrow + (head * p.headquads + e / 4) * p.wquad)[e % 4];
        sum = fma(vec4(a), u((head * p.headdim + e) * p.uquads + n), sum);
    }
    t((image * p.heads + head) * p.trow + n * p.tquad, sum);
}
