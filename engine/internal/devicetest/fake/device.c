#include "fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct device_table next_device;
PFN_vkGetDeviceProcAddr next_device_proc;

#define KEY(handle) ((uint64_t)(uintptr_t)(handle))

// A set layout, and a set with what is bound.
typedef struct {
    uint32_t storage, texels;
} set_layout;
typedef struct {
    region slots[SLOTS];
} set;

typedef struct {
    uint32_t written; // bit i: the kernel writes binding i
} pipeline;

// What the command buffer has bound that is being recorded: there is one at a time, as
// all are of one pool.
static struct {
    VkCommandBuffer commands;
    VkPipeline pipe;
    VkDescriptorSet set;
    unsigned commands_so_far;
    struct {
        VkPipeline pipe;
        VkDescriptorSet set;
        uint32_t from[3], to[3];
        const char *what;
    } last; // dispatch
} bound;

static uint32_t timestamp_bits;
static uint64_t submissions;

static VKAPI_ATTR VkResult VKAPI_CALL my_CreateDevice(VkPhysicalDevice phys, const VkDeviceCreateInfo *info, const VkAllocationCallbacks *a, VkDevice *out) {
    VkLayerDeviceCreateInfo *link = (VkLayerDeviceCreateInfo *)info->pNext;
    while (link && (link->sType != VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO || link->function != VK_LAYER_LINK_INFO)) link = (VkLayerDeviceCreateInfo *)link->pNext;
    if (!link) return VK_ERROR_INITIALIZATION_FAILED;
    PFN_vkGetInstanceProcAddr proc = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    next_device_proc = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    // The driver below gets the extensions that it has, and its one queue.
    VkDeviceCreateInfo i = *info;
    VkDeviceQueueCreateInfo queue = info->pQueueCreateInfos[0];
    VkQueueFamilyProperties families[8];
    uint32_t have = fake_queues(families, 8);
    if (have && queue.queueFamilyIndex >= have) breach("vkCreateDevice: queue family %u of %u", queue.queueFamilyIndex, have);
    timestamp_bits = have ? families[queue.queueFamilyIndex].timestampValidBits : 64;
    if (have) queue.queueFamilyIndex = 0;
    i.pQueueCreateInfos = &queue;
    const char *names[32];
    int portable = 0;
    i.enabledExtensionCount = 0;
    i.ppEnabledExtensionNames = names;
    for (uint32_t k = 0; k < info->enabledExtensionCount && i.enabledExtensionCount < 32; k++) {
        const char *name = info->ppEnabledExtensionNames[k];
        portable |= !strcmp(name, VK_KHR_PORTABILITY_SUBSET_EXTENSION_NAME);
        if (extension_hidden(name)) breach("vkCreateDevice: extension %s is enabled, which the device has not", name);
        if (!extension_added(name)) names[i.enabledExtensionCount++] = name;
    }
    if (extension_added(VK_KHR_PORTABILITY_SUBSET_EXTENSION_NAME) && !portable) breach("vkCreateDevice: VK_KHR_portability_subset is offered and not enabled");
    check_features(info->pNext);
    VkResult r = ((PFN_vkCreateDevice)proc(the_instance, "vkCreateDevice"))(phys, &i, a, out);
    if (r) return r;
#define LOAD(name) next_device.name = (PFN_vk##name)next_device_proc(*out, "vk" #name);
    DEVICE_FUNCTIONS(LOAD)
    return VK_SUCCESS;
}

// The driver below has one family of queues.
static VKAPI_ATTR void VKAPI_CALL my_GetDeviceQueue(VkDevice d, uint32_t family, uint32_t i, VkQueue *out) {
    next_device.GetDeviceQueue(d, profile_text("queue", 0) ? 0 : family, i, out);
}

static VKAPI_ATTR VkResult VKAPI_CALL my_CreateCommandPool(VkDevice d, const VkCommandPoolCreateInfo *info, const VkAllocationCallbacks *a, VkCommandPool *out) {
    VkCommandPoolCreateInfo i = *info;
    if (profile_text("queue", 0)) i.queueFamilyIndex = 0;
    return next_device.CreateCommandPool(d, &i, a, out);
}

