#include "finite.glsl"
// Activations that a product or a pointwise step may end in. The numbers are
// those of actCode in engine/plan/linear.go. Each makes NaN of a NaN.
const uint ACT_NONE = 0, ACT_RELU = 1, ACT_GELU = 2, ACT_SOFT = 3;

// erf to 1.2e-7: Abramowitz and Stegun 7.1.28 is too coarse for float32, so
// this is the Chebyshev fit of erfc by exp(−x²)·polynomial(t), t = 1/(1 + x/2).
float erf1(float x) {
    float z = abs(x), t = 1.0 / (1.0 + 0.5 * z);
    float p = 0.17087277;
    p = fma(p, t, -0.82215223);
    p = fma(p, t, 1.48851587);
    p = fma(p, t, -1.13520398);
    p = fma(p, t, 0.27886807);
    p = fma(p, t, -0.18628806);
    p = fma(p, t, 0.09678418);
    p = fma(p, t, 0.37409196);
    p = fma(p, t, 1.00002368);
    p = fma(p, t, -1.26551223);
    float c = t * exp(-z * z + p);
    return x >= 0.0 ? 1.0 - c : c - 1.0;
}

vec4 activate(uint act, vec4 y, float threshold) {
    if (act == ACT_RELU) return notNegative(y);
    if (act == ACT_GELU) {
        vec4 e = y * 0.70710678118654752;
        return 0.5 * y * (1.0 + vec4(erf1(e.x), erf1(e.y), erf1(e.z), erf1(e.w)));
    }
    if (act == ACT_SOFT) return y - clamp(y, vec4(-threshold), vec4(threshold));
    return y;
}
