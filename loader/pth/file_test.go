package pth

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/loader/weights"
)

const folder = "../../testdata/pth/"

func open(t *testing.T, path string) *File {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestExpected compares what PyTorch wrote with what it reads: every tensor of
// every file that make.py lists, bit for bit, and no tensor beside them.
func TestExpected(t *testing.T) {
	want, err := weights.Open(folder + "expected.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	files := map[string]*File{}
	for _, info := range want.Tensors() {
		name, tensor, _ := strings.Cut(info.Name, ":")
		if files[name] == nil {
			files[name] = open(t, folder+name)
		}
		f := files[name]
		got, err := f.ReadRaw(tensor)
		if err != nil {
			t.Error(err)
			continue
		}
		raw, err := want.ReadBytes(info.Name)
		if err != nil {
			t.Fatal(err)
		}
		if got.Name != tensor || got.DType != info.DType || !slices.Equal(got.Shape, info.Shape) || !bytes.Equal(got.Raw, raw) {
			t.Errorf("%s is %s %v %x,\nwant %s %v %x", info.Name, got.DType, got.Shape, got.Raw, info.DType, info.Shape, raw)
		}
		have, err := f.ReadF64(tensor)
		if float(info.DType) {
			if w, err2 := want.ReadF64(info.Name); err != nil || err2 != nil || !sameBits(have, w) {
				t.Errorf("%s is %v, want %v (%v %v)", info.Name, have, w, err, err2)
			}
		} else if checkKind(t, info.Name, err, "unsupported"); have != nil {
			t.Errorf("%s is read as weights", info.Name)
		}
	}
	var listed int
	for _, f := range files {
		listed += len(f.Tensors())
	}
	if len(files) < 8 || listed != len(want.Tensors()) {
		t.Errorf("%d files list %d tensors, want %d", len(files), listed, len(want.Tensors()))
	}
}

func sameBits(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) })
}

// TestCrate reads a whole model in the wrappings of the training scripts, and
// compares it with the safetensors file that it was made from.
func TestCrate(t *testing.T) {
	want, err := weights.Open("../../testdata/model/crate-square/model.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	for _, c := range []struct {
		file, prefix string
		dtype        weights.DType
		round        func(float64) float64
	}{
		{"crate-model.pth", "model.", weights.F32, func(x float64) float64 { return x }},
		{"crate-state-dict.legacy.pth", "state_dict.module.", weights.F32, func(x float64) float64 { return x }},
		{"crate-dino.pth", "teacher.backbone.", weights.BF16, func(x float64) float64 { return float64(graph.BF16ToF32(graph.ToBF16(x))) }},
		{"crate-dino.pth", "student.module.backbone.", weights.F16, func(x float64) float64 { return float64(graph.F16ToF32(graph.ToF16(x))) }},
	} {
		f := open(t, folder+c.file)
		var list []weights.Tensor // as crate-vk convert would write them
		for _, info := range f.Tensors() {
			if name, ok := strings.CutPrefix(info.Name, c.prefix); ok {
				raw, err := f.ReadRaw(info.Name)
				if err != nil {
					t.Fatal(err)
				}
				raw.Name = name
				list = append(list, raw)
			}
		}
		path := filepath.Join(t.TempDir(), "model.safetensors")
		var b bytes.Buffer
		if err := errors.Join(weights.Write(&b, list, nil), os.WriteFile(path, b.Bytes(), 0o600)); err != nil {
			t.Fatal(err)
		}
		got, err := weights.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer got.Close()
		if len(got.Tensors()) != len(want.Tensors()) {
			t.Errorf("%s %s: %d tensors, want %d", c.file, c.prefix, len(got.Tensors()), len(want.Tensors()))
		}
		for _, info := range want.Tensors() {
			w, err := want.ReadF64(info.Name)
			if err != nil {
				t.Fatal(err)
			}
			for i := range w {
				w[i] = c.round(w[i])
			}
			have, err := got.ReadF64(info.Name)
			direct, err2 := f.ReadF64(c.prefix + info.Name)
			in, _ := got.Lookup(info.Name)
			if err != nil || err2 != nil || in.DType != c.dtype || !slices.Equal(in.Shape, info.Shape) || !sameBits(have, w) || !sameBits(direct, w) {
				t.Errorf("%s %s%s: %v differs (%v %v)", c.file, c.prefix, info.Name, in, err, err2)
			}
		}
	}
}