static VKAPI_ATTR VkResult VKAPI_CALL my_CreateQueryPool(VkDevice d, const VkQueryPoolCreateInfo *i, const VkAllocationCallbacks *a, VkQueryPool *out) {
    uint64_t n;
    if (i->queryType == VK_QUERY_TYPE_PIPELINE_STATISTICS && profile_number("pipelineStatisticsQuery", &n) && !n) breach("vkCreateQueryPool: the device counts nothing");
    VkResult r = next_device.CreateQueryPool(d, i, a, out);
    if (!r) *(VkQueryType *)object_new(POOL, KEY(*out), sizeof(VkQueryType)) = i->queryType;
    return r;
}

static VKAPI_ATTR void VKAPI_CALL my_CmdWriteTimestamp(VkCommandBuffer c, VkPipelineStageFlagBits stage, VkQueryPool p, uint32_t q) {
    if (!timestamp_bits) breach("vkCmdWriteTimestamp: the queue has no timestamps");
    next_device.CmdWriteTimestamp(c, stage, p, q);
}

// Timestamps have so many bits, and soon begin again at 0.
static VKAPI_ATTR VkResult VKAPI_CALL my_GetQueryPoolResults(VkDevice d, VkQueryPool p, uint32_t first, uint32_t n, size_t size, void *out, VkDeviceSize stride, VkQueryResultFlags f) {
    VkResult r = next_device.GetQueryPoolResults(d, p, first, n, size, out, stride, f);
    VkQueryType *type = object_of(POOL, KEY(p));
    if (type && *type == VK_QUERY_TYPE_TIMESTAMP && timestamp_bits < 64 && f & VK_QUERY_RESULT_64_BIT)
        for (uint32_t i = 0; i < n; i++) *(uint64_t *)((char *)out + i * stride) &= (1ull << timestamp_bits) - 1;
    return r;
}

static VKAPI_ATTR VkResult VKAPI_CALL my_CreateBuffer(VkDevice d, const VkBufferCreateInfo *i, const VkAllocationCallbacks *a, VkBuffer *out) {
    VkResult r = next_device.CreateBuffer(d, i, a, out);
    if (!r) ((buffer *)object_new(BUFFER, KEY(*out), sizeof(buffer)))->size = i->size;
    return r;
}

static VKAPI_ATTR void VKAPI_CALL my_DestroyBuffer(VkDevice d, VkBuffer b, const VkAllocationCallbacks *a) {
    object_free(BUFFER, KEY(b));
    next_device.DestroyBuffer(d, b, a);
}

static VKAPI_ATTR VkResult VKAPI_CALL my_CreateBufferView(VkDevice d, const VkBufferViewCreateInfo *i, const VkAllocationCallbacks *a, VkBufferView *out) {
    uint64_t align = profile_limit("minTexelBufferOffsetAlignment"), most = profile_limit("maxTexelBufferElements"), texel = i->format == VK_FORMAT_R32G32B32A32_SFLOAT ? 16 : 8;
    if (align != UINT64_MAX && i->offset % align) breach("vkCreateBufferView: offset %lu, minTexelBufferOffsetAlignment is %lu", i->offset, align);
    if (i->range / texel > most) breach("vkCreateBufferView: %lu texels, maxTexelBufferElements is %lu", i->range / texel, most);
    VkResult r = next_device.CreateBufferView(d, i, a, out);
    if (!r) *(region *)object_new(VIEW, KEY(*out), sizeof(region)) = (region){i->buffer, i->offset, i->offset + i->range};
    return r;
}

static VKAPI_ATTR void VKAPI_CALL my_DestroyBufferView(VkDevice d, VkBufferView v, const VkAllocationCallbacks *a) {
    object_free(VIEW, KEY(v));
    next_device.DestroyBufferView(d, v, a);
}

