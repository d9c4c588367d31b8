package eval

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenCOCO(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"annotations", "images/val2017", "train2017"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"annotations/instances_val2017.json", "annotations/instances_train2017.json", "mine.json"} {
		if err := os.WriteFile(filepath.Join(root, name), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ path, split, instances, images string }{
		{"", "val2017", "annotations/instances_val2017.json", "images/val2017"},
		{"", "train2017", "annotations/instances_train2017.json", "train2017"},
		{"annotations/instances_train2017.json", "val2017", "annotations/instances_train2017.json", "train2017"},
		{"mine.json", "val2017", "mine.json", ""},
	} {
		got, err := OpenCOCO(filepath.Join(root, c.path), c.split)
		images := ""
		if c.images != "" {
			images = filepath.Join(root, c.images)
		}
		if err != nil || got.Instances != filepath.Join(root, c.instances) || got.Images != images {
			t.Errorf("%q of %s: %+v, %v", c.path, c.split, got, err)
		}
	}
	if _, err := OpenCOCO(root, "test2017"); err == nil || !strings.HasSuffix(err.Error(), ": has no annotations/instances_test2017.json, want a folder in the layout of COCO, or an instance file") {
		t.Errorf("%v", err)
	}
	if _, err := OpenCOCO(filepath.Join(root, "none"), "val2017"); err == nil || !strings.HasSuffix(err.Error(), "none: no such file or directory") {
		t.Errorf("%v", err)
	}
}
