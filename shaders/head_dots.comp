#version 450
// head_dots: s = q·k_j within each head, one invocation four keys of a head.
//
//   b0 in   q  f32 quads, strides qrow, qquad   [images] rows
//   b1 in   k  quads, strides krow, kquad   [images·tokens] rows
//   b2 out  s  f32 quads, strides srow, squad   [images·heads] rows of tokens
//   push    tokens, heads, headquads, qrow, qquad, krow, kquad, srow, squad
//   spec 0  LANES: invocations a workgroup, along keys
//   grid    ceil(ceil(tokens/4)/LANES), heads, images
//   loops   headquads
//   oracle  graph/interp headDots, 1e-5 of the largest value
#include "lib/quads.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;

layout(push_constant) uniform Push { uint tokens, heads, headquads, qrow, qquad, krow, kquad, srow, squad; } p;

INPUT32(0, q)
INPUT(1, k)
OUTPUT32(2, s)

void main() {
    const uint j = gl_GlobalInvocationID.x * 4, head = gl_WorkGroupID.y, image = gl_WorkGroupID.z;
    if (j >= p.tokens) return;
    vec4 sum = vec4(0);
    for (uint d = 0; d < p.headquads; d++) {
        const uint at = head * p.headquads + d;
        const vec4 a = q(image * p.qrow + at * p.qquad);
        [[unroll]] for (uint u = 0; u < 4; u++)
            if (j + u < p.tokens) sum[u] += dot(a, k((image * p.tokens + j + u) * p.krow + at * p.kquad));
    }
    s((image * p.heads + head) * p.srow + gl_GlobalInvocationID.x * p.squad, sum);
}
