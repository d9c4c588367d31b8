package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPage: what gpu-check leaves is on the page, a step that failed too, and where no
// GPU was among the devices the page says that none has run it.
func TestPage(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"commit":           "abc\n",
		"machine.txt":      "Linux 6.1 x86_64\nmodel name\t: A Processor\n",
		"why.json":         `{"gpu": true, "devices": [{"name": "Card 9", "type": "discrete", "driver": "D 1.2", "api": "1.3.1", "subgroup": 32, "memory_bytes": 16000000000}]}`,
		"steps.tsv":        "verify\t0\t20\ntests-vk\t1\t5\ntune-x\t124\t45\nkernels\tskipped\t0\n",
		"tests-engine.txt": "--- PASS: TestA (0.10s)\n    --- FAIL: TestB/card (0.20s)\n--- FAIL: TestB (0.20s)\n",
		"masks.tsv":        "attention\t11\t12\n",
		"bench.jsonl":      `{"model":"m","batch":8,"precision":"fp32","device":"Card 9","ms_per_image":{"median":2.5},"gflops":1234,"share_of_device_gflops":0.5}` + "\n",
		"tuned.jsonl":      `{"model":"m","batch":8,"precision":"fp32","device":"Card 9","ms_per_image":{"median":2}}` + "\n",
		"torch.jsonl":      `{"model":"m","batch":8,"precision":"fp32","device":"Card 9","version":"2.9","ms_per_image":3}` + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := read(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := page([]results{r})
	for _, want := range []string{"## Card 9\n", "D 1.2, Vulkan 1.3.1, subgroups of 32, 16.0 GB. Commit abc.", "Beside a A Processor", "| verify | done | 20 |", "| tests-vk | **exit code 1** | 5 |",
		"| tune-x | **ran out of its time** | 45 |", "| kernels | skipped: no time was left | 0 |", "1 tests passed, 2 failed: TestB/card, TestB.", "masks of attention 11 of 12",
		"PyTorch 2.9 on Card 9", "| m | 8 | fp32 | 2.50 | 1234 | 50 % | 2.00 | 3.00 | 1.50 |"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	const none = "No GPU has run crate-vk yet"
	if strings.Contains(got, none) {
		t.Error("a GPU has run it, and the page says that none has")
	}
	r.why.Devices[0].Type = "software"
	for _, list := range [][]results{nil, {r}} {
		if !strings.Contains(page(list), none) {
			t.Errorf("of %d software devices the page does not say that no GPU has run it", len(list))
		}
	}
}

// TestPageIsCurrent: the committed page has what this program says of itself.
func TestPageIsCurrent(t *testing.T) {
	data, err := os.ReadFile("../../../docs/gpus.md")
	if err != nil {
		t.Fatal(err)
	}
	if got := string(data); !strings.HasPrefix(got, head) || !strings.HasSuffix(got, how) {
		t.Error("docs/gpus.md is not what gpureport writes: go run ./cmd/internal/gpureport FOLDER …")
	}
}
