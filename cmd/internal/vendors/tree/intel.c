// An Intel GPU for Mesa's ANV to compile for, on a machine that has none: preloaded, this
// library answers what the driver asks of libdrm and of the kernel drivers i915 (before Lunar
// Lake) and xe. Nothing is executed; a submission succeeds and does nothing. Debian's
// mesa-drm-shim has the like for other vendors, not for this one.
//
//   CRATE_VK_INTEL   the GPU: tgl, dg2, mtl, lnl or bmg
//
// Memory is real: the node is a memory file, and each buffer object a part of it, so that the
// driver maps buffers with mmap as it always does.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <drm/i915_drm.h>
#include <drm/xe_drm.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <xf86drm.h>

typedef struct {
    const char *name;
    int id;                       // PCI device
    int major, minor;             // of the graphics IP where the kernel driver is xe; 0: it is i915
    int slices, subslices, units; // subslices of a slice, execution units of a subslice
    int own_memory;               // a discrete card
} gpu;

static const gpu gpus[] = {
    {"tgl", 0x9a49, 0, 0, 1, 6, 16, 0}, // Tiger Lake, Xe-LP (Gen12)
    {"dg2", 0x56a0, 0, 0, 8, 4, 16, 1}, // Arc A770, Xe-HPG
    {"mtl", 0x7d55, 0, 0, 2, 4, 16, 0}, // Meteor Lake, Xe-LPG
    {"lnl", 0x64a0, 20, 4, 2, 4, 8, 0}, // Lunar Lake, Xe2
    {"bmg", 0xe20b, 20, 1, 5, 4, 8, 1}, // Arc B580, Xe2
};

static const gpu *chosen(void) {
    const char *name = getenv("CRATE_VK_INTEL");
    for (size_t i = 0; name && i < sizeof gpus / sizeof *gpus; i++)
        if (!strcmp(name, gpus[i].name)) return &gpus[i];
    return &gpus[0];
}

static int is_xe(void) { return chosen()->major != 0; }

// The node: two paths that lead to one memory file.

static const char *const node_paths[] = {"/dev/dri/card0", "/dev/dri/renderD128"};
static const int node_minors[] = {0, 128};

static int node_of(const char *path) {
    for (int i = 0; path && i < 2; i++)
        if (!strcmp(path, node_paths[i])) return i;
    return -1;
}

static int node_file(void) {
    static int fd = -1;
    if (fd < 0) {
        fd = memfd_create("gpu", MFD_CLOEXEC);
        if (fd >= 0 && ftruncate(fd, 1ll << 40)) return -1;
    }
    return fd;
}

