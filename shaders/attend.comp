#version 450
// attend: o = softmax(scale·q·kᵀ)·v for each head, one invocation a query and
// eight quads of o: the plain form that the fast ones are compared with.
//
//   b0 in   q  quads, row stride qrow, quad stride qquad
//   b1 in   k  strides krow, kquad
//   b2 in   v  strides krow, kquad
//   b3 out  o  strides orow, oquad
//   push    tokens, headquads, qrow, qquad, krow, kquad, orow, oquad,
//           scale = factor·log2(e)
//   spec 0  LANES: invocations a workgroup, along queries
//   grid    ceil(tokens/LANES), heads·ceil(headquads/8), images
//   loops   tokens·(ceil(headquads/16) + 1): the inner loop takes sixteen quads a round,
//           because llvmpipe limits the number of rounds of one invocation
//   oracle  graph/interp multiHead, 1e-5 of the largest value
#include "lib/quads.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;

layout(push_constant) uniform Push {
    uint tokens, headquads, qrow, qquad, krow, kquad, orow, oquad;
    float scale;
} p;

INPUT(0, q)
INPUT(1, k)
INPUT(2, v)
OUTPUT(3, o)

void main() {
    const uint token = gl_GlobalInvocationID.x, n = gl_WorkGroupID.y, image = gl_WorkGroupID.z * p.tokens;
    if (token >= p.tokens) return;
    const uint parts = (p.headquads + 7) / 8, head = n / parts * p.headquads, first = n % parts * 8;
    float top = -1e30, total = 0;
    vec4 sum[8];
    [[unroll]] for (uint u = 0; u < 8; u++) sum[u] = vec4(0);
    for (uint j = 0; j < p.tokens; j++) {
        float s = 0;
        for (uint d = 0; d < p.headquads; d += 16)
            [[unroll]] for (uint u = 0; u < 16; u++)
                if (d + u < p.headquads)
                    s += dot(q((image + token) * p.qrow + (head + d + u) * p.qquad), k((image + j) * p.krow + (head + d + u) * p.kquad));
        s *= p.scale;
        const float m = max(top, s), shrink = exp2(top - m), e = exp2(s - m);
        total = total * shrink + e;
        [[unroll]] for (uint u = 0; u < 8; u++)
            if (first + u < p.headquads) sum[u] = sum[u] * shrink + e * v((image + j) * p.krow + (head + first + u) * p.kquad);
        top = m;
    }
    [[unroll]] for (uint u = 0; u < 8; u++)
        if (first + u < p.headquads) o((image + token) * p.orow + (head + first + u) * p.oquad, sum[u] / total);
}
