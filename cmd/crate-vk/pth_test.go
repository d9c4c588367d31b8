package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/loader/weights"
)

// command runs a command line in this process and wants its exit code.
func command(t *testing.T, code int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	if got := run(t.Context(), streams{strings.NewReader(""), &out, &errs}, args); got != code {
		t.Fatalf("crate-vk %s: exit code %d, want %d: %s", strings.Join(args, " "), got, code, errs.String())
	}
	return out.String(), errs.String()
}

// tensors reads every tensor of a file.
func tensors(t *testing.T, path string) map[string][]float32 {
	t.Helper()
	f, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := map[string][]float32{}
	for _, info := range f.Tensors() {
		if all[info.Name], err = f.ReadF32(info.Name); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// features runs a model on a golden's image and gives its tensors.
func features(t *testing.T, model, image, device string) map[string][]float32 {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	command(t, cli.ExitOK, "features", "--device", device, "--no-self-test", "--size", "native", "--model", model, "--facets", "tokens,key,attention,cls,logits,features", "--out", out, image)
	return tensors(t, filepath.Join(out, "image.safetensors"))
}

// agree compares with what a golden stores, within 1e-4 of the largest value.
func agree(t *testing.T, what string, got, want map[string][]float32) {
	t.Helper()
	if len(want) == 0 {
		t.Errorf("%s: nothing to compare with", what)
	}
	for name, w := range want {
		g := got[name]
		if len(g) != len(w) {
			t.Errorf("%s: %s has %d elements, want %d", what, name, len(g), len(w))
			continue
		}
		top, diff := 0.0, 0.0
		for i := range w {
			top, diff = max(top, math.Abs(float64(w[i]))), max(diff, math.Abs(float64(g[i]-w[i])))
		}
		if !(diff <= 1e-4*top) {
			t.Errorf("%s: %s differs by %.3g of its largest value", what, name, diff/top)
		}
	}
}

// testDevices are the interpreter and every Vulkan device that is listed.
func testDevices(t *testing.T) []string {
	list := []string{"cpu"}
	for _, d := range vulkanDevices() {
		list = append(list, "uuid:"+d.UUID)
	}
	if len(list) == 1 {
		t.Log("NOT TESTED ON A DEVICE: none is listed")
	}
	return list
}

// TestConvertedGoldens converts the committed PyTorch checkpoints of goldens and
// holds the tensors of the converted models against those that the published
// code computed: nested wrappers, legacy format, transposed strides, parameters
// that share one storage at odd offsets.
func TestConvertedGoldens(t *testing.T) {
	devices := testDevices(t)
	for _, c := range []struct{ file, golden string }{
		{"crate-model.pth", "crate-square"},
		{"crate-state-dict.legacy.pth", "crate-square"},
		{"crate-flat.pth", "crate-interpolated"},
	} {
		golden := filepath.Join("../../testdata/model", c.golden)
		want := tensors(t, filepath.Join(golden, "expected.safetensors"))
		model := filepath.Join(t.TempDir(), "model.safetensors")
		command(t, cli.ExitOK, "convert", "--heads", "3", filepath.Join("../../testdata/pth", c.file), model)
		for _, device := range devices {
			agree(t, c.file+" on "+device, features(t, model, filepath.Join(golden, "image.png"), device), want)
		}
	}
}

// TestConvertedBranches converts teacher and student of one checkpoint, which
// are a golden's weights rounded to BF16 and to F16: each gives what the rounded
// weights give, and the two differ.
func TestConvertedBranches(t *testing.T) {
	golden := "../../testdata/model/crate-square"
	image := filepath.Join(golden, "image.png")
	exact := features(t, filepath.Join(golden, "model.safetensors"), image, "cpu")
	for branch, round := range map[string]func(float64) float64{
		"teacher": func(x float64) float64 { return float64(graph.BF16ToF32(graph.ToBF16(x))) },
		"student": func(x float64) float64 { return float64(graph.F16ToF32(graph.ToF16(x))) },
	} {
		dir := t.TempDir()
		rounded, converted := filepath.Join(dir, "rounded.safetensors"), filepath.Join(dir, "converted.safetensors")
		roundModel(t, filepath.Join(golden, "model.safetensors"), rounded, round)
		command(t, cli.ExitOK, "convert", "--heads", "3", "--branch", branch, "../../testdata/pth/crate-dino.pth", converted)
		want := features(t, rounded, image, "cpu")
		got := features(t, converted, image, "cpu")
		for name, w := range want {
			for i := range w {
				if math.Float32bits(got[name][i]) != math.Float32bits(w[i]) {
					t.Fatalf("%s: %s[%d] is %v, the rounded weights give %v", branch, name, i, got[name][i], w[i])
				}
			}
		}
		if got["logits"][0] == exact["logits"][0] {
			t.Errorf("%s: the rounding does not show", branch)
		}
	}
}

func roundModel(t *testing.T, from, to string, round func(float64) float64) {
	t.Helper()
	f, err := weights.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []weights.Tensor
	for _, info := range f.Tensors() {
		x, err := f.ReadF64(info.Name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range x {
			x[i] = round(x[i])
		}
		list = append(list, weights.Tensor{Name: info.Name, DType: weights.F32, Shape: info.Shape, F64: x})
	}
	var b bytes.Buffer
	if err := weights.Write(&b, list, map[string]string{"crate.heads": "3"}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// saveTorch saves goldens' models as PyTorch would, every second one in the
// legacy format: argv is file and output, again and again.
const saveTorch = `
import json, struct, sys, torch
types = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
for i in range(1, len(sys.argv), 2):
    data = open(sys.argv[i], "rb").read()
    n, = struct.unpack("<Q", data[:8])
    state = {}
    for name, h in json.loads(data[8:8 + n]).items():
        if name != "__metadata__":
            a, b = h["data_offsets"]
            t = torch.frombuffer(bytearray(data[8 + n + a:8 + n + b]), dtype=types[h["dtype"]]).reshape(h["shape"]).clone()
            state["module." + name] = t.t().contiguous().t() if t.dim() == 2 else t
    torch.save({"model": {"state_dict": state}, "epoch": 1}, sys.argv[i + 1], _use_new_zipfile_serialization=i % 4 == 1)
`

// TestTorchGoldens does the same for every golden case there is, of every
// architecture, where PyTorch can write the checkpoints.
func TestTorchGoldens(t *testing.T) {
	python := "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import torch").Run(); err != nil {
		t.Skipf("NOT TESTED: PyTorch is not there to write checkpoints (%s: %v); TestConvertedGoldens has the committed ones", python, err)
	}
	root := "../../testdata/model"
	if dir := os.Getenv("CRATE_VK_GOLDENS"); dir != "" {
		root = dir
	}
	cases, err := filepath.Glob(filepath.Join(root, "*", "expected.safetensors"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("no goldens below %s", root)
	}
	dir, args := t.TempDir(), []string{"-c", saveTorch}
	for i, path := range cases {
		args = append(args, filepath.Join(filepath.Dir(path), "model.safetensors"), filepath.Join(dir, fmt.Sprint(i, ".pth")))
	}
	if out, err := exec.Command(python, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for i, path := range cases {
		golden := filepath.Dir(path)
		checkpoint, model := filepath.Join(dir, fmt.Sprint(i, ".pth")), filepath.Join(dir, fmt.Sprint(i, ".safetensors"))
		config := filepath.Join(golden, "config.json")
		if _, err := os.Stat(config); err != nil {
			t.Logf("%s: nothing beside the file says how many heads it has", golden)
			continue
		}
		command(t, cli.ExitOK, "convert", "--config", config, checkpoint, model)
		agree(t, filepath.Base(golden), features(t, model, filepath.Join(golden, "image.png"), "cpu"), tensors(t, path))
	}
}

// TestConvertRefuses converts every hostile checkpoint of testdata: each is
// refused as a model, in one line that names the file, and leaves nothing.
func TestConvertRefuses(t *testing.T) {
	bad, err := filepath.Glob("../../testdata/pth/bad/*.pth")
	if err != nil || len(bad) < 150 {
		t.Fatalf("%d hostile checkpoints: %v", len(bad), err)
	}
	dir := t.TempDir()
	for _, path := range bad {
		if strings.HasPrefix(filepath.Base(path), "ok.") {
			continue
		}
		_, stderr := command(t, cli.ExitModel, "convert", "--heads", "1", path, filepath.Join(dir, "out.safetensors"))
		if line := strings.TrimSpace(stderr); strings.Count(line, "\n") > 0 || !strings.Contains(line, filepath.Base(path)) {
			t.Errorf("%s: %q", path, stderr)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
