#version 450
// view/maps: what the window shows of maps: the mean of some rows each, such as
// those of a layer's heads, with the least and the largest value.
//
//   b0 in   raw    f32: rows of elements values
//   b1 in   which  u32 [maps][2]: the first row of a map, and how many
//   b2 out  maps   f32 [maps][2 + elements]: least, largest, the mean
//   push    elements, table (the word of which at which the table begins)
//   spec 0  LANES: invocations a workgroup, which has one map
//   grid    maps, 1, 1
//   loops   ceil(elements/LANES)·rows, and LANES
//   oracle  TestCanvas in engine/window, exact: float32, rows in order
layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;

layout(push_constant) uniform Push { uint elements, table; } p;

layout(set = 0, binding = 0, std430) readonly restrict buffer raw_buffer { float raw[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer which_buffer { uint which[]; };
layout(set = 0, binding = 2, std430) writeonly restrict buffer maps_buffer { float maps[]; };

shared float least[LANES], largest[LANES];

void main() {
    const uint lane = gl_LocalInvocationID.x, map = gl_WorkGroupID.x;
    const uint first = which[p.table + 2 * map], rows = which[p.table + 2 * map + 1], at = map * (2 + p.elements);
    float low = 3.402823466e38, high = -3.402823466e38;
    for (uint i = lane; i < p.elements; i += LANES) {
        float sum = raw[first * p.elements + i];
        for (uint r = 1; r < rows; r++) sum += raw[(first + r) * p.elements + i];
        if (rows > 1) sum /= float(rows);
        low = min(low, sum);
        high = max(high, sum);
        maps[at + 2 + i] = sum;
    }
    least[lane] = low;
    largest[lane] = high;
    barrier();
    if (lane == 0) {
        for (uint i = 1; i < LANES; i++) {
            low = min(low, least[i]);
            high = max(high, largest[i]);
        }
        maps[at] = low;
        maps[at + 1] = high;
    }
}
