// A device allows so many workgroups along an axis of the grid. Where the rows need
// more, the grid goes on along z: the push constant fold is the number of workgroups
// along the axis, or 0 where z has one step. The last ones may lie past the rows.
#define ROW_GROUP(axis) (gl_WorkGroupID.axis + gl_WorkGroupID.z * p.fold)
#define ROW_INVOCATION (gl_GlobalInvocationID.x + gl_WorkGroupID.z * p.fold * gl_WorkGroupSize.x)
