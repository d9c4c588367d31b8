// A Vulkan layer that stands between the engine and the driver: it counts what lives
// on the driver's side, and drops submissions and dispatches while it says that they
// succeeded. A test talks with it through a file that both map; see layer.go.
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

// The kinds of objects, in the order of layer.go.
enum { INSTANCE, DEVICE, BUFFER, MEMORY, VIEW, FENCE, CPOOL, CBUFFER, SHADER, PIPE, PLAYOUT, SLAYOUT, DPOOL, QPOOL, CACHE, KINDS };

typedef struct {
    int64_t submits, submit_from, submit_to;       // command buffers that were submitted; those that are dropped
    int64_t dispatches, dispatch_from, dispatch_to; // dispatches that were recorded; those that are dropped
    int64_t cycle;                                  // if not 0, dispatches are counted modulo this
    int64_t copies;                                 // if not 0, copies behind a dropped dispatch are dropped, too
    int64_t longest;                                // wait for a fence, in nanoseconds
    int64_t live[KINDS];
} shared;

static shared nobody, *state = &nobody;

static int64_t add(int64_t *n, int64_t by) { return __atomic_fetch_add(n, by, __ATOMIC_SEQ_CST); }

static void attach(void) {
    const char *path = getenv("CRATE_VK_TEST_LAYER");
    int f = path ? open(path, O_RDWR) : -1;
    if (f < 0) return;
    void *p = mmap(NULL, sizeof(shared), PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
    if (p != MAP_FAILED) state = p;
    close(f);
}

// The next functions, of each device by its dispatch key.
#define FUNCTIONS(F)                                                                                                  \
    F(DestroyDevice) F(QueueSubmit) F(WaitForFences) F(BeginCommandBuffer) F(CmdDispatchBase) F(CmdCopyBuffer) F(CreateBuffer) F(DestroyBuffer) \
    F(AllocateMemory) F(FreeMemory) F(CreateBufferView) F(DestroyBufferView) F(CreateFence) F(DestroyFence)           \
    F(CreateCommandPool) F(DestroyCommandPool) F(AllocateCommandBuffers) F(FreeCommandBuffers) F(CreateShaderModule)  \
    F(DestroyShaderModule) F(CreateComputePipelines) F(DestroyPipeline) F(CreatePipelineLayout)                       \
    F(DestroyPipelineLayout) F(CreateDescriptorSetLayout) F(DestroyDescriptorSetLayout) F(CreateDescriptorPool)       \
    F(DestroyDescriptorPool) F(CreateQueryPool) F(DestroyQueryPool) F(CreatePipelineCache) F(DestroyPipelineCache)

typedef struct {
    void *key;
    PFN_vkGetDeviceProcAddr proc;
#define FIELD(name) PFN_vk##name name;
    FUNCTIONS(FIELD)
} table;

static table tables[64];
static VkInstance the_instance;
static PFN_vkGetInstanceProcAddr next_instance;

static table *of(const void *handle) {
    void *key = *(void **)handle;
    for (int i = 0; i < 64; i++)
        if (tables[i].key == key) return &tables[i];
    abort();
}

#define NEW(kind, function, info)                                                                                            \
    static VKAPI_ATTR VkResult VKAPI_CALL my_##function(VkDevice d, const info *i, const VkAllocationCallbacks *a, void *out) { \
        VkResult r = ((VkResult(VKAPI_PTR *)(VkDevice, const info *, const VkAllocationCallbacks *, void *))of(d)->function)(d, i, a, out); \
        if (!r) add(&state->live[kind], 1);                                                                                  \
        return r;                                                                                                            \
    }
#define DROP(kind, function, handle)                                                                          \
    static VKAPI_ATTR void VKAPI_CALL my_##function(VkDevice d, handle h, const VkAllocationCallbacks *a) {    \
        if (h) add(&state->live[kind], -1);                                                                   \
        of(d)->function(d, h, a);                                                                             \
    }
