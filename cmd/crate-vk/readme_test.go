package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
)

// readmeCommands are the calls of crate-vk in README's blocks of shell code.
func readmeCommands(t *testing.T) (commands [][]string) {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, block := range strings.Split(string(text), "```") {
		if i%2 == 0 || !strings.HasPrefix(block, "sh\n") {
			continue
		}
		for _, line := range strings.Split(strings.ReplaceAll(block, "\\\n", " "), "\n") {
			line, _, _ = strings.Cut(line, " #")
			if args := strings.Fields(line); len(args) > 1 && args[0] == "bin/crate-vk" {
				commands = append(commands, args[1:])
			}
		}
	}
	return commands
}

// TestReadme: the commands of README run as they are written, in the root of the
// repository; here with one sample image, on the interpreter. Of bench, whose
// figures are of a device, the flags are looked at.
func TestReadme(t *testing.T) {
	commands := readmeCommands(t)
	if len(commands) < 5 {
		t.Fatalf("README has %d commands: %q", len(commands), commands)
	}
	root := t.TempDir()
	for _, name := range []string{"samples/images/01-fish.png", "samples/truth/01-fish.png", "crate-demo-random.safetensors"} {
		from := filepath.Join("..", "..", "testdata", "demo", name)
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(root, "testdata", "demo", name), data)
	}
	write(t, filepath.Join(root, "docs", "usage.md"), nil)
	t.Chdir(root)
	t.Setenv("CRATE_VK_DEVICE", "cpu")
	for _, args := range commands {
		line := strings.Join(args, " ")
		if args[0] == "bench" {
			args = append(args, "--help")
		}
		var out, log bytes.Buffer
		if code := run(context.Background(), streams{strings.NewReader(""), &out, &log}, args); code != cli.ExitOK {
			t.Errorf("crate-vk %s: exit %d: %s", line, code, log.String())
		}
	}
}
