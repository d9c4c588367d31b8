#version 450
// attend_uniform: o = softmax(scale·q·kᵀ)·v for each head, scores never stored,
// for GPUs. An invocation is a query: its q and o stay in registers, and the
// rows of keys and values are loads that are uniform in a subgroup, which feed
// the multiply-adds as scalars.
//
//   b0 in   q  quads [rows][pitch], a head's quads from head·SLICE·SLICES on
//   b1 in   k  the same
//   b2 in   v  the same; not read with TIED
//   b3 out  o  the same layout, row stride opitch
//   push    tokens, pitch, opitch, scale = factor·log2(e), zero = 0
//   spec 0  LANES: subgroup size, invocations along queries
//        1  PARTS = SLICES·SPLITS subgroups a workgroup (the local size along y)
//        2  SLICE: quads of the head that one subgroup holds
//        3  SLICES: subgroups that share a query
//        4  KEYS: keys a step, a multiple of 4
//        5  SPLITS: subgroups that share the keys
//        6  CHUNK: quads loaded at a time, divides SLICE
//        7  TIED: v is k (MSSA, where q is k too)
//   grid    ceil(tokens/LANES), heads, images
//   loops   ceil(tokens/(KEYS·SPLITS)) + SPLITS
//   oracle  graph/interp multiHead, 1e-5 of the largest value
//
// A softmax subtracts a number from all scores before the exponential, so that it
// cannot overflow. Here that number is at first the query's score with itself: it
// is known before the loop, it is one of the scores, and often it is the largest.
// If another score exceeds it by more than 40 (a factor of 2^40 in the weights),
// the sums are rescaled to that score, which happens rarely.
//
// A head has SLICES·SLICE quads of storage; what the head does not fill is zeros.
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_ballot : require
#include "lib/quads.glsl"

layout(local_size_x_id = 0, local_size_y_id = 1) in;
layout(constant_id = 0) const uint LANES = 32;
layout(constant_id = 1) const uint PARTS = 4;
layout(constant_id = 2) const uint SLICE = 16;
layout(constant_id = 3) const uint SLICES = 1;
layout(constant_id = 4) const uint KEYS = 8;
layout(constant_id = 5) const uint SPLITS = 4;
layout(constant_id = 6) const uint CHUNK = 1;
layout(constant_id = 7) const bool TIED = true;

layout(push_constant) uniform Push {
    uint tokens, pitch, opitch;
    float scale;
    uint zero;
} p;

INPUT(0, q)
INPUT(1, k)
INPUT(2, v)
OUTPUT(3, o)

// Above every index of a quad of a token tensor. With the bound a compiler
// knows that row + constant doesn't wrap, and puts the constant into the load
// instead of adding it: 300 scalar instructions less a step on AMD.
const uint LIMIT = 0x0fffff00u;

// Shared memory holds partial scores in the loop, [2][SPLITS][SLICES][KEYS], and
// behind it the sums, shift and total of one split, [SLICES][4·SLICE + 2]; each
// entry is LANES wide.
const uint PART = 4 * SLICE + 2;
const uint SCORES = SLICES > 1 ? 2 * SPLITS * SLICES * KEYS : 1, SUMS = SPLITS > 1 ? SLICES * PART : 1;
const uint ENTRIES = SCORES > SUMS ? SCORES : SUMS;
shared float part_[ENTRIES * LANES];

uint scoreAt(uint buffer_, uint split, uint slice, uint key) {
    return (((buffer_ * SPLITS + split) * SLICES + slice) * KEYS + key) * LANES + gl_LocalInvocationID.x;
}

