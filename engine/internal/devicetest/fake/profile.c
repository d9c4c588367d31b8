#include "fake.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    char *key, *value;
} lines[512];
static int nlines;

void profile_read(const char *path) {
    char line[512], key[128], value[384];
    FILE *f = path ? fopen(path, "r") : NULL;
    for (; nlines > 0; nlines--) free(lines[nlines - 1].key), free(lines[nlines - 1].value);
    while (f && nlines < 512 && fgets(line, sizeof line, f)) {
        value[0] = 0;
        if (sscanf(line, "%127s %383[^\n]", key, value) < 1) continue;
        lines[nlines].key = strdup(key);
        lines[nlines++].value = strdup(value);
    }
    if (f) fclose(f);
}

const char *profile_text(const char *key, int nth) {
    for (int i = 0; i < nlines; i++)
        if (!strcmp(lines[i].key, key) && nth-- == 0) return lines[i].value;
    return NULL;
}

int profile_number(const char *key, uint64_t *out) {
    const char *text = profile_text(key, 0);
    if (text) *out = strtoull(text, NULL, 0);
    return text != NULL;
}

uint64_t profile_limit(const char *key) {
    uint64_t n = UINT64_MAX;
    profile_number(key, &n);
    return n;
}

static pthread_mutex_t telling = PTHREAD_MUTEX_INITIALIZER;

// tell writes a text that was not told yet; telling is held.
static void tell(const char *text) {
    static uint64_t told[256];
    static int n;
    uint64_t hash = 14695981039346656037u;
    for (const char *c = text; *c; c++) hash = (hash ^ (uint8_t)*c) * 1099511628211u;
    for (int i = 0; i < n; i++)
        if (told[i] == hash) return;
    const char *path = getenv("CRATE_VK_TEST_BREACHES");
    FILE *f = path && n < 256 ? fopen(path, "a") : NULL;
    if (!f) return;
    told[n++] = hash;
    fprintf(f, "%s\n", text);
    fclose(f);
}

void breach(const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    pthread_mutex_lock(&telling);
    tell(text);
    pthread_mutex_unlock(&telling);
}

// The objects: a hash table with chains.
typedef struct object {
    struct object *next;
    uint64_t handle;
    int kind;
    uint64_t data[];
} object;
static object *table[1024];

static object **find(int kind, uint64_t handle) {
    object **at = &table[(handle * 11400714819323198485u + (uint64_t)kind) >> 54];
    while (*at && ((*at)->kind != kind || (*at)->handle != handle)) at = &(*at)->next;
    return at;
}

static pthread_mutex_t finding = PTHREAD_MUTEX_INITIALIZER;

void *object_of(int kind, uint64_t handle) {
    pthread_mutex_lock(&finding);
    object *o = *find(kind, handle);
    pthread_mutex_unlock(&finding);
    return o ? o->data : NULL;
}

void *object_new(int kind, uint64_t handle, size_t bytes) {
    object_free(kind, handle);
    object *o = calloc(1, sizeof *o + bytes);
    o->kind = kind;
    o->handle = handle;
    pthread_mutex_lock(&finding);
    *find(kind, handle) = o;
    pthread_mutex_unlock(&finding);
    return o->data;
}

void object_free(int kind, uint64_t handle) {
    pthread_mutex_lock(&finding);
    object **at = find(kind, handle), *o = *at;
    if (o) *at = o->next;
    pthread_mutex_unlock(&finding);
    free(o);
}
