#include "fake.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct instance_table next_instance;
PFN_vkGetInstanceProcAddr next_instance_proc;
VkInstance the_instance;

// A field of a struct that the profile may set by its name.
typedef struct {
    const char *name;
    size_t at, size;
} field;
#define FIELD(type, name) {#name, offsetof(type, name), sizeof(((type *)0)->name)}
#define ELEMENT(type, name, i) {#name #i, offsetof(type, name) + 4 * i, 4}
#define LIMIT(name) FIELD(VkPhysicalDeviceLimits, name)

static const field limits[] = {
    LIMIT(maxPerStageDescriptorStorageBuffers), LIMIT(maxDescriptorSetStorageBuffers), LIMIT(maxPerStageResources), LIMIT(maxStorageBufferRange),
    LIMIT(maxTexelBufferElements), LIMIT(minStorageBufferOffsetAlignment), LIMIT(minTexelBufferOffsetAlignment), LIMIT(maxComputeSharedMemorySize),
    LIMIT(maxComputeWorkGroupInvocations), LIMIT(maxPushConstantsSize), LIMIT(nonCoherentAtomSize), LIMIT(maxMemoryAllocationCount),
    ELEMENT(VkPhysicalDeviceLimits, maxComputeWorkGroupCount, 0), ELEMENT(VkPhysicalDeviceLimits, maxComputeWorkGroupCount, 1),
    ELEMENT(VkPhysicalDeviceLimits, maxComputeWorkGroupCount, 2), ELEMENT(VkPhysicalDeviceLimits, maxComputeWorkGroupSize, 0),
    ELEMENT(VkPhysicalDeviceLimits, maxComputeWorkGroupSize, 1), ELEMENT(VkPhysicalDeviceLimits, maxComputeWorkGroupSize, 2), {0}};
static const field device[] = {FIELD(VkPhysicalDeviceProperties, apiVersion), FIELD(VkPhysicalDeviceProperties, driverVersion),
                               FIELD(VkPhysicalDeviceProperties, vendorID), FIELD(VkPhysicalDeviceProperties, deviceID), FIELD(VkPhysicalDeviceProperties, deviceType), {0}};
static const field features[] = {FIELD(VkPhysicalDeviceFeatures, pipelineStatisticsQuery), FIELD(VkPhysicalDeviceFeatures, shaderInt16), {0}};

// The structs of a chain whose fields the profile may set.
static const struct {
    VkStructureType type;
    field fields[6];
} chained[] = {
    {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES, {FIELD(VkPhysicalDeviceMaintenance3Properties, maxMemoryAllocationSize)}},
    {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES,
     {FIELD(VkPhysicalDeviceSubgroupProperties, subgroupSize), FIELD(VkPhysicalDeviceSubgroupProperties, supportedOperations), FIELD(VkPhysicalDeviceSubgroupProperties, supportedStages)}},
    {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES,
     {FIELD(VkPhysicalDeviceSubgroupSizeControlProperties, minSubgroupSize), FIELD(VkPhysicalDeviceSubgroupSizeControlProperties, maxSubgroupSize),
      FIELD(VkPhysicalDeviceSubgroupSizeControlProperties, requiredSubgroupSizeStages), FIELD(VkPhysicalDeviceSubgroupSizeControlProperties, maxComputeWorkgroupSubgroups)}},
    {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_SM_BUILTINS_PROPERTIES_NV, {FIELD(VkPhysicalDeviceShaderSMBuiltinsPropertiesNV, shaderSMCount)}},
    {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_CORE_PROPERTIES_AMD,
     {FIELD(VkPhysicalDeviceShaderCorePropertiesAMD, shaderEngineCount), FIELD(VkPhysicalDeviceShaderCorePropertiesAMD, shaderArraysPerEngineCount),
      FIELD(VkPhysicalDeviceShaderCorePropertiesAMD, computeUnitsPerShaderArray), FIELD(VkPhysicalDeviceShaderCorePropertiesAMD, vgprsPerSimd)}},
    {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES, {FIELD(VkPhysicalDevice16BitStorageFeatures, storageBuffer16BitAccess)}},
    {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES, {FIELD(VkPhysicalDeviceShaderFloat16Int8Features, shaderFloat16)}},
    {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES,
     {FIELD(VkPhysicalDeviceSubgroupSizeControlFeatures, subgroupSizeControl), FIELD(VkPhysicalDeviceSubgroupSizeControlFeatures, computeFullSubgroups)}},
};

static void set_fields(void *base, const field *f) {
    uint64_t n;
    for (; f->name; f++)
        if (profile_number(f->name, &n)) memcpy((char *)base + f->at, &n, f->size); // little endian
}

