#version 450
// drop_rows: each image's tokens from row first on.
//
//   b0 in   x  quads, strides xrow, xquad     [images·(tokens + first)] rows
//   b1 out  y  quads, strides yrow, yquad     [images·tokens] rows
//   push    rows = images·tokens, tokens, first, xrow, xquad, yrow, yquad, fold
//   spec 0  LANES: invocations a workgroup, along rows
//   grid    ceil(rows/LANES), quads, 1
//   loops   none
//   oracle  graph/interp drop_rows, exact
#include "lib/quads.glsl"
#include "lib/fold.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;

layout(push_constant) uniform Push { uint rows, tokens, first, xrow, xquad, yrow, yquad, fold; } p;

INPUT(0, x)
OUTPUT(1, y)

void main() {
    const uint row = ROW_INVOCATION, quad = gl_WorkGroupID.y;
    if (row >= p.rows) return;
    const uint from = row / p.tokens * (p.tokens + p.first) + p.first + row % p.tokens;
    y(row * p.yrow + quad * p.yquad, x(from * p.xrow + quad * p.xquad));
}
