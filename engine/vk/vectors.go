//go:build cgo

package vk

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/crate-vk/crate-vk/loader/regular"
)

// vectors is the vector width that this process asks llvmpipe for.
type vectors struct {
	bits  int      // 0: nothing was asked for
	names []string // the variables that say so
	read  bool     // drivers have been loaded and may have read them: bits stay as they are
}

const (
	widthVariable   = "LP_NATIVE_VECTOR_WIDTH"
	cacheVariable   = "MESA_SHADER_CACHE_DIR"
	noCacheVariable = "MESA_SHADER_CACHE_DISABLE"
)

// ask chooses the width where the CPU can have it and the user has not chosen.
// Mesa's disk cache does not distinguish widths, so each gets a folder of its
// own.
func (v *vectors) ask(bits int) error {
	byUser := v.bits == 0 && os.Getenv(widthVariable) != ""
	if bits == 0 || bits == v.bits || byUser || bits == 512 && !hasAVX512() {
		return nil
	}
	if v.read {
		return fmt.Errorf("%w: vectors of %d bits are asked for, and the process has loaded its drivers with %s", ErrConflict, bits, v)
	}
	v.undo()
	v.bits = bits
	v.set(widthVariable, fmt.Sprint(bits))
	if dir, err := os.UserCacheDir(); err == nil && os.Getenv(cacheVariable) == "" {
		dir = fmt.Sprintf("%s/crate-vk/mesa-%d", dir, bits)
		// Mesa makes no folders above it, and complains where there are none.
		if err := os.MkdirAll(dir, 0o700); err == nil {
			v.set(cacheVariable, dir)
		} else {
			v.set(noCacheVariable, "true")
		}
	}
	return nil
}

func (v *vectors) set(name, value string) {
	os.Setenv(name, value)
	v.names = append(v.names, name)
}

// undo takes back what was asked for, unless drivers may have read it.
func (v *vectors) undo() {
	if v.read {
		return
	}
	for _, name := range v.names {
		os.Unsetenv(name)
	}
	v.bits, v.names = 0, nil
}

func (v *vectors) String() string {
	if v.bits == 0 {
		return "their own choice"
	}
	return fmt.Sprint(v.bits)
}

func hasAVX512() bool {
	info, err := regular.Read(context.Background(), "/proc/cpuinfo", regular.Proc)
	return err == nil && strings.Contains(string(info), " avx512f")
}

// VectorBits is the vector width that this process asked llvmpipe for, 0 when
// it left the choice to the driver or the user.
func VectorBits() int {
	process.Lock()
	defer process.Unlock()
	return process.vectors.bits
}
