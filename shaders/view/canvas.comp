#version 450
// view/canvas: one tile of the window: a photograph under a mask, a map in colours, the
// mask's border, and the overlay of text and marks. Colours are RGBA of 8 bits, red lowest,
// blended in whole numbers, so that every device gives the same.
//
//   b0 in   scene    u32 words: pictures of one word a pixel, labels of one byte, tables of colours
//   b1 in   maps     f32 [maps][2 + rows·columns], as view/maps makes them
//   b2 out  picture  u32 [height][canvas]
//   push    canvas (width of the picture), overlay, x, y, width, height (the tile),
//           photo, labels, tint, colours, palette (words at which they begin in scene, NONE: there is none),
//           map (its number, or NONE), elements (of a map), columns (of its grid),
//           across, down (words at which the grid's column of each x begins, and its row of each y; NONE: no cell),
//           zero (1: the middle colour is that of 0), opacity (of map and tint, 0 … 255), ground (the colour where there is no photograph)
//   spec 0  LANES: invocations a workgroup, along x
//   grid    ceil(width/LANES), height, 1
//   loops   none
//   oracle  TestCanvas in engine/window, exact
layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;

layout(push_constant) uniform Push {
    uint canvas, overlay, x, y, width, height, photo, labels, tint, colours, palette, map, elements, columns, across, down, zero, opacity, ground;
} p;

layout(set = 0, binding = 0, std430) readonly restrict buffer scene_buffer { uint scene[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer maps_buffer { float maps[]; };
layout(set = 0, binding = 2, std430) writeonly restrict buffer picture_buffer { uint picture[]; };

const uint NONE = 0xffffffff;

uvec3 colour(uint word) { return uvec3(word, word >> 8, word >> 16) & 0xff; }

uvec3 mixed(uvec3 below, uvec3 above, uint alpha) { return (below * (255 - alpha) + above * alpha + 127) / 255; }

// masked draws a pixel as paint.Overlay does: dimmed outside, tinted inside.
uvec3 masked(uvec3 c, uint label) {
    if (label == 0) return (c + ((77 * c.x + 150 * c.y + 29 * c.z) >> 8)) * 3 / 8;
    return (3 * c + colour(scene[p.palette + (label & 127) - 1])) / 4;
}

void main() {
    const uint x = gl_GlobalInvocationID.x, y = gl_WorkGroupID.y;
    if (x >= p.width) return;
    const uint pixel = y * p.width + x, at = (p.y + y) * p.canvas + p.x + x;
    uvec3 c = colour(p.photo == NONE ? p.ground : scene[p.photo + pixel]);
    const uint label = p.labels == NONE ? 0 : scene[p.labels + pixel / 4] >> 8 * (pixel % 4) & 0xff;
    if (p.labels != NONE) c = masked(c, label);
    if (p.tint != NONE) c = mixed(c, colour(scene[p.tint + pixel]), p.opacity * (scene[p.tint + pixel] >> 24) / 255);
    if (p.map != NONE) {
        const uint column = scene[p.across + x], row = scene[p.down + y]; // by table: dividing is slow on CPUs
        if (column != NONE && row != NONE) {
            const uint m = p.map * (2 + p.elements);
            const float most = max(abs(maps[m]), abs(maps[m + 1])), low = p.zero == 1 ? -most : maps[m], high = p.zero == 1 ? most : maps[m + 1];
            const float v = maps[m + 2 + row * p.columns + column];
            const float t = high > low ? (v - low) / (high - low) : 0.0;
            c = mixed(c, colour(scene[p.colours + min(uint(t * 255.0 + 0.5), 255)]), p.opacity);
        }
    }
    if (label > 127) c = colour(scene[p.palette + (label & 127) - 1]); // the border, over all but text
    if (p.overlay != NONE) {
        const uint o = scene[p.overlay + at]; // its colours are multiplied by its alpha already
        c = min(colour(o) + (c * (255 - (o >> 24)) + 127) / 255, uvec3(255));
    }
    picture[at] = c.x | c.y << 8 | c.z << 16 | 0xff000000;
}
