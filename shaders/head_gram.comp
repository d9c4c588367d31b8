#version 450
// head_gram: w_kᵀ·w_k of each head, one invocation a block of 4×4.
//
//   b0 in   w  f32 quads, strides wrow, wquad     [images·tokens] rows, heads padded
//   b1 out  g  f32 quads [images·heads·headdim][headquads]
//   push    tokens, heads, headdim, headquads, wrow, wquad
//   spec 0  LANES: invocations a workgroup, along blocks
//   grid    ceil(headquads²/LANES), heads, images
//   loops   tokens
//   oracle  graph/interp headGram, 1e-5 of the largest value
#include "lib/quads.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;

layout(push_constant) uniform Push { uint tokens, heads, headdim, headquads, wrow, wquad; } p;

INPUT32(0, w)
OUTPUT32(1, g)

void main() {
    const uint block = gl_GlobalInvocationID.x, head = gl_WorkGroupID.y, image = gl_WorkGroupID.z;
    if (block >= p.headquads * p.headquads) return;
    const uint row = block / p.headquads, column = block % p.headquads;
    vec4 acc[4];
    [[unroll]] for (uint c = 0; c < 4; c++) acc[c] = vec4(0);
    for (uint i = 0; i < p.tokens; i++) {
        const uint at = (image * p.tokens + i) * p.wrow + head * p.headquads * p.wquad;
        const vec4 a = w(at + row * p.wquad), b = w(at + column * p.wquad);
        [[unroll]] for (uint c = 0; c < 4; c++) acc[c] = fma(vec4(a[c]), b, acc[c]);
    }
    [[unroll]] for (uint c = 0; c < 4; c++)
        if (4 * row + c < p.headdim) g(((image * p.heads + head) * p.headdim + 4 * row + c) * p.headquads + column, acc[c]);
}
