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

#include "intel_i915.h"
#include "intel_xe.h"

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
