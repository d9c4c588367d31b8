#include "fake.h"

#include <stdlib.h>

// SPIR-V: the instructions and numbers that are looked at.
enum { OP_EXECUTION_MODE = 16, OP_VARIABLE = 59, OP_DECORATE = 71, OP_MEMBER_DECORATE = 72 };
enum { OP_TYPE_BOOL = 20, OP_TYPE_INT, OP_TYPE_FLOAT, OP_TYPE_VECTOR, OP_TYPE_MATRIX, OP_TYPE_ARRAY = 28, OP_TYPE_STRUCT = 30, OP_TYPE_POINTER = 32 };
enum { OP_TRUE = 41, OP_CONSTANT = 43, OP_COMPOSITE, OP_SPEC_TRUE = 48, OP_SPEC_FALSE, OP_SPEC_CONSTANT, OP_SPEC_COMPOSITE, OP_SPEC_OP };
enum { SPEC_ID = 1, BUILTIN = 11, WORKGROUP_SIZE = 25, NON_WRITABLE = 24, BINDING = 33, LOCAL_SIZE = 17 };
enum { UNIFORM = 2, WORKGROUP = 4, STORAGE = 12 }; // storage classes

// EACH walks over the instructions: op is one's number and w its words.
#define EACH(m, op, w)                                                                                                       \
    for (const uint32_t *w = (m)->code + 5; w < (m)->code + (m)->words && *w >> 16; w += *w >> 16)                           \
        for (int once_ = 1, op = (int)(*w & 0xffff); once_; once_ = 0)

uint32_t module_writes(const module *m) {
    uint32_t bound = m->code[3], written = 0;
    uint32_t *binding = calloc(bound, 4), *fixed = calloc(bound, 4), *pointee = calloc(bound, 4);
    EACH(m, op, w) {
        if (op == OP_DECORATE && w[2] == BINDING) binding[w[1]] = w[3] + 1;
        if (op == OP_DECORATE && w[2] == NON_WRITABLE) fixed[w[1]] = 1;
        if (op == OP_MEMBER_DECORATE && w[3] == NON_WRITABLE) fixed[w[1]] = 1;
        if (op == OP_TYPE_POINTER) pointee[w[1]] = w[3];
        if (op == OP_VARIABLE && binding[w[2]] && (w[3] == UNIFORM || w[3] == STORAGE) && !fixed[w[2]] && !fixed[pointee[w[1]]]) written |= 1u << (binding[w[2]] - 1);
    }
    free(binding), free(fixed), free(pointee);
    return written;
}

// computed is the value of an OpSpecConstantOp.
static uint32_t computed(const uint32_t *w, const uint32_t *value) {
    uint32_t a = value[w[4]], b = *w >> 16 > 5 ? value[w[5]] : 0;
    switch (w[3]) {
    case 126: return -a;                    // SNegate
    case 128: return a + b;                 // IAdd
    case 130: return a - b;                 // ISub
    case 132: return a * b;                 // IMul
    case 134: return b ? a / b : 0;         // UDiv
    case 135: return b ? (uint32_t)((int32_t)a / (int32_t)b) : 0;
    case 137: return b ? a % b : 0;         // UMod
    case 164: case 170: return a == b;      // LogicalEqual, IEqual
    case 165: case 171: return a != b;      // LogicalNotEqual, INotEqual
    case 166: return a || b;                // LogicalOr
    case 167: return a && b;                // LogicalAnd
    case 168: return !a;                    // LogicalNot
    case 169: return a ? b : value[w[6]];   // Select
    case 172: return a > b;                 // UGreaterThan
    case 173: return (int32_t)a > (int32_t)b;
    case 174: return a >= b;                // UGreaterThanEqual
    case 175: return (int32_t)a >= (int32_t)b;
    case 176: return a < b;                 // ULessThan
    case 177: return (int32_t)a < (int32_t)b;
    case 178: return a <= b;                // ULessThanEqual
    case 179: return (int32_t)a <= (int32_t)b;
    case 194: return a >> (b & 31);         // ShiftRightLogical
    case 196: return a << (b & 31);         // ShiftLeftLogical
    case 197: return a | b;                 // BitwiseOr
    case 199: return a & b;                 // BitwiseAnd
    }
    breach("the fake device can't tell what a kernel declares: SPIR-V operation %u of a constant is missing in modules.c", w[3]);
    return 0;
}

// constants are the values of all 32-bit constants and booleans by id, as they are
// specialized.
static uint32_t *constants(const module *m, const VkSpecializationInfo *spec) {
    uint32_t bound = m->code[3], *value = calloc(bound, 4), *number = calloc(bound, 4);
    EACH(m, op, w) {
        if (op == OP_DECORATE && w[2] == SPEC_ID) number[w[1]] = w[3] + 1;
        if (op == OP_TRUE || op == OP_SPEC_TRUE) value[w[2]] = 1;
        if (op == OP_CONSTANT || op == OP_SPEC_CONSTANT) value[w[2]] = w[3];
        if (op == OP_SPEC_OP) value[w[2]] = computed(w, value);
        if (op != OP_SPEC_TRUE && op != OP_SPEC_FALSE && op != OP_SPEC_CONSTANT) continue;
        for (uint32_t i = 0; number[w[2]] && spec && i < spec->mapEntryCount; i++)
            if (spec->pMapEntries[i].constantID == number[w[2]] - 1) value[w[2]] = *(const uint32_t *)((const char *)spec->pData + spec->pMapEntries[i].offset);
    }
    free(number);
    return value;
}

uint64_t module_shared(const module *m, const VkSpecializationInfo *spec) {
    uint32_t *value = constants(m, spec);
    uint64_t *bytes = calloc(m->code[3], sizeof *bytes), all = 0; // of a type, or of what a pointer points to
    EACH(m, op, w) {
        if (op == OP_TYPE_BOOL) bytes[w[1]] = 4;
        if (op == OP_TYPE_INT || op == OP_TYPE_FLOAT) bytes[w[1]] = w[2] / 8;
        if (op == OP_TYPE_VECTOR || op == OP_TYPE_MATRIX) bytes[w[1]] = bytes[w[2]] * w[3];
        if (op == OP_TYPE_ARRAY) bytes[w[1]] = bytes[w[2]] * value[w[3]];
        for (uint32_t i = 2; op == OP_TYPE_STRUCT && i < *w >> 16; i++) bytes[w[1]] += bytes[w[i]];
        if (op == OP_TYPE_POINTER) bytes[w[1]] = bytes[w[3]];
        if (op == OP_VARIABLE && w[3] == WORKGROUP) all += bytes[w[1]];
    }
    free(value), free(bytes);
    return all;
}

void module_local(const module *m, const VkSpecializationInfo *spec, uint32_t local[3]) {
    uint32_t *value = constants(m, spec), size = 0;
    EACH(m, op, w) {
        if (op == OP_EXECUTION_MODE && w[2] == LOCAL_SIZE)
            for (int k = 0; k < 3; k++) local[k] = w[3 + k];
        if (op == OP_DECORATE && w[2] == BUILTIN && w[3] == WORKGROUP_SIZE) size = w[1];
        if ((op == OP_SPEC_COMPOSITE || op == OP_COMPOSITE) && size && w[2] == size)
            for (int k = 0; k < 3; k++) local[k] = value[w[3 + k]];
    }
    free(value);
}
