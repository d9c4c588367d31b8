//go:build viewer

#include "cvk_present.h"

#include <stdlib.h>
#include <string.h>

// The functions of the device that only a screen needs, and those of the instance.
#define DEVICE_FUNCTIONS(F)                                                                                               \
    F(CreateSwapchainKHR) F(DestroySwapchainKHR) F(GetSwapchainImagesKHR) F(AcquireNextImageKHR) F(QueuePresentKHR)       \
    F(CreateImage) F(DestroyImage) F(GetImageMemoryRequirements) F(AllocateMemory) F(FreeMemory) F(BindImageMemory)       \
    F(CmdCopyBufferToImage) F(CmdBlitImage) F(CreateSemaphore) F(DestroySemaphore) F(CreateFence) F(DestroyFence)         \
    F(ResetFences) F(CreateCommandPool) F(DestroyCommandPool) F(ResetCommandBuffer)
#define SURFACE_FUNCTIONS(F)                                                                                              \
    F(GetPhysicalDeviceSurfaceCapabilitiesKHR) F(GetPhysicalDeviceSurfaceFormatsKHR) F(GetPhysicalDeviceMemoryProperties)

enum { MOST_IMAGES = 16 };

struct cvk_screen {
    cvk_device *d;
    VkPhysicalDevice phys;
    VkSurfaceKHR surface;
#define FIELD(name) PFN_vk##name name;
    DEVICE_FUNCTIONS(FIELD) SURFACE_FUNCTIONS(FIELD)
#undef FIELD
    VkCommandPool pool;
    VkCommandBuffer cmd;
    VkFence done, rest; // a picture was read; the queue is empty

    // The swapchain; stale: it is to be made anew.
    VkSwapchainKHR chain;
    VkExtent2D extent;
    VkImage images[MOST_IMAGES];
    VkSemaphore taken, ready[MOST_IMAGES]; // an image was acquired; it was drawn
    uint32_t nimages;
    int stale, srgb;

    // The picture, as large as the canvas.
    VkImage picture;
    VkDeviceMemory memory;
    uint32_t width, height;
};

