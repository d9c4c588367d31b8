#include "cvk_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cvk_faults_lock(cvk_faults *f) {
    while (__atomic_test_and_set(&f->lock, __ATOMIC_ACQUIRE)) {
    }
}

void cvk_faults_unlock(cvk_faults *f) { __atomic_clear(&f->lock, __ATOMIC_RELEASE); }

int32_t cvk_fault(cvk_faults *f, const char *call) {
    if (!f) return VK_SUCCESS;
    cvk_faults_lock(f);
    int i = 0;
    while (i < CVK_CALLS - 1 && f->seen[i].name[0] && strcmp(f->seen[i].name, call)) i++;
    snprintf(f->seen[i].name, CVK_NAME, "%s", call);
    f->seen[i].calls++;
    int32_t result = VK_SUCCESS;
    if (!f->only[0] || !strcmp(f->only, call)) {
        f->calls++;
        if (f->from <= f->calls && f->calls < f->to) f->failed++, result = f->result;
    }
    cvk_faults_unlock(f);
    return result;
}

#define GLOBAL(gipa, name) ((PFN_##name)((PFN_vkGetInstanceProcAddr)(gipa))(VK_NULL_HANDLE, #name))

int cvk_has_layer(void *gipa, const char *name) {
    PFN_vkEnumerateInstanceLayerProperties list = GLOBAL(gipa, vkEnumerateInstanceLayerProperties);
    uint32_t n = 0;
    if (!list || list(&n, NULL) || !n) return 0;
    VkLayerProperties *p = calloc(n, sizeof *p);
    int found = 0;
    if (p && list(&n, p) >= 0)
        for (uint32_t i = 0; i < n; i++) found |= !strcmp(p[i].layerName, name);
    free(p);
    return found;
}

static int extension_in(const VkExtensionProperties *p, uint32_t n, const char *name) {
    for (uint32_t i = 0; i < n; i++)
        if (!strcmp(p[i].extensionName, name)) return 1;
    return 0;
}

int cvk_has_instance_extension(void *gipa, const char *name) {
    PFN_vkEnumerateInstanceExtensionProperties list = GLOBAL(gipa, vkEnumerateInstanceExtensionProperties);
    uint32_t n = 0;
    if (!list || list(NULL, &n, NULL) || !n) return 0;
    VkExtensionProperties *p = calloc(n, sizeof *p);
    int found = p && list(NULL, &n, p) >= 0 && extension_in(p, n, name);
    free(p);
    return found;
}

VkResult cvk_instance_create(void *gipa, int validate, const char *extensions, cvk_faults *faults, cvk_handle *out) {
    PFN_vkCreateInstance create = GLOBAL(gipa, vkCreateInstance);
    if (!create) return VK_ERROR_INITIALIZATION_FAILED;
    const char *layer = "VK_LAYER_KHRONOS_validation", *ext[2 + CVK_EXTENSIONS];
    uint32_t next = 0;
    for (; *extensions && next < CVK_EXTENSIONS; extensions += strlen(extensions) + 1) ext[next++] = extensions;
    if (validate) ext[next++] = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
    // The loader hides drivers that lack parts of Vulkan, such as MoltenVK, from who
    // doesn't ask for them; the kernels need none of what they lack.
    int portable = cvk_has_instance_extension(gipa, "VK_KHR_portability_enumeration");
    if (portable) ext[next++] = "VK_KHR_portability_enumeration";
    VkValidationFeatureEnableEXT sync = VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT;
    VkValidationFeaturesEXT features = {VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT, NULL, 1, &sync, 0, NULL};
    VkApplicationInfo app = {VK_STRUCTURE_TYPE_APPLICATION_INFO, NULL, "crate-vk", 1, "crate-vk", 1, VK_API_VERSION_1_1};
    VkInstanceCreateInfo info = {VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, validate ? &features : NULL, portable ? 1 /* enumerate portability */ : 0, &app, validate, &layer, next, ext};
    VkResult r = cvk_fault(faults, "vkCreateInstance");
    VkInstance instance = VK_NULL_HANDLE;
    if (!r) r = create(&info, NULL, &instance);
    *out = (uintptr_t)instance;
    return r;
}

