// Command crate-vk runs CRATE vision transformers on any Vulkan device: masks,
// features and checks from images and a weight file.
package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/loader/memory"
)

func main() {
	answerProbe()
	if os.Getenv("GOGC") == "" {
		// Most of the heap is decoded images, soon free: less of them at a time
		// costs 2 ms of CPU an image and spares 15 to 40 MB.
		debug.SetGCPercent(50)
	}
	if err := memory.Here().CheckSpace("the program", 256<<20, runtime.GOMAXPROCS(0)); err != nil {
		fmt.Fprintln(os.Stderr, "crate-vk:", err)
		os.Exit(cli.ExitFailed)
	}
	if room := memory.Here().Room().Bytes; os.Getenv("GOMEMLIMIT") == "" && room < math.MaxInt64 {
		debug.SetMemoryLimit(room / 4 * 3) // garbage goes sooner where memory is short
	}
	ctx, stop := cli.Interruptible("crate-vk", stopLimit)
	code := run(ctx, streams{os.Stdin, os.Stdout, os.Stderr}, os.Args[1:])
	stop()
	os.Exit(code)
}
