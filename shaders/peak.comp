#version 450
// peak: multiply-adds on registers alone, to measure what a device can do. The
// result is written so that nothing is optimised away.
//
//   b0 in   x  f32 quads [LANES·workgroups]
//   b1 out  y  f32 quads [LANES·workgroups]
//   push    rounds, factor (near 1)
//   spec 0  LANES: invocations a workgroup
//   grid    workgroups, 1, 1
//   loops   rounds
//   oracle  none: 2·4·CHAINS·STEPS·rounds operations an invocation
#include "lib/quads.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;

layout(push_constant) uniform Push {
    uint rounds;
    float factor;
} p;

INPUT32(0, x)
OUTPUT32(1, y)

const uint CHAINS = 6; // independent sums, to fill the pipeline
const uint STEPS = 8;  // multiply-adds a chain and round

void main() {
    const uint i = gl_GlobalInvocationID.x;
    const vec4 start = x(i);
    vec4 sum[CHAINS];
    [[unroll]] for (uint c = 0; c < CHAINS; c++) sum[c] = start + float(c);
    for (uint r = 0; r < p.rounds; r++)
        [[unroll]] for (uint s = 0; s < STEPS; s++)
            [[unroll]] for (uint c = 0; c < CHAINS; c++) sum[c] = fma(sum[c], vec4(p.factor), start);
    vec4 all = vec4(0);
    [[unroll]] for (uint c = 0; c < CHAINS; c++) all += sum[c];
    y(i, all);
}
