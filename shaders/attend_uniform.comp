#version 450
// attend_uniform: o = softmax(scale·w·wᵀ)·w for each head (MSSA), for GPUs. An
// invocation is a query: q and o stay in registers, and key rows are loads
// that are uniform in a subgroup, which feed the multiply-adds as scalars.
//
//   b0 in   w  quads [rows][pitch], a head's quads from head·SLICE·SLICES on
//   b1 out  o  the same layout, row stride opitch
//   push    tokens, pitch, opitch, scale = factor·log2(e), zero = 0
//   spec 0  LANES: subgroup size, invocations along queries
//        1  PARTS = SLICES·SPLITS subgroups a workgroup (the local size along y)
//        2  SLICE: quads of the head that one subgroup holds
//        3  SLICES: subgroups that share a query
//        4  KEYS: keys a step, a multiple of 4
//        5  SPLITS: subgroups that share the keys
//        6  CHUNK: quads loaded at a time, divides SLICE
//   grid    ceil(tokens/LANES), heads, images
//   loops   ceil(tokens/(KEYS·SPLITS)) + SPLITS
//   oracle  graph/interp multiHead, 1e-5 of the largest value
//
// Sums are taken relative to the query's own score, which is often the
// largest; a rare branch rescales when a score exceeds that by 40 in log2.
// A head dimension that SLICES·SLICE does not fill is zero-padded by layout.
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

layout(push_constant) uniform Push {
    uint tokens, pitch, opitch;
    float scale;
    uint zero;
} p;

INPUT(0, w)
OUTPUT(1, o)

const uint SHARED_SCORES = SLICES > 1 ? 2 * SPLITS * SLICES * KEYS * LANES : 1;
const uint SHARED_SUMS = SPLITS > 1 ? SLICES * SLICE * LANES : 1;
const uint SHARED_TOTALS = SPLITS > 1 ? SLICES * LANES : 1;
shared float part_score[SHARED_SCORES];  // [2][SPLITS][SLICES][KEYS][LANES]
shared vec4 part_sum[SHARED_SUMS];       // [SLICES][SLICE][LANES]
shared vec2 part_total[SHARED_TOTALS];   // [SLICES][LANES]: shift and sum

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
        vec4 v = w(mine + d);
        query[d] = v * p.scale;
        shift += dot(v, query[d]);
        sum[d] = vec4(0);
    }
    if (SLICES > 1) {
        part_score[scoreAt(0, split, slice, 0)] = shift;
        barrier();
        shift = 0;
        [[unroll]] for (uint s = 0; s < SLICES; s++) shift += part_score[scoreAt(0, split, s, 0)];
        barrier();
    }

    uint flip = 0;
    const uint steps = (p.tokens + KEYS * SPLITS - 1) / (KEYS * SPLITS);
    for (uint step_ = 0; step_ < steps; step_++) {
        const uint j0 = (step_ * SPLITS + split) * KEYS;
        uint row[KEYS];
        float s[KEYS];
        [[unroll]] for (uint j = 0; j < KEYS; j++) {
            row[j] = (image + min(j0 + j, p.tokens - 1)) * p.pitch + at;
            s[j] = slice == 0 ? -shift : 0.0;
        }
        // Neighbours in program order use different accumulators and different
        // sources: gfx11 pairs such multiply-adds.
        [[unroll]] for (uint d = 0; d < SLICE; d += CHUNK)
            [[unroll]] for (uint g = 0; g < KEYS; g += 4) {
                vec4 key[4][CHUNK];
                [[unroll]] for (uint j = 0; j < 4; j++)
                    [[unroll]] for (uint c = 0; c < CHUNK; c++) key[j][c] = w(row[g + j] + d + c);
                [[unroll]] for (uint c = 0; c < CHUNK; c++)
                    [[unroll]] for (uint r = 0; r < 4; r++)
                        [[unroll]] for (uint j = 0; j < 4; j++)
                            s[g + j] = fma(query[d + c][(j + r) % 4], key[j][c][(j + r) % 4], s[g + j]);
            }
        if (SLICES > 1) {
            [[unroll]] for (uint j = 0; j < KEYS; j++) part_score[scoreAt(flip, split, slice, j)] = s[j];
            barrier();
            [[unroll]] for (uint j = 0; j < KEYS; j++)
                [[unroll]] for (uint other = 1; other < SLICES; other++) s[j] += part_score[scoreAt(flip, split, (slice + other) % SLICES, j)];
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
        // The rows are read again rather than kept: the opaque zero hides that
        // they are the same, which would hold all of them in registers.
        uint again[KEYS];
        [[unroll]] for (uint j = 0; j < KEYS; j++) {
            again[j] = row[j] + p.zero;
            s[j] = exp2(s[j]);
            total += s[j];
        }
        [[unroll]] for (uint g = 0; g < KEYS; g += 4)
            [[unroll]] for (uint d = 0; d < SLICE; d += CHUNK) {
                vec4 key[4][CHUNK];
                [[unroll]] for (uint j = 0; j < 4; j++)
                    [[unroll]] for (uint c = 0; c < CHUNK; c++) key[j][c] = w(again[g + j] + d + c);
                [[unroll]] for (uint c = 0; c < CHUNK; c++)
                    [[unroll]] for (uint r = 0; r < 4; r++)
                        [[unroll]] for (uint e = 0; e < 4; e++)
                            sum[d + c][e] = fma(s[g + (e + r) % 4], key[(e + r) % 4][c][e], sum[d + c][e]);
            }
    }

    if (SPLITS > 1) {
        for (uint r = 1; r < SPLITS; r++) {
            barrier();
            if (split == r) {
                [[unroll]] for (uint d = 0; d < SLICE; d++) part_sum[(slice * SLICE + d) * LANES + lane] = sum[d];
                part_total[slice * LANES + lane] = vec2(shift, total);
            }
            barrier();
            if (split == 0) {
                const vec2 other = part_total[slice * LANES + lane];
                const float m = max(shift, other.x), f = exp2(shift - m), g = exp2(other.x - m);
                total = total * f + other.y * g;
                shift = m;
                [[unroll]] for (uint d = 0; d < SLICE; d++) sum[d] = sum[d] * f + part_sum[(slice * SLICE + d) * LANES + lane] * g;
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