static void set_chain(void *chain) {
    for (VkBaseOutStructure *s = chain; s; s = s->pNext) {
        for (size_t i = 0; i < sizeof chained / sizeof *chained; i++)
            if (chained[i].type == s->sType) set_fields(s, chained[i].fields);
        if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES && profile_text("driverName", 0)) {
            VkPhysicalDeviceDriverProperties *d = (void *)s;
            snprintf(d->driverName, sizeof d->driverName, "%s", profile_text("driverName", 0));
            snprintf(d->driverInfo, sizeof d->driverInfo, "simulated on llvmpipe");
        }
    }
}

// check_features: nothing may be enabled that the profile says is not there.
void check_features(const void *chain) {
    uint64_t n;
    for (const VkBaseInStructure *s = chain; s; s = s->pNext)
        for (size_t i = 0; i < sizeof chained / sizeof *chained; i++)
            for (const field *f = chained[i].fields; chained[i].type == s->sType && f->name; f++) {
                VkBool32 on;
                memcpy(&on, (const char *)s + f->at, sizeof on);
                if (on && profile_number(f->name, &n) && !n) breach("vkCreateDevice: feature %s is enabled, which the device has not", f->name);
            }
}

static void set_properties(VkPhysicalDeviceProperties *p) {
    set_fields(p, device);
    set_fields(&p->limits, limits);
    if (profile_text("deviceName", 0)) snprintf(p->deviceName, sizeof p->deviceName, "%s", profile_text("deviceName", 0));
    if (profile_text("timestampPeriod", 0)) p->limits.timestampPeriod = strtof(profile_text("timestampPeriod", 0), NULL);
}

static VKAPI_ATTR void VKAPI_CALL my_GetPhysicalDeviceProperties(VkPhysicalDevice d, VkPhysicalDeviceProperties *p) {
    next_instance.GetPhysicalDeviceProperties(d, p);
    set_properties(p);
}

static VKAPI_ATTR void VKAPI_CALL my_GetPhysicalDeviceProperties2(VkPhysicalDevice d, VkPhysicalDeviceProperties2 *p) {
    next_instance.GetPhysicalDeviceProperties2(d, p);
    set_properties(&p->properties);
    set_chain(p->pNext);
}

static VKAPI_ATTR void VKAPI_CALL my_GetPhysicalDeviceFeatures2(VkPhysicalDevice d, VkPhysicalDeviceFeatures2 *f) {
    next_instance.GetPhysicalDeviceFeatures2(d, f);
    set_fields(&f->features, features);
    set_chain(f->pNext);
}

static VKAPI_ATTR void VKAPI_CALL my_GetPhysicalDeviceMemoryProperties(VkPhysicalDevice d, VkPhysicalDeviceMemoryProperties *m) {
    if (!fake_memory(m)) next_instance.GetPhysicalDeviceMemoryProperties(d, m);
}

static VKAPI_ATTR void VKAPI_CALL my_GetPhysicalDeviceMemoryProperties2(VkPhysicalDevice d, VkPhysicalDeviceMemoryProperties2 *m) {
    next_instance.GetPhysicalDeviceMemoryProperties2(d, m);
    fake_memory(&m->memoryProperties);
    for (VkBaseOutStructure *s = m->pNext; s; s = s->pNext) {
        if (s->sType != VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT) continue;
        VkPhysicalDeviceMemoryBudgetPropertiesEXT *b = (void *)s;
        memset(b->heapBudget, 0, sizeof b->heapBudget);
        memset(b->heapUsage, 0, sizeof b->heapUsage);
        for (uint32_t i = 0; i < m->memoryProperties.memoryHeapCount; i++) {
            const char *text = profile_text("budget", (int)i);
            b->heapBudget[i] = text ? strtoull(text, NULL, 0) : m->memoryProperties.memoryHeaps[i].size;
        }
    }
}

static VKAPI_ATTR void VKAPI_CALL my_GetPhysicalDeviceQueueFamilyProperties(VkPhysicalDevice d, uint32_t *n, VkQueueFamilyProperties *q) {
    VkQueueFamilyProperties all[8];
    uint32_t have = fake_queues(all, 8);
    if (!have) {
        next_instance.GetPhysicalDeviceQueueFamilyProperties(d, n, q);
        return;
    }
    if (!q || *n > have) *n = have;
    if (q) memcpy(q, all, *n * sizeof *q);
}

