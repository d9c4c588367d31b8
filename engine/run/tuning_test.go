package run

import (
	"os"
	"path/filepath"
	"testing"
)

// TestTuningIsReplacedWhole: choices for several models add up, and nothing but
// the finished file is left in the folder.
func TestTuningIsReplacedWhole(t *testing.T) {
	dir, d := t.TempDir(), TuningDevice{Name: "some device", UUID: "ab"}
	for _, kind := range []string{"a", "b", "a"} {
		if err := WriteTuning(dir, d, map[string]string{kind: "32x2 texel"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := WriteTuning(dir, d, map[string]string{"c": ""}); err != nil {
		t.Fatal(err)
	}
	shapes, err := ReadTuning(dir, d)
	if err != nil || len(shapes) != 2 {
		t.Errorf("stored are %v, %v", shapes, err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 1 {
		t.Errorf("the folder holds %v, %v", files, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := WriteTuning(filepath.Join(dir, "file"), d, shapes); err == nil {
		t.Error("writing below a file succeeded")
	}
}
