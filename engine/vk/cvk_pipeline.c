#include "cvk_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static VkDescriptorType descriptor(uint32_t kind) { return kind ? VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER; }

VkResult cvk_layout_create(cvk_device *d, uint32_t n, const uint8_t *kinds, uint32_t push_bytes, cvk_handle *set_out, cvk_handle *pipe_out) {
    VkDescriptorSetLayoutBinding b[32];
    if (n > 32) return VK_ERROR_INITIALIZATION_FAILED;
    for (uint32_t i = 0; i < n; i++) b[i] = (VkDescriptorSetLayoutBinding){i, descriptor(kinds[i]), 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL};
    VkDescriptorSetLayoutCreateInfo si = {VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, NULL, 0, n, b};
    VkDescriptorSetLayout set;
    VkPipelineLayout pipe;
    VkResult r = CALL(d, CreateDescriptorSetLayout, d->handle, &si, NULL, &set);
    if (r) return r;
    VkPushConstantRange range = {VK_SHADER_STAGE_COMPUTE_BIT, 0, push_bytes};
    VkPipelineLayoutCreateInfo pi = {VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, NULL, 0, 1, &set, push_bytes ? 1 : 0, &range};
    r = CALL(d, CreatePipelineLayout, d->handle, &pi, NULL, &pipe);
    if (r) {
        d->DestroyDescriptorSetLayout(d->handle, set, NULL);
        return r;
    }
    *set_out = (uintptr_t)set;
    *pipe_out = (uintptr_t)pipe;
    return VK_SUCCESS;
}

VkResult cvk_pipeline_create(cvk_device *d, cvk_handle cache, cvk_handle module, cvk_handle layout, uint32_t nspec, const uint32_t *spec,
                             uint32_t subgroup, cvk_handle *out) {
    VkSpecializationMapEntry entries[64];
    if (nspec > 64) return VK_ERROR_INITIALIZATION_FAILED;
    for (uint32_t i = 0; i < nspec; i++) entries[i] = (VkSpecializationMapEntry){i, 4 * i, 4};
    VkSpecializationInfo si = {nspec, entries, 4 * nspec, spec};
    VkPipelineShaderStageRequiredSubgroupSizeCreateInfoEXT size = {VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO_EXT, NULL, subgroup};
    int sized = subgroup && d->size_control, full = subgroup && d->full_subgroups;
    VkComputePipelineCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .flags = VK_PIPELINE_CREATE_DISPATCH_BASE_BIT
                 | (d->statistics ? VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR | VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR : 0),
        .stage = {VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO, sized ? &size : NULL,
                  full ? VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT_EXT : 0, VK_SHADER_STAGE_COMPUTE_BIT, AS(VkShaderModule, module), "main", nspec ? &si : NULL},
        .layout = AS(VkPipelineLayout, layout),
    };
    VkPipeline pipe = VK_NULL_HANDLE;
    VkResult r = CALL(d, CreateComputePipelines, d->handle, AS(VkPipelineCache, cache), 1, &info, NULL, &pipe);
    *out = (uintptr_t)pipe;
    return r;
}

VkResult cvk_cache_create(cvk_device *d, const void *data, uint64_t size, cvk_handle *out) {
    VkPipelineCacheCreateInfo info = {VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO, NULL, 0, size, data};
    VkPipelineCache cache = VK_NULL_HANDLE;
    VkResult r = CALL(d, CreatePipelineCache, d->handle, &info, NULL, &cache);
    *out = (uintptr_t)cache;
    return r;
}

// text is a growing string; a failed allocation leaves it as it is.
typedef struct {
    char *s;
    size_t n, cap;
} text;

static void append(text *t, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0) return;
    if (t->n + len + 1 > t->cap) {
        size_t cap = 2 * t->cap + len + 1;
        char *s = realloc(t->s, cap);
        if (!s) return;
        t->s = s, t->cap = cap;
    }
    va_start(args, format);
    vsnprintf(t->s + t->n, t->cap - t->n, format, args);
    va_end(args);
    t->n += len;
}

