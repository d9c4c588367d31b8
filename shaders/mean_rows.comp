#version 450
// mean_rows: the mean of each image's tokens from row first on.
//
//   b0 in   x  quads, strides xrow, xquad
//   b1 out  y  f32 quads, strides yrow, yquad   [images] rows
//   push    tokens, first, quads, xrow, xquad, yrow, yquad, inverse = 1/(tokens − first)
//   spec 0  LANES: invocations a workgroup, along quads
//   grid    ceil(quads/LANES), images, 1
//   loops   tokens
//   oracle  graph/interp meanRows, 1e-6 of the largest value
#include "lib/quads.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;

layout(push_constant) uniform Push {
    uint tokens, first, quads, xrow, xquad, yrow, yquad;
    float inverse;
} p;

INPUT(0, x)
OUTPUT32(1, y)

void main() {
    const uint quad = gl_GlobalInvocationID.x, b = gl_WorkGroupID.y;
    if (quad >= p.quads) return;
    vec4 sum = vec4(0);
    for (uint t = p.first; t < p.tokens; t++) sum += x((b * p.tokens + t) * p.xrow + quad * p.xquad);
    y(b * p.yrow + quad * p.yquad, sum * p.inverse);
}
