package main

import (
	"context"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestFastestCore: that of OpenBLAS's kernels is taken which needs the least CPU time, one that the
// processor can't run is out, and both are said.
func TestFastestCore(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in is a shell script")
	}
	const answer = `while read -r line; do [ -z "$CORE_DIES" ] || exit 132; echo "{\"gflops\":$GFLOPS,\"cpu\":$CPU}"; done`
	// By the clock, which a busy machine disturbs, Haswell would be the fastest.
	speeds := map[string][]string{"": {"GFLOPS=95", "CPU=0.0195"}, "SkylakeX": {"GFLOPS=20", "CPU=0.0048"}, "Zen": {"GFLOPS=15", "CPU=0.0062"}, "Haswell": {"GFLOPS=200", "CPU=0.0077"}}
	for _, c := range []struct {
		dies, best, note string
	}{
		{"", "SkylakeX", "here, SkylakeX (OPENBLAS_CORETYPE; a layer of 785 tokens, 768 channels and 12 heads in ms of CPU: its own choice 19.5, SkylakeX 4.8, Zen 6.2, Haswell 7.7)."},
		{"SkylakeX", "Zen", "here, Zen (OPENBLAS_CORETYPE; a layer of 785 tokens, 768 channels and 12 heads in ms of CPU: its own choice 19.5, SkylakeX does not run, Zen 6.2, Haswell 7.7)."},
	} {
		list, err := measureCores(context.Background(), coreTypes(), func(core string) *exec.Cmd {
			cmd := exec.Command("sh", "-c", answer)
			cmd.Env = slices.Clone(speeds[core])
			if core == c.dies && core != "" {
				cmd.Env = append(cmd.Env, "CORE_DIES=1")
			}
			return cmd
		})
		if err != nil {
			t.Fatal(err)
		}
		best := fastestCore(list)
		if note := coreNote(list, best); best.name != c.best || !strings.Contains(note, c.note) {
			t.Errorf("%q is the fastest, want %q: %s", best.name, c.best, note)
		}
	}
	t.Setenv(coreVariable, "Haswell")
	for core, want := range map[string]bool{"": false, "Zen": true} {
		env := coreEnv(core)
		if slices.Contains(env, coreVariable+"=Haswell") || slices.Contains(env, coreVariable+"=Zen") != want {
			t.Errorf("PyTorch is not told %q alone: %q", core, env)
		}
	}
	_, err := measureCores(context.Background(), []string{""}, func(string) *exec.Cmd { return exec.Command("sh", "-c", "exit 1") })
	if err == nil {
		t.Error("a PyTorch that does not run at all is passed over")
	}
}
