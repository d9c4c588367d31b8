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
		"bench.jsonl": `{"model":"m","batch":8,"precision":"fp32","device":"Card 9","ms_per_image":{"median":2.5},"gflops":1234,"share_of_device_gflops":0.5,"sensors":{"clock_mhz":{"median":1500},"power_watts":{"median":250}},"ops":[{"name":"small","count":1,"ms":1}]}
{"model":"m","batch":32,"precision":"fp32","device":"Card 9","ms_per_image":{"median":2},"ops":[{"name":"linear_tiles 9×9→9","count":4,"ms":1.5,"gflops":900,"gb_per_second":30,"share_of_roof":0.75}]}
{"model":"m","batch":32,"precision":"fp16","device":"Card 9","ms_per_image":{"median":1},"ops":[{"name":"halves","count":4,"ms":1.25}]}
{"model":"m","ba` + "\n", // cut off
		"ceilings.json":     `{"gb_per_second": 700, "peaks": [{"factors":"fp32","sums":"fp32","gflops":20000},{"factors":"fp16","sums":"fp32","scope":"subgroup","shape":[16,8,32],"gflops":150000},{"factors":"int8","sums":"int32","scope":"subgroup","shape":[1,2,3],"gflops":0,"error":"wrong result"}], "lacks": ["a thing"]}`,
		"product-fp32.json": `{"rows":100,"inner":20,"columns":30,"precision":"fp32","kernel":"linear_tiles 64x64","gflops":800}`,
		"product-fp16.json": ``,
		"torch-products.jsonl": `{"rows":100,"inner":20,"columns":30,"precision":"fp32","gflops":1000}
{"rows":100,"inner":20,"columns":99,"precision":"tf32","gflops":1000}` + "\n",
		"tuned.jsonl": `{"model":"m","batch":8,"precision":"fp32","device":"Card 9","ms_per_image":{"median":2}}` + "\n",
		"torch.jsonl": `{"model":"m","batch":8,"precision":"fp32","device":"Card 9","version":"2.9","ms_per_image":3}` + "\n",
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
		"PyTorch 2.9 on Card 9", "| m | 8 | fp32 | 2.50 | 1234 | 50 % | 1500 | 250 | 2.00 | 3.00 | 1.50 |",
		"| m | 32 | fp32 | 2.00 | 0 | 0 % | – | – | – | – | – |", "Not readable: bench.jsonl (",
		"| fp32 | fp32 | – | – | 20 |", "| fp16 | fp32 | 16×8×32 | subgroup | 150 |", "| int8 | int32 | 1×2×3 | subgroup | **wrong result** |", "memory: 700 GB/s, read and written. Not there: a thing.",
		"| fp32 | 100×20×30 | linear_tiles 64x64 | 800 | 0.80 | – | – |",
		"m, batch 32, fp32: each kernel's", "| linear_tiles 9×9→9 | 4 | 1.500 | 900 | 30 | 75 % |", "m, batch 32, fp16: each kernel's"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if strings.Contains(got, "| small |") || strings.Contains(got, "| fp16 | 0×0×0") {
		t.Error("the page has the kernels of a smaller batch, or a product that was not timed")
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

// TestDeviceOfTheRun: where no row of bench came to be the page is of the device that the
// ceilings name, or of the GPU in the list, wherever it stands in it.
func TestDeviceOfTheRun(t *testing.T) {
	r := results{why: why{Devices: []device{{Name: "soft", Type: "software"}, {Name: "card", Type: "discrete"}}}}
	if got := r.device(); got != "card" || !r.gpu() {
		t.Errorf("%q, a GPU: %t", got, r.gpu())
	}
	r.ceilings.Device = "soft"
	if got := r.device(); got != "soft" || r.gpu() {
		t.Errorf("%q, a GPU: %t", got, r.gpu())
	}
	r.bench = []timing{{Device: "card"}}
	if got := r.device(); got != "card" {
		t.Errorf("%q", got)
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
