#version 450
// attend_lanes: o = softmax(scale·q·kᵀ)·v for each head, scores never stored,
// for devices whose lanes are a CPU's vector. With TIED, v is k: each key is
// fetched once and used for the score and for the sum (MSSA, where q is k too).
//
//   b0 in   q  quads [heads·HEAD_QUADS][pitch]
//   b1 in   k  the same
//   b2 in   v  the same; not read with TIED
//   b3 out  o  quads [heads·HEAD_QUADS][opitch]
//   push    tokens, pitch, opitch, scale = factor·log2(e), zero = 0
//   spec 0  LANES: subgroup size and workgroup size
//        1  QUERIES: queries a lane
//        2  KEYS: keys a step, at most LANES
//        3  HEAD_QUADS: quads of a head
//        4  TIED
//   grid    ceil(tokens/(LANES·QUERIES)), heads, images
//   loops   ceil(tokens/KEYS)
//   oracle  graph/interp multiHead, 1e-5 of the largest value
//
// Each lane computes QUERIES queries. In a step the lanes fetch KEYS keys, one
// each, and every key reaches all lanes by a shuffle whose source lane is a
// constant. The largest score so far is kept for each query, and its sums are
// rescaled when a larger one comes (online softmax).
//
// With TIED a key is shuffled twice, for the score and for the sum. For the
// sum the key's bits are XORed with the push constant zero, which the compiler
// cannot know to be 0. Without that it would merge the two shuffles, keep all
// their results in the meantime, and spill hundreds of vectors to memory.
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "lib/quads.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 8;
layout(constant_id = 1) const uint QUERIES = 3;
layout(constant_id = 2) const uint KEYS = 8;
layout(constant_id = 3) const uint HEAD_QUADS = 16;
layout(constant_id = 4) const bool TIED = true;

// Weights below 2^LEAST of the largest are raised to it: no sum in float32
// changes by that, and processors take several times as long to multiply what
// would be subnormal (attention of B/8 on random tensors: 1.15 times).
const float LEAST = -64.0;

layout(push_constant) uniform Push {
    uint tokens, pitch, opitch;
    float scale;
    uint zero;
} p;

INPUT(0, q)
INPUT(1, k)
INPUT(2, v)
OUTPUT(3, o)

void main() {
    const uint lane = gl_LocalInvocationID.x, first = gl_WorkGroupID.x * LANES * QUERIES + lane;
    // Push constants are read once: llvmpipe gathers them lane by lane, some forty
    // instructions at each place where a loop reads one.
    const uint tokens = p.tokens, pitch = p.pitch, zero = p.zero;
    const float nought = uintBitsToFloat(zero);
    const uint head = gl_WorkGroupID.y * HEAD_QUADS, image = gl_WorkGroupID.z * tokens;

    vec4 query[QUERIES][HEAD_QUADS], mix_[QUERIES][HEAD_QUADS];
    float top[QUERIES], total[QUERIES];
    [[unroll]] for (uint t = 0; t < QUERIES; t++) {
        const uint row = image + min(first + t * LANES, tokens - 1);
        [[unroll]] for (uint d = 0; d < HEAD_QUADS; d++) {
            query[t][d] = q((head + d) * pitch + row) * p.scale;
            mix_[t][d] = vec4(0);
        }
        top[t] = -1e30;
        total[t] = 0;
    }

    for (uint j = 0; j < tokens; j += KEYS) {
        const uint row = image + min(j + lane % KEYS, tokens - 1);
        vec4 key[HEAD_QUADS], value[HEAD_QUADS];
        [[unroll]] for (uint d = 0; d < HEAD_QUADS; d++) {
            key[d] = k((head + d) * pitch + row);
            if (TIED) value[d] = uintBitsToFloat(floatBitsToUint(key[d]) ^ zero);
            else value[d] = v((head + d) * pitch + row);
        }
        float s[QUERIES][KEYS];
        [[unroll]] for (uint t = 0; t < QUERIES; t++)
            [[unroll]] for (uint u = 0; u < KEYS; u++) s[t][u] = 0;
        [[unroll]] for (uint d = 0; d < HEAD_QUADS; d++)
            [[unroll]] for (uint c = 0; c < 4; c++)
                [[unroll]] for (uint u = 0; u < KEYS; u++) {
                    const float x = subgroupShuffle(key[d][c], u);
                    [[unroll]] for (uint t = 0; t < QUERIES; t++) s[t][u] = fma(query[t][d][c], x, s[t][u]);
                }
        if (j + KEYS > tokens) {
            [[unroll]] for (uint u = 0; u < KEYS; u++)
                if (j + u >= tokens) [[unroll]] for (uint t = 0; t < QUERIES; t++) s[t][u] = -1e30;
        }
        float shrink[QUERIES];
        [[unroll]] for (uint t = 0; t < QUERIES; t++) {
            float m = top[t];
            [[unroll]] for (uint u = 0; u < KEYS; u++) m = max(m, s[t][u]);
            shrink[t] = exp2(top[t] - m);
            top[t] = m;
            float sum = 0;
            [[unroll]] for (uint u = 0; u < KEYS; u++) {
                const float e = exp2(max(s[t][u] - m, LEAST));
                s[t][u] = TIED ? e : fma(s[t][u], nought, e);
                sum += s[t][u];
            }
            total[t] = fma(total[t], shrink[t], sum);
        }
        [[unroll]] for (uint d = 0; d < HEAD_QUADS; d++)
            [[unroll]] for (uint c = 0; c < 4; c++) {
                float z[QUERIES];
                [[unroll]] for (uint t = 0; t < QUERIES; t++) z[t] = mix_[t][d][c] * shrink[t];
                [[unroll]] for (uint u = 0; u < KEYS; u++) {
                    const float x = subgroupShuffle(value[d][c], u);
                    [[unroll]] for (uint t = 0; t < QUERIES; t++) z[t] = fma(s[t][u], x, z[t]);
                }
                [[unroll]] for (uint t = 0; t < QUERIES; t++) mix_[t][d][c] = z[t];
            }
    }

    [[unroll]] for (uint t = 0; t < QUERIES; t++) {
        const uint token = first + t * LANES;
        if (token < tokens) {
            const float r = 1.0 / fma(top[t], nought, total[t]);
            [[unroll]] for (uint d = 0; d < HEAD_QUADS; d++) o((head + d) * p.opitch + image + token, mix_[t][d] * r);
        }
    }
}
