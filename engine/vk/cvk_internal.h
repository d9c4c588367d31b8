#ifndef CVK_INTERNAL_H
#define CVK_INTERNAL_H

#include "cvk.h"
#include <vulkan/vulkan_core.h> // ends the compilation where cvk.h has said that vulkan.h is missing

// Cooperative matrices are newer than some systems' vulkan.h: names and layouts by the registry.
#ifndef VK_KHR_cooperative_matrix
#define VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME "VK_KHR_cooperative_matrix"
#define VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR ((VkStructureType)1000506000)
#define VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR ((VkStructureType)1000506001)
#define VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_PROPERTIES_KHR ((VkStructureType)1000506002)
typedef struct {
    VkStructureType sType;
    void *pNext;
    VkBool32 cooperativeMatrix, cooperativeMatrixRobustBufferAccess;
} VkPhysicalDeviceCooperativeMatrixFeaturesKHR;
typedef struct {
    VkStructureType sType;
    void *pNext;
    uint32_t MSize, NSize, KSize, AType, BType, CType, ResultType;
    VkBool32 saturatingAccumulation;
    uint32_t scope;
} VkCooperativeMatrixPropertiesKHR;
typedef struct {
    VkStructureType sType;
    void *pNext;
    VkShaderStageFlags cooperativeMatrixSupportedStages;
} VkPhysicalDeviceCooperativeMatrixPropertiesKHR;
typedef VkResult(VKAPI_PTR *PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR)(VkPhysicalDevice, uint32_t *, VkCooperativeMatrixPropertiesKHR *);
#endif
#ifndef VK_NV_cooperative_matrix2
#define VK_NV_COOPERATIVE_MATRIX_2_EXTENSION_NAME "VK_NV_cooperative_matrix2"
#define VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV ((VkStructureType)1000593000)
#define VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_FLEXIBLE_DIMENSIONS_PROPERTIES_NV ((VkStructureType)1000593001)
typedef struct {
    VkStructureType sType;
    void *pNext;
    VkBool32 cooperativeMatrixWorkgroupScope, cooperativeMatrixFlexibleDimensions, cooperativeMatrixReductions, cooperativeMatrixConversions,
        cooperativeMatrixPerElementOperations, cooperativeMatrixTensorAddressing, cooperativeMatrixBlockLoads;
} VkPhysicalDeviceCooperativeMatrix2FeaturesNV;
typedef struct {
    VkStructureType sType;
    void *pNext;
    uint32_t MGranularity, NGranularity, KGranularity, AType, BType, CType, ResultType;
    VkBool32 saturatingAccumulation;
    uint32_t scope, workgroupInvocations;
} VkCooperativeMatrixFlexibleDimensionsPropertiesNV;
typedef VkResult(VKAPI_PTR *PFN_vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV)(VkPhysicalDevice, uint32_t *,
                                                                                                     VkCooperativeMatrixFlexibleDimensionsPropertiesNV *);
#endif

// The device functions that this package calls from C.
#define CVK_FUNCTIONS(F)                                                                                               \
    F(DestroyDevice) F(GetDeviceQueue) F(CreateDescriptorSetLayout) F(DestroyDescriptorSetLayout)                      \
    F(CreatePipelineLayout) F(CreateComputePipelines) F(CreatePipelineCache) F(CreateDescriptorPool)                   \
    F(DestroyDescriptorPool) F(AllocateDescriptorSets) F(UpdateDescriptorSets) F(AllocateCommandBuffers)               \
    F(BeginCommandBuffer) F(EndCommandBuffer) F(CmdPipelineBarrier) F(CmdCopyBuffer) F(CmdBindPipeline)                \
    F(CmdBindDescriptorSets) F(CmdPushConstants) F(CmdDispatchBase) F(CmdWriteTimestamp) F(CmdResetQueryPool)          \
    F(QueueSubmit) F(WaitForFences) F(GetQueryPoolResults) F(CreateQueryPool) F(CmdBeginQuery) F(CmdEndQuery)          \
    F(FlushMappedMemoryRanges) F(InvalidateMappedMemoryRanges)                                                         \
    F(GetPipelineExecutablePropertiesKHR) F(GetPipelineExecutableStatisticsKHR)                                        \
    F(GetPipelineExecutableInternalRepresentationsKHR)

struct cvk_device {
    VkDevice handle;
    VkQueue queue;
    cvk_faults *faults;
    uint32_t size_control, full_subgroups, statistics;
#define FIELD(name) PFN_vk##name name;
    CVK_FUNCTIONS(FIELD)
#undef FIELD
};

// AS is a handle in its own type.
#define AS(type, handle) ((type)(uintptr_t)(handle))

// INSTANCE is a function of an instance, NULL where there is none.
#define INSTANCE(gipa, instance, name) ((PFN_##name)((PFN_vkGetInstanceProcAddr)(gipa))(instance, #name))

// CALL makes a call that returns a VkResult, unless a fault stands in its place.
#define CALL(d, name, ...)                                  \
    ({                                                      \
        VkResult r_ = cvk_fault((d)->faults, "vk" #name); \
        r_ ? r_ : (d)->name(__VA_ARGS__);                   \
    })

#endif
