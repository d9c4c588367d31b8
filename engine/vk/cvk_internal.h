#ifndef CVK_INTERNAL_H
#define CVK_INTERNAL_H

#include "cvk.h"
#include <vulkan/vulkan_core.h> // ends the compilation where cvk.h has said that vulkan.h is missing

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

// CALL makes a call that returns a VkResult, unless a fault stands in its place.
#define CALL(d, name, ...)                                  \
    ({                                                      \
        VkResult r_ = cvk_fault((d)->faults, "vk" #name); \
        r_ ? r_ : (d)->name(__VA_ARGS__);                   \
    })

#endif
