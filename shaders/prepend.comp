#version 450
// prepend: prefix tokens before each image's tokens.
//
//   b0 in   x       quads, strides xrow, xquad     [images·(tokens − prefix)] rows
//   b1 in   prefix  quads, strides trow, tquad     [prefix] rows
//   b2 out  y       quads, strides yrow, yquad     [images·tokens] rows
//   push    rows = images·tokens, tokens, prefix, xrow, xquad, trow, tquad, yrow, yquad, fold
//   spec 0  LANES: invocations a workgroup, along rows
//   grid    ceil(rows/LANES), quads, 1
//   loops   none
//   oracle  graph/interp prepend, exact
#include "lib/quads.glsl"
#include "lib/fold.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;

layout(push_constant) uniform Push { uint rows, tokens, prefix, xrow, xquad, trow, tquad, yrow, yquad, fold; } p;

INPUT(0, x)
INPUT(1, prefix)
OUTPUT(2, y)

void main() {
    const uint row = ROW_INVOCATION, quad = gl_WorkGroupID.y;
    if (row >= p.rows) return;
    const uint b = row / p.tokens, t = row % p.tokens;
    vec4 v;
    if (t < p.prefix) v = prefix(t * p.trow + quad * p.tquad);
    else v = x((b * (p.tokens - p.prefix) + t - p.prefix) * p.xrow + quad * p.xquad);
    y(row * p.yrow + quad * p.yquad, v);
}
