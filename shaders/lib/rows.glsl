// Kernels that reduce a row of channels to one number exist in two forms. With
// ROW_BARRIERS a workgroup of ROW_LANES invocations, a power of two, shares a row.
// Without it each invocation has a row to itself, for devices on which waiting at
// barriers is slow. rowSum and rowMax combine the values of the invocations of a
// row; without ROW_BARRIERS they return their argument. The file that includes
// this one and fold.glsl declares ROW_LANES and its local size.
#ifdef ROW_BARRIERS
shared float row_partial[ROW_LANES];

#define ROW_REDUCE(name, join)                                                        \
    float name(float x) {                                                             \
        const uint lane = gl_LocalInvocationID.x;                                     \
        row_partial[lane] = x;                                                        \
        barrier();                                                                    \
        [[dont_unroll]] for (uint n = ROW_LANES / 2; n > 0; n /= 2) {                 \
            if (lane < n) row_partial[lane] = join(row_partial[lane], row_partial[lane + n]); \
            barrier();                                                                \
        }                                                                             \
        const float all = row_partial[0];                                             \
        barrier();                                                                    \
        return all;                                                                   \
    }

float plus(float x, float y) { return x + y; }
ROW_REDUCE(rowSum, plus)
ROW_REDUCE(rowMax, max)
#define ROW_INDEX ROW_GROUP(x)
#define ROW_LANE gl_LocalInvocationID.x
#define ROW_STEP ROW_LANES
#else
float rowSum(float x) { return x; }
float rowMax(float x) { return x; }
#define ROW_INDEX ROW_INVOCATION
#define ROW_LANE 0u
#define ROW_STEP 1u
#endif
