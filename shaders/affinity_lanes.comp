#version 450
// affinity_lanes: affinity_bits for devices whose lanes are a CPU's vector. A
// workgroup is a subgroup; it computes a tile of 32 rows × 32·WORDS columns and
// writes its words on both sides of the diagonal.
//
//   b0 in   f     f32 quads [kquads][pitch]     tokens, k-major
//   b1 out  bits  uint [images·tokens][words]
//   push    tokens, words, kquads, pitch, tau
//   spec 0  LANES: subgroup size and workgroup size, a divisor of 32
//        1  WORDS: words of columns
//   grid    blocks + 1, ceil(blocks/2), images·WORDS; blocks = ceil(words/WORDS).
//           The tiles on or above the diagonal are a triangle; two of its lines
//           make one line of the grid, as the code below shows
//   loops   kquads
//   oracle  graph/interp affinityBits, but for products within 1e-5 of tau
//
// A lane owns 32·WORDS/LANES columns and fetches 32/LANES rows, which reach the
// other lanes by shuffles with a constant lane.
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "lib/quads.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 8;
layout(constant_id = 1) const uint WORDS = 2;

layout(push_constant) uniform Push {
    uint tokens, words, kquads, pitch;
    float tau;
} p;

INPUT32(0, f)
layout(set = 0, binding = 1, std430) writeonly restrict buffer bits_buffer { uint bits[]; };

const uint ROWS = 32 / LANES;         // rows that a lane fetches
const uint COLS = 32 * WORDS / LANES; // columns that it owns

void main() {
    const uint kquads = p.kquads, pitch = p.pitch;
    const uint lane = gl_LocalInvocationID.x, image = gl_WorkGroupID.z / WORDS * p.tokens;
    // Line y of the grid holds the tiles of block row y, blocks − y of them, and
    // behind them those of block row blocks − 1 − y.
    const uint blocks = (p.words + WORDS - 1) / WORDS;
    uint x = gl_WorkGroupID.x, y = gl_WorkGroupID.y;
    if (x >= blocks - y) {
        if (2 * y + 1 == blocks) return; // the middle line is its own partner
        x -= blocks - y;
        y = blocks - 1 - y;
    }
    const uint row = y * WORDS + gl_WorkGroupID.z % WORDS, column = (y + x) * WORDS; // in words
    if (row >= p.words) return;

    uint r0[ROWS], c0[COLS]; // past the end, the last one
    [[unroll]] for (uint i = 0; i < ROWS; i++) r0[i] = image + min(32 * row + i * LANES + lane, p.tokens - 1);
    [[unroll]] for (uint j = 0; j < COLS; j++) c0[j] = image + min(32 * column + j * LANES + lane, p.tokens - 1);
    float acc[32][COLS];
    [[unroll]] for (uint i = 0; i < 32; i++)
        [[unroll]] for (uint j = 0; j < COLS; j++) acc[i][j] = 0;
    for (uint k = 0; k < kquads; k++) {
        vec4 a[ROWS], b[COLS];
        [[unroll]] for (uint i = 0; i < ROWS; i++) a[i] = f(k * pitch + r0[i]);
        [[unroll]] for (uint j = 0; j < COLS; j++) b[j] = f(k * pitch + c0[j]);
        [[unroll]] for (uint i = 0; i < 32; i++) {
            const vec4 t = subgroupShuffle(a[i / LANES], i % LANES);
            [[unroll]] for (uint j = 0; j < COLS; j++) {
                float s = acc[i][j];
                [[unroll]] for (uint e = 0; e < 4; e++) s = fma(t[e], b[j][e], s);
                acc[i][j] = s;
            }
        }
    }

    // Below the diagonal: a lane has all 32 rows of its columns.
    uint below[COLS];
    [[unroll]] for (uint j = 0; j < COLS; j++) {
        uint w = 0;
        [[unroll]] for (uint i = 0; i < 32; i++)
            if (acc[i][j] > p.tau) w |= 1u << i;
        const uint left = p.tokens - 32 * row, at = 32 * column + j * LANES + lane; // rows before the end
        if (left < 32) w &= (1u << left) - 1;
        if (at >= p.tokens) w = 0;
        below[j] = w;
        if (at < p.tokens && at / 32 >= row) bits[(image + at) * p.words + row] = w;
    }
    // Above it: the bits transposed.
    [[unroll]] for (uint u = 0; u < WORDS; u++) {
        uint above[ROWS];
        [[unroll]] for (uint i = 0; i < ROWS; i++) above[i] = 0;
        [[unroll]] for (uint j = 0; j < 32; j++) {
            const uint w = subgroupShuffle(below[(32 * u + j) / LANES], j % LANES);
            [[unroll]] for (uint i = 0; i < ROWS; i++) above[i] |= (w >> (i * LANES + lane) & 1) << j;
        }
        [[unroll]] for (uint i = 0; i < ROWS; i++) {
            const uint at = 32 * row + i * LANES + lane;
            if (column + u > row && column + u < p.words && at < p.tokens) bits[(image + at) * p.words + column + u] = above[i];
        }
    }
}
