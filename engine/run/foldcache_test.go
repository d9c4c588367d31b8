package run

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/internal/diskcache"
	"github.com/crate-vk/crate-vk/engine/vk"
)

func foldedFiles(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"+foldSuffix))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestFoldedWeights: a model whose folding is dear gives the same bits from the
// cache, from a cache whose files are cut or changed, and without one; other
// weights take nothing from it.
func TestFoldedWeights(t *testing.T) {
	c := devicetest.OddConfig(t, 240, 240, 3, 1, 8, [2]int{32, 32})
	pixels := devicetest.Pixels(32, 32, 1)
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		dir := t.TempDir()
		with := func(params Params, dir string) []float32 {
			d := openFor(t, inst, info, dir)
			store := NewCachedStore(d, params)
			defer store.Close()
			pr, err := NewProgram(context.Background(), d, store, logitsPlan(t, d, c, 1), ProgramOptions{Slots: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer pr.Close()
			out, err := logits(t, OnDevice(pr), pixels)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		params := Params(c.RandomParams(5))
		want := with(params, "")
		if got := with(params, dir); !slices.Equal(got, want) {
			t.Error("the run that fills the cache has other bits")
		}
		files := foldedFiles(t, dir)
		if len(files) == 0 {
			t.Fatal("nothing was kept")
		}
		if got := with(params, dir); !slices.Equal(got, want) {
			t.Error("the run that reads the cache has other bits")
		}
		for _, path := range files {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, bad := range [][]byte{nil, data[:len(data)/2], append(slices.Clone(data), 0), slices.Concat(data[:8], []byte{data[8] ^ 1}, data[9:])} {
				if err := os.WriteFile(path, bad, 0o644); err != nil {
					t.Fatal(err)
				}
				if got := with(params, dir); !slices.Equal(got, want) {
					t.Errorf("%d bytes of %d change the result", len(bad), len(data))
				}
				if again, err := os.ReadFile(path); err != nil || !bytes.Equal(again, data) {
					t.Errorf("the file was not made anew: %v", err)
				}
			}
		}
		other := Params(c.RandomParams(6))
		if got := with(other, dir); !slices.Equal(got, with(other, "")) || slices.Equal(got, want) {
			t.Error("another model's weights came from the cache")
		}
		if n := len(foldedFiles(t, dir)); n != 2*len(files) {
			t.Errorf("%d files, want %d", n, 2*len(files))
		}
	})
}

// TestFoldCacheIsBounded: the files not used for longest go first.
func TestFoldCacheIsBounded(t *testing.T) {
	c := &foldCache{dir: diskcache.Dir(t.TempDir())}
	for i, key := range []string{"a", "b", "c", "d"} {
		c.write(key, make([]byte, 1000))
		at := time.Now().Add(time.Duration(i-10) * time.Hour)
		if err := os.Chtimes(c.dir.Path(key+foldSuffix), at, at); err != nil {
			t.Fatal(err)
		}
	}
	if c.read("a", 1000) == nil { // now the one used last
		t.Fatal("a stored weight is not there")
	}
	if c.read("b", 999) != nil || c.read("e", 1000) != nil {
		t.Error("a weight of another size, or of no file, was read")
	}
	c.prune(2200)
	var left []string
	for _, path := range foldedFiles(t, string(c.dir)) {
		left = append(left, filepath.Base(path))
	}
	if !slices.Equal(left, []string{"a" + foldSuffix, "d" + foldSuffix}) {
		t.Errorf("left are %v", left)
	}
}

// TestFoldingIsCancelled: loading ends with its context, and leaves nothing
// running.
func TestFoldingIsCancelled(t *testing.T) {
	c := devicetest.OddConfig(t, 240, 240, 3, 2, 8, [2]int{32, 32})
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		ctx, cancel := context.WithCancel(context.Background())
		read := c.RandomParams(5)
		n := 0
		stopping := func(name string) ([]float64, error) {
			if n++; n == 3 {
				cancel()
			}
			return read(name)
		}
		d := openFor(t, inst, info, "")
		store := NewWeightStore(d, stopping)
		defer store.Close()
		_, err := NewProgram(ctx, d, store, logitsPlan(t, d, c, 1), ProgramOptions{Slots: 1})
		if ctx.Err() == nil || err == nil {
			t.Errorf("error %v after cancelling", err)
		}
		var weights *WeightError
		if errors.As(err, &weights) {
			t.Errorf("cancelling is blamed on the weights: %v", err)
		}
	})
}
