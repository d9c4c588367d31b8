#include "cvk_internal.h"

#include <stdio.h>

#ifdef _WIN32
#include <windows.h>

void *cvk_library_open(const char *name, char *why, int size) {
    // A library that is missing is an error here, and no window on the desktop.
    SetErrorMode(SetErrorMode(0) | SEM_FAILCRITICALERRORS);
    HMODULE library = LoadLibraryA(name);
    if (library) return library;
    DWORD code = GetLastError();
    DWORD n = FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, code, 0, why, size, NULL);
    while (n && (why[n - 1] == '\n' || why[n - 1] == '\r' || why[n - 1] == '.')) why[--n] = 0;
    if (!n) snprintf(why, size, "LoadLibrary: error %lu", (unsigned long)code);
    return NULL;
}

void *cvk_library_symbol(void *library, const char *name) { return (void *)GetProcAddress(library, name); }

void cvk_library_close(void *library) { FreeLibrary(library); }

#else
#include <dlfcn.h>

void *cvk_library_open(const char *name, char *why, int size) {
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library) return library;
    const char *e = dlerror(); // of this thread
    snprintf(why, size, "%s", e ? e : "unknown reason");
    return NULL;
}

void *cvk_library_symbol(void *library, const char *name) { return dlsym(library, name); }

void cvk_library_close(void *library) { dlclose(library); }
#endif
