package cli

import (
	"fmt"
	"os"

	"github.com/crate-vk/crate-vk/loader/quote"
)

// NotOver refuses to write a file over one of those that the command reads, by
// whatever name or link it is reached. Names that are empty stand for nothing.
func NotOver(path string, inputs ...string) error {
	there, err := os.Stat(path)
	if err != nil {
		return nil // nothing, or a link that leads nowhere
	}
	for _, in := range inputs {
		if from, err := os.Stat(in); in != "" && err == nil && os.SameFile(there, from) {
			return Usage(fmt.Errorf("%s is an input: name another output", quote.Path(path)))
		}
	}
	return nil
}
