#version 450
// select: one row of each image's tokens.
//
//   b0 in   x  quads, strides xrow, xquad
//   b1 out  y  f32 quads, strides yrow, yquad   [images] rows
//   push    tokens, row, quads, xrow, xquad, yrow, yquad
//   spec 0  LANES: invocations a workgroup, along quads
//   grid    ceil(quads/LANES), images, 1
//   loops   none
//   oracle  graph/interp select, exact
#include "lib/quads.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;

layout(push_constant) uniform Push { uint tokens, row, quads, xrow, xquad, yrow, yquad; } p;

INPUT(0, x)
OUTPUT32(1, y)

void main() {
    const uint quad = gl_GlobalInvocationID.x, b = gl_WorkGroupID.y;
    if (quad < p.quads) y(b * p.yrow + quad * p.yquad, x((b * p.tokens + p.row) * p.xrow + quad * p.xquad));
}
