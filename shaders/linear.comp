#version 450
// linear: y = act(r∘(x·Wᵀ) + bias + residual), one invocation a quad of y: the
// plain form that the fast ones are compared with.
//
//   b0 in   x         quads, row stride xrow, quad stride xquad
//   b1 in   w         quads [4·kquads][nquads]
//   b2 out  y         quads, strides yrow, yquad
//   b3 in   bias      f32 quads [nquads]     (BIAS)
//   b4 in   residual  quads, strides rrow, rquad  (RESIDUAL)
//   b5 in   scale     f32 quads, stride srow: r in the first channel (SCALE = 2)
//   push    rows, kquads, nquads, columns = K, xrow, xquad, yrow, yquad, rrow,
//           rquad, srow, fold, eps, threshold
//   spec 0  LANES: invocations a workgroup, along rows
//        1  SCALE: 0 none, 1 from x itself with eps, 2 from b5
//        2  BIAS  3 RESIDUAL  4 ACT
//        5  CENTRED: the rows of W add up to zero, so that the product is the same for
//           x less its mean, and loses no digits where that is large
//   grid    ceil(rows/LANES), nquads, 1
//   loops   3·kquads
//   oracle  graph/interp linear, 1e-5 of the largest value
#include "lib/quads.glsl"
#include "lib/fold.glsl"
#include "lib/finite.glsl"
#include "lib/activation.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;
layout(constant_id = 1) const uint SCALE = 0;
layout(constant_id = 2) const bool BIAS = false;
layout(constant_id = 3) const bool RESIDUAL = false;
layout(constant_id = 4) const uint ACT = 0;
layout(constant_id = 5) const bool CENTRED = false;

layout(push_constant) uniform Push {
    uint rows, kquads, nquads, columns, xrow, xquad, yrow, yquad, rrow, rquad, srow, fold;
    float eps, threshold;
} p;

INPUT(0, x)
INPUT(1, w)
OUTPUT(2, y)
INPUT32(3, bias)
INPUT(4, residual)
INPUT32(5, scale)
#include "lib/shift.glsl"

void main() {
    const uint row = ROW_INVOCATION, n = gl_WorkGroupID.y;
    if (row >= p.rows) return;
    vec4 acc = vec4(0);
    float shift = 0, mean = 0, square = 0; // the row's mean is shift + mean
    if (SCALE == 1 || CENTRED) {
        shift = rowShift(row * p.xrow, p.xquad, p.columns);
        for (uint k = 0; k < p.kquads; k++) mean += sum4(mask4(x(row * p.xrow + k * p.xquad) - shift, k, p.columns));
        mean /= float(p.columns);
    }
    for (uint k = 0; k < p.kquads; k++) {
        vec4 a = x(row * p.xrow + k * p.xquad);
        const vec4 d = mask4((a - shift) - mean, k, p.columns);
        if (SCALE == 1) square += sum4(d * d);
        if (CENTRED) a = d;
        [[unroll]] for (uint c = 0; c < 4; c++) acc = fma(vec4(a[c]), w((4 * k + c) * p.nquads + n), acc);
    }
    if (SCALE == 1) acc *= rootInverse(square / float(p.columns) + p.eps);
    if (SCALE == 2) acc *= scale(row * p.srow).x;
    if (BIAS) acc += bias(n);
    if (RESIDUAL) acc += residual(row * p.rrow + n * p.rquad);
    y(row * p.yrow + n * p.yquad, activate(ACT, acc, p.threshold));
}