static int device_extension(void *gipa, VkInstance instance, VkPhysicalDevice phys, const char *name) {
    PFN_vkEnumerateDeviceExtensionProperties list = INSTANCE(gipa, instance, vkEnumerateDeviceExtensionProperties);
    uint32_t n = 0;
    if (!list || list(phys, NULL, &n, NULL) || !n) return 0;
    VkExtensionProperties *p = calloc(n, sizeof *p);
    int found = p && list(phys, NULL, &n, p) >= 0 && extension_in(p, n, name);
    free(p);
    return found;
}

int cvk_has_device_extension(void *gipa, cvk_handle instance, cvk_handle phys, const char *name) {
    return device_extension(gipa, AS(VkInstance, instance), AS(VkPhysicalDevice, phys), name);
}

static void query_queue(void *gipa, VkInstance instance, VkPhysicalDevice phys, cvk_info *info) {
    PFN_vkGetPhysicalDeviceQueueFamilyProperties get = INSTANCE(gipa, instance, vkGetPhysicalDeviceQueueFamilyProperties);
    uint32_t n = 0;
    info->queue = -1;
    get(phys, &n, NULL);
    VkQueueFamilyProperties *q = calloc(n ? n : 1, sizeof *q);
    if (!q) return;
    get(phys, &n, q);
    // A family for compute alone, where there is one, is not shared with a
    // desktop's graphics.
    for (int pass = 0; pass < 2 && info->queue < 0; pass++)
        for (uint32_t i = 0; i < n && info->queue < 0; i++)
            if ((q[i].queueFlags & VK_QUEUE_COMPUTE_BIT) && (pass || !(q[i].queueFlags & VK_QUEUE_GRAPHICS_BIT))) {
                info->queue = (int32_t)i;
                info->timestamps = q[i].timestampValidBits;
            }
    free(q);
}

