#version 450
// pointwise: one step on each element; the second operand repeats over rows.
//
//   b0 in   a  quads, strides row, quad
//   b1 in   b  quads, strides brow, bquad   (OP 0 … 2); row i of a meets row i mod brows
//   b2 out  y  quads, strides row, quad
//   push    rows, quads, brows, row, quad, brow, bquad, fold, by
//   spec 0  LANES: invocations a workgroup, along rows, or along quads with ACROSS
//        1  OP: 0 a + b, 1 a − b, 2 a∘b, 3 by·a, 4 relu, 5 gelu, 6 soft threshold by
//        2  ACROSS: neighbouring lanes have neighbouring quads
//   grid    ceil(rows/LANES), quads, 1, or ceil(quads/LANES), rows, 1
//   loops   none
//   oracle  graph/interp, 1e-6 of the largest value
#include "lib/quads.glsl"
#include "lib/fold.glsl"
#include "lib/activation.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;
layout(constant_id = 1) const uint OP = 0;
layout(constant_id = 2) const bool ACROSS = false;

layout(push_constant) uniform Push {
    uint rows, quads, brows, row, quad, brow, bquad, fold;
    float by;
} p;

INPUT(0, a)
INPUT(1, b)
OUTPUT(2, y)

void main() {
    const uint i = ACROSS ? ROW_GROUP(y) : ROW_INVOCATION, q = ACROSS ? gl_GlobalInvocationID.x : gl_WorkGroupID.y;
    if (i >= p.rows || q >= p.quads) return;
    const uint at = i * p.row + q * p.quad;
    vec4 v = a(at);
    if (OP <= 2) {
        const vec4 w = b(i % p.brows * p.brow + q * p.bquad);
        v = OP == 0 ? v + w : OP == 1 ? v - w : v * w;
    }
    if (OP == 3) v *= p.by;
    if (OP == 4) v = activate(ACT_RELU, v, 0);
    if (OP == 5) v = activate(ACT_GELU, v, 0);
    if (OP == 6) v = activate(ACT_SOFT, v, p.by);
    y(at, v);
}
