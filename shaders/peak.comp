#version 450
// peak: multiply-adds on registers alone, to measure what a device can do; with F16 in
// float16, which GPUs compute in pairs. The result is written so that nothing is optimised
// away.
//
//   b0 in   x  f32 quads [LANES·workgroups]
//   b1 out  y  f32 quads [LANES·workgroups]
//   push    rounds, factor
//   spec 0  LANES: invocations a workgroup
//   grid    workgroups, 1, 1
//   loops   rounds
//   oracle  CHAINS·x/(1 − factor), after enough rounds; 2·4·CHAINS·STEPS·rounds operations an invocation
#include "lib/quads.glsl"

#ifdef F16
#define REGISTER f16vec4
#define SCALAR float16_t
#else
#define REGISTER vec4
#define SCALAR float
#endif

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
    const REGISTER start = REGISTER(x(i)), factor = REGISTER(p.factor);
    REGISTER sum[CHAINS];
    [[unroll]] for (uint c = 0; c < CHAINS; c++) sum[c] = start + SCALAR(c);
    for (uint r = 0; r < p.rounds; r++)
        [[unroll]] for (uint s = 0; s < STEPS; s++)
            [[unroll]] for (uint c = 0; c < CHAINS; c++) sum[c] = fma(sum[c], factor, start);
    REGISTER all = REGISTER(0);
    [[unroll]] for (uint c = 0; c < CHAINS; c++) all += sum[c];
    y(i, vec4(all));
}