static void report_statistics(cvk_device *d, const VkPipelineExecutableInfoKHR *info, text *t) {
    uint32_t n = 0;
    if (d->GetPipelineExecutableStatisticsKHR(d->handle, info, &n, NULL) || !n) return;
    VkPipelineExecutableStatisticKHR *s = calloc(n, sizeof *s);
    if (!s) return;
    for (uint32_t i = 0; i < n; i++) s[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
    if (d->GetPipelineExecutableStatisticsKHR(d->handle, info, &n, s) >= 0)
        for (uint32_t i = 0; i < n; i++) {
            double v = s[i].format == VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_BOOL32_KHR    ? s[i].value.b32
                       : s[i].format == VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_INT64_KHR   ? (double)s[i].value.i64
                       : s[i].format == VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR  ? (double)s[i].value.u64
                                                                                            : s[i].value.f64;
            append(t, "stat %s = %.17g\n", s[i].name, v);
        }
    free(s);
}

static void report_code(cvk_device *d, const VkPipelineExecutableInfoKHR *info, text *t) {
    uint32_t n = 0;
    if (d->GetPipelineExecutableInternalRepresentationsKHR(d->handle, info, &n, NULL) || !n) return;
    VkPipelineExecutableInternalRepresentationKHR *r = calloc(n, sizeof *r);
    if (!r) return;
    for (uint32_t i = 0; i < n; i++) r[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR;
    d->GetPipelineExecutableInternalRepresentationsKHR(d->handle, info, &n, r);
    for (uint32_t i = 0; i < n; i++) r[i].pData = calloc(1, r[i].dataSize + 1);
    d->GetPipelineExecutableInternalRepresentationsKHR(d->handle, info, &n, r);
    // The last textual representation is the machine code.
    for (uint32_t i = n; i-- > 0;)
        if (r[i].isText && r[i].pData && strstr(r[i].name, "ssembly")) {
            append(t, "isa\n%s\n", (const char *)r[i].pData);
            break;
        }
    for (uint32_t i = 0; i < n; i++) free(r[i].pData);
    free(r);
}

VkResult cvk_pipeline_report(cvk_device *d, cvk_handle pipe_, int isa, char **out) {
    VkPipeline pipe = AS(VkPipeline, pipe_);
    text t = {calloc(1, 1), 0, 1};
    *out = t.s;
    if (!d->statistics || !d->GetPipelineExecutablePropertiesKHR) return VK_SUCCESS;
    VkPipelineInfoKHR info = {VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, NULL, pipe};
    uint32_t n = 0;
    VkResult r = CALL(d, GetPipelineExecutablePropertiesKHR, d->handle, &info, &n, NULL);
    for (uint32_t i = 0; !r && i < n; i++) {
        VkPipelineExecutableInfoKHR e = {VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR, NULL, pipe, i};
        report_statistics(d, &e, &t);
        if (isa) report_code(d, &e, &t);
    }
    *out = t.s;
    return r;
}

VkResult cvk_sets_create(cvk_device *d, uint32_t nsets, const cvk_handle *layouts, uint32_t nbind, const cvk_binding *bind, cvk_handle *pool_out, cvk_handle *sets) {
    uint32_t count[2] = {0, 0};
    for (uint32_t i = 0; i < nbind; i++) count[bind[i].kind != 0]++;
    VkDescriptorPoolSize sizes[2];
    uint32_t nsizes = 0;
    for (uint32_t k = 0; k < 2; k++)
        if (count[k]) sizes[nsizes++] = (VkDescriptorPoolSize){descriptor(k), count[k]};
    VkDescriptorPoolCreateInfo pi = {VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, NULL, 0, nsets, nsizes, sizes};
    VkDescriptorPool pool;
    VkResult r = CALL(d, CreateDescriptorPool, d->handle, &pi, NULL, &pool);
    if (r) return r;
    for (uint32_t i = 0; i < nsets; i++) {
        VkDescriptorSetLayout layout = AS(VkDescriptorSetLayout, layouts[i]);
        VkDescriptorSetAllocateInfo ai = {VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO, NULL, pool, 1, &layout};
        VkDescriptorSet set;
        r = CALL(d, AllocateDescriptorSets, d->handle, &ai, &set);
        if (r) {
            d->DestroyDescriptorPool(d->handle, pool, NULL);
            return r;
        }
        sets[i] = (uintptr_t)set;
    }
    for (uint32_t i = 0; i < nbind; i++) {
        const cvk_binding *b = &bind[i];
        VkDescriptorBufferInfo buffer = {AS(VkBuffer, b->buffer), b->offset, b->range};
        VkBufferView view = AS(VkBufferView, b->view);
        VkWriteDescriptorSet w = {VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET, NULL, AS(VkDescriptorSet, sets[b->set]), b->slot, 0, 1, descriptor(b->kind), NULL, b->kind ? NULL : &buffer, b->kind ? &view : NULL};
        d->UpdateDescriptorSets(d->handle, 1, &w, 0, NULL);
    }
    *pool_out = (uintptr_t)pool;
    return VK_SUCCESS;
}
