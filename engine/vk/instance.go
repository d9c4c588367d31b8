//go:build cgo

package vk

/*
#cgo linux LDFLAGS: -ldl -lpthread
#cgo windows LDFLAGS: -static -lpthread
#include "cvk.h"
#include <stdlib.h>
*/
import "C"

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// process is the one instance that vulkan-go's package variables allow.
var process struct {
	sync.Mutex
	users     int
	gipa      unsafe.Pointer
	instance  Handle
	messenger *C.cvk_messenger
	validated bool
	vectors   vectors

	extensions []string
	surface    Handle // that devices are to show pictures on; 0: none
}

// surfaceExtension is what all window systems' extensions build on.
const surfaceExtension = "VK_KHR_surface"

// presentFamily finds the queue family of a device that computes and shows pictures on the
// process's surface. Only binaries with a window have one.
var presentFamily func(i *Instance, phys, surface Handle) (family, timestampBits int, ok bool)

// Instance is a use of the process's Vulkan instance.
type Instance struct {
	handle    Handle
	gipa      unsafe.Pointer
	validated bool
	presents  bool // it has surfaces
	faults    *Faults
	closed    sync.Once
}

// Open finds the loader and the drivers, anew when no one else uses them. The
// errors ErrNoLoader and ErrNoDriver say what is missing, ErrConflict that other
// options are in force.
func Open(opt Options) (*Instance, error) {
	if err := opt.check(); err != nil {
		return nil, err
	}
	process.Lock()
	defer process.Unlock()
	if opt.Validation && process.users > 0 && !process.validated {
		return nil, fmt.Errorf("%w: validation is asked for, and the process already uses Vulkan without it", ErrConflict)
	}
	for _, e := range opt.Extensions {
		if process.users > 0 && !slices.Contains(process.extensions, e) {
			return nil, fmt.Errorf("%w: %s is asked for, and the process already uses Vulkan without it", ErrConflict, e)
		}
	}
	if err := process.vectors.ask(opt.VectorBits); err != nil {
		return nil, err
	}
	if process.users == 0 {
		if err := open(opt); err != nil {
			process.vectors.undo()
			return nil, err
		}
	}
	process.users++
	return &Instance{handle: process.instance, gipa: process.gipa, validated: process.validated, presents: slices.Contains(process.extensions, surfaceExtension), faults: opt.Faults}, nil
}

func open(opt Options) error {
	if process.gipa == nil {
		gipa, err := openLoader()
		if err != nil {
			return err
		}
		process.gipa = gipa
		vulkan.SetGetInstanceProcAddr(process.gipa)
		if err := vulkan.Init(); err != nil {
			return fmt.Errorf("%w: %v", ErrNoLoader, err)
		}
	}
	validate := C.int(0)
	if opt.Validation {
		if err := haveValidation(); err != nil {
			return err
		}
		validate = 1
	}
	extensions, err := instanceExtensions(opt.Extensions)
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(extensions))
	var h C.cvk_handle
	switch r := Result(C.cvk_instance_create(process.gipa, validate, extensions, opt.Faults.pointer(), &h)); r {
	case Success:
		process.vectors.read = true
	case IncompatibleDriver:
		return ErrNoDriver
	default:
		return check("vkCreateInstance", r)
	}
	process.instance, process.validated, process.extensions = Handle(h), opt.Validation, slices.Clone(opt.Extensions)
	if err := vulkan.InitInstance(instanceOf(process.instance)); err != nil {
		vulkan.DestroyInstance(instanceOf(process.instance), nil)
		return fmt.Errorf("vulkan: %w", err)
	}
	if opt.Validation {
		if err := check("vkCreateDebugUtilsMessengerEXT", Result(C.cvk_messenger_create(process.gipa, h, &process.messenger))); err != nil {
			vulkan.DestroyInstance(instanceOf(process.instance), nil)
			return err
		}
	}
	return nil
}

// instanceExtensions are the names as C takes them; the caller frees them.
func instanceExtensions(names []string) (*C.char, error) {
	for _, name := range names {
		c := C.CString(name)
		known := C.cvk_has_instance_extension(process.gipa, c)
		C.free(unsafe.Pointer(c))
		if known == 0 {
			return nil, fmt.Errorf("vulkan: no driver has the instance extension %s", name)
		}
	}
	return C.CString(strings.Join(names, "\x00") + "\x00"), nil
}

func haveValidation() error {
	layer, ext := C.CString("VK_LAYER_KHRONOS_validation"), C.CString("VK_EXT_debug_utils")
	defer C.free(unsafe.Pointer(layer))
	defer C.free(unsafe.Pointer(ext))
	if C.cvk_has_layer(process.gipa, layer) == 0 {
		return fmt.Errorf("vulkan: the validation layer is not installed (on Debian: apt-get install vulkan-validationlayers)")
	}
	if C.cvk_has_instance_extension(process.gipa, ext) == 0 {
		return fmt.Errorf("vulkan: VK_EXT_debug_utils is missing")
	}
	return nil
}

// Messages takes what the validation layers have reported since the last call.
func Messages() []string {
	process.Lock()
	defer process.Unlock()
	return takeMessages()
}

func takeMessages() []string {
	if process.messenger == nil {
		return nil
	}
	const size = 16 << 10
	buf := (*C.char)(C.malloc(size))
	defer C.free(unsafe.Pointer(buf))
	var list []string
	for C.cvk_messenger_take(process.messenger, buf, size) > 0 {
		list = append(list, C.GoString(buf))
	}
	return list
}

// Close gives up this use; the last one destroys the instance.
func (i *Instance) Close() {
	i.closed.Do(func() {
		process.Lock()
		defer process.Unlock()
		if process.users--; process.users > 0 {
			return
		}
		if process.messenger != nil {
			C.cvk_messenger_destroy(process.messenger)
			process.messenger = nil
		}
		vulkan.DestroyInstance(instanceOf(process.instance), nil)
		process.instance = 0
	})
}

// instanceOf and its like are handles in vulkan-go's types, read from memory
// so that the compiler never sees a number become a pointer.
func instanceOf(h Handle) vulkan.Instance { return *(*vulkan.Instance)(unsafe.Pointer(&h)) }
func deviceOf(h Handle) vulkan.Device     { return *(*vulkan.Device)(unsafe.Pointer(&h)) }
func physicalOf(h Handle) vulkan.PhysicalDevice {
	return *(*vulkan.PhysicalDevice)(unsafe.Pointer(&h))
}

// check turns a result into an error.
func check(call string, r Result) error {
	if r >= 0 && r != Timeout && r != NotReady {
		return nil
	}
	return &Error{call, r}
}
