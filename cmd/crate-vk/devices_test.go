package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/engine/drivers"
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
	if code != cli.ExitOK {
		t.Skip("NOT TESTED: no Vulkan device")
	}
	if gpu := strings.Count(out, " software ") < strings.Count(out, "\n")-1; !gpu && !strings.Contains(log, "devices --why") {
		t.Errorf("no GPU is listed, and nothing says what to do: %q", log)
	}
	if code, _, log := list("--json"); code != cli.ExitOK || log != "" {
		t.Errorf("--json: exit %d, %q", code, log)
	}
}

// TestStanding: what a busy machine did not load in time is no cause where devices were
// listed, for the loader has loaded it meanwhile; what stands in nobody's way is none
// where there is a GPU.
func TestStanding(t *testing.T) {
	for _, x := range []struct {
		gpu, listed bool
		want        string
	}{{false, false, "harmless late cause"}, {false, true, "harmless cause"}, {true, true, "cause"}} {
		var got []string
		for _, f := range standing([]drivers.Finding{{Problem: "harmless", Harmless: true}, {Problem: "late", Late: true}, {Problem: "cause"}}, x.gpu, x.listed) {
			got = append(got, f.Problem)
		}
		if s := strings.Join(got, " "); s != x.want {
			t.Errorf("GPU %t, listed %t: %q, want %q", x.gpu, x.listed, s, x.want)
		}
	}
}
