// Command crate-vk runs CRATE vision transformers on any Vulkan device: masks,
// features and checks from images and a weight file.
package main

import (
	"fmt"
	"os"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
)

func main() {
	answerProbe()
	if err := cli.Settle(); err != nil {
		fmt.Fprintln(os.Stderr, "crate-vk:", err)
		os.Exit(cli.ExitFailed)
	}
	ctx, stop := cli.Interruptible("crate-vk", stopLimit)
	code := run(ctx, streams{os.Stdin, os.Stdout, os.Stderr}, os.Args[1:])
	stop()
	os.Exit(code)
}
