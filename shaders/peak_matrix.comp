#version 450
// peak_matrix: cooperative matrices (VK_KHR_cooperative_matrix) multiplied and added on
// registers alone, to measure what a device's matrix units can do, D = A·B + D with
// f16 factors and f32 sums; with HALF_SUMS the sums are f16, with INT8 the factors are
// s8 and the sums s32. Each matrix has one value in all places, so that every place of the
// result is known, however a driver spreads matrices over invocations.
//
//   b0 in   x  f32 quad [1]: the value of A in chain 0, of B, of B in the next step, of D in chain 0 at the beginning
//   b1 out  y  f32 quads [LANES·workgroups]: least and greatest place of an invocation, how many it has, 0
//   push    rounds
//   spec 0  LANES: invocations a workgroup, whole subgroups
//   spec 1  SCOPE: who has a matrix together, 3 a subgroup or 2 the workgroup (VK_NV_cooperative_matrix2)
//   spec 2  M, 3  N, 4  K: D is M×N, A is M×K, B is K×N
//   spec 5  TURN: factors change places from round to round, for drivers that compute matrices by
//           multiply-adds: they find none that they could take out of the loop
//   grid    workgroups, 1, 1
//   loops   rounds, and the places of an invocation
//   oracle  the sum over chains c of D + c + rounds·K·(A + c)·(B + then), in each place;
//           2·M·N·K·8·rounds operations a matrix of sums
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_shader_explicit_arithmetic_types : require
#include "lib/quads.glsl"

#ifdef INT8
#define FACTOR int8_t
#define SUM int32_t
#else
#define FACTOR float16_t
#ifdef HALF_SUMS
#define SUM float16_t
#else
#define SUM float32_t
#endif
#endif

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 64;
layout(constant_id = 1) const uint SCOPE = 3;
layout(constant_id = 2) const uint M = 16;
layout(constant_id = 3) const uint N = 16;
layout(constant_id = 4) const uint K = 16;
layout(constant_id = 5) const bool TURN = false;

layout(push_constant) uniform Push {
    uint rounds;
} p;

INPUT32(0, x)
OUTPUT32(1, y)

#define D coopmat<SUM, SCOPE, M, N, gl_MatrixUseAccumulator>

#define A coopmat<FACTOR, SCOPE, M, K, gl_MatrixUseA>
#define B coopmat<FACTOR, SCOPE, K, N, gl_MatrixUseB>

void main() {
    // Four independent chains fill the pipeline. No two products of a round have the same
    // factors.
    const vec4 values = x(0);
    const A a0 = A(FACTOR(values.x)), a1 = A(FACTOR(values.x + 1)), a2 = A(FACTOR(values.x + 2)), a3 = A(FACTOR(values.x + 3));
    B b = B(FACTOR(values.y)), then = B(FACTOR(values.z));
    D d0 = D(SUM(values.w)), d1 = D(SUM(values.w + 1)), d2 = D(SUM(values.w + 2)), d3 = D(SUM(values.w + 3));
    for (uint r = 0; r < p.rounds; r++) {
        d0 = coopMatMulAdd(a0, b, d0);
        d1 = coopMatMulAdd(a1, b, d1);
        d2 = coopMatMulAdd(a2, b, d2);
        d3 = coopMatMulAdd(a3, b, d3);
        d0 = coopMatMulAdd(a0, then, d0);
        d1 = coopMatMulAdd(a1, then, d1);
        d2 = coopMatMulAdd(a2, then, d2);
        d3 = coopMatMulAdd(a3, then, d3);
        if (TURN) {
            const B last = b;
            b = then;
            then = last;
        }
    }
    // Places are looked up in copies, so that the chains themselves stay in registers.
    D e0 = d0, e1 = d1, e2 = d2, e3 = d3;
    const uint places = e0.length();
    float least = 3e38, greatest = -3e38;
    for (uint i = 0; i < places; i++) {
        const float sum = (float(e0[i]) + float(e1[i])) + (float(e2[i]) + float(e3[i]));
        least = min(least, sum);
        greatest = max(greatest, sum);
    }
    y(gl_GlobalInvocationID.x, vec4(least, greatest, float(places), 0));
}