// PCALL is CALL for the functions of a screen.
#define PCALL(s, name, ...)                                    \
    ({                                                         \
        VkResult r_ = cvk_fault((s)->d->faults, "vk" #name); \
        r_ ? r_ : (s)->name(__VA_ARGS__);                      \
    })

int32_t cvk_present_family(void *gipa, cvk_handle instance_, cvk_handle phys_, cvk_handle surface, uint32_t *timestamps) {
    VkInstance instance = AS(VkInstance, instance_);
    VkPhysicalDevice phys = AS(VkPhysicalDevice, phys_);
    PFN_vkGetPhysicalDeviceQueueFamilyProperties get = INSTANCE(gipa, instance, vkGetPhysicalDeviceQueueFamilyProperties);
    PFN_vkGetPhysicalDeviceSurfaceSupportKHR ask = INSTANCE(gipa, instance, vkGetPhysicalDeviceSurfaceSupportKHR);
    if (!get || !ask || !cvk_has_device_extension(gipa, instance_, phys_, VK_KHR_SWAPCHAIN_EXTENSION_NAME)) return -1;
    uint32_t n = 0;
    get(phys, &n, NULL);
    VkQueueFamilyProperties *q = calloc(n ? n : 1, sizeof *q);
    if (!q) return -1;
    get(phys, &n, q);
    const VkQueueFlags both = VK_QUEUE_COMPUTE_BIT | VK_QUEUE_GRAPHICS_BIT; // blits are graphics
    int32_t found = -1;
    for (uint32_t i = 0; i < n && found < 0; i++) {
        VkBool32 can = VK_FALSE;
        if ((q[i].queueFlags & both) == both && !ask(phys, i, (VkSurfaceKHR)(uintptr_t)surface, &can) && can) found = (int32_t)i, *timestamps = q[i].timestampValidBits;
    }
    free(q);
    return found;
}

VkResult cvk_headless_surface(void *gipa, cvk_handle instance, cvk_handle *out) {
    PFN_vkCreateHeadlessSurfaceEXT create = INSTANCE(gipa, AS(VkInstance, instance), vkCreateHeadlessSurfaceEXT);
    if (!create) return VK_ERROR_EXTENSION_NOT_PRESENT;
    VkHeadlessSurfaceCreateInfoEXT info = {VK_STRUCTURE_TYPE_HEADLESS_SURFACE_CREATE_INFO_EXT};
    VkSurfaceKHR surface = VK_NULL_HANDLE;
    VkResult r = create(AS(VkInstance, instance), &info, NULL, &surface);
    *out = (cvk_handle)(uintptr_t)surface;
    return r;
}

void cvk_surface_destroy(void *gipa, cvk_handle instance, cvk_handle surface) {
    PFN_vkDestroySurfaceKHR destroy = INSTANCE(gipa, AS(VkInstance, instance), vkDestroySurfaceKHR);
    if (destroy) destroy(AS(VkInstance, instance), (VkSurfaceKHR)(uintptr_t)surface, NULL);
}

cvk_handle cvk_surface_at(uintptr_t at) { return (cvk_handle)(uintptr_t) * (VkSurfaceKHR *)at; }

VkResult cvk_screen_create(void *gipa, cvk_handle instance, cvk_handle phys, cvk_device *d, uint32_t family, cvk_handle surface, cvk_screen **out) {
    PFN_vkGetDeviceProcAddr proc = INSTANCE(gipa, AS(VkInstance, instance), vkGetDeviceProcAddr);
    cvk_screen *s = calloc(1, sizeof *s);
    if (!s) return VK_ERROR_OUT_OF_HOST_MEMORY;
    s->d = d, s->phys = AS(VkPhysicalDevice, phys), s->surface = (VkSurfaceKHR)(uintptr_t)surface, s->stale = 1;
#define LOAD(name) s->name = (PFN_vk##name)proc(d->handle, "vk" #name);
    DEVICE_FUNCTIONS(LOAD)
#undef LOAD
#define LOAD(name) s->name = INSTANCE(gipa, AS(VkInstance, instance), vk##name);
    SURFACE_FUNCTIONS(LOAD)
#undef LOAD
    VkResult r = s->CreateSwapchainKHR ? VK_SUCCESS : VK_ERROR_EXTENSION_NOT_PRESENT;
    VkCommandPoolCreateInfo pool = {VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO, NULL, VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT, family};
    if (!r) r = PCALL(s, CreateCommandPool, d->handle, &pool, NULL, &s->pool);
    VkCommandBufferAllocateInfo cmd = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, NULL, s->pool, VK_COMMAND_BUFFER_LEVEL_PRIMARY, 1};
    if (!r) r = CALL(d, AllocateCommandBuffers, d->handle, &cmd, &s->cmd);
    VkFenceCreateInfo fence = {VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    if (!r) r = PCALL(s, CreateFence, d->handle, &fence, NULL, &s->done);
    if (!r) r = PCALL(s, CreateFence, d->handle, &fence, NULL, &s->rest);
    if (r) cvk_screen_destroy(s, 0), s = NULL;
    *out = s;
    return r;
}

// idle waits until the queue has done what it was given, presenting too as far as Vulkan can
// tell. vkQueueWaitIdle would wait without a limit. VK_TIMEOUT: the device hangs.
static VkResult idle(cvk_screen *s, uint64_t wait_ns) {
    cvk_device *d = s->d;
    VkResult r = PCALL(s, ResetFences, d->handle, 1, &s->rest);
    if (!r) r = CALL(d, QueueSubmit, d->queue, 0, NULL, s->rest);
    if (!r) r = CALL(d, WaitForFences, d->handle, 1, &s->rest, VK_TRUE, wait_ns);
    return r == VK_ERROR_DEVICE_LOST ? VK_SUCCESS : r; // it does nothing more
}

// drop_chain frees the swapchain, which the device no longer uses.
static void drop_chain(cvk_screen *s) {
    VkDevice dev = s->d->handle;
    for (uint32_t i = 0; i < s->nimages; i++)
        if (s->ready[i]) s->DestroySemaphore(dev, s->ready[i], NULL);
    if (s->taken) s->DestroySemaphore(dev, s->taken, NULL);
    if (s->chain) s->DestroySwapchainKHR(dev, s->chain, NULL);
    memset(s->ready, 0, sizeof s->ready);
    s->taken = VK_NULL_HANDLE, s->chain = VK_NULL_HANDLE, s->nimages = 0, s->stale = 1;
}

static void drop_picture(cvk_screen *s) {
    if (s->picture) s->DestroyImage(s->d->handle, s->picture, NULL);
    if (s->memory) s->FreeMemory(s->d->handle, s->memory, NULL);
    s->picture = VK_NULL_HANDLE, s->memory = VK_NULL_HANDLE, s->width = s->height = 0;
}

VkResult cvk_screen_destroy(cvk_screen *s, uint64_t wait_ns) {
    if (s->chain && idle(s, wait_ns) == VK_TIMEOUT) return VK_TIMEOUT;
    if (s->CreateSwapchainKHR) {
        drop_chain(s);
        drop_picture(s);
        if (s->done) s->DestroyFence(s->d->handle, s->done, NULL);
        if (s->rest) s->DestroyFence(s->d->handle, s->rest, NULL);
        if (s->pool) s->DestroyCommandPool(s->d->handle, s->pool, NULL);
    }
    free(s);
    return VK_SUCCESS;
}

// choose finds a format of the surface whose bytes are those of the picture, in whatever order.
static VkResult choose(cvk_screen *s, VkSurfaceFormatKHR *out) {
    uint32_t n = 0;
    VkResult r = PCALL(s, GetPhysicalDeviceSurfaceFormatsKHR, s->phys, s->surface, &n, NULL);
    if (r < 0) return r;
    VkSurfaceFormatKHR *list = calloc(n ? n : 1, sizeof *list);
    if (!list) return VK_ERROR_OUT_OF_HOST_MEMORY;
    r = PCALL(s, GetPhysicalDeviceSurfaceFormatsKHR, s->phys, s->surface, &n, list);
    const VkFormat good[] = {VK_FORMAT_B8G8R8A8_UNORM, VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_A8B8G8R8_UNORM_PACK32, VK_FORMAT_B8G8R8A8_SRGB, VK_FORMAT_R8G8B8A8_SRGB, VK_FORMAT_A8B8G8R8_SRGB_PACK32};
    int best = 6;
    for (uint32_t i = 0; r >= 0 && i < n; i++)
        for (int k = 0; k < best; k++)
            if (list[i].format == good[k] || (n == 1 && list[i].format == VK_FORMAT_UNDEFINED)) *out = list[i], out->format = good[k], best = k;
    free(list);
    s->srgb = best >= 3;
    if (r < 0) return r;
    return best < 6 ? VK_SUCCESS : VK_ERROR_FORMAT_NOT_SUPPORTED;
}

// make_chain makes the swapchain anew.
static VkResult make_chain(cvk_screen *s, const VkSurfaceCapabilitiesKHR *c, VkExtent2D extent, uint64_t wait_ns) {
    VkResult r = s->chain ? idle(s, wait_ns) : VK_SUCCESS;
    if (r) return r;
    drop_chain(s);
    VkSurfaceFormatKHR format = {0};
    const int srgb = s->srgb;
    r = choose(s, &format);
    if (s->srgb != srgb) drop_picture(s);
    if (!r && !(c->supportedUsageFlags & VK_IMAGE_USAGE_TRANSFER_DST_BIT)) r = VK_ERROR_FORMAT_NOT_SUPPORTED;
    if (r) return r;
    uint32_t n = c->minImageCount + 1;
    if (c->maxImageCount && n > c->maxImageCount) n = c->maxImageCount;
    // The canvas is opaque: however its alpha is taken, it looks the same. The lowest bit is OPAQUE.
    VkCompositeAlphaFlagBitsKHR alpha = c->supportedCompositeAlpha & -c->supportedCompositeAlpha;
    VkSwapchainCreateInfoKHR info = {VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR, NULL, 0, s->surface, n, format.format, format.colorSpace, extent, 1,
                                     VK_IMAGE_USAGE_TRANSFER_DST_BIT, VK_SHARING_MODE_EXCLUSIVE, 0, NULL, c->currentTransform, alpha, VK_PRESENT_MODE_FIFO_KHR, VK_TRUE, VK_NULL_HANDLE};
    r = PCALL(s, CreateSwapchainKHR, s->d->handle, &info, NULL, &s->chain);
    if (r) s->chain = VK_NULL_HANDLE;
    n = MOST_IMAGES;
    if (!r) r = PCALL(s, GetSwapchainImagesKHR, s->d->handle, s->chain, &n, s->images);
    if (r == VK_INCOMPLETE) r = VK_ERROR_TOO_MANY_OBJECTS;
    VkSemaphoreCreateInfo sem = {VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
    if (!r) r = PCALL(s, CreateSemaphore, s->d->handle, &sem, NULL, &s->taken);
    for (uint32_t i = 0; !r && i < n; i++) {
        r = PCALL(s, CreateSemaphore, s->d->handle, &sem, NULL, &s->ready[i]);
        if (!r) s->nimages = i + 1;
    }
    if (r) {
        drop_chain(s);
        return r;
    }
    s->extent = extent, s->stale = 0;
    return VK_SUCCESS;
}

// make_picture makes the image that the canvas is copied to.
static VkResult make_picture(cvk_screen *s, uint32_t width, uint32_t height) {
    drop_picture(s);
    VkImageCreateInfo info = {VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO, NULL, 0, VK_IMAGE_TYPE_2D, s->srgb ? VK_FORMAT_R8G8B8A8_SRGB : VK_FORMAT_R8G8B8A8_UNORM, {width, height, 1}, 1, 1,
                              VK_SAMPLE_COUNT_1_BIT, VK_IMAGE_TILING_OPTIMAL, VK_IMAGE_USAGE_TRANSFER_DST_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT};
    VkResult r = PCALL(s, CreateImage, s->d->handle, &info, NULL, &s->picture);
    if (r) {
        s->picture = VK_NULL_HANDLE;
        return r;
    }
    VkMemoryRequirements need;
    s->GetImageMemoryRequirements(s->d->handle, s->picture, &need);
    VkPhysicalDeviceMemoryProperties mem;
    s->GetPhysicalDeviceMemoryProperties(s->phys, &mem);
    uint32_t type = VK_MAX_MEMORY_TYPES;
    for (uint32_t i = 0; i < mem.memoryTypeCount; i++)
        if (need.memoryTypeBits >> i & 1 && (type == VK_MAX_MEMORY_TYPES || (mem.memoryTypes[i].propertyFlags & ~mem.memoryTypes[type].propertyFlags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT))) type = i;
    VkMemoryAllocateInfo alloc = {VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, NULL, need.size, type};
    r = PCALL(s, AllocateMemory, s->d->handle, &alloc, NULL, &s->memory);
    if (r) s->memory = VK_NULL_HANDLE;
    if (!r) r = PCALL(s, BindImageMemory, s->d->handle, s->picture, s->memory, 0);
    if (r) drop_picture(s);
    else s->width = width, s->height = height;
    return r;
}

static void image_barrier(cvk_screen *s, VkImage image, VkPipelineStageFlags from, VkAccessFlags wrote, VkImageLayout was, VkPipelineStageFlags to, VkAccessFlags reads, VkImageLayout becomes) {
    VkImageMemoryBarrier b = {VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER, NULL, wrote, reads, was, becomes, VK_QUEUE_FAMILY_IGNORED, VK_QUEUE_FAMILY_IGNORED, image, {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
    s->d->CmdPipelineBarrier(s->cmd, from, to, 0, 0, NULL, 0, NULL, 1, &b);
}

// record copies the canvas to the picture, and that to image i of the swapchain.
static VkResult record(cvk_screen *s, VkBuffer canvas, uint32_t i) {
    cvk_device *d = s->d;
    const VkPipelineStageFlags transfer = VK_PIPELINE_STAGE_TRANSFER_BIT;
    VkCommandBufferBeginInfo begin = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO, NULL, VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
    VkResult r = PCALL(s, ResetCommandBuffer, s->cmd, 0);
    if (!r) r = CALL(d, BeginCommandBuffer, s->cmd, &begin);
    if (r) return r;
    VkMemoryBarrier drawn = {VK_STRUCTURE_TYPE_MEMORY_BARRIER, NULL, VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_HOST_WRITE_BIT, VK_ACCESS_TRANSFER_READ_BIT};
    d->CmdPipelineBarrier(s->cmd, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_HOST_BIT, transfer, 0, 1, &drawn, 0, NULL, 0, NULL);
    image_barrier(s, s->picture, transfer, VK_ACCESS_TRANSFER_READ_BIT, VK_IMAGE_LAYOUT_UNDEFINED, transfer, VK_ACCESS_TRANSFER_WRITE_BIT, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
    const VkImageSubresourceLayers all = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
    VkBufferImageCopy copy = {0, 0, 0, all, {0, 0, 0}, {s->width, s->height, 1}};
    s->CmdCopyBufferToImage(s->cmd, canvas, s->picture, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &copy);
    image_barrier(s, s->picture, transfer, VK_ACCESS_TRANSFER_WRITE_BIT, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, transfer, VK_ACCESS_TRANSFER_READ_BIT, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL);
    image_barrier(s, s->images[i], transfer, 0, VK_IMAGE_LAYOUT_UNDEFINED, transfer, VK_ACCESS_TRANSFER_WRITE_BIT, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
    VkImageBlit blit = {all, {{0, 0, 0}, {(int32_t)s->width, (int32_t)s->height, 1}}, all, {{0, 0, 0}, {(int32_t)s->extent.width, (int32_t)s->extent.height, 1}}};
    s->CmdBlitImage(s->cmd, s->picture, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, s->images[i], VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &blit, VK_FILTER_NEAREST);
    image_barrier(s, s->images[i], transfer, VK_ACCESS_TRANSFER_WRITE_BIT, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, VK_IMAGE_LAYOUT_PRESENT_SRC_KHR);
    return CALL(d, EndCommandBuffer, s->cmd);
}

// acquire takes an image of a swapchain that suits the surface, making it anew where it must.
// *state is why there is none, with VK_SUCCESS.
static VkResult acquire(cvk_screen *s, uint32_t width, uint32_t height, uint64_t wait_ns, uint32_t *image, int *state) {
    for (int tries = 0; tries < 4; tries++) {
        VkSurfaceCapabilitiesKHR c;
        VkResult r = PCALL(s, GetPhysicalDeviceSurfaceCapabilitiesKHR, s->phys, s->surface, &c);
        if (r) return r;
        VkExtent2D e = c.currentExtent;
        if (e.width == UINT32_MAX) e.width = width, e.height = height; // the window takes the picture's size
        if (e.width < c.minImageExtent.width) e.width = c.minImageExtent.width;
        if (e.height < c.minImageExtent.height) e.height = c.minImageExtent.height;
        if (e.width > c.maxImageExtent.width) e.width = c.maxImageExtent.width;
        if (e.height > c.maxImageExtent.height) e.height = c.maxImageExtent.height;
        if (!e.width || !e.height) {
            *state = CVK_HIDDEN;
            return VK_SUCCESS;
        }
        if (s->stale || e.width != s->extent.width || e.height != s->extent.height) {
            r = make_chain(s, &c, e, wait_ns);
            if (r == VK_ERROR_OUT_OF_DATE_KHR || r == VK_ERROR_INITIALIZATION_FAILED) continue; // the window was resized meanwhile
            if (r) return r;
        }
        r = PCALL(s, AcquireNextImageKHR, s->d->handle, s->chain, 0, s->taken, VK_NULL_HANDLE, image);
        switch (r) {
        case VK_SUBOPTIMAL_KHR:
            s->stale = 1; // good enough for once
            *state = CVK_SHOWN;
            return VK_SUCCESS;
        case VK_SUCCESS:
            *state = CVK_SHOWN;
            return VK_SUCCESS;
        case VK_ERROR_OUT_OF_DATE_KHR:
            s->stale = 1;
            continue;
        case VK_TIMEOUT:
        case VK_NOT_READY:
            *state = CVK_NOT_TAKEN;
            return VK_SUCCESS;
        default:
            return r;
        }
    }
    *state = CVK_RESIZING;
    return VK_SUCCESS;
}

// show brings the picture to the screen, unless *shown says that it could not.
static VkResult show(cvk_screen *s, VkBuffer canvas, uint32_t width, uint32_t height, uint64_t wait_ns, cvk_shown *shown) {
    cvk_device *d = s->d;
    uint32_t i = 0;
    int state = CVK_HIDDEN;
    VkResult r = acquire(s, width, height, wait_ns, &i, &state);
    shown->state = state, shown->width = s->extent.width, shown->height = s->extent.height;
    if (r || state != CVK_SHOWN) return r;
    if (s->width != width || s->height != height) r = make_picture(s, width, height);
    if (!r) r = record(s, canvas, i);
    const VkPipelineStageFlags transfer = VK_PIPELINE_STAGE_TRANSFER_BIT;
    VkSubmitInfo submit = {VK_STRUCTURE_TYPE_SUBMIT_INFO, NULL, 1, &s->taken, &transfer, 1, &s->cmd, 1, &s->ready[i]};
    if (!r) r = PCALL(s, ResetFences, d->handle, 1, &s->done); // of the picture before, whose wait may have failed
    if (!r) r = CALL(d, QueueSubmit, d->queue, 1, &submit, s->done);
    if (r) {
        s->stale = 1; // the image stays taken, and its semaphore signalled: all of it is made anew
        return r;
    }
    VkPresentInfoKHR info = {VK_STRUCTURE_TYPE_PRESENT_INFO_KHR, NULL, 1, &s->ready[i], 1, &s->chain, &i, NULL};
    VkResult presented = PCALL(s, QueuePresentKHR, d->queue, &info);
    if (presented) s->stale = 1;
    r = CALL(d, WaitForFences, d->handle, 1, &s->done, VK_TRUE, wait_ns);
    if (r && r != VK_TIMEOUT) r = idle(s, wait_ns) == VK_TIMEOUT ? VK_TIMEOUT : r;
    if (r) s->stale = 1;
    if (presented == VK_ERROR_OUT_OF_DATE_KHR) shown->state = CVK_RESIZING;
    if (presented == VK_SUBOPTIMAL_KHR || presented == VK_ERROR_OUT_OF_DATE_KHR) presented = VK_SUCCESS;
    return r ? r : presented;
}

VkResult cvk_screen_present(cvk_screen *s, cvk_handle canvas, uint32_t width, uint32_t height, uint64_t wait_ns, cvk_shown *shown) {
    VkResult r = show(s, AS(VkBuffer, canvas), width, height, wait_ns, shown);
    // The window system refused it: once more, with another swapchain.
    if (!r && shown->state == CVK_RESIZING) r = show(s, AS(VkBuffer, canvas), width, height, wait_ns, shown);
    return r;
}
