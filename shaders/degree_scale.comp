#version 450
// degree_scale: 1/sqrt(D_i), D_i the row sum of A = eps·11ᵀ + (1 − eps)·bits.
// One invocation four patches.
//
//   b0 in   bits  uint [images·tokens][words]
//   b1 out  y     f32 quads [images][quads]
//   push    tokens, words, quads, eps
//   spec 0  LANES: invocations a workgroup, along quads
//   grid    ceil(quads/LANES), images, 1
//   loops   4·words
//   oracle  graph/interp degreeScale, 1e-6 of the largest value
#include "lib/quads.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;

layout(push_constant) uniform Push {
    uint tokens, words, quads;
    float eps;
} p;

layout(set = 0, binding = 0, std430) readonly restrict buffer bits_buffer { uint bits[]; };
OUTPUT32(1, y)

void main() {
    const uint q = gl_GlobalInvocationID.x, image = gl_WorkGroupID.y;
    if (q >= p.quads) return;
    uint degree[4];
    [[unroll]] for (uint c = 0; c < 4; c++) {
        const uint row = (image * p.tokens + min(4 * q + c, p.tokens - 1)) * p.words;
        degree[c] = 0;
        for (uint w = 0; w < p.words; w++) degree[c] += bitCount(bits[row + w]);
    }
    const vec4 d = p.eps * float(p.tokens) + (1.0 - p.eps) * vec4(degree[0], degree[1], degree[2], degree[3]);
    y(image * p.quads + q, mask4(inversesqrt(d), q, p.tokens));
}
