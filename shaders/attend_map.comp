#version 450
// attend_map: the maps softmax(scale·q·kᵀ) themselves, row-major. One
// invocation a query and head; it sweeps the keys twice, first for maximum and
// sum, then to write.
//
//   b0 in   q  quads, row stride qrow, quad stride qquad
//   b1 in   k  the same strides
//   b2 out  a  f32 quads [heads·tokens][apitch] of the heads from head0 on, of one image
//   push    tokens, headquads, qrow, qquad, apitch, image, head0,
//           scale = factor·log2(e)
//   spec 0  LANES: invocations a workgroup, along queries
//        1  HEAD_QUADS: quads of a head, kept in registers; 0: read each time
//   grid    ceil(tokens/LANES), heads, 1
//   loops   2·ceil(tokens/4), with HEAD_QUADS = 0 that ·(ceil(headquads/8) + 1)
//   oracle  graph/interp attentionMaps, 1e-5 of the largest value
#include "lib/quads.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;
layout(constant_id = 1) const uint HEAD_QUADS = 0;

layout(push_constant) uniform Push {
    uint tokens, headquads, qrow, qquad, apitch, image, head0;
    float scale;
} p;

INPUT(0, q)
INPUT(1, k)
OUTPUT32(2, a)

const uint KEPT = HEAD_QUADS == 0 ? 1 : HEAD_QUADS;
vec4 query[KEPT];

// four is one quad of a query times that of four keys from j on.
vec4 four(vec4 query, uint from_k, uint j) {
    vec4 s;
    [[unroll]] for (uint u = 0; u < 4; u++) s[u] = dot(query, k(from_k + min(j + u, p.tokens - 1) * p.qrow));
    return s;
}

// scores of four keys from j on; past the end they are very small.
vec4 scores(uint from_q, uint from_k, uint j) {
    vec4 s = vec4(0);
    if (HEAD_QUADS == 0)
        for (uint first = 0; first < p.headquads; first += 8)
            [[unroll]] for (uint d = 0; d < 8; d++)
                if (first + d < p.headquads) s += four(q(from_q + (first + d) * p.qquad), from_k + (first + d) * p.qquad, j);
    [[unroll]] for (uint u = 0; u < 4; u++) {
        if (HEAD_QUADS != 0) {
            const uint at = from_k + min(j + u, p.tokens - 1) * p.qrow;
            vec4 sum = vec4(0);
            [[unroll]] for (uint d = 0; d < HEAD_QUADS; d++) sum = fma(query[d], k(at + d * p.qquad), sum);
            s[u] = sum4(sum);
        }
        s[u] = j + u < p.tokens ? s[u] * p.scale : -1e30;
    }
    return s;
}

void main() {
    const uint token = gl_GlobalInvocationID.x;
    if (token >= p.tokens) return;
    const uint head = (p.head0 + gl_WorkGroupID.y) * p.headquads * p.qquad;
    const uint from_k = p.image * p.tokens * p.qrow + head, from_q = from_k + token * p.qrow;
    [[unroll]] for (uint d = 0; d < HEAD_QUADS; d++) query[d] = q(from_q + d * p.qquad);
    float top = -1e30, total = 0;
    for (uint j = 0; j < p.tokens; j += 4) {
        const vec4 s = scores(from_q, from_k, j);
        const float m = max(max(top, max(s.x, s.y)), max(s.z, s.w));
        total = total * exp2(top - m) + sum4(exp2(s - m));
        top = m;
    }
    const float r = 1.0 / total;
    const uint to = (gl_WorkGroupID.y * p.tokens + token) * p.apitch;
    for (uint j = 0; j < p.tokens; j += 4) a(to + j / 4, exp2(scores(from_q, from_k, j) - top) * r);
}
