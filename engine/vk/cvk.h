// The part of Vulkan that Go must not call through vulkan-go: see doc.go.
// Every argument is a scalar, a handle, or memory without Go pointers.
#ifndef CVK_H
#define CVK_H

#if !__has_include(<vulkan/vulkan.h>)
#error vulkan/vulkan.h is missing: install libvulkan-dev (Debian, Ubuntu) or vulkan-headers (Fedora, Arch, Homebrew), or build without Vulkan by CGO_ENABLED=0
#else // the rest would add a page of errors

#define VK_NO_PROTOTYPES
#include <stdint.h>
#include <vulkan/vulkan.h>

// Faults. A test makes calls that return a VkResult fail; cvk_fault counts calls
// and gives what the call must return instead of being made, or VK_SUCCESS.
enum { CVK_CALLS = 64, CVK_NAME = 56 };
typedef struct {
    char lock;
    int64_t calls;        // calls so far, all of them or those of one name
    int64_t from, to;     // the calls that fail, counted from 1, to excluded
    int64_t failed;       // how many did
    int32_t result;
    char only[CVK_NAME];  // the function that counts, "": every one
    struct {
        char name[CVK_NAME];
        int64_t calls;
    } seen[CVK_CALLS]; // every function that was called
} cvk_faults;

int32_t cvk_fault(cvk_faults *f, const char *call);
void cvk_faults_lock(cvk_faults *f);
void cvk_faults_unlock(cvk_faults *f);

// Handles cross the boundary as numbers: Go must not hold them in pointer types,
// as some drivers and layers use values that no pointer has.
typedef uint64_t cvk_handle;

// Shared libraries, by the system's own means: dlopen, or LoadLibrary on Windows.
void *cvk_library_open(const char *name, char *why, int size); // NULL: why has the system's words
void *cvk_library_symbol(void *library, const char *name);
void cvk_library_close(void *library);

// The instance.
int cvk_has_layer(void *gipa, const char *name);
int cvk_has_instance_extension(void *gipa, const char *name);

enum { CVK_EXTENSIONS = 16 }; // of an instance, that a window system may ask for

// Messages of the validation layers.
typedef struct cvk_messenger cvk_messenger;
// extensions: names, each ended by a zero byte, and one more behind the last.
VkResult cvk_instance_create(void *gipa, int validate, const char *extensions, cvk_faults *faults, cvk_handle *out);
VkResult cvk_messenger_create(void *gipa, cvk_handle instance, cvk_messenger **out);
void cvk_messenger_destroy(cvk_messenger *m);
int cvk_messenger_take(cvk_messenger *m, char *buf, int size); // one message, 0: none left

// What a device reports.
typedef struct {
    char name[256], driver_name[256], driver_info[256];
    uint8_t uuid[16];
    uint32_t type, api, driver_version;
    uint64_t max_storage_range, max_allocation, max_texels, storage_align, texel_align;
    uint32_t max_invocations, max_size[3], max_groups[3], max_shared, max_push, max_slots;
    uint32_t subgroup, min_subgroup, max_subgroup, subgroup_ops, subgroup_stages;
    uint32_t storage16, float16, statistics, size_control, full_subgroups, timestamps, invocations;
    uint32_t vendor, device, driver_id; // of PCI or Khronos; VkDriverId
    float timestamp_ns;
    uint64_t local_heap;
    uint32_t compute_units, vector_registers; // 0: the driver doesn't tell
    int32_t queue; // a family with compute, −1: none
} cvk_info;

int cvk_has_device_extension(void *gipa, cvk_handle instance, cvk_handle phys, const char *name);
VkResult cvk_query(void *gipa, cvk_handle instance, cvk_handle phys, cvk_info *info);

// The memory of a device: types, and what each heap has left, for this process where
// the driver tells.
typedef struct {
    uint32_t ntypes, flags[VK_MAX_MEMORY_TYPES], heap[VK_MAX_MEMORY_TYPES];
    uint64_t left[VK_MAX_MEMORY_HEAPS];
} cvk_memory;

void cvk_memory_query(void *gipa, cvk_handle instance, cvk_handle phys, cvk_memory *m);

// A device and its functions.
typedef struct cvk_device cvk_device;
typedef struct {
    uint32_t queue;
    uint32_t storage16, float16, statistics, size_control, full_subgroups, invocations; // features to enable
    uint32_t matrices;  // CVK_MATRICES and what goes with it
    uint32_t swapchain; // VK_KHR_swapchain, where there is one
} cvk_wants;