VkResult cvk_query(void *gipa, cvk_handle instance_, cvk_handle phys_, cvk_info *info) {
    VkInstance instance = AS(VkInstance, instance_);
    VkPhysicalDevice phys = AS(VkPhysicalDevice, phys_);
    memset(info, 0, sizeof *info);
    PFN_vkGetPhysicalDeviceProperties2 props = INSTANCE(gipa, instance, vkGetPhysicalDeviceProperties2);
    PFN_vkGetPhysicalDeviceFeatures2 feats = INSTANCE(gipa, instance, vkGetPhysicalDeviceFeatures2);
    PFN_vkGetPhysicalDeviceMemoryProperties memory = INSTANCE(gipa, instance, vkGetPhysicalDeviceMemoryProperties);
    if (!props || !feats || !memory) return VK_ERROR_INCOMPATIBLE_DRIVER;
    int sizes = device_extension(gipa, instance, phys, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
    int driver = device_extension(gipa, instance, phys, VK_KHR_DRIVER_PROPERTIES_EXTENSION_NAME);
    VkPhysicalDeviceSubgroupSizeControlPropertiesEXT control = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES_EXT};
    VkPhysicalDeviceDriverPropertiesKHR drv = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES_KHR};
    VkPhysicalDeviceMaintenance3Properties m3 = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES};
    VkPhysicalDeviceSubgroupProperties sub = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES, &m3};
    VkPhysicalDeviceIDProperties id = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES, &sub};
    VkPhysicalDeviceProperties2 p = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &id};
    if (sizes) control.pNext = p.pNext, p.pNext = &control;
    if (driver) drv.pNext = p.pNext, p.pNext = &drv;
    VkPhysicalDeviceShaderCorePropertiesAMD amd = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_CORE_PROPERTIES_AMD};
    VkPhysicalDeviceShaderSMBuiltinsPropertiesNV nv = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_SM_BUILTINS_PROPERTIES_NV};
    if (device_extension(gipa, instance, phys, VK_AMD_SHADER_CORE_PROPERTIES_EXTENSION_NAME)) amd.pNext = p.pNext, p.pNext = &amd;
    if (device_extension(gipa, instance, phys, VK_NV_SHADER_SM_BUILTINS_EXTENSION_NAME)) nv.pNext = p.pNext, p.pNext = &nv;
    props(phys, &p);
    const VkPhysicalDeviceLimits *l = &p.properties.limits;
    snprintf(info->name, sizeof info->name, "%s", p.properties.deviceName);
    snprintf(info->driver_name, sizeof info->driver_name, "%s", drv.driverName);
    snprintf(info->driver_info, sizeof info->driver_info, "%s", drv.driverInfo);
    memcpy(info->uuid, id.deviceUUID, 16);
    info->vendor = p.properties.vendorID;
    info->device = p.properties.deviceID;
    info->driver_id = drv.driverID;
    info->type = p.properties.deviceType;
    info->api = p.properties.apiVersion;
    info->driver_version = p.properties.driverVersion;
    info->max_storage_range = l->maxStorageBufferRange;
    info->max_allocation = m3.maxMemoryAllocationSize;
    info->max_texels = l->maxTexelBufferElements;
    info->storage_align = l->minStorageBufferOffsetAlignment;
    info->texel_align = l->minTexelBufferOffsetAlignment;
    info->max_invocations = l->maxComputeWorkGroupInvocations;
    for (int i = 0; i < 3; i++) info->max_size[i] = l->maxComputeWorkGroupSize[i], info->max_groups[i] = l->maxComputeWorkGroupCount[i];
    info->max_shared = l->maxComputeSharedMemorySize;
    info->max_push = l->maxPushConstantsSize;
    info->max_slots = l->maxPerStageDescriptorStorageBuffers < l->maxDescriptorSetStorageBuffers ? l->maxPerStageDescriptorStorageBuffers : l->maxDescriptorSetStorageBuffers;
    info->timestamp_ns = l->timestampPeriod;
    info->subgroup = sub.subgroupSize;
    info->subgroup_ops = sub.supportedOperations;
    info->subgroup_stages = sub.supportedStages;
    info->compute_units = amd.shaderEngineCount * amd.shaderArraysPerEngineCount * amd.computeUnitsPerShaderArray + nv.shaderSMCount;
    info->vector_registers = amd.vgprsPerSimd;
    info->min_subgroup = sizes ? control.minSubgroupSize : sub.subgroupSize;
    info->max_subgroup = sizes ? control.maxSubgroupSize : sub.subgroupSize;

    VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR stats = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR};
    VkPhysicalDeviceSubgroupSizeControlFeaturesEXT size_control = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES_EXT};
    VkPhysicalDeviceShaderFloat16Int8Features half = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES};
    VkPhysicalDevice16BitStorageFeatures s16 = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES};
    VkPhysicalDeviceFeatures2 f = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &s16};
    if (device_extension(gipa, instance, phys, VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME)) half.pNext = f.pNext, f.pNext = &half;
    if (device_extension(gipa, instance, phys, VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME)) stats.pNext = f.pNext, f.pNext = &stats;
    if (sizes) size_control.pNext = f.pNext, f.pNext = &size_control;
    feats(phys, &f);
    info->storage16 = s16.storageBuffer16BitAccess;
    info->float16 = half.shaderFloat16;
    info->statistics = stats.pipelineExecutableInfo;
    info->invocations = f.features.pipelineStatisticsQuery;
    // A device may have the feature for no stage but others': MoltenVK, older RADV.
    info->size_control = size_control.subgroupSizeControl && (control.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT);
    info->full_subgroups = size_control.computeFullSubgroups;

    VkPhysicalDeviceMemoryProperties mem;
    memory(phys, &mem);
    for (uint32_t i = 0; i < mem.memoryHeapCount; i++)
        if ((mem.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) && mem.memoryHeaps[i].size > info->local_heap) info->local_heap = mem.memoryHeaps[i].size;
    query_queue(gipa, instance, phys, info);
    return VK_SUCCESS;
}

