#version 450
// mark: the end of a submission. It hands on the record of the submission before,
// with one link more and with how many of the values that it looks at are not
// finite. What was dropped before it leaves an older record, with another number.
//
//   b0 in   x       u32: words of what the dispatches before it wrote
//   b1 in   before  u32 [workgroups][4]: a number of two words, values that are not finite, links
//   b2 out  after   u32 [workgroups][4]
//   push    rows, words (of a row), pitch (words between rows), kind (0: f32, 1: two f16, 2: no number)
//   spec 0  LANES: invocations a workgroup
//   grid    workgroups, each with a record of its own, 1, 1
//   loops   ceil(rows·words/(LANES·workgroups))
//   oracle  TestMark in engine/run, exact
layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;

layout(push_constant) uniform Push { uint rows, words, pitch, kind; } p;

layout(set = 0, binding = 0, std430) readonly restrict buffer x_buffer { uint x[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer before_buffer { uint before[]; };
layout(set = 0, binding = 2, std430) writeonly restrict buffer after_buffer { uint after[]; };

shared uint found;

// wrong counts the values of a word whose exponent has all its bits set.
uint wrong(uint w) {
    if (p.kind == 0) return uint((w & 0x7f800000) == 0x7f800000);
    if (p.kind == 1) return uint((w & 0x7c00) == 0x7c00) + uint((w & 0x7c000000) == 0x7c000000);
    return 0;
}

void main() {
    const uint lane = gl_LocalInvocationID.x, record = 4 * gl_WorkGroupID.x;
    if (lane == 0) found = 0;
    barrier();
    uint n = 0;
    for (uint i = gl_GlobalInvocationID.x; i < p.rows * p.words; i += LANES * gl_NumWorkGroups.x) n += wrong(x[i / p.words * p.pitch + i % p.words]);
    if (n > 0) atomicAdd(found, n);
    barrier();
    if (lane == 0) {
        after[record] = before[record];
        after[record + 1] = before[record + 1];
        after[record + 2] = before[record + 2] + found;
        after[record + 3] = before[record + 3] + 1;
    }
}