// Cooperative matrices.
enum {
    CVK_MATRICES = 1,         // VK_KHR_cooperative_matrix, in compute kernels
    CVK_MATRICES_INT8 = 2,    // with factors of 8 bits
    CVK_MATRICES_SCOPES = 4,  // VK_NV_cooperative_matrix2: a workgroup may have a matrix together
};
typedef struct {
    uint32_t m, n, k;            // a shape, or what its sides are multiples of
    uint32_t a, b, sum, result;  // VkComponentTypeKHR
    uint32_t scope, saturates;   // VkScopeKHR
    uint32_t invocations;        // of the workgroup that has a matrix together; 0: a shape as it stands
} cvk_matrix;

uint32_t cvk_matrix_support(void *gipa, cvk_handle instance, cvk_handle phys); // 0: none
// The shapes, at most *n of them; *n becomes how many there are.
VkResult cvk_matrix_list(void *gipa, cvk_handle instance, cvk_handle phys, uint32_t support, cvk_faults *faults, cvk_matrix *list, uint32_t *n);

VkResult cvk_device_create(void *gipa, cvk_handle instance, cvk_handle phys, const cvk_wants *wants, cvk_faults *faults, cvk_device **out);
cvk_handle cvk_device_handle(cvk_device *d);
void cvk_device_destroy(cvk_device *d);

// All of some mapped memory that is not coherent: what the host wrote is made visible
// to the device, or what the device wrote to the host.
VkResult cvk_make_visible(cvk_device *d, cvk_handle memory, int to_host);

// Pipelines. kinds: 0 storage buffer, 1 uniform texel buffer.
VkResult cvk_layout_create(cvk_device *d, uint32_t n, const uint8_t *kinds, uint32_t push_bytes, cvk_handle *set, cvk_handle *pipe);
VkResult cvk_pipeline_create(cvk_device *d, cvk_handle cache, cvk_handle module, cvk_handle layout, uint32_t nspec, const uint32_t *spec,
                             uint32_t subgroup, cvk_handle *out);
// Statistics and machine code as text lines "stat NAME = VALUE" and "isa …";
// free the result.
VkResult cvk_pipeline_report(cvk_device *d, cvk_handle pipe, int isa, char **text);
VkResult cvk_cache_create(cvk_device *d, const void *data, uint64_t size, cvk_handle *out);

// Descriptor sets, all of one pool. For binding i of all bindings, flat:
// set index, slot, kind, buffer, offset, range, view.
typedef struct {
    uint32_t set, slot, kind, pad;
    cvk_handle buffer;
    uint64_t offset, range;
    cvk_handle view;
} cvk_binding;

VkResult cvk_sets_create(cvk_device *d, uint32_t nsets, const cvk_handle *layouts, uint32_t nbind, const cvk_binding *bind, cvk_handle *pool, cvk_handle *sets);

// Recording: one command buffer from copies in, dispatches and copies out.
typedef struct {
    cvk_handle pipeline;
    cvk_handle layout;
    cvk_handle set;
    uint32_t push_at, push_bytes; // within the push data
    uint32_t base[3], grid[3]; // the first workgroup, and how many
    uint32_t barrier;
} cvk_dispatch;

typedef struct {
    cvk_handle from, to;
    uint64_t from_at, to_at, size;
} cvk_copy;

typedef struct {
    uint32_t ncopy_in, ndispatch, ncopy_out;
    uint32_t ntimed; // of the dispatches, which are the first ones
    const cvk_copy *copy_in;
    const cvk_dispatch *dispatch;
    const uint8_t *push;
    const cvk_copy *copy_out;
    cvk_handle queries; // two timestamps a dispatch from query_at on, or null
    uint32_t query_at;
    uint32_t host_writes; // what the host wrote must be seen first
    cvk_handle counts;    // the invocations are counted in query count_at, or null
    uint32_t count_at;
} cvk_commands;

VkResult cvk_commands_create(cvk_device *d, cvk_handle pool, cvk_handle *out);
VkResult cvk_record(cvk_device *d, cvk_handle cmd, const cvk_commands *c);
VkResult cvk_submit(cvk_device *d, uint32_t n, const cvk_handle *cmds, cvk_handle fence);
VkResult cvk_wait(cvk_device *d, cvk_handle fence, uint64_t timeout_ns);
VkResult cvk_query_results(cvk_device *d, cvk_handle pool, uint32_t first, uint32_t n, uint64_t *out);
VkResult cvk_query_pool(cvk_device *d, int invocations, uint32_t n, cvk_handle *out); // of timestamps, or of invocations of kernels

#endif
#endif