VkResult cvk_device_create(void *gipa, cvk_handle instance_, cvk_handle phys_, const cvk_wants *w, cvk_faults *faults, cvk_device **out) {
    VkInstance instance = AS(VkInstance, instance_);
    VkPhysicalDevice phys = AS(VkPhysicalDevice, phys_);
    PFN_vkCreateDevice create = INSTANCE(gipa, instance, vkCreateDevice);
    PFN_vkGetDeviceProcAddr proc = INSTANCE(gipa, instance, vkGetDeviceProcAddr);
    if (!create || !proc) return VK_ERROR_INITIALIZATION_FAILED;
    float priority = 1;
    VkDeviceQueueCreateInfo queue = {VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, NULL, 0, w->queue, 1, &priority};
    const char *ext[10];
    uint32_t next = 0;
    VkPhysicalDevice16BitStorageFeatures s16 = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES, NULL, VK_TRUE};
    VkPhysicalDeviceShaderFloat16Int8Features half = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES, NULL, VK_TRUE};
    VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR stats = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR, NULL, VK_TRUE};
    VkPhysicalDeviceSubgroupSizeControlFeaturesEXT sizes = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES_EXT, NULL, w->size_control, w->full_subgroups};
    VkPhysicalDeviceVulkanMemoryModelFeatures model = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES, NULL, VK_TRUE};
    VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrices = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR, &model, VK_TRUE};
    VkPhysicalDeviceCooperativeMatrix2FeaturesNV scopes = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV, NULL, VK_TRUE, VK_TRUE};
    VkDeviceCreateInfo info = {VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, NULL, 0, 1, &queue};
    VkPhysicalDeviceFeatures features = {.pipelineStatisticsQuery = w->invocations};
    info.pEnabledFeatures = &features;
    if (w->storage16) s16.pNext = (void *)info.pNext, info.pNext = &s16;
    half.shaderInt8 = !!(w->matrices & CVK_MATRICES_INT8);
    if (w->float16) half.pNext = (void *)info.pNext, info.pNext = &half, ext[next++] = VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME;
    if (w->statistics) stats.pNext = (void *)info.pNext, info.pNext = &stats, ext[next++] = VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME;
    if (w->size_control || w->full_subgroups) sizes.pNext = (void *)info.pNext, info.pNext = &sizes, ext[next++] = VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME;
    if (w->matrices) {
        model.pNext = (void *)info.pNext, info.pNext = &matrices;
        ext[next++] = VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME, ext[next++] = VK_KHR_VULKAN_MEMORY_MODEL_EXTENSION_NAME;
    }
    if (w->swapchain && device_extension(gipa, instance, phys, VK_KHR_SWAPCHAIN_EXTENSION_NAME)) ext[next++] = VK_KHR_SWAPCHAIN_EXTENSION_NAME;
    if (w->matrices & CVK_MATRICES_SCOPES) scopes.pNext = (void *)info.pNext, info.pNext = &scopes, ext[next++] = VK_NV_COOPERATIVE_MATRIX_2_EXTENSION_NAME;
    if (device_extension(gipa, instance, phys, "VK_KHR_portability_subset")) ext[next++] = "VK_KHR_portability_subset"; // must be, where it is offered
    info.enabledExtensionCount = next;
    info.ppEnabledExtensionNames = ext;

    cvk_device *d = calloc(1, sizeof *d);
    if (!d) return VK_ERROR_OUT_OF_HOST_MEMORY;
    d->faults = faults;
    d->size_control = w->size_control;
    d->full_subgroups = w->full_subgroups;
    d->statistics = w->statistics;
    VkResult r = cvk_fault(faults, "vkCreateDevice");
    if (!r) r = create(phys, &info, NULL, &d->handle);
    if (r) {
        free(d);
        return r;
    }
#define LOAD(name) d->name = (PFN_vk##name)proc(d->handle, "vk" #name);
    CVK_FUNCTIONS(LOAD)
#undef LOAD
    d->GetDeviceQueue(d->handle, w->queue, 0, &d->queue);
    *out = d;
    return VK_SUCCESS;
}

cvk_handle cvk_device_handle(cvk_device *d) { return (uintptr_t)d->handle; }

void cvk_device_destroy(cvk_device *d) {
    d->DestroyDevice(d->handle, NULL);
    free(d);
}
