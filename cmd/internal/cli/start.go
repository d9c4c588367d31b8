package cli

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/crate-vk/crate-vk/loader/memory"
)

// Settle sets the garbage collector for a program that decodes pictures, unless the user has,
// as it starts. The error says that there is too little address space for the program.
func Settle() error {
	if os.Getenv("GOGC") == "" {
		// Most of the heap is decoded images, soon free: less of them at a time
		// costs 2 ms of CPU an image and spares 15 to 40 MB.
		debug.SetGCPercent(50)
	}
	if err := memory.Here().CheckSpace("the program", 256<<20, runtime.GOMAXPROCS(0)); err != nil {
		return err
	}
	if room := memory.Here().Room().Bytes; os.Getenv("GOMEMLIMIT") == "" && room < math.MaxInt64 {
		debug.SetMemoryLimit(room / 4 * 3) // garbage goes sooner where memory is short
	}
	return nil
}
