package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
)

// TestPresetSegments: a preset runs in segment, and both the user and the run's record are told
// that its weights are random.
func TestPresetSegments(t *testing.T) {
	out := t.TempDir()
	_, stderr := command(t, cli.ExitOK, "segment", "-d", "cpu", "-m", "emergence-s8", "--size", "16", "-o", out, "../../testdata/demo/samples/images/01-fish.png")
	if !strings.Contains(stderr, "emergence-s8 is a preset, which has no file: its weights are RANDOM") {
		t.Errorf("standard error: %s", stderr)
	}
	record, err := os.ReadFile(filepath.Join(out, "results.jsonl"))
	if err != nil || !strings.Contains(string(record), `"model":"emergence-s8 (random weights)"`) {
		t.Errorf("the record: %s, %v", record, err)
	}
	if _, stderr := command(t, cli.ExitModel, "segment", "-d", "cpu", "-m", "emergence-x9", "-o", out, "../../testdata/demo/samples/images/01-fish.png"); !strings.Contains(stderr, "emergence-s8") {
		t.Errorf("a preset that isn't there: %s", stderr)
	}
}

// TestInfoChecksWeights: info refuses a file that holds no numbers, and says where values come from.
func TestInfoChecksWeights(t *testing.T) {
	data, err := os.ReadFile("../../testdata/demo/crate-demo-random.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "model.safetensors")
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("model.safetensors", data)
	write("preprocessor_config.json", []byte(`{"image_mean": [0.5, 0.5, 0.5], "resample": 3}`))
	stdout, _ := command(t, cli.ExitOK, "info", "--eta", "0.2", path)
	for _, want := range []string{"flags: eta", "preprocessor_config.json: interpolation", "resized by the bicubic filter", "metadata of the weight file: "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("info doesn't say %q: %s", want, stdout)
		}
	}
	copy(data[len(data)-4:], []byte{0, 0, 0xc0, 0x7f})
	write("model.safetensors", data)
	if _, stderr := command(t, cli.ExitModel, "info", path); !strings.Contains(stderr, "want finite numbers") {
		t.Errorf("info of a NaN: %s", stderr)
	}
}

// TestOwnReadout: a model whose own read-out names layers that it doesn't have, or one
// twice, is refused as a model; flags that do so are wrong usage.
func TestOwnReadout(t *testing.T) {
	data, err := os.ReadFile("../../testdata/demo/crate-demo-random.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	segment := []string{"segment", "-d", "cpu", "--size", "16", "-o", filepath.Join(t.TempDir(), "out"), "../../testdata/demo/samples/images/01-fish.png"}
	for own, want := range map[string]string{"layers=4,9": "layer 9", "layers=5,5": "layer 5 is named twice"} {
		write(t, path, bytes.Replace(data, []byte("layers=4,5"), []byte(own), 1))
		if _, stderr := command(t, cli.ExitModel, append(segment, "-m", path)...); !strings.Contains(stderr, want) || !strings.Contains(stderr, "model.safetensors") {
			t.Errorf("%s: %s", own, stderr)
		}
	}
	if _, stderr := command(t, cli.ExitUsage, append(segment, "--layer", "5,-1")...); !strings.Contains(stderr, "layer 5 is named twice") {
		t.Errorf("--layer 5,-1: %s", stderr)
	}
}
