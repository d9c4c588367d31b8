#version 450
// affinity_bits: bit j mod 32 of word j/32 of row i is set iff f_i·f_j > tau.
// One invocation a word. The lanes of a workgroup have neighbouring rows and
// the same 32 columns, so that the columns' loads are uniform.
//
//   b0 in   f     f32 quads, strides frow, fquad   [images·tokens] rows
//   b1 out  bits  uint [images·tokens][words]
//   push    tokens, words, quads, frow, fquad, tau
//   spec 0  LANES: invocations a workgroup, along rows
//   grid    ceil(tokens/LANES), words, images
//   loops   4·quads + 4
//   oracle  graph/interp affinityBits, but for products within 1e-5 of tau
//
// Each product has one accumulator, channels ascending: affinity_lanes gives
// the same bits.
#include "lib/quads.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;

layout(push_constant) uniform Push {
    uint tokens, words, quads, frow, fquad;
    float tau;
} p;

INPUT32(0, f)
layout(set = 0, binding = 1, std430) writeonly restrict buffer bits_buffer { uint bits[]; };

void main() {
    const uint i = gl_GlobalInvocationID.x, word = gl_WorkGroupID.y, image = gl_WorkGroupID.z * p.tokens;
    if (i >= p.tokens) return;
    uint w = 0;
    // Eight columns at a time: their sums, rows and addresses fit the smallest register file.
    [[dont_unroll]] for (uint first = 0; first < 32; first += 8) {
        float acc[8];
        [[unroll]] for (uint c = 0; c < 8; c++) acc[c] = 0;
        for (uint q = 0; q < p.quads; q++) {
            const vec4 a = f((image + i) * p.frow + q * p.fquad);
            [[unroll]] for (uint c = 0; c < 8; c++) {
                const vec4 b = f((image + min(32 * word + first + c, p.tokens - 1)) * p.frow + q * p.fquad);
                [[unroll]] for (uint k = 0; k < 4; k++) acc[c] = fma(a[k], b[k], acc[c]);
            }
        }
        [[unroll]] for (uint c = 0; c < 8; c++)
            if (acc[c] > p.tau && 32 * word + first + c < p.tokens) w |= 1u << (first + c);
    }
    bits[(image + i) * p.words + word] = w;
}
