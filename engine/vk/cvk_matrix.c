#include "cvk_internal.h"

#include <stdlib.h>

uint32_t cvk_matrix_support(void *gipa, cvk_handle instance_, cvk_handle phys_) {
    VkInstance instance = AS(VkInstance, instance_);
    VkPhysicalDevice phys = AS(VkPhysicalDevice, phys_);
    // The compiler of kernels with matrices makes them by the Vulkan memory model.
    const char *needed[] = {VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME, VK_KHR_VULKAN_MEMORY_MODEL_EXTENSION_NAME, VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME};
    for (int i = 0; i < 3; i++)
        if (!cvk_has_device_extension(gipa, instance_, phys_, needed[i])) return 0;
    VkPhysicalDeviceShaderFloat16Int8Features half = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES};
    VkPhysicalDeviceVulkanMemoryModelFeatures model = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES, &half};
    VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrices = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR, &model};
    VkPhysicalDeviceCooperativeMatrix2FeaturesNV scopes = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV};
    VkPhysicalDeviceFeatures2 f = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &matrices};
    if (cvk_has_device_extension(gipa, instance_, phys_, VK_NV_COOPERATIVE_MATRIX_2_EXTENSION_NAME)) scopes.pNext = f.pNext, f.pNext = &scopes;
    INSTANCE(gipa, instance, vkGetPhysicalDeviceFeatures2)(phys, &f);
    VkPhysicalDeviceCooperativeMatrixPropertiesKHR stages = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_PROPERTIES_KHR};
    VkPhysicalDeviceProperties2 p = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &stages};
    INSTANCE(gipa, instance, vkGetPhysicalDeviceProperties2)(phys, &p);
    if (!matrices.cooperativeMatrix || !model.vulkanMemoryModel || !half.shaderFloat16 || !(stages.cooperativeMatrixSupportedStages & VK_SHADER_STAGE_COMPUTE_BIT)) return 0;
    return CVK_MATRICES | (half.shaderInt8 ? CVK_MATRICES_INT8 : 0) |
           (scopes.cooperativeMatrixWorkgroupScope && scopes.cooperativeMatrixFlexibleDimensions ? CVK_MATRICES_SCOPES : 0);
}

// found is a growing list of shapes, which may be cut off.
typedef struct {
    cvk_matrix *list;
    uint32_t n, room;
} found;

static void add(found *to, cvk_matrix m) {
    if (to->n < to->room) to->list[to->n++] = m;
}

static VkResult list_shapes(void *gipa, VkInstance instance, VkPhysicalDevice phys, cvk_faults *faults, found *to) {
    PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR get = INSTANCE(gipa, instance, vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR);
    VkResult r = cvk_fault(faults, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
    uint32_t n = 0;
    if (!r && get) r = get(phys, &n, NULL);
    if (r || !n) return r;
    VkCooperativeMatrixPropertiesKHR *list = calloc(n, sizeof *list);
    if (!list) return VK_ERROR_OUT_OF_HOST_MEMORY;
    for (uint32_t i = 0; i < n; i++) list[i].sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR;
    r = get(phys, &n, list);
    for (uint32_t i = 0; r >= 0 && i < n; i++) {
        const VkCooperativeMatrixPropertiesKHR *f = &list[i];
        add(to, (cvk_matrix){f->MSize, f->NSize, f->KSize, f->AType, f->BType, f->CType, f->ResultType, f->scope, f->saturatingAccumulation, 0});
    }
    free(list);
    return r < 0 ? r : VK_SUCCESS;
}

// list_workgroups lists what a whole workgroup may have together; a subgroup's shapes are above.
static VkResult list_workgroups(void *gipa, VkInstance instance, VkPhysicalDevice phys, cvk_faults *faults, found *to) {
    PFN_vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV get =
        INSTANCE(gipa, instance, vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV);
    VkResult r = cvk_fault(faults, "vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV");
    uint32_t n = 0;
    if (!r && get) r = get(phys, &n, NULL);
    if (r || !n) return r;
    VkCooperativeMatrixFlexibleDimensionsPropertiesNV *list = calloc(n, sizeof *list);
    if (!list) return VK_ERROR_OUT_OF_HOST_MEMORY;
    for (uint32_t i = 0; i < n; i++) list[i].sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_FLEXIBLE_DIMENSIONS_PROPERTIES_NV;
    r = get(phys, &n, list);
    for (uint32_t i = 0; r >= 0 && i < n; i++) {
        const VkCooperativeMatrixFlexibleDimensionsPropertiesNV *f = &list[i];
        if (f->workgroupInvocations)
            add(to, (cvk_matrix){f->MGranularity, f->NGranularity, f->KGranularity, f->AType, f->BType, f->CType, f->ResultType, f->scope,
                                 f->saturatingAccumulation, f->workgroupInvocations});
    }
    free(list);
    return r < 0 ? r : VK_SUCCESS;
}

VkResult cvk_matrix_list(void *gipa, cvk_handle instance_, cvk_handle phys_, uint32_t support, cvk_faults *faults, cvk_matrix *list, uint32_t *n) {
    VkInstance instance = AS(VkInstance, instance_);
    VkPhysicalDevice phys = AS(VkPhysicalDevice, phys_);
    found to = {list, 0, *n};
    VkResult r = list_shapes(gipa, instance, phys, faults, &to);
    if (!r && (support & CVK_MATRICES_SCOPES)) r = list_workgroups(gipa, instance, phys, faults, &to);
    *n = to.n;
    return r;
}
