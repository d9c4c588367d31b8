#version 450
// patchify: an image [images 3 height width] cut into patches: element
// (a·P + b)·3 + c of token (r, s) is image[c][r·P + a][s·P + b].
//
//   b0 in   image  f32 quads [images·3·height][ipitch]
//   b1 out  y      quads, row stride yrow, quad stride yquad
//   push    rows = images·tokens, tokens, columns of the grid, patch, height,
//           ipitch, yrow, yquad, fold
//   spec 0  LANES: invocations a workgroup, along rows
//   grid    ceil(rows/LANES), quads, 1
//   loops   none
//   oracle  graph/interp patchify, exact
#include "lib/quads.glsl"
#include "lib/fold.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;

layout(push_constant) uniform Push { uint rows, tokens, columns, patch_, height, ipitch, yrow, yquad, fold; } p;

INPUT32(0, image)
OUTPUT(1, y)

void main() {
    const uint row = ROW_INVOCATION, quad = gl_WorkGroupID.y;
    if (row >= p.rows) return;
    const uint b = row / p.tokens, t = row % p.tokens;
    vec4 v = vec4(0);
    [[unroll]] for (uint e = 0; e < 4; e++) {
        const uint j = 4 * quad + e;
        if (j < 3 * p.patch_ * p.patch_) {
            const uint c = j % 3, dx = j / 3 % p.patch_, dy = j / 3 / p.patch_;
            const uint line = (b * 3 + c) * p.height + t / p.columns * p.patch_ + dy, x = t % p.columns * p.patch_ + dx;
            v[e] = image(line * p.ipitch + x / 4)[x % 4];
        }
    }
    y(row * p.yrow + quad * p.yquad, v);
}