void main() {
    const uint lane = gl_LocalInvocationID.x, part = subgroupBroadcastFirst(gl_LocalInvocationID.y);
    const uint slice = part % SLICES, split = part / SLICES;
    const uint image = gl_WorkGroupID.z * p.tokens, at = gl_WorkGroupID.y * SLICE * SLICES + slice * SLICE;
    const uint token = gl_WorkGroupID.x * LANES + lane;
    const uint mine = (image + min(token, p.tokens - 1)) * p.pitch + at;

    vec4 query[SLICE], sum[SLICE];
    float shift = 0, total = 0;
    [[unroll]] for (uint d = 0; d < SLICE; d++) {
        query[d] = q(mine + d) * p.scale;
        shift += dot(k(mine + d), query[d]);
        sum[d] = vec4(0);
    }
    if (SLICES > 1) {
        part_[scoreAt(0, split, slice, 0)] = shift;
        barrier();
        shift = 0;
        [[unroll]] for (uint s = 0; s < SLICES; s++) shift += part_[scoreAt(0, split, s, 0)];
        barrier();
    }

    uint flip = 0;
    const uint steps = (p.tokens + KEYS * SPLITS - 1) / (KEYS * SPLITS);
    for (uint step_ = 0; step_ < steps; step_++) {
        const uint j0 = (step_ * SPLITS + split) * KEYS;
        uint row[KEYS];
        float s[KEYS];
        [[unroll]] for (uint j = 0; j < KEYS; j++) {
            row[j] = min((image + min(j0 + j, p.tokens - 1)) * p.pitch + at, LIMIT);
            s[j] = slice == 0 ? -shift : 0.0;
        }
        // Neighbours in program order use different accumulators and different
        // sources: gfx11 pairs such multiply-adds.
        [[unroll]] for (uint d = 0; d < SLICE; d += CHUNK)
            [[unroll]] for (uint g = 0; g < KEYS; g += 4) {
                vec4 key[4][CHUNK];
                [[unroll]] for (uint j = 0; j < 4; j++)
                    [[unroll]] for (uint c = 0; c < CHUNK; c++) key[j][c] = k(row[g + j] + d + c);
                [[unroll]] for (uint c = 0; c < CHUNK; c++)
                    [[unroll]] for (uint r = 0; r < 4; r++)
                        [[unroll]] for (uint j = 0; j < 4; j++)
                            s[g + j] = fma(query[d + c][(j + r) % 4], key[j][c][(j + r) % 4], s[g + j]);
            }
        if (SLICES > 1) {
            [[unroll]] for (uint j = 0; j < KEYS; j++) part_[scoreAt(flip, split, slice, j)] = s[j];
            barrier();
            [[unroll]] for (uint j = 0; j < KEYS; j++)
                [[unroll]] for (uint other = 1; other < SLICES; other++) s[j] += part_[scoreAt(flip, split, (slice + other) % SLICES, j)];
            flip ^= 1u;
        }
        float top = s[0];
        [[unroll]] for (uint j = 1; j < KEYS; j++) top = max(top, s[j]);
        if (top > 40.0) {
            const float f = exp2(-top);
            shift += top;
            total *= f;
            [[unroll]] for (uint d = 0; d < SLICE; d++) sum[d] *= f;
            [[unroll]] for (uint j = 0; j < KEYS; j++) s[j] -= top;
        }
        if (j0 + KEYS > p.tokens) {
            [[unroll]] for (uint j = 0; j < KEYS; j++)
                if (j0 + j >= p.tokens) s[j] = -1e30;
        }
        // Tied rows are read again rather than kept: the opaque zero hides that
        // they are the same, which would hold all of them in registers.
        uint again[KEYS];
        [[unroll]] for (uint j = 0; j < KEYS; j++) {
            again[j] = min(row[j] + p.zero, LIMIT);
            s[j] = exp2(s[j]);
            total += s[j];
        }
        [[unroll]] for (uint g = 0; g < KEYS; g += 4)
            [[unroll]] for (uint d = 0; d < SLICE; d += CHUNK) {
                vec4 value[4][CHUNK];
                [[unroll]] for (uint j = 0; j < 4; j++)
                    [[unroll]] for (uint c = 0; c < CHUNK; c++) value[j][c] = TIED ? k(again[g + j] + d + c) : v(again[g + j] + d + c);
                [[unroll]] for (uint c = 0; c < CHUNK; c++)
                    [[unroll]] for (uint r = 0; r < 4; r++)
                        [[unroll]] for (uint e = 0; e < 4; e++)
                            sum[d + c][e] = fma(s[g + (e + r) % 4], value[(e + r) % 4][c][e], sum[d + c][e]);
            }
    }

    if (SPLITS > 1) {
        for (uint r = 1; r < SPLITS; r++) {
            barrier();
            if (split == r) {
                [[unroll]] for (uint d = 0; d < SLICE; d++)
                    [[unroll]] for (uint c = 0; c < 4; c++) part_[(slice * PART + 4 * d + c) * LANES + lane] = sum[d][c];
                part_[(slice * PART + 4 * SLICE) * LANES + lane] = shift;
                part_[(slice * PART + 4 * SLICE + 1) * LANES + lane] = total;
            }
            barrier();
            if (split == 0) {
                const float other = part_[(slice * PART + 4 * SLICE) * LANES + lane];
                const float m = max(shift, other), f = exp2(shift - m), g = exp2(other - m);
                total = total * f + part_[(slice * PART + 4 * SLICE + 1) * LANES + lane] * g;
                shift = m;
                [[unroll]] for (uint d = 0; d < SLICE; d++)
                    [[unroll]] for (uint c = 0; c < 4; c++) sum[d][c] = sum[d][c] * f + part_[(slice * PART + 4 * d + c) * LANES + lane] * g;
            }
        }
        if (split != 0) return;
    }
    if (token < p.tokens) {
        const float r = 1.0 / total;
        const uint to = (image + token) * p.opitch + at;
        [[unroll]] for (uint d = 0; d < SLICE; d++) o(to + d, sum[d] * r);
    }
}
