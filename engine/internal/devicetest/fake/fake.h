// A Vulkan layer that makes a software device report what another device reports, and
// tells of every call that the other device would not have allowed. See ../fake.go.
//
//	profile.c   the text that describes the device
//	instance.c  what it reports
//	device.c    objects and commands, held against what it reports
//	memory.c    its memory: heaps, types, and memory that is not coherent
//	modules.c   what a kernel's SPIR-V says
//	hazards.c   accesses without a barrier between them
#ifndef FAKE_H
#define FAKE_H

#include <stdint.h>
#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>
#include <vulkan/vulkan_beta.h>

// The profile: lines "key value", of which some keys come several times.
void profile_read(const char *path);
const char *profile_text(const char *key, int nth); // the nth value of a key, or NULL
int profile_number(const char *key, uint64_t *out); // 0: the profile doesn't say
uint64_t profile_limit(const char *key);            // a number, or UINT64_MAX

// breach notes a call that the device would not have allowed, each text once.
void breach(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Objects by handle; each kind has names of its own.
enum { BUFFER, MEMORY, MODULE, PIPELINE, SET_LAYOUT, SET, VIEW, POOL, COMMANDS, FENCE };
void *object_of(int kind, uint64_t handle); // or NULL
void *object_new(int kind, uint64_t handle, size_t bytes);
void object_free(int kind, uint64_t handle);

// The next functions: of the one instance and of the one driver that is shown.
#define INSTANCE_FUNCTIONS(F)                                                                                                \
    F(EnumeratePhysicalDevices) F(GetPhysicalDeviceProperties) F(GetPhysicalDeviceProperties2) F(GetPhysicalDeviceFeatures2) \
    F(GetPhysicalDeviceMemoryProperties) F(GetPhysicalDeviceMemoryProperties2) F(GetPhysicalDeviceQueueFamilyProperties)     \
    F(EnumerateDeviceExtensionProperties) F(CreateDevice)
#define DEVICE_FUNCTIONS(F)                                                                                                   \
    F(GetDeviceQueue) F(CreateCommandPool) F(CreateQueryPool) F(GetQueryPoolResults) F(CmdWriteTimestamp)                      \
    F(CreateBuffer) F(DestroyBuffer) F(GetBufferMemoryRequirements) F(AllocateMemory) F(FreeMemory) F(BindBufferMemory)       \
    F(MapMemory) F(UnmapMemory) F(FlushMappedMemoryRanges) F(InvalidateMappedMemoryRanges) F(CreateBufferView)                \
    F(DestroyBufferView) F(CreateShaderModule) F(DestroyShaderModule) F(CreateComputePipelines) F(DestroyPipeline)            \
    F(CreateDescriptorSetLayout) F(AllocateDescriptorSets) F(UpdateDescriptorSets) F(BeginCommandBuffer) F(CmdBindPipeline)   \
    F(CmdBindDescriptorSets) F(CmdPushConstants) F(CmdDispatchBase) F(CmdCopyBuffer) F(CmdPipelineBarrier) F(QueueSubmit)         \
    F(WaitForFences)
#define POINTER(name) PFN_vk##name name;
extern struct instance_table { INSTANCE_FUNCTIONS(POINTER) } next_instance;
extern struct device_table { DEVICE_FUNCTIONS(POINTER) } next_device;
extern PFN_vkGetInstanceProcAddr next_instance_proc;
extern PFN_vkGetDeviceProcAddr next_device_proc;
extern VkInstance the_instance;

// MINE answers for a function of this layer's own, in a function of a name.
#define MINE(function) \
    if (!strcmp(name, "vk" #function)) return (PFN_vkVoidFunction)my_##function;

// The functions of this layer; NULL: it leaves a function alone.
PFN_vkVoidFunction instance_function(const char *name);
PFN_vkVoidFunction device_function(const char *name);
PFN_vkVoidFunction memory_function(const char *name);

// What the profile says of memory and queues; 0: what the driver says.
int fake_memory(VkPhysicalDeviceMemoryProperties *m);
uint32_t fake_queues(VkQueueFamilyProperties *q, uint32_t most);
int extension_added(const char *name);
int extension_hidden(const char *name);
void check_features(const void *chain); // that a device is to be made with

// A kernel.
typedef struct {
    uint32_t words; // of its code
    uint32_t *code;
} module;
uint32_t module_writes(const module *m);                                                 // bit i: binding i is written
void module_local(const module *m, const VkSpecializationInfo *spec, uint32_t local[3]); // size of a workgroup
uint64_t module_shared(const module *m, const VkSpecializationInfo *spec);               // bytes that a workgroup shares

// A buffer, and where a set's bindings lie.
typedef struct {
    uint64_t size;
} buffer;
typedef struct {
    VkBuffer buffer;
    uint64_t from, to;
} region;
enum { SLOTS = 32 };

// Commands as hazards.c sees them, in the order in which they were recorded.
enum { COMPUTE = 1, TRANSFER = 2, HOST = 4 };       // stages
enum { SHADER_READ = 1, SHADER_WRITE = 2, COPY_READ = 4, COPY_WRITE = 8, HOST_READ = 16, HOST_WRITE = 32, WRITES = SHADER_WRITE | COPY_WRITE | HOST_WRITE };
void commands_begin(VkCommandBuffer c);
void commands_access(VkCommandBuffer c, region at, int stage, int access, const char *what);
void commands_barrier(VkCommandBuffer c, VkPipelineStageFlags from, VkPipelineStageFlags to, const VkMemoryBarrier *m);
void commands_submitted(VkCommandBuffer c, uint64_t submission); // looks for hazards
void submission_done(uint64_t submission);

#endif
