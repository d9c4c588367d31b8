// Tensors as kernels see them: quads of four channels, float32 or, with F16,
// float16 in memory and float32 in registers. Channels are padded with zeros
// to a multiple of four, within each head where heads matter.
//
//   INPUT(slot, x)   x(i) loads quad i
//   OUTPUT(slot, y)  y(i, v) stores quad i
//
// INPUT32 and OUTPUT32 are float32 also with F16. They serve biases and other
// vectors, and tensors without a token axis: these are small, so that float16 would
// save little, and attention maps and logits keep their precision.
//
// With TEXEL inputs are texel buffers: on some software devices a fetch is
// several times cheaper than a storage-buffer load (docs/performance.md).
#extension GL_EXT_control_flow_attributes : require
#ifdef F16
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#define QUAD f16vec4
#else
#define QUAD vec4
#endif

#define STORAGE_INPUT(slot, name, quad)                                              \
    layout(set = 0, binding = slot, std430) readonly restrict buffer name##_buffer { \
        quad name##_quads[];                                                         \
    };                                                                               \
    vec4 name(uint i) { return vec4(name##_quads[i]); }

#ifdef TEXEL
#define INPUT(slot, name)                                         \
    layout(set = 0, binding = slot) uniform samplerBuffer name##_texels; \
    vec4 name(uint i) { return texelFetch(name##_texels, int(i)); }
#define INPUT32 INPUT
#else
#define INPUT(slot, name) STORAGE_INPUT(slot, name, QUAD)
#define INPUT32(slot, name) STORAGE_INPUT(slot, name, vec4)
#endif

#define STORAGE_OUTPUT(slot, name, quad)                                              \
    layout(set = 0, binding = slot, std430) writeonly restrict buffer name##_buffer { \
        quad name##_quads[];                                                          \
    };                                                                                \
    void name(uint i, vec4 v) { name##_quads[i] = quad(v); }

#define OUTPUT(slot, name) STORAGE_OUTPUT(slot, name, QUAD)
#define OUTPUT32(slot, name) STORAGE_OUTPUT(slot, name, vec4)

// sum4 adds the four channels of a quad.
float sum4(vec4 v) { return (v.x + v.y) + (v.z + v.w); }

// mask4 keeps the channels of quad q that are below n and zeroes the padding.
vec4 mask4(vec4 v, uint q, uint n) { return mix(vec4(0), v, lessThan(uvec4(0, 1, 2, 3) + 4 * q, uvec4(n))); }
