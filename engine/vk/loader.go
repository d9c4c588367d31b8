//go:build cgo

package vk

/*
#include "cvk.h"
#include <stdlib.h>
*/
import "C"

import (
	"cmp"
	"errors"
	"fmt"
	"unsafe"
)

// CanLoad says that this binary can open shared libraries: it was built with cgo.
const CanLoad = true

// openLibrary opens a shared library; the error has the system's words.
func openLibrary(name string) (unsafe.Pointer, error) {
	const size = 1 << 10
	text, why := C.CString(name), (*C.char)(C.malloc(size))
	defer C.free(unsafe.Pointer(text))
	defer C.free(unsafe.Pointer(why))
	if library := C.cvk_library_open(text, why, size); library != nil {
		return library, nil
	}
	return nil, errors.New(C.GoString(why))
}

// TryLibrary opens a shared library as the Vulkan loader does with a driver's, and
// closes it again. name is a path, or a name that the system looks up in its folders;
// the error has the system's words. The library's own code runs: it may hang or crash.
func TryLibrary(name string) error {
	library, err := openLibrary(name)
	if err == nil {
		C.cvk_library_close(library)
	}
	return err
}

// openLoader finds the Vulkan loader, or a driver that stands for it, and returns its
// vkGetInstanceProcAddr. The library stays open.
func openLoader() (unsafe.Pointer, error) {
	entry := C.CString("vkGetInstanceProcAddr")
	defer C.free(unsafe.Pointer(entry))
	var first error
	for _, name := range LoaderNames() {
		library, err := openLibrary(name)
		if err == nil {
			if gipa := C.cvk_library_symbol(library, entry); gipa != nil {
				return gipa, nil
			}
			C.cvk_library_close(library)
			err = fmt.Errorf("%s has no vkGetInstanceProcAddr", name)
		}
		first = cmp.Or(first, err)
	}
	return nil, fmt.Errorf("%w: %s can't be opened (%w)", ErrNoLoader, LoaderNames()[0], first)
}
