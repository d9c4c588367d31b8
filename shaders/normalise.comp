#version 450
// normalise: (u/255 − mean)/std of 8-bit pixels, interleaved to planar.
//
//   b0 in   pixels  u32 words: bytes r g b r g b …, images one behind another
//   b1 out  y       f32 quads [images·3·height][pitch]
//   push    width, height, pitch, lines, fold, mean[3], std[3]
//   spec 0  LANES: invocations a workgroup, along quads of a row
//   grid    ceil(pitch/LANES), images·3·height, 1
//   loops   none
//   oracle  graph/interp normalise, 1e-6 of the largest value
#include "lib/quads.glsl"
#include "lib/fold.glsl"
#include "lib/pixels.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;

layout(push_constant) uniform Push {
    uint width, height, pitch, lines, fold;
    float mean0, mean1, mean2, std0, std1, std2;
} p;

PIXELS(0)
OUTPUT32(1, y)

void main() {
    const uint quad = gl_GlobalInvocationID.x, line = ROW_GROUP(y);
    if (quad >= p.pitch || line >= p.lines) return;
    const uint c = line / p.height % 3, image = line / p.height / 3;
    const float mean = c == 0 ? p.mean0 : c == 1 ? p.mean1 : p.mean2, std = c == 0 ? p.std0 : c == 1 ? p.std1 : p.std2;
    vec4 v = vec4(0);
    [[unroll]] for (uint e = 0; e < 4; e++) {
        const uint x = 4 * quad + e;
        if (x < p.width) v[e] = (pixel(((image * p.height + line % p.height) * p.width + x) * 3 + c) / 255.0 - mean) / std;
    }
    y(line * p.pitch + quad, v);
}
