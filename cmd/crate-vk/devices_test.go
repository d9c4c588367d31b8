package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

// TestDevicesNamesTheWay: where no GPU is listed, the list ends with what to do; as JSON
// it is data alone.
func TestDevicesNamesTheWay(t *testing.T) {
	list := func(args ...string) (int, string, string) {
		var out, log bytes.Buffer
		code := run(context.Background(), streams{strings.NewReader(""), &out, &log}, append([]string{"devices"}, args...))
		return code, out.String(), log.String()
	}
	code, out, log := list()
	if code != exitOK {
		t.Skip("NOT TESTED: no Vulkan device")
	}
	if gpu := strings.Count(out, " software ") < strings.Count(out, "\n")-1; !gpu && !strings.Contains(log, "devices --why") {
		t.Errorf("no GPU is listed, and nothing says what to do: %q", log)
	}
	if code, _, log := list("--json"); code != exitOK || log != "" {
		t.Errorf("--json: exit %d, %q", code, log)
	}
}