// fake_queues: "queue graphics compute 64" is a family and the bits of its timestamps.
uint32_t fake_queues(VkQueueFamilyProperties *q, uint32_t most) {
    uint32_t n = 0;
    for (const char *text; n < most && (text = profile_text("queue", (int)n)); n++) {
        q[n] = (VkQueueFamilyProperties){0, 1, 0, {1, 1, 1}};
        if (strstr(text, "graphics")) q[n].queueFlags |= VK_QUEUE_GRAPHICS_BIT;
        if (strstr(text, "compute")) q[n].queueFlags |= VK_QUEUE_COMPUTE_BIT;
        if (strstr(text, "transfer")) q[n].queueFlags |= VK_QUEUE_TRANSFER_BIT;
        const char *bits = strrchr(text, ' ');
        q[n].timestampValidBits = bits ? (uint32_t)atoi(bits) : 0;
    }
    return n;
}

static int named(const char *key, const char *name) {
    const char *text;
    for (int i = 0; (text = profile_text(key, i)); i++)
        if (!strcmp(text, name)) return 1;
    return 0;
}

int extension_added(const char *name) { return named("extension", name); }
int extension_hidden(const char *name) { return !extension_added(name) && (named("without", name) || named("without", "all")); }

static VKAPI_ATTR VkResult VKAPI_CALL my_EnumerateDeviceExtensionProperties(VkPhysicalDevice d, const char *layer, uint32_t *n, VkExtensionProperties *out) {
    uint32_t have = 0, kept = 0;
    if (layer) return next_instance.EnumerateDeviceExtensionProperties(d, layer, n, out);
    next_instance.EnumerateDeviceExtensionProperties(d, NULL, &have, NULL);
    VkExtensionProperties *all = calloc(have + 64, sizeof *all);
    next_instance.EnumerateDeviceExtensionProperties(d, NULL, &have, all);
    for (uint32_t i = 0; i < have; i++)
        if (!extension_hidden(all[i].extensionName) && !extension_added(all[i].extensionName)) all[kept++] = all[i];
    const char *name;
    for (int i = 0; i < 64 && (name = profile_text("extension", i)); i++) {
        snprintf(all[kept].extensionName, sizeof all[kept].extensionName, "%s", name);
        all[kept++].specVersion = 1;
    }
    VkResult r = out && *n < kept ? VK_INCOMPLETE : VK_SUCCESS;
    if (!out || *n > kept) *n = kept;
    if (out) memcpy(out, all, *n * sizeof *out);
    free(all);
    return r;
}

// One device is shown: the first llvmpipe, or the first at all.
static VKAPI_ATTR VkResult VKAPI_CALL my_EnumeratePhysicalDevices(VkInstance i, uint32_t *n, VkPhysicalDevice *out) {
    VkPhysicalDevice all[16];
    uint32_t have = 16, best = 0;
    VkResult r = next_instance.EnumeratePhysicalDevices(i, &have, all);
    if (r || !have) return r;
    for (uint32_t k = have; k-- > 0;) {
        VkPhysicalDeviceProperties p;
        next_instance.GetPhysicalDeviceProperties(all[k], &p);
        if (strstr(p.deviceName, "llvmpipe")) best = k;
    }
    if (out && *n > 0) out[0] = all[best];
    *n = 1;
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL my_CreateInstance(const VkInstanceCreateInfo *info, const VkAllocationCallbacks *a, VkInstance *out) {
    profile_read(getenv("CRATE_VK_TEST_PROFILE"));
    VkLayerInstanceCreateInfo *link = (VkLayerInstanceCreateInfo *)info->pNext;
    while (link && (link->sType != VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO || link->function != VK_LAYER_LINK_INFO)) link = (VkLayerInstanceCreateInfo *)link->pNext;
    if (!link) return VK_ERROR_INITIALIZATION_FAILED;
    next_instance_proc = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    // The loader shows devices of portability only to who asks for them.
    if (named("portability", "hidden") && !(info->flags & VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR)) return VK_ERROR_INCOMPATIBLE_DRIVER;
    VkResult r = ((PFN_vkCreateInstance)next_instance_proc(NULL, "vkCreateInstance"))(info, a, out);
    if (r) return r;
    the_instance = *out;
#define LOAD(name) next_instance.name = (PFN_vk##name)next_instance_proc(*out, "vk" #name);
    INSTANCE_FUNCTIONS(LOAD)
    return VK_SUCCESS;
}

PFN_vkVoidFunction instance_function(const char *name) {
    MINE(CreateInstance) MINE(EnumeratePhysicalDevices) MINE(GetPhysicalDeviceProperties) MINE(GetPhysicalDeviceProperties2)
    MINE(GetPhysicalDeviceFeatures2) MINE(GetPhysicalDeviceMemoryProperties) MINE(GetPhysicalDeviceMemoryProperties2)
    MINE(GetPhysicalDeviceQueueFamilyProperties) MINE(EnumerateDeviceExtensionProperties)
    return NULL;
}