NEW(BUFFER, CreateBuffer, VkBufferCreateInfo)
DROP(BUFFER, DestroyBuffer, VkBuffer)
NEW(MEMORY, AllocateMemory, VkMemoryAllocateInfo)
DROP(MEMORY, FreeMemory, VkDeviceMemory)
NEW(VIEW, CreateBufferView, VkBufferViewCreateInfo)
DROP(VIEW, DestroyBufferView, VkBufferView)
NEW(FENCE, CreateFence, VkFenceCreateInfo)
DROP(FENCE, DestroyFence, VkFence)
NEW(CPOOL, CreateCommandPool, VkCommandPoolCreateInfo)
DROP(CPOOL, DestroyCommandPool, VkCommandPool)
NEW(SHADER, CreateShaderModule, VkShaderModuleCreateInfo)
DROP(SHADER, DestroyShaderModule, VkShaderModule)
DROP(PIPE, DestroyPipeline, VkPipeline)
NEW(PLAYOUT, CreatePipelineLayout, VkPipelineLayoutCreateInfo)
DROP(PLAYOUT, DestroyPipelineLayout, VkPipelineLayout)
NEW(SLAYOUT, CreateDescriptorSetLayout, VkDescriptorSetLayoutCreateInfo)
DROP(SLAYOUT, DestroyDescriptorSetLayout, VkDescriptorSetLayout)
NEW(DPOOL, CreateDescriptorPool, VkDescriptorPoolCreateInfo)
DROP(DPOOL, DestroyDescriptorPool, VkDescriptorPool)
NEW(QPOOL, CreateQueryPool, VkQueryPoolCreateInfo)
DROP(QPOOL, DestroyQueryPool, VkQueryPool)
NEW(CACHE, CreatePipelineCache, VkPipelineCacheCreateInfo)
DROP(CACHE, DestroyPipelineCache, VkPipelineCache)

static VKAPI_ATTR VkResult VKAPI_CALL my_CreateComputePipelines(VkDevice d, VkPipelineCache c, uint32_t n, const VkComputePipelineCreateInfo *i, const VkAllocationCallbacks *a, VkPipeline *out) {
    VkResult r = of(d)->CreateComputePipelines(d, c, n, i, a, out);
    if (!r) add(&state->live[PIPE], n);
    return r;
}

static VKAPI_ATTR VkResult VKAPI_CALL my_AllocateCommandBuffers(VkDevice d, const VkCommandBufferAllocateInfo *i, VkCommandBuffer *out) {
    VkResult r = of(d)->AllocateCommandBuffers(d, i, out);
    if (!r) add(&state->live[CBUFFER], i->commandBufferCount);
    return r;
}

static VKAPI_ATTR void VKAPI_CALL my_FreeCommandBuffers(VkDevice d, VkCommandPool p, uint32_t n, const VkCommandBuffer *c) {
    add(&state->live[CBUFFER], -(int64_t)n);
    of(d)->FreeCommandBuffers(d, p, n, c);
}