func TestMetadata(t *testing.T) {
	for file, want := range map[string]map[string]string{
		"plain.pth":                   {},
		"crate-model.pth":             {"epoch": "3"},
		"crate-state-dict.legacy.pth": {"arch": "crate"},
		"crate-dino.pth":              {"epoch": "100", "args.arch": "crate", "args.patch_size": "8"},
		"beside.pth":                  {"milestones.30": "1", "state.0.step": "1", "text": "a\nb"},
	} {
		if got := open(t, folder+file).Metadata(); !maps.Equal(got, want) {
			t.Errorf("%s has %v, want %v", file, got, want)
		}
	}
	want := map[string]string{"epoch": "7", "best": "0.625", "done": "False", "args.arch": "crate_tiny", "args.lr": "0.0005", "args.warmup": "-3",
		"args.large": "1099511627776", "args.nested.a": "1", "args.name": "größe"}
	for _, file := range []string{"nested.pth", "nested.legacy.pth", "nested.protocol4.pth", "nested.protocol5.legacy.pth"} {
		got := open(t, folder+file).Metadata()
		maps.DeleteFunc(got, func(k, _ string) bool { return strings.HasPrefix(k, "optimizer.") })
		if !maps.Equal(got, want) {
			t.Errorf("%s has %v, want %v", file, got, want)
		}
	}
}

// TestFile has the order of the list, the lookup, and a tensor for a root.
func TestFile(t *testing.T) {
	f := open(t, folder+"plain.pth")
	var names []string
	for _, info := range f.Tensors() {
		names = append(names, info.Name)
	}
	want := "0.weight 0.bias 1.weight 1.bias 1.running_mean 1.running_var 1.num_batches_tracked 2.weight 2.bias"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("lists %s, want %s", got, want)
	}
	if info, ok := f.Lookup("0.weight"); !ok || !slices.Equal(info.Shape, []int{4, 3, 2, 2}) || info.Elements() != 48 {
		t.Errorf("0.weight is %v", info)
	}
	if _, ok := f.Lookup("weight"); ok {
		t.Error("finds a tensor that isn't there")
	}
	if _, err := f.ReadRaw("x\n"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), `tensor "x\n"`) {
		t.Errorf("unknown name: got %v", err)
	}
	if f.Path() != folder+"plain.pth" || f.Size() < 1000 {
		t.Errorf("path %s, size %d", f.Path(), f.Size())
	}
	if err := errors.Join(f.Close(), f.Close()); err != nil {
		t.Error(err)
	}
	if _, err := f.ReadF64("0.weight"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after Close: got %v", err)
	}
	if v, err := open(t, folder+"tensor.pth").ReadF64(""); err != nil || !slices.Equal(v, []float64{-0.125, 0, 0.125, 0.25}) {
		t.Errorf("a tensor alone is %v (%v)", v, err)
	}
}

func TestConcurrent(t *testing.T) {
	f := open(t, folder+"views.pth")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, info := range f.Tensors() {
				if _, err := f.ReadF64(info.Name); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// TestKinds has paths that are no file.
func TestKinds(t *testing.T) {
	dir := t.TempDir()
	_, err := Open(dir)
	checkKind(t, "directory", err, "unsupported")
	if _, err := Open(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: got %v", err)
	}
	path := filepath.Join(dir, "a\nb")
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || strings.ContainsRune(err.Error(), '\n') {
		t.Errorf("got %v", err)
	}
	sparse := filepath.Join(dir, "sparse")
	if err := errors.Join(os.WriteFile(sparse, one(), 0o600), os.Truncate(sparse, maxFile+1)); err != nil {
		t.Fatal(err)
	}
	_, err = Open(sparse)
	checkKind(t, "beyond the largest size", err, "unsupported")
	if err := os.Truncate(sparse, maxFile); err != nil {
		t.Fatal(err)
	}
	_, err = Open(sparse)
	checkKind(t, "sparse", err, "malformed")
}

// TestChanged writes to the file, and cuts it, between Open and a read.
func TestChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.pth")
	data := one()
	for _, change := range []func() error{
		func() error { return os.Truncate(path, 60) },
		func() error { return os.WriteFile(path, append(data, 0), 0o600) },
		func() error { return os.Chtimes(path, time.Time{}, time.Unix(1, 0)) },
	} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		f := open(t, path)
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if _, err := f.ReadF64("w"); !errors.Is(err, weights.ErrChanged) {
			t.Errorf("got %v, want ErrChanged", err)
		}
	}
	for at := range data { // cut while it is opened, with the size it had before
		d := &disk{path: "m", src: shrunk{memory{bytes.NewReader(data)}, int64(at)}, size: int64(len(data))}
		if _, err := newFile(d); !errors.Is(err, weights.ErrChanged) {
			t.Fatalf("cut at %d: got %v, want ErrChanged", at, err)
		}
	}
	other := filepath.Join(filepath.Dir(path), "other") // replaced: the old version stays
	if err := errors.Join(os.WriteFile(path, data, 0o600), os.WriteFile(other, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	f := open(t, path)
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	if v, err := f.ReadF64("w"); err != nil || !slices.Equal(v, []float64{1, 2}) {
		t.Errorf("after a rename: got %v, %v", v, err)
	}
}
