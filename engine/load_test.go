package engine

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSources: one source serves several models and engines, and its file is open
// until the last of them is closed.
func TestSources(t *testing.T) {
	src, err := OpenModel("../testdata/model/"+firstGolden(t), ModelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	closes := 0
	shut := src.life.close
	src.life.close = func() error { closes++; return shut() }
	a := onReference(t)
	defer a.Close()
	b := onReference(t)
	defer b.Close()
	var models []*Model
	for _, e := range []*Engine{a, a, b} {
		m, err := e.Load(t.Context(), src)
		if err != nil {
			t.Fatal(err)
		}
		models = append(models, m)
	}
	if err := src.Close(); err != nil { // as a caller may who defers it
		t.Fatal(err)
	}
	models[0].Close()
	models[0].Close()
	for _, m := range models[1:] {
		if _, err := m.Features(t.Context(), testPicture(0, 32, 32)); err != nil {
			t.Errorf("after another model was closed: %v", err)
		}
	}
	if closes != 0 {
		t.Error("the file was closed with the first model")
	}
	a.Close()
	models[2].Close()
	if closes != 1 {
		t.Errorf("the file was closed %d times", closes)
	}
	if _, err := b.Load(t.Context(), src); !errors.Is(err, errSourceClosed) {
		t.Errorf("a closed source gives %v", err)
	}
}

// TestLoadAgain: a source that could not be loaded can be loaded all the same when the
// reason is gone.
func TestLoadAgain(t *testing.T) {
	e := onReference(t)
	dir := filepath.Join("../testdata/model", firstGolden(t))
	src, err := OpenModel(dir, ModelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	mine := errors.New("mine")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(mine)
	if _, err := e.Load(ctx, src); !errors.Is(err, mine) {
		t.Errorf("cancelled: %v", err)
	}
	m, err := e.Load(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Segment(t.Context(), testPicture(0, 32, 32)); err != nil {
		t.Error(err)
	}
	good, broken := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32}), true
	late := NewModelSource("late", good.Config, "", func(name string) ([]float64, error) {
		if broken {
			return nil, errors.New("no disk yet")
		}
		return good.params(name)
	})
	if _, err := e.Load(t.Context(), late); !errors.As(err, new(*ModelError)) {
		t.Errorf("without weights: %v", err)
	}
	broken = false
	if _, err := e.Load(t.Context(), late); err != nil {
		t.Errorf("when they are there: %v", err)
	}
	if _, err := e.Load(t.Context(), nil); !errors.As(err, new(*ModelError)) {
		t.Errorf("no source gives %v", err)
	}
	if _, err := Open(ctx, WithDevice(Interpreter)); !errors.Is(err, mine) {
		t.Errorf("Open with a context that has ended gives %v", err)
	}
	for _, o := range []Option{WithThreads(-1), WithPixelLimit(-1), WithPrograms(-1), WithMemory(-1), WithPrecision("fp8"), WithLogger(nil)} {
		if _, err := Open(t.Context(), WithDevice(Interpreter), o); err == nil {
			t.Error("an option that makes no sense is taken")
		}
	}
	onReference(t, WithThreads(0), WithPixelLimit(0), WithPrograms(0), WithMemory(0))
}

// TestLoadChecksWeights: a value that is no number is refused when the model is
// loaded, by its name, in a file and from anywhere.
func TestLoadChecksWeights(t *testing.T) {
	e := onReference(t)
	defer e.Close()
	refused := func(what string, err error) {
		t.Helper()
		if !errors.As(err, new(*ModelError)) || !containsAll(err.Error(), what, "want finite numbers") {
			t.Errorf("%s: %v", what, err)
		}
	}
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		last := src.Config.Tensors()[len(src.Config.Tensors())-1].Name
		_, err := e.Load(t.Context(), NewModelSource("bad", src.Config, "", func(name string) ([]float64, error) {
			x, err := src.params(name)
			if x = slices.Clone(x); name == last {
				x[len(x)-1] = bad
			}
			return x, err
		}))
		refused(last, err)
	}
	dir := filepath.Join("../testdata/model", firstGolden(t))
	data, err := os.ReadFile(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	copy(data[len(data)-4:], []byte{0, 0, 0xc0, 0x7f}) // a NaN as the last value
	bad, err := OpenModelBytes("bad", data, ModelOptions{ConfigPath: filepath.Join(dir, "config.json")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.Load(t.Context(), bad)
	refused("tensor", err)
}

// firstGolden is the name of a model in testdata.
func firstGolden(t *testing.T) string {
	t.Helper()
	dirs, err := filepath.Glob("../testdata/model/*/model.safetensors")
	if err != nil || len(dirs) == 0 {
		t.Fatal("no golden models", err)
	}
	return filepath.Base(filepath.Dir(dirs[0]))
}

func containsAll(s string, parts ...string) bool {
	return !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(s, p) })
}
