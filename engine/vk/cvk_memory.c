#include "cvk_internal.h"

#include <string.h>

void cvk_memory_query(void *gipa, cvk_handle instance_, cvk_handle phys_, cvk_memory *m) {
    VkInstance instance = AS(VkInstance, instance_);
    VkPhysicalDevice phys = AS(VkPhysicalDevice, phys_);
    PFN_vkGetPhysicalDeviceMemoryProperties2 get = (PFN_vkGetPhysicalDeviceMemoryProperties2)((PFN_vkGetInstanceProcAddr)gipa)(instance, "vkGetPhysicalDeviceMemoryProperties2");
    VkPhysicalDeviceMemoryBudgetPropertiesEXT budget = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
    VkPhysicalDeviceMemoryProperties2 p = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2};
    memset(m, 0, sizeof *m);
    if (!get) return;
    int budgeted = cvk_has_device_extension(gipa, instance_, phys_, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
    if (budgeted) p.pNext = &budget;
    get(phys, &p);
    m->ntypes = p.memoryProperties.memoryTypeCount;
    for (uint32_t i = 0; i < m->ntypes; i++) {
        m->flags[i] = p.memoryProperties.memoryTypes[i].propertyFlags;
        m->heap[i] = p.memoryProperties.memoryTypes[i].heapIndex;
    }
    for (uint32_t i = 0; i < p.memoryProperties.memoryHeapCount; i++) {
        m->left[i] = p.memoryProperties.memoryHeaps[i].size;
        if (budgeted) m->left[i] = budget.heapBudget[i] > budget.heapUsage[i] ? budget.heapBudget[i] - budget.heapUsage[i] : 0;
    }
}

VkResult cvk_make_visible(cvk_device *d, cvk_handle memory, int to_host) {
    VkMappedMemoryRange all = {VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE, NULL, AS(VkDeviceMemory, memory), 0, VK_WHOLE_SIZE};
    return to_host ? CALL(d, InvalidateMappedMemoryRanges, d->handle, 1, &all) : CALL(d, FlushMappedMemoryRanges, d->handle, 1, &all);
}
