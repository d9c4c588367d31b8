// Command gpureport writes docs/gpus.md from the results of gpu-check, one folder a
// device:
//
//	go run ./cmd/internal/gpureport [-out docs/gpus.md] [FOLDER …]
//
// Without a folder it writes the page that says that no GPU has run crate-vk yet.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	out := flag.String("out", "docs/gpus.md", "the page to write")
	flag.Parse()
	if err := write(*out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "gpureport:", err)
		os.Exit(1)
	}
}

func write(out string, folders []string) error {
	var list []results
	for _, folder := range folders {
		r, err := read(folder)
		if err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
		list = append(list, r)
	}
	return os.WriteFile(out, []byte(page(list)), 0o644)
}
