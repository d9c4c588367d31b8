#version 450
// affinity_product: scale∘A·(scale∘v), A = eps·11ᵀ + (1 − eps)·bits. One
// invocation a row; the vector's loads are uniform.
//
//   b0 in   bits   uint [images·tokens][words]
//   b1 in   scale  f32 quads [images][quads]
//   b2 in   v      f32 quads [images][quads]
//   b3 out  y      float [images][4·quads]
//   push    tokens, words, quads, eps
//   spec 0  LANES: invocations a workgroup, along rows
//   grid    ceil(4·quads/LANES), images, 1
//   loops   words
//   oracle  graph/interp affinityProduct, 1e-5 of the largest value
//
// Patches with equal rows of bits get equal numbers, to the last bit.
#include "lib/quads.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;

layout(push_constant) uniform Push {
    uint tokens, words, quads;
    float eps;
} p;

layout(set = 0, binding = 0, std430) readonly restrict buffer bits_buffer { uint bits[]; };
INPUT32(1, scale)
INPUT32(2, v)
layout(set = 0, binding = 3, std430) writeonly restrict buffer y_buffer { float y[]; };

void main() {
    const uint i = gl_GlobalInvocationID.x, image = gl_WorkGroupID.y;
    if (i >= 4 * p.quads) return;
    const uint row = (image * p.tokens + min(i, p.tokens - 1)) * p.words;
    vec4 all = vec4(0), some = vec4(0);
    for (uint w = 0; w < p.words; w++) {
        const uint word = bits[row + w];
        [[unroll]] for (uint q = 0; q < 8; q++) {
            const uint at = image * p.quads + min(8 * w + q, p.quads - 1);
            vec4 z = scale(at) * v(at);
            if (8 * w + q >= p.quads) z = vec4(0);
            const uvec4 bit = uvec4(word >> 4 * q) >> uvec4(0, 1, 2, 3) & 1u;
            all += z;
            some = fma(vec4(bit), z, some);
        }
    }
    float out_ = 0; // the padding is zero
    if (i < p.tokens) out_ = scale(image * p.quads + i / 4)[i % 4] * fma(1.0 - p.eps, sum4(some), p.eps * sum4(all));
    y[image * 4 * p.quads + i] = out_;
}
