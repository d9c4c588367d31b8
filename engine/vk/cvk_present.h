// Pictures on a screen: what only a window needs.
#ifndef CVK_PRESENT_H
#define CVK_PRESENT_H

#include "cvk_internal.h"

// The queue family that computes, blits and shows pictures on a surface, −1: none.
int32_t cvk_present_family(void *gipa, cvk_handle instance, cvk_handle phys, cvk_handle surface, uint32_t *timestamps);
// A surface that nobody sees, by VK_EXT_headless_surface.
VkResult cvk_headless_surface(void *gipa, cvk_handle instance, cvk_handle *out);
void cvk_surface_destroy(void *gipa, cvk_handle instance, cvk_handle surface);

// A device's way to a surface: a swapchain, which is made when it is needed, and made anew
// whenever the window changes.
// The VkSurfaceKHR that lies at an address.
cvk_handle cvk_surface_at(uintptr_t at);

typedef struct cvk_screen cvk_screen;
VkResult cvk_screen_create(void *gipa, cvk_handle instance, cvk_handle phys, cvk_device *d, uint32_t family, cvk_handle surface, cvk_screen **out);
// VK_TIMEOUT: the device hangs, and everything was left as it is.
VkResult cvk_screen_destroy(cvk_screen *s, uint64_t wait_ns);

// What became of a picture.
enum {
    CVK_SHOWN,
    CVK_HIDDEN,    // the window has no pixel: it is minimised
    CVK_NOT_TAKEN, // the window system took no picture in time: the window may be covered
    CVK_RESIZING,  // the window changed its size faster than a swapchain could follow
};
typedef struct {
    int state;
    uint32_t width, height; // of the window
} cvk_shown;

// Copies the canvas, width × height words of RGBA, to the screen, and waits until it has been
// read. VK_TIMEOUT: the device hangs, and may still read it.
VkResult cvk_screen_present(cvk_screen *s, cvk_handle canvas, uint32_t width, uint32_t height, uint64_t wait_ns, cvk_shown *shown);

#endif
