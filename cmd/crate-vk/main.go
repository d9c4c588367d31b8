// Command crate-vk runs CRATE vision transformers on any Vulkan device: masks,
// features and checks from images and a weight file.
package main

import (
	"os"
	"runtime/debug"
)

func main() {
	if os.Getenv("GOGC") == "" {
		// Most of the heap is decoded images, soon free: less of them at a time
		// costs 2 ms of CPU an image and spares 15 to 40 MB.
		debug.SetGCPercent(50)
	}
	ctx, stop := interruptible(stopLimit)
	code := run(ctx, streams{os.Stdin, os.Stdout, os.Stderr}, os.Args[1:])
	stop()
	os.Exit(code)
}
