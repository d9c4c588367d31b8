package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
)

// TestTuneHasAFolder: what could not be stored is refused before anything is measured,
// and before a device is looked for.
func TestTuneHasAFolder(t *testing.T) {
	for _, flag := range []string{"--no-cache", "--spirv=" + t.TempDir()} {
		var out, log bytes.Buffer
		code := run(context.Background(), streams{strings.NewReader(""), &out, &log}, []string{"tune", "-d", "no such device", flag})
		if code != cli.ExitUsage || !strings.Contains(log.String(), "--dry-run") {
			t.Errorf("tune %s: exit %d, %s", flag, code, log.String())
		}
	}
}
