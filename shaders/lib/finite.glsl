#ifndef FINITE_GLSL
#define FINITE_GLSL
// Of a NaN and a number max takes the number, and the run would go on as if nothing
// had happened. These keep what is no number, so that it reaches the outputs.

// notNegative is max(v, 0); NaN for a NaN.
#define NOT_NEGATIVE(type) \
    type notNegative(type v) { return v - min(v, type(0)); }
NOT_NEGATIVE(float)
NOT_NEGATIVE(vec4)

// rootInverse is 1/sqrt(v), with one step of Newton's, which makes it NaN where v
// has overflowed.
float rootInverse(float v) {
    const float r = inversesqrt(v);
    return r * (1.5 - 0.5 * (v * r) * r);
}
#endif