static VKAPI_ATTR VkResult VKAPI_CALL my_QueueSubmit(VkQueue q, uint32_t n, const VkSubmitInfo *infos, VkFence fence) {
    VkSubmitInfo empty = {VK_STRUCTURE_TYPE_SUBMIT_INFO};
    for (uint32_t i = 0; i < n; i++) {
        int64_t at = add(&state->submits, 1);
        int drop = state->submit_from <= at && at < state->submit_to;
        VkResult r = of(q)->QueueSubmit(q, 1, drop ? &empty : &infos[i], i + 1 == n ? fence : VK_NULL_HANDLE);
        if (r) return r;
    }
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL my_WaitForFences(VkDevice d, uint32_t n, const VkFence *f, VkBool32 all, uint64_t timeout) {
    int64_t ns = timeout > INT64_MAX ? INT64_MAX : (int64_t)timeout;
    if (ns > state->longest) state->longest = ns;
    return of(d)->WaitForFences(d, n, f, all, timeout);
}

static int dropped(int64_t at) {
    if (state->cycle) at %= state->cycle;
    return state->dispatch_from <= at && at < state->dispatch_to;
}

static int behind; // the last dispatch of the command buffer that is being recorded was dropped

static VKAPI_ATTR VkResult VKAPI_CALL my_BeginCommandBuffer(VkCommandBuffer c, const VkCommandBufferBeginInfo *i) {
    behind = 0;
    return of(c)->BeginCommandBuffer(c, i);
}

static VKAPI_ATTR void VKAPI_CALL my_CmdDispatchBase(VkCommandBuffer c, uint32_t x0, uint32_t y0, uint32_t z0, uint32_t x, uint32_t y, uint32_t z) {
    behind = dropped(add(&state->dispatches, 1));
    if (!behind) of(c)->CmdDispatchBase(c, x0, y0, z0, x, y, z);
}

static VKAPI_ATTR void VKAPI_CALL my_CmdCopyBuffer(VkCommandBuffer c, VkBuffer from, VkBuffer to, uint32_t n, const VkBufferCopy *r) {
    if (!behind || !state->copies) of(c)->CmdCopyBuffer(c, from, to, n, r);
}

static VKAPI_ATTR void VKAPI_CALL my_DestroyDevice(VkDevice d, const VkAllocationCallbacks *a) {
    table *t = of(d);
    t->key = NULL;
    if (d) add(&state->live[DEVICE], -1);
    t->DestroyDevice(d, a);
}

static VKAPI_ATTR VkResult VKAPI_CALL my_CreateDevice(VkPhysicalDevice phys, const VkDeviceCreateInfo *info, const VkAllocationCallbacks *a, VkDevice *out) {
    VkLayerDeviceCreateInfo *chain = (VkLayerDeviceCreateInfo *)info->pNext;
    while (chain && (chain->sType != VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO || chain->function != VK_LAYER_LINK_INFO)) chain = (VkLayerDeviceCreateInfo *)chain->pNext;
    if (!chain) return VK_ERROR_INITIALIZATION_FAILED;
    PFN_vkGetInstanceProcAddr instance = chain->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    PFN_vkGetDeviceProcAddr proc = chain->u.pLayerInfo->pfnNextGetDeviceProcAddr;
    chain->u.pLayerInfo = chain->u.pLayerInfo->pNext;
    PFN_vkCreateDevice create = (PFN_vkCreateDevice)instance(the_instance, "vkCreateDevice");
    VkResult r = create(phys, info, a, out);
    if (r) return r;
    add(&state->live[DEVICE], 1);
    table *t = tables;
    while (t->key) t++;
    t->key = *(void **)*out;
    t->proc = proc;
#define LOAD(name) t->name = (PFN_vk##name)proc(*out, "vk" #name);
    FUNCTIONS(LOAD)
    return VK_SUCCESS;
}

static PFN_vkDestroyInstance destroy_instance;

static VKAPI_ATTR void VKAPI_CALL my_DestroyInstance(VkInstance i, const VkAllocationCallbacks *a) {
    if (i) add(&state->live[INSTANCE], -1);
    destroy_instance(i, a);
}

static VKAPI_ATTR VkResult VKAPI_CALL my_CreateInstance(const VkInstanceCreateInfo *info, const VkAllocationCallbacks *a, VkInstance *out) {
    attach();
    VkLayerInstanceCreateInfo *chain = (VkLayerInstanceCreateInfo *)info->pNext;
    while (chain && (chain->sType != VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO || chain->function != VK_LAYER_LINK_INFO)) chain = (VkLayerInstanceCreateInfo *)chain->pNext;
    if (!chain) return VK_ERROR_INITIALIZATION_FAILED;
    next_instance = chain->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    chain->u.pLayerInfo = chain->u.pLayerInfo->pNext;
    VkResult r = ((PFN_vkCreateInstance)next_instance(NULL, "vkCreateInstance"))(info, a, out);
    if (r) return r;
    add(&state->live[INSTANCE], 1);
    the_instance = *out;
    destroy_instance = (PFN_vkDestroyInstance)next_instance(*out, "vkDestroyInstance");
    return VK_SUCCESS;
}

__attribute__((visibility("default"))) PFN_vkVoidFunction crateGetDeviceProcAddr(VkDevice d, const char *name);
__attribute__((visibility("default"))) PFN_vkVoidFunction crateGetInstanceProcAddr(VkInstance i, const char *name);

static PFN_vkVoidFunction mine(const char *name) {
#define MINE(function) \
    if (!strcmp(name, "vk" #function)) return (PFN_vkVoidFunction)my_##function;
    FUNCTIONS(MINE)
    return NULL;
}

PFN_vkVoidFunction crateGetDeviceProcAddr(VkDevice d, const char *name) {
    if (!strcmp(name, "vkGetDeviceProcAddr")) return (PFN_vkVoidFunction)crateGetDeviceProcAddr;
    PFN_vkVoidFunction f = mine(name);
    return f ? f : of(d)->proc(d, name);
}

PFN_vkVoidFunction crateGetInstanceProcAddr(VkInstance i, const char *name) {
    MINE(CreateInstance) MINE(DestroyInstance) MINE(CreateDevice)
    if (!strcmp(name, "vkGetInstanceProcAddr")) return (PFN_vkVoidFunction)crateGetInstanceProcAddr;
    if (!strcmp(name, "vkGetDeviceProcAddr")) return (PFN_vkVoidFunction)crateGetDeviceProcAddr;
    PFN_vkVoidFunction f = mine(name);
    if (f) return f;
    return next_instance ? next_instance(i, name) : NULL;
}
