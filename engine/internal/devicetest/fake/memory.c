#include "fake.h"

#include <stdlib.h>
#include <string.h>

// Memory that the device would have. The driver below has one type, which the host sees
// and which is coherent; of memory that would not be, the host gets a copy, which moves
// only when it is flushed or invalidated.
typedef struct {
    uint64_t size;
    uint32_t heap, flags; // and KNOWN where the profile describes it
    char *real, *copy;    // while it is mapped
} memory;

enum { KNOWN = 1 << 30 };

static uint64_t used[VK_MAX_MEMORY_HEAPS];
static uint32_t allocations;

// fake_memory: "memory local visible coherent cached 0" is a type and its heap, "heap
// 4000000000 local" a heap.
int fake_memory(VkPhysicalDeviceMemoryProperties *m) {
    const char *text = profile_text("memory", 0);
    if (!text) return 0;
    memset(m, 0, sizeof *m);
    for (; m->memoryTypeCount < VK_MAX_MEMORY_TYPES && (text = profile_text("memory", (int)m->memoryTypeCount)); m->memoryTypeCount++) {
        VkMemoryType *t = &m->memoryTypes[m->memoryTypeCount];
        if (strstr(text, "local")) t->propertyFlags |= VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
        if (strstr(text, "visible")) t->propertyFlags |= VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT;
        if (strstr(text, "coherent")) t->propertyFlags |= VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
        if (strstr(text, "cached")) t->propertyFlags |= VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
        const char *heap = strrchr(text, ' ');
        t->heapIndex = (uint32_t)atoi(heap ? heap : text);
    }
    for (; m->memoryHeapCount < VK_MAX_MEMORY_HEAPS && (text = profile_text("heap", (int)m->memoryHeapCount)); m->memoryHeapCount++) {
        VkMemoryHeap *h = &m->memoryHeaps[m->memoryHeapCount];
        h->size = strtoull(text, NULL, 0);
        if (strstr(text, "local")) h->flags |= VK_MEMORY_HEAP_DEVICE_LOCAL_BIT;
    }
    return 1;
}

static VKAPI_ATTR void VKAPI_CALL my_GetBufferMemoryRequirements(VkDevice d, VkBuffer b, VkMemoryRequirements *r) {
    VkPhysicalDeviceMemoryProperties m;
    next_device.GetBufferMemoryRequirements(d, b, r);
    if (fake_memory(&m)) r->memoryTypeBits = (1u << m.memoryTypeCount) - 1;
}

// room reports that a heap has so much left, and within its budget.
static int room(const VkPhysicalDeviceMemoryProperties *m, uint32_t heap, uint64_t size) {
    const char *budget = profile_text("budget", (int)heap);
    uint64_t most = budget ? strtoull(budget, NULL, 0) : m->memoryHeaps[heap].size;
    return used[heap] + size <= most;
}

