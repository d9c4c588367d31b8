#include "fake.h"

#include <stdlib.h>

// SPIR-V: the instructions and numbers that are looked at.
enum { OP_TYPE_POINTER = 32, OP_CONSTANT = 43, OP_SPEC_CONSTANT = 50, OP_SPEC_COMPOSITE = 51, OP_CONSTANT_COMPOSITE = 44, OP_VARIABLE = 59, OP_DECORATE = 71, OP_MEMBER_DECORATE = 72, OP_EXECUTION_MODE = 16 };
enum { SPEC_ID = 1, BUILTIN = 11, WORKGROUP_SIZE = 25, NON_WRITABLE = 24, BINDING = 33, LOCAL_SIZE = 17, UNIFORM = 2, STORAGE = 12 };

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

// constants are the values of all 32-bit constants by id, as they are specialized.
static uint32_t *constants(const module *m, const VkSpecializationInfo *spec) {
    uint32_t bound = m->code[3], *value = calloc(bound, 4), *number = calloc(bound, 4);
    EACH(m, op, w) {
        if (op == OP_DECORATE && w[2] == SPEC_ID) number[w[1]] = w[3] + 1;
        if (op != OP_CONSTANT && op != OP_SPEC_CONSTANT) continue;
        value[w[2]] = w[3];
        for (uint32_t i = 0; number[w[2]] && spec && i < spec->mapEntryCount; i++)
            if (spec->pMapEntries[i].constantID == number[w[2]] - 1) value[w[2]] = *(const uint32_t *)((const char *)spec->pData + spec->pMapEntries[i].offset);
    }
    free(number);
    return value;
}

void module_local(const module *m, const VkSpecializationInfo *spec, uint32_t local[3]) {
    uint32_t *value = constants(m, spec), size = 0;
    EACH(m, op, w) {
        if (op == OP_EXECUTION_MODE && w[2] == LOCAL_SIZE)
            for (int k = 0; k < 3; k++) local[k] = w[3 + k];
        if (op == OP_DECORATE && w[2] == BUILTIN && w[3] == WORKGROUP_SIZE) size = w[1];
        if ((op == OP_SPEC_COMPOSITE || op == OP_CONSTANT_COMPOSITE) && size && w[2] == size)
            for (int k = 0; k < 3; k++) local[k] = value[w[3 + k]];
    }
    free(value);
}