static int is_node(int fd) {
    struct stat a, b;
    return !syscall(SYS_fstat, node_file(), &a) && !syscall(SYS_fstat, fd, &b) && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static int open_node(void) { return fcntl(node_file(), F_DUPFD_CLOEXEC, 3); }

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPEN(name)                                                      \
    int name(const char *path, int flags, ...) {                        \
        va_list args;                                                   \
        va_start(args, flags);                                          \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0; \
        va_end(args);                                                   \
        return node_of(path) >= 0 ? open_node() : NEXT(name)(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define STAT(name, type)                                                       \
    int name(const char *path, struct type *st) {                              \
        int node = node_of(path);                                              \
        if (node < 0) return NEXT(name)(path, st);                             \
        *st = (struct type){.st_mode = S_IFCHR | 0666, .st_rdev = makedev(226, node_minors[node])}; \
        return 0;                                                              \
    }
STAT(stat, stat)
STAT(stat64, stat64)

int access(const char *path, int mode) { return node_of(path) >= 0 ? 0 : NEXT(access)(path, mode); }

// What libdrm tells: one device on the PCI bus.

static drmDevicePtr the_device(void) {
    static drmPciBusInfo bus;
    static drmPciDeviceInfo info;
    static char *nodes[DRM_NODE_MAX];
    static drmDevice device;
    bus = (drmPciBusInfo){.bus = chosen()->own_memory ? 3 : 0, .dev = chosen()->own_memory ? 0 : 2};
    info = (drmPciDeviceInfo){.vendor_id = 0x8086, .device_id = chosen()->id, .subvendor_id = 0x8086, .revision_id = 4};
    nodes[DRM_NODE_PRIMARY] = (char *)node_paths[0], nodes[DRM_NODE_RENDER] = (char *)node_paths[1];
    device = (drmDevice){.nodes = nodes, .available_nodes = 1 << DRM_NODE_PRIMARY | 1 << DRM_NODE_RENDER, .bustype = DRM_BUS_PCI, .businfo.pci = &bus, .deviceinfo.pci = &info};
    return &device;
}

int drmGetDevices2(uint32_t flags, drmDevicePtr list[], int max) {
    if (list && max > 0) list[0] = the_device();
    return 1;
}

int drmGetDevices(drmDevicePtr list[], int max) { return drmGetDevices2(0, list, max); }

int drmGetDevice2(int fd, uint32_t flags, drmDevicePtr *device) {
    *device = the_device();
    return 0;
}

int drmGetDevice(int fd, drmDevicePtr *device) { return drmGetDevice2(fd, 0, device); }

void drmFreeDevices(drmDevicePtr list[], int n) {}

void drmFreeDevice(drmDevicePtr *device) {}

drmVersionPtr drmGetVersion(int fd) {
    static drmVersion v;
    v = (drmVersion){.version_major = 1, .version_minor = 6, .name = is_xe() ? "xe" : "i915", .date = "", .desc = ""};
    v.name_len = strlen(v.name);
    return &v;
}

void drmFreeVersion(drmVersionPtr v) {}

// Buffer objects: numbers, each with its place in the memory file.

enum { most_buffers = 1 << 16, granule = 1 << 16 };
static uint64_t places[most_buffers];
static uint32_t last_id;
static uint64_t end = granule;

static uint32_t new_id(void) { return __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED); }

static uint32_t new_buffer(uint64_t size) {
    uint32_t id = new_id();
    if (id < most_buffers) places[id] = __atomic_fetch_add(&end, (size + granule - 1) / granule * granule, __ATOMIC_RELAXED);
    return id;
}

static uint64_t place_of(uint32_t id) { return id < most_buffers ? places[id] : 0; }

// Both kernel drivers' queries are asked twice: for the size of the answer, and for the answer.

enum { answer_bytes = 2048 };

// i915

static int32_t i915_topology(void *answer) {
    const gpu *g = chosen();
    struct drm_i915_query_topology_info *t = answer;
    int slice_bytes = (g->subslices + 7) / 8, unit_bytes = (g->units + 7) / 8;
    t->max_slices = g->slices, t->max_subslices = g->subslices, t->max_eus_per_subslice = g->units;
    t->subslice_offset = 1, t->subslice_stride = slice_bytes;
    t->eu_offset = 1 + g->slices * slice_bytes, t->eu_stride = unit_bytes;
    t->data[0] = (1 << g->slices) - 1;
    for (int s = 0; s < g->slices; s++) t->data[t->subslice_offset + s * slice_bytes] = (1 << g->subslices) - 1;
    int units = g->slices * g->subslices * unit_bytes;
    memset(t->data + t->eu_offset, 0xff, units);
    return sizeof *t + t->eu_offset + units;
}

static int32_t i915_engines(void *answer) {
    struct drm_i915_query_engine_info *e = answer;
    e->num_engines = 2;
    e->engines[0].engine.engine_class = I915_ENGINE_CLASS_RENDER;
    e->engines[1].engine.engine_class = I915_ENGINE_CLASS_COPY;
    return sizeof *e + 2 * sizeof e->engines[0];
}

static int32_t i915_memory(void *answer) {
    struct drm_i915_query_memory_regions *m = answer;
    m->num_regions = 1 + chosen()->own_memory;
    for (uint32_t i = 0; i < m->num_regions; i++) {
        struct drm_i915_memory_region_info *r = &m->regions[i];
        r->region.memory_class = i ? I915_MEMORY_CLASS_DEVICE : I915_MEMORY_CLASS_SYSTEM;
        r->probed_size = r->unallocated_size = 16ull << 30;
        if (i) r->probed_cpu_visible_size = r->unallocated_cpu_visible_size = r->probed_size;
    }
    return sizeof *m + m->num_regions * sizeof m->regions[0];
}

static void i915_query_item(struct drm_i915_query_item *item) {
    uint64_t answer[answer_bytes / 8] = {0};
    int32_t n = -EINVAL;
    switch (item->query_id) {
    case DRM_I915_QUERY_TOPOLOGY_INFO:
    case DRM_I915_QUERY_GEOMETRY_SUBSLICES: n = i915_topology(answer); break;
    case DRM_I915_QUERY_ENGINE_INFO: n = i915_engines(answer); break;
    case DRM_I915_QUERY_MEMORY_REGIONS: n = i915_memory(answer); break;
    }
    if (n > 0 && item->length) memcpy((void *)(uintptr_t)item->data_ptr, answer, n);
    item->length = n;
}

static int i915_parameter(struct drm_i915_getparam *p) {
    const gpu *g = chosen();
    switch (p->param) {
    case I915_PARAM_CHIPSET_ID: *p->value = g->id; break;
    case I915_PARAM_REVISION: *p->value = 4; break;
    case I915_PARAM_CS_TIMESTAMP_FREQUENCY: *p->value = 19200000; break;
    case I915_PARAM_HAS_ALIASING_PPGTT: *p->value = 3; break; // 48-bit addresses
    case I915_PARAM_NUM_FENCES_AVAIL: *p->value = 8; break;
    case I915_PARAM_CMD_PARSER_VERSION: *p->value = 10; break;
    case I915_PARAM_MMAP_VERSION:
    case I915_PARAM_MMAP_GTT_VERSION: *p->value = 4; break;
    case I915_PARAM_SUBSLICE_TOTAL: *p->value = g->slices * g->subslices; break;
    case I915_PARAM_EU_TOTAL: *p->value = g->slices * g->subslices * g->units; break;
    case I915_PARAM_HAS_USERPTR_PROBE: *p->value = 0; break;
    case I915_PARAM_PERF_REVISION:
    case I915_PARAM_OA_TIMESTAMP_FREQUENCY:
    case I915_PARAM_SLICE_MASK:
    case I915_PARAM_SUBSLICE_MASK: return -EINVAL; // the queries tell
    default: *p->value = 1;
    }
    return 0;
}

static int i915(unsigned number, void *arg) {
    switch (number) {
    case DRM_I915_GETPARAM: return i915_parameter(arg);
    case DRM_I915_QUERY: {
        struct drm_i915_query *q = arg;
        for (uint32_t i = 0; i < q->num_items; i++) i915_query_item((struct drm_i915_query_item *)(uintptr_t)q->items_ptr + i);
        return 0;
    }
    case DRM_I915_GEM_CREATE:
    case DRM_I915_GEM_CREATE_EXT: { // begins as the former does
        struct drm_i915_gem_create *c = arg;
        c->handle = new_buffer(c->size);
        return 0;
    }
    case DRM_I915_GEM_MMAP_GTT: {
        struct drm_i915_gem_mmap_offset *m = arg;
        m->offset = place_of(m->handle);
        return 0;
    }
    case DRM_I915_GEM_USERPTR: ((struct drm_i915_gem_userptr *)arg)->handle = new_buffer(granule); return 0;
    case DRM_I915_GEM_CONTEXT_CREATE: ((struct drm_i915_gem_context_create *)arg)->ctx_id = new_id(); return 0;
    case DRM_I915_GEM_CONTEXT_GETPARAM: {
        struct drm_i915_gem_context_param *p = arg;
        p->value = p->param == I915_CONTEXT_PARAM_GTT_SIZE ? 1ull << 48 : 0;
        return 0;
    }
    case DRM_I915_GEM_VM_CREATE: ((struct drm_i915_gem_vm_control *)arg)->vm_id = new_id(); return 0;
    case DRM_I915_GEM_GET_APERTURE: {
        struct drm_i915_gem_get_aperture *a = arg;
        a->aper_size = a->aper_available_size = 1ull << 48;
        return 0;
    }
    case DRM_I915_REG_READ: ((struct drm_i915_reg_read *)arg)->val = 1; return 0;
    case DRM_I915_PERF_OPEN:
    case DRM_I915_PERF_ADD_CONFIG: return -EINVAL;
    }
    return 0;
}

// xe

static uint32_t xe_config(void *answer) {
    const gpu *g = chosen();
    struct drm_xe_query_config *c = answer;
    c->num_params = DRM_XE_QUERY_CONFIG_MAX_EXEC_QUEUE_PRIORITY + 1;
    c->info[DRM_XE_QUERY_CONFIG_REV_AND_DEVICE_ID] = g->id | 4 << 16;
    c->info[DRM_XE_QUERY_CONFIG_FLAGS] = g->own_memory ? DRM_XE_QUERY_CONFIG_FLAG_HAS_VRAM : 0;
    c->info[DRM_XE_QUERY_CONFIG_MIN_ALIGNMENT] = g->own_memory ? 65536 : 4096;
    c->info[DRM_XE_QUERY_CONFIG_VA_BITS] = 48;
    c->info[DRM_XE_QUERY_CONFIG_MAX_EXEC_QUEUE_PRIORITY] = 1;
    return sizeof *c + c->num_params * sizeof c->info[0];
}

static uint32_t xe_memory(void *answer) {
    struct drm_xe_query_mem_regions *m = answer;
    m->num_mem_regions = 1 + chosen()->own_memory;
    for (uint32_t i = 0; i < m->num_mem_regions; i++) {
        struct drm_xe_mem_region *r = &m->mem_regions[i];
        r->mem_class = i ? DRM_XE_MEM_REGION_CLASS_VRAM : DRM_XE_MEM_REGION_CLASS_SYSMEM;
        r->instance = i, r->min_page_size = i ? 65536 : 4096, r->total_size = 12ull << 30;
        if (i) r->cpu_visible_size = r->total_size;
    }
    return sizeof *m + m->num_mem_regions * sizeof m->mem_regions[0];
}

static uint32_t xe_gt(void *answer) {
    const gpu *g = chosen();
    struct drm_xe_query_gt_list *l = answer;
    l->num_gt = 1;
    l->gt_list[0].reference_clock = 19200000;
    l->gt_list[0].near_mem_regions = g->own_memory ? 2 : 1;
    l->gt_list[0].ip_ver_major = g->major, l->gt_list[0].ip_ver_minor = g->minor, l->gt_list[0].ip_ver_rev = 4;
    return sizeof *l + sizeof l->gt_list[0];
}

static uint32_t xe_topology(void *answer) {
    const gpu *g = chosen();
    uint64_t subslices = (1ull << g->slices * g->subslices) - 1;
    const struct { uint16_t type; uint64_t mask; } masks[] = {{DRM_XE_TOPO_DSS_GEOMETRY, subslices}, {DRM_XE_TOPO_DSS_COMPUTE, subslices}, {DRM_XE_TOPO_L3_BANK, 0xff}, {DRM_XE_TOPO_SIMD16_EU_PER_DSS, (1 << g->units) - 1}};
    char *to = answer;
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        struct drm_xe_query_topology_mask *t = (void *)to;
        t->type = masks[i].type, t->num_bytes = sizeof masks[i].mask;
        memcpy(t->mask, &masks[i].mask, t->num_bytes);
        to += sizeof *t + t->num_bytes;
    }
    return to - (char *)answer;
}

static uint32_t xe_engines(void *answer) {
    static const uint16_t classes[] = {DRM_XE_ENGINE_CLASS_RENDER, DRM_XE_ENGINE_CLASS_COPY, DRM_XE_ENGINE_CLASS_COMPUTE};
    struct drm_xe_query_engines *e = answer;
    e->num_engines = sizeof classes / sizeof *classes;
    for (uint32_t i = 0; i < e->num_engines; i++) e->engines[i].instance.engine_class = classes[i];
    return sizeof *e + e->num_engines * sizeof e->engines[0];
}

static int xe_query(struct drm_xe_device_query *q) {
    uint64_t answer[answer_bytes / 8] = {0};
    uint32_t n = 0;
    if (q->size && q->data && (q->query == DRM_XE_DEVICE_QUERY_ENGINE_CYCLES || q->query == DRM_XE_DEVICE_QUERY_UC_FW_VERSION))
        memcpy(answer, (void *)(uintptr_t)q->data, q->size < sizeof answer ? q->size : sizeof answer); // they carry the question
    switch (q->query) {
    case DRM_XE_DEVICE_QUERY_CONFIG: n = xe_config(answer); break;
    case DRM_XE_DEVICE_QUERY_MEM_REGIONS: n = xe_memory(answer); break;
    case DRM_XE_DEVICE_QUERY_GT_LIST: n = xe_gt(answer); break;
    case DRM_XE_DEVICE_QUERY_GT_TOPOLOGY: n = xe_topology(answer); break;
    case DRM_XE_DEVICE_QUERY_ENGINES: n = xe_engines(answer); break;
    case DRM_XE_DEVICE_QUERY_HWCONFIG: break;
    case DRM_XE_DEVICE_QUERY_ENGINE_CYCLES: {
        struct drm_xe_query_engine_cycles *c = (void *)answer;
        c->width = 36, c->engine_cycles = c->cpu_timestamp = 1000, c->cpu_delta = 1, n = sizeof *c;
        break;
    }
    case DRM_XE_DEVICE_QUERY_UC_FW_VERSION: {
        struct drm_xe_query_uc_fw_version *v = (void *)answer;
        v->major_ver = 1, v->minor_ver = 20, n = sizeof *v;
        break;
    }
    default: return -EINVAL;
    }
    if (q->size) memcpy((void *)(uintptr_t)q->data, answer, n);
    q->size = n;
    return 0;
}

static int xe(unsigned number, void *arg) {
    switch (number) {
    case DRM_XE_DEVICE_QUERY: return xe_query(arg);
    case DRM_XE_GEM_CREATE: {
        struct drm_xe_gem_create *c = arg;
        c->handle = new_buffer(c->size);
        return 0;
    }
    case DRM_XE_GEM_MMAP_OFFSET: {
        struct drm_xe_gem_mmap_offset *m = arg;
        m->offset = place_of(m->handle);
        return 0;
    }
    case DRM_XE_VM_CREATE: ((struct drm_xe_vm_create *)arg)->vm_id = new_id(); return 0;
    case DRM_XE_EXEC_QUEUE_CREATE: ((struct drm_xe_exec_queue_create *)arg)->exec_queue_id = new_id(); return 0;
    case DRM_XE_EXEC_QUEUE_GET_PROPERTY: ((struct drm_xe_exec_queue_get_property *)arg)->value = 0; return 0;
    case DRM_XE_OBSERVATION: return -EINVAL;
    }
    return 0;
}

// What all DRM drivers have: capabilities, and synchronisation objects that are always signalled.

static int common(unsigned long request, void *arg) {
    switch (request) {
    case DRM_IOCTL_GET_CAP: ((struct drm_get_cap *)arg)->value = 1; return 0;
    case DRM_IOCTL_SYNCOBJ_CREATE: ((struct drm_syncobj_create *)arg)->handle = new_id(); return 0;
    case DRM_IOCTL_SYNCOBJ_WAIT: ((struct drm_syncobj_wait *)arg)->first_signaled = 0; return 0;
    case DRM_IOCTL_SYNCOBJ_QUERY: {
        struct drm_syncobj_timeline_array *t = arg;
        for (uint32_t i = 0; i < t->count_handles; i++) ((uint64_t *)(uintptr_t)t->points)[i] = 1ull << 62;
        return 0;
    }
    case DRM_IOCTL_PRIME_HANDLE_TO_FD:
    case DRM_IOCTL_PRIME_FD_TO_HANDLE:
    case DRM_IOCTL_VERSION: return -EINVAL;
    }
    return 0;
}

int ioctl(int fd, unsigned long request, ...) {
    va_list args;
    va_start(args, request);
    void *arg = va_arg(args, void *);
    va_end(args);
    if (!is_node(fd)) return NEXT(ioctl)(fd, request, arg);
    unsigned number = _IOC_NR(request);
    int own = number >= DRM_COMMAND_BASE && number < DRM_COMMAND_END;
    int r = !own ? common(request, arg) : is_xe() ? xe(number - DRM_COMMAND_BASE, arg) : i915(number - DRM_COMMAND_BASE, arg);
    if (!r) return 0;
    errno = -r;
    return -1;
}
