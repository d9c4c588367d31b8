#include "cvk_internal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Messages are kept in a list and taken by Go: a callback into Go would run on
// driver threads and inside calls that hold locks.
typedef struct message {
    struct message *next;
    char text[];
} message;

struct cvk_messenger {
    VkInstance instance;
    VkDebugUtilsMessengerEXT handle;
    PFN_vkDestroyDebugUtilsMessengerEXT destroy;
    pthread_mutex_t mutex;
    message *first, **last;
};

static VKAPI_ATTR VkBool32 VKAPI_CALL receive(VkDebugUtilsMessageSeverityFlagBitsEXT severity, VkDebugUtilsMessageTypeFlagsEXT type,
                                              const VkDebugUtilsMessengerCallbackDataEXT *data, void *user) {
    (void)severity, (void)type;
    cvk_messenger *m = user;
    const char *id = data->pMessageIdName ? data->pMessageIdName : "", *text = data->pMessage ? data->pMessage : "";
    size_t size = strlen(id) + strlen(text) + 3;
    message *x = malloc(sizeof *x + size);
    if (!x) return VK_FALSE;
    x->next = NULL;
    snprintf(x->text, size, "%s: %s", id, text);
    pthread_mutex_lock(&m->mutex);
    *m->last = x;
    m->last = &x->next;
    pthread_mutex_unlock(&m->mutex);
    return VK_FALSE;
}

VkResult cvk_messenger_create(void *gipa, cvk_handle instance_, cvk_messenger **out) {
    VkInstance instance = (VkInstance)(uintptr_t)instance_;
    PFN_vkGetInstanceProcAddr get = (PFN_vkGetInstanceProcAddr)gipa;
    PFN_vkCreateDebugUtilsMessengerEXT create = (PFN_vkCreateDebugUtilsMessengerEXT)get(instance, "vkCreateDebugUtilsMessengerEXT");
    if (!create) return VK_ERROR_EXTENSION_NOT_PRESENT;
    cvk_messenger *m = calloc(1, sizeof *m);
    if (!m) return VK_ERROR_OUT_OF_HOST_MEMORY;
    m->instance = instance;
    m->destroy = (PFN_vkDestroyDebugUtilsMessengerEXT)get(instance, "vkDestroyDebugUtilsMessengerEXT");
    m->last = &m->first;
    pthread_mutex_init(&m->mutex, NULL);
    VkDebugUtilsMessengerCreateInfoEXT info = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT,
        .pfnUserCallback = receive,
        .pUserData = m,
    };
    VkResult r = create(instance, &info, NULL, &m->handle);
    if (r) {
        free(m);
        return r;
    }
    *out = m;
    return VK_SUCCESS;
}

void cvk_messenger_destroy(cvk_messenger *m) {
    m->destroy(m->instance, m->handle, NULL);
    while (m->first) {
        message *x = m->first;
        m->first = x->next;
        free(x);
    }
    pthread_mutex_destroy(&m->mutex);
    free(m);
}

int cvk_messenger_take(cvk_messenger *m, char *buf, int size) {
    pthread_mutex_lock(&m->mutex);
    message *x = m->first;
    if (x) {
        m->first = x->next;
        if (!m->first) m->last = &m->first;
    }
    pthread_mutex_unlock(&m->mutex);
    if (!x) return 0;
    int n = snprintf(buf, size, "%s", x->text);
    free(x);
    return n < size ? n : size - 1;
}