static VKAPI_ATTR VkResult VKAPI_CALL my_AllocateMemory(VkDevice d, const VkMemoryAllocateInfo *info, const VkAllocationCallbacks *a, VkDeviceMemory *out) {
    VkPhysicalDeviceMemoryProperties m;
    VkMemoryAllocateInfo i = *info;
    memory made = {i.allocationSize, 0, 0, NULL, NULL};
    if (i.allocationSize > profile_limit("maxMemoryAllocationSize")) breach("vkAllocateMemory: %lu bytes, maxMemoryAllocationSize is %lu", i.allocationSize, profile_limit("maxMemoryAllocationSize"));
    if (allocations >= profile_limit("maxMemoryAllocationCount")) breach("vkAllocateMemory: allocation %u, maxMemoryAllocationCount is %lu", allocations + 1, profile_limit("maxMemoryAllocationCount"));
    if (fake_memory(&m)) {
        VkMemoryType t = m.memoryTypes[i.memoryTypeIndex];
        if (!room(&m, t.heapIndex, i.allocationSize)) return VK_ERROR_OUT_OF_DEVICE_MEMORY;
        made.heap = t.heapIndex, made.flags = t.propertyFlags | KNOWN;
        i.memoryTypeIndex = 0;
    }
    VkResult r = next_device.AllocateMemory(d, &i, a, out);
    if (r) return r;
    __atomic_add_fetch(&used[made.heap], made.size, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&allocations, 1, __ATOMIC_SEQ_CST);
    *(memory *)object_new(MEMORY, (uint64_t)*out, sizeof made) = made;
    // Fresh memory holds anything: here what is no number as float32 and as float16.
    void *p;
    if (!next_device.MapMemory(d, *out, 0, VK_WHOLE_SIZE, 0, &p)) {
        memset(p, 0xff, made.size);
        next_device.UnmapMemory(d, *out);
    }
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL my_FreeMemory(VkDevice d, VkDeviceMemory h, const VkAllocationCallbacks *a) {
    memory *m = object_of(MEMORY, (uint64_t)h);
    if (m) {
        __atomic_sub_fetch(&used[m->heap], m->size, __ATOMIC_SEQ_CST);
        __atomic_sub_fetch(&allocations, 1, __ATOMIC_SEQ_CST);
        free(m->copy);
        object_free(MEMORY, (uint64_t)h);
    }
    next_device.FreeMemory(d, h, a);
}

static VKAPI_ATTR VkResult VKAPI_CALL my_MapMemory(VkDevice d, VkDeviceMemory h, VkDeviceSize at, VkDeviceSize size, VkMemoryMapFlags flags, void **out) {
    memory *m = object_of(MEMORY, (uint64_t)h);
    if (!m || !(m->flags & KNOWN)) return next_device.MapMemory(d, h, at, size, flags, out);
    if (!(m->flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT)) {
        breach("vkMapMemory: the host does not see this type of memory");
        return VK_ERROR_MEMORY_MAP_FAILED;
    }
    VkResult r = next_device.MapMemory(d, h, 0, VK_WHOLE_SIZE, flags, (void **)&m->real);
    if (r) return r;
    *out = m->real + at;
    if (!(m->flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT)) {
        m->copy = aligned_alloc(4096, (m->size + 4095) / 4096 * 4096);
        memset(m->copy, 0xff, m->size);
        *out = m->copy + at;
    }
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL my_UnmapMemory(VkDevice d, VkDeviceMemory h) {
    memory *m = object_of(MEMORY, (uint64_t)h);
    if (m) {
        free(m->copy);
        m->copy = NULL;
    }
    next_device.UnmapMemory(d, h);
}

// move copies ranges of memory that is not coherent, to the device or from it.
static void move(const char *call, uint32_t n, const VkMappedMemoryRange *ranges, int to_device) {
    uint64_t atom = profile_limit("nonCoherentAtomSize");
    for (uint32_t i = 0; i < n; i++) {
        const VkMappedMemoryRange *r = &ranges[i];
        memory *m = object_of(MEMORY, (uint64_t)r->memory);
        if (!m || !m->real) {
            breach("%s: the memory is not mapped", call);
            continue;
        }
        uint64_t size = r->size == VK_WHOLE_SIZE ? m->size - r->offset : r->size;
        if (r->offset + size > m->size) {
            breach("%s: bytes %lu to %lu of memory of %lu", call, r->offset, r->offset + size, m->size);
            continue;
        }
        if (atom != UINT64_MAX && (r->offset % atom || (size % atom && r->offset + size != m->size)))
            breach("%s: %lu bytes at %lu, nonCoherentAtomSize is %lu", call, size, r->offset, atom);
        if (!m->copy) continue;
        if (to_device)
            memcpy(m->real + r->offset, m->copy + r->offset, size);
        else
            memcpy(m->copy + r->offset, m->real + r->offset, size);
    }
}

static VKAPI_ATTR VkResult VKAPI_CALL my_FlushMappedMemoryRanges(VkDevice d, uint32_t n, const VkMappedMemoryRange *r) {
    move("vkFlushMappedMemoryRanges", n, r, 1);
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL my_InvalidateMappedMemoryRanges(VkDevice d, uint32_t n, const VkMappedMemoryRange *r) {
    move("vkInvalidateMappedMemoryRanges", n, r, 0);
    return VK_SUCCESS;
}

PFN_vkVoidFunction memory_function(const char *name) {
    MINE(GetBufferMemoryRequirements) MINE(AllocateMemory) MINE(FreeMemory) MINE(MapMemory) MINE(UnmapMemory)
    MINE(FlushMappedMemoryRanges) MINE(InvalidateMappedMemoryRanges)
    return NULL;
}