static VKAPI_ATTR VkResult VKAPI_CALL my_CreateShaderModule(VkDevice d, const VkShaderModuleCreateInfo *i, const VkAllocationCallbacks *a, VkShaderModule *out) {
    VkResult r = next_device.CreateShaderModule(d, i, a, out);
    if (r) return r;
    module *m = object_new(MODULE, KEY(*out), sizeof *m);
    m->words = (uint32_t)(i->codeSize / 4);
    m->code = malloc(i->codeSize);
    memcpy(m->code, i->pCode, i->codeSize);
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL my_DestroyShaderModule(VkDevice d, VkShaderModule h, const VkAllocationCallbacks *a) {
    module *m = object_of(MODULE, KEY(h));
    if (m) free(m->code);
    object_free(MODULE, KEY(h));
    next_device.DestroyShaderModule(d, h, a);
}

// check_subgroup looks at the size of subgroups that a stage requires, and at full ones.
static void check_subgroup(const VkPipelineShaderStageCreateInfo *s, uint32_t x) {
    uint64_t offered, least = profile_limit("minSubgroupSize"), most = profile_limit("maxSubgroupSize"), size = profile_limit("subgroupSize");
    for (const VkBaseInStructure *n = s->pNext; n; n = n->pNext) {
        if (n->sType != VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO) continue;
        size = ((const VkPipelineShaderStageRequiredSubgroupSizeCreateInfo *)n)->requiredSubgroupSize;
        if (extension_hidden(VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME)) breach("vkCreateComputePipelines: a size of subgroups is required, which the device doesn't let choose");
        if (profile_number("requiredSubgroupSizeStages", &offered) && !(offered & VK_SHADER_STAGE_COMPUTE_BIT)) breach("vkCreateComputePipelines: a size of subgroups is required, which the device doesn't let kernels choose");
        if (most != UINT64_MAX && (size < least || size > most)) breach("vkCreateComputePipelines: subgroups of %lu, the device has %lu to %lu", size, least, most);
    }
    int full = s->flags & VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT;
    if (full && profile_number("computeFullSubgroups", &offered) && !offered) breach("vkCreateComputePipelines: full subgroups are required, which the device has not");
    if (full && size != UINT64_MAX && x % size) breach("vkCreateComputePipelines: full subgroups of %lu in a workgroup %u wide", size, x);
}

static void check_local(const uint32_t local[3]) {
    char key[40];
    for (int k = 0; k < 3; k++) {
        snprintf(key, sizeof key, "maxComputeWorkGroupSize%d", k);
        if (local[k] > profile_limit(key)) breach("vkCreateComputePipelines: a workgroup of %u×%u×%u, %s is %lu", local[0], local[1], local[2], key, profile_limit(key));
    }
    uint64_t all = (uint64_t)local[0] * local[1] * local[2];
    if (all > profile_limit("maxComputeWorkGroupInvocations")) breach("vkCreateComputePipelines: %lu invocations, maxComputeWorkGroupInvocations is %lu", all, profile_limit("maxComputeWorkGroupInvocations"));
}

static VKAPI_ATTR VkResult VKAPI_CALL my_CreateComputePipelines(VkDevice d, VkPipelineCache cache, uint32_t n, const VkComputePipelineCreateInfo *info, const VkAllocationCallbacks *a, VkPipeline *out) {
    for (uint32_t k = 0; k < n; k++) {
        VkComputePipelineCreateInfo i = info[k];
        const module *m = object_of(MODULE, KEY(i.stage.module));
        uint32_t local[3] = {1, 1, 1};
        module_local(m, i.stage.pSpecializationInfo, local);
        check_local(local);
        uint64_t shared = module_shared(m, i.stage.pSpecializationInfo);
        if (shared > profile_limit("maxComputeSharedMemorySize")) breach("vkCreateComputePipelines: a workgroup shares %lu bytes, maxComputeSharedMemorySize is %lu", shared, profile_limit("maxComputeSharedMemorySize"));
        check_subgroup(&i.stage, local[0]);
        if (profile_text("subgroupSize", 0)) i.stage.pNext = NULL, i.stage.flags = 0; // the driver below has its own
        VkResult r = next_device.CreateComputePipelines(d, cache, 1, &i, a, &out[k]);
        if (r) return r;
        ((pipeline *)object_new(PIPELINE, KEY(out[k]), sizeof(pipeline)))->written = module_writes(m);
    }
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL my_DestroyPipeline(VkDevice d, VkPipeline p, const VkAllocationCallbacks *a) {
    object_free(PIPELINE, KEY(p));
    next_device.DestroyPipeline(d, p, a);
}

static VKAPI_ATTR VkResult VKAPI_CALL my_CreateDescriptorSetLayout(VkDevice d, const VkDescriptorSetLayoutCreateInfo *i, const VkAllocationCallbacks *a, VkDescriptorSetLayout *out) {
    set_layout l = {0, 0};
    for (uint32_t k = 0; k < i->bindingCount; k++)
        if (i->pBindings[k].descriptorType == VK_DESCRIPTOR_TYPE_STORAGE_BUFFER)
            l.storage += i->pBindings[k].descriptorCount;
        else
            l.texels += i->pBindings[k].descriptorCount;
    if (l.storage > profile_limit("maxPerStageDescriptorStorageBuffers")) {
        breach("vkCreateDescriptorSetLayout: %u storage buffers, maxPerStageDescriptorStorageBuffers is %lu", l.storage, profile_limit("maxPerStageDescriptorStorageBuffers"));
        if (profile_text("strict", 0)) return VK_ERROR_OUT_OF_HOST_MEMORY;
    }
    if (l.storage + l.texels > profile_limit("maxPerStageResources")) breach("vkCreateDescriptorSetLayout: %u bindings, maxPerStageResources is %lu", l.storage + l.texels, profile_limit("maxPerStageResources"));
    return next_device.CreateDescriptorSetLayout(d, i, a, out);
}

static VKAPI_ATTR VkResult VKAPI_CALL my_AllocateDescriptorSets(VkDevice d, const VkDescriptorSetAllocateInfo *i, VkDescriptorSet *out) {
    VkResult r = next_device.AllocateDescriptorSets(d, i, out);
    for (uint32_t k = 0; !r && k < i->descriptorSetCount; k++) object_new(SET, KEY(out[k]), sizeof(set));
    return r;
}

static VKAPI_ATTR void VKAPI_CALL my_UpdateDescriptorSets(VkDevice d, uint32_t n, const VkWriteDescriptorSet *w, uint32_t m, const VkCopyDescriptorSet *c) {
    uint64_t align = profile_limit("minStorageBufferOffsetAlignment"), most = profile_limit("maxStorageBufferRange");
    for (uint32_t i = 0; i < n; i++) {
        set *s = object_of(SET, KEY(w[i].dstSet));
        region at = {0};
        if (w[i].descriptorType == VK_DESCRIPTOR_TYPE_STORAGE_BUFFER) {
            const VkDescriptorBufferInfo *b = w[i].pBufferInfo;
            buffer *size = object_of(BUFFER, KEY(b->buffer));
            at = (region){b->buffer, b->offset, b->offset + b->range};
            if (align != UINT64_MAX && b->offset % align) breach("vkUpdateDescriptorSets: offset %lu, minStorageBufferOffsetAlignment is %lu", b->offset, align);
            if (b->range > most) breach("vkUpdateDescriptorSets: %lu bytes, maxStorageBufferRange is %lu", b->range, most);
            if (size && at.to > size->size) breach("vkUpdateDescriptorSets: bytes %lu to %lu of a buffer of %lu", at.from, at.to, size->size);
        } else if (object_of(VIEW, KEY(*w[i].pTexelBufferView))) {
            at = *(region *)object_of(VIEW, KEY(*w[i].pTexelBufferView));
        }
        if (s && w[i].dstBinding < SLOTS) s->slots[w[i].dstBinding] = at;
    }
    next_device.UpdateDescriptorSets(d, n, w, m, c);
}

static VKAPI_ATTR VkResult VKAPI_CALL my_BeginCommandBuffer(VkCommandBuffer c, const VkCommandBufferBeginInfo *i) {
    commands_begin(c);
    bound.commands = c, bound.commands_so_far = 0, bound.last.what = NULL;
    return next_device.BeginCommandBuffer(c, i);
}

static VKAPI_ATTR void VKAPI_CALL my_CmdBindPipeline(VkCommandBuffer c, VkPipelineBindPoint point, VkPipeline p) {
    bound.pipe = p;
    next_device.CmdBindPipeline(c, point, p);
}

static VKAPI_ATTR void VKAPI_CALL my_CmdBindDescriptorSets(VkCommandBuffer c, VkPipelineBindPoint point, VkPipelineLayout l, uint32_t first, uint32_t n, const VkDescriptorSet *s, uint32_t m, const uint32_t *at) {
    bound.set = s[0];
    next_device.CmdBindDescriptorSets(c, point, l, first, n, s, m, at);
}

static VKAPI_ATTR void VKAPI_CALL my_CmdPushConstants(VkCommandBuffer c, VkPipelineLayout l, VkShaderStageFlags stages, uint32_t at, uint32_t n, const void *data) {
    if (at + n > profile_limit("maxPushConstantsSize")) breach("vkCmdPushConstants: %u bytes, maxPushConstantsSize is %lu", at + n, profile_limit("maxPushConstantsSize"));
    next_device.CmdPushConstants(c, l, stages, at, n, data);
}

// named is a text that stays: its address tells the commands of a command buffer apart.
static const char *named(const char *what) {
    static char texts[4096][24];
    static unsigned n;
    char *text = texts[n++ % 4096];
    snprintf(text, sizeof texts[0], "%s %u", what, bound.commands_so_far++ % 100000);
    return text;
}

// dispatch_named is the text of a dispatch of some workgroups. Where the one before has
// other workgroups of the same kernel on the same buffers, they are parts of one dispatch.
static const char *dispatch_named(const uint32_t from[3], const uint32_t to[3]) {
    int apart = bound.last.what && bound.last.pipe == bound.pipe && bound.last.set == bound.set, overlap = 1;
    for (int k = 0; k < 3; k++) overlap &= from[k] < bound.last.to[k] && bound.last.from[k] < to[k];
    if (!apart || overlap) bound.last.what = named("dispatch");
    bound.last.pipe = bound.pipe, bound.last.set = bound.set;
    memcpy(bound.last.from, from, sizeof bound.last.from), memcpy(bound.last.to, to, sizeof bound.last.to);
    return bound.last.what;
}

static VKAPI_ATTR void VKAPI_CALL my_CmdDispatchBase(VkCommandBuffer c, uint32_t x0, uint32_t y0, uint32_t z0, uint32_t x, uint32_t y, uint32_t z) {
    const uint32_t base[3] = {x0, y0, z0}, grid[3] = {x0 + x, y0 + y, z0 + z};
    char key[40];
    for (int k = 0; k < 3; k++) {
        snprintf(key, sizeof key, "maxComputeWorkGroupCount%d", k);
        if (grid[k] > profile_limit(key)) breach("vkCmdDispatchBase: a grid that ends at %u×%u×%u, %s is %lu", grid[0], grid[1], grid[2], key, profile_limit(key));
    }
    const set *s = object_of(SET, KEY(bound.set));
    const pipeline *p = object_of(PIPELINE, KEY(bound.pipe));
    const char *what = dispatch_named(base, grid);
    for (uint32_t i = 0; s && p && bound.commands == c && i < SLOTS; i++)
        if (s->slots[i].buffer) commands_access(c, s->slots[i], COMPUTE, p->written >> i & 1 ? SHADER_WRITE : SHADER_READ, what);
    next_device.CmdDispatchBase(c, x0, y0, z0, x, y, z);
}

static VKAPI_ATTR void VKAPI_CALL my_CmdCopyBuffer(VkCommandBuffer c, VkBuffer from, VkBuffer to, uint32_t n, const VkBufferCopy *r) {
    const char *what = named("copy");
    for (uint32_t i = 0; i < n; i++) {
        commands_access(c, (region){from, r[i].srcOffset, r[i].srcOffset + r[i].size}, TRANSFER, COPY_READ, what);
        commands_access(c, (region){to, r[i].dstOffset, r[i].dstOffset + r[i].size}, TRANSFER, COPY_WRITE, what);
    }
    next_device.CmdCopyBuffer(c, from, to, n, r);
}

static VKAPI_ATTR void VKAPI_CALL my_CmdPipelineBarrier(VkCommandBuffer c, VkPipelineStageFlags from, VkPipelineStageFlags to, VkDependencyFlags f, uint32_t n, const VkMemoryBarrier *m, uint32_t nb, const VkBufferMemoryBarrier *b, uint32_t ni, const VkImageMemoryBarrier *i) {
    commands_barrier(c, from, to, n ? m : NULL);
    next_device.CmdPipelineBarrier(c, from, to, f, n, m, nb, b, ni, i);
}

static VKAPI_ATTR VkResult VKAPI_CALL my_QueueSubmit(VkQueue q, uint32_t n, const VkSubmitInfo *infos, VkFence fence) {
    submissions++;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < infos[i].commandBufferCount; k++) commands_submitted(infos[i].pCommandBuffers[k], submissions);
    if (fence) *(uint64_t *)object_new(FENCE, KEY(fence), 8) = submissions;
    return next_device.QueueSubmit(q, n, infos, fence);
}

static VKAPI_ATTR VkResult VKAPI_CALL my_WaitForFences(VkDevice d, uint32_t n, const VkFence *f, VkBool32 all, uint64_t timeout) {
    if (timeout > 3600000000000ull) breach("vkWaitForFences: without a limit");
    VkResult r = next_device.WaitForFences(d, n, f, all, timeout);
    uint64_t *done = object_of(FENCE, KEY(f[0]));
    if (!r && done) submission_done(*done);
    return r;
}

PFN_vkVoidFunction device_function(const char *name) {
    MINE(GetDeviceQueue) MINE(CreateCommandPool) MINE(CreateQueryPool) MINE(GetQueryPoolResults) MINE(CmdWriteTimestamp) MINE(CreateBuffer)
    MINE(DestroyBuffer) MINE(CreateBufferView) MINE(DestroyBufferView) MINE(CreateShaderModule) MINE(DestroyShaderModule)
    MINE(CreateComputePipelines) MINE(DestroyPipeline) MINE(CreateDescriptorSetLayout) MINE(AllocateDescriptorSets) MINE(UpdateDescriptorSets)
    MINE(BeginCommandBuffer) MINE(CmdBindPipeline) MINE(CmdBindDescriptorSets) MINE(CmdPushConstants) MINE(CmdDispatchBase) MINE(CmdCopyBuffer)
    MINE(CmdPipelineBarrier) MINE(QueueSubmit) MINE(WaitForFences)
    return memory_function(name);
}

__attribute__((visibility("default"))) PFN_vkVoidFunction crateFakeDeviceProc(VkDevice d, const char *name);
__attribute__((visibility("default"))) PFN_vkVoidFunction crateFakeInstanceProc(VkInstance i, const char *name);

PFN_vkVoidFunction crateFakeDeviceProc(VkDevice d, const char *name) {
    if (!strcmp(name, "vkGetDeviceProcAddr")) return (PFN_vkVoidFunction)crateFakeDeviceProc;
    PFN_vkVoidFunction f = device_function(name);
    return f ? f : next_device_proc ? next_device_proc(d, name) : NULL;
}

PFN_vkVoidFunction crateFakeInstanceProc(VkInstance i, const char *name) {
    if (!strcmp(name, "vkGetInstanceProcAddr")) return (PFN_vkVoidFunction)crateFakeInstanceProc;
    if (!strcmp(name, "vkGetDeviceProcAddr")) return (PFN_vkVoidFunction)crateFakeDeviceProc;
    MINE(CreateDevice)
    PFN_vkVoidFunction f = instance_function(name);
    if (!f) f = device_function(name);
    return f ? f : next_instance_proc ? next_instance_proc(i, name) : NULL;
}
