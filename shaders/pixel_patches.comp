#version 450
// pixel_patches: patchify(normalise(pixels)), one invocation a patch; with
// CENTRED the patch's mean is subtracted, which a norm that follows takes out
// anyway: flat patches then keep their precision in float32.
//
//   b0 in   pixels  u32 words: bytes r g b r g b …, images one behind another
//   b1 out  y       quads, row stride yrow, quad stride yquad
//   push    rows = images·tokens, tokens, columns of the grid, patch, width,
//           height, quads, yrow, yquad, fold, mean[3], std[3]
//   spec 0  LANES: invocations a workgroup, along rows
//        1  CENTRED
//   grid    ceil(rows/LANES), 1, 1
//   loops   3·patch² + 5·quads
//   oracle  graph/interp patchify(normalise), 1e-6 of the largest value
//
// The mean comes from the exact integer sums of each colour.
#include "lib/quads.glsl"
#include "lib/fold.glsl"
#include "lib/pixels.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;
layout(constant_id = 1) const bool CENTRED = false;

layout(push_constant) uniform Push {
    uint rows, tokens, columns, patch_, width, height, quads, yrow, yquad, fold;
    float mean0, mean1, mean2, std0, std1, std2;
} p;

PIXELS(0)
OUTPUT(1, y)

void main() {
    const uint row = ROW_INVOCATION;
    if (row >= p.rows) return;
    const uint t = row % p.tokens, line = 3 * p.width;
    // First byte of the patch, then offsets within it.
    const uint from = ((row / p.tokens * p.height + t / p.columns * p.patch_) * p.width + t % p.columns * p.patch_) * 3;
    const uint side = 3 * p.patch_, n = side * p.patch_;
    const vec3 mean = vec3(p.mean0, p.mean1, p.mean2), std = vec3(p.std0, p.std1, p.std2);
    float centre = 0;
    if (CENTRED) {
        vec3 sum = vec3(0); // of integers: exact
        for (uint j = 0; j < n; j++) {
            const float u = pixel(from + j / side * line + j % side);
            const uint c = j % 3;
            sum += vec3(c == 0 ? u : 0, c == 1 ? u : 0, c == 2 ? u : 0);
        }
        const vec3 m = (sum / (255.0 * float(p.patch_ * p.patch_)) - mean) / std;
        centre = (m.x + m.y + m.z) / 3.0;
    }
    for (uint quad = 0; quad < p.quads; quad++) {
        vec4 v = vec4(0);
        for (uint e = 0; e < 4; e++) {
            const uint j = 4 * quad + e, c = j % 3;
            if (j < n) v[e] = (pixel(from + j / side * line + j % side) / 255.0 - (c == 0 ? mean.x : c == 1 ? mean.y : mean.z)) / (c == 0 ? std.x : c == 1 ? std.y : std.z) - centre;
        }
        y(row * p.yrow + quad * p.yquad, v);
    }
}
