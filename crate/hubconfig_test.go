package crate_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
)

// TestHubFolder: what a hub folder says of the input is taken, behind flags and metadata, and its
// place is told.
func TestHubFolder(t *testing.T) {
	half := [3]float64{0.5, 0.5, 0.5}
	const timm = `{"architecture": "vit_base_patch8_32", "num_classes": 10, "global_pool": "avg", "model_args": {"num_heads": 6, "img_size": [112, 448]},
		"pretrained_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bicubic", "crop_pct": 0.9, "input_size": [3, 112, 448]}}`
	for name, k := range map[string]struct {
		config, pre string
		flags, meta crate.Settings
		want        func(c *crate.Config) bool
		notice      string
		origins     string // of mean
	}{
		"timm": {config: timm, want: func(c *crate.Config) bool {
			return c.Mean == half && c.Std == half && c.Interpolation == "bicubic" && c.Heads == 6 && c.Pool == crate.PoolMean && c.ImageSize == [2]int{112, 448}
		}, origins: "config.json"},
		"old timm":       {config: `{"architecture": "vit", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bilinear"}`, want: func(c *crate.Config) bool { return c.Mean == half && c.Interpolation == "bilinear" }, origins: "config.json"},
		"flags":          {config: timm, flags: crate.Settings{Mean: &[3]float64{1, 2, 3}, From: "flags"}, want: func(c *crate.Config) bool { return c.Mean == [3]float64{1, 2, 3} && c.Std == half }, origins: "flags"},
		"metadata":       {config: timm, meta: crate.Settings{Mean: &[3]float64{1, 2, 3}, From: "metadata"}, want: func(c *crate.Config) bool { return c.Mean == [3]float64{1, 2, 3} && c.Std == half }, origins: "metadata"},
		"another size":   {config: `{"pretrained_cfg": {"mean": [0.5, 0.5, 0.5], "input_size": [3, 640, 640]}}`, want: func(c *crate.Config) bool { return c.ImageSize == [2]int{224, 224} }, origins: "config.json"},
		"processor":      {pre: `{"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "resample": 3, "do_normalize": true}`, want: func(c *crate.Config) bool { return c.Mean == half && c.Std == half && c.Interpolation == "bicubic" }, origins: "preprocessor_config.json"},
		"both":           {config: timm, pre: `{"image_mean": [0.1, 0.1, 0.1]}`, want: func(c *crate.Config) bool { return c.Mean == [3]float64{0.1, 0.1, 0.1} && c.Std == half }, origins: "preprocessor_config.json"},
		"no normalising": {pre: `{"image_mean": [0.5, 0.5, 0.5], "do_normalize": false}`, want: func(c *crate.Config) bool { return c.Mean == [3]float64{} && c.Std == [3]float64{1, 1, 1} }, origins: "preprocessor_config.json"},
		"odd filter":     {pre: `{"resample": 5}`, want: func(c *crate.Config) bool { return c.Interpolation == "" }, notice: "resample 5"},
		"odd word":       {config: `{"pretrained_cfg": {"mean": [0.5, 0.5, 0.5], "interpolation": "random"}}`, want: func(c *crate.Config) bool { return c.Interpolation == "" }, notice: `interpolation "random"`, origins: "config.json"},
		"foreign":        {config: `{"architectures": ["X"]}`, want: func(c *crate.Config) bool { return c.Mean[0] == 0.485 }, notice: "is not ours"},
	} {
		dir := t.TempDir()
		for file, text := range map[string]string{"config.json": k.config, "preprocessor_config.json": k.pre} {
			if text == "" {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		beside, err := crate.ReadConfig(filepath.Join(dir, "model.safetensors"), "")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		c := preset(t, "vit-s16")
		sources := []crate.Settings{k.flags, beside.Own, k.meta, beside.Hub}
		got, _, err := crate.Resolve(changed(t, c, ""), sources...)
		if err != nil || !k.want(&got) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if notices := strings.Join(beside.Notices, "\n"); !strings.Contains(notices, k.notice) || k.notice == "" && notices != "" {
			t.Errorf("%s: notices %q", name, notices)
		}
		if from := crate.Origins(sources...)["mean"]; !strings.HasSuffix(from, k.origins) || k.origins == "" && from != "" {
			t.Errorf("%s: the mean is said by %q", name, from)
		}
	}
	for name, text := range map[string]string{"two numbers": `{"pretrained_cfg": {"mean": [0.5, 0.5]}}`, "text": `{"pretrained_cfg": {"mean": "x"}}`, "no JSON": `{`} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := crate.ReadConfig(filepath.Join(dir, "model.safetensors"), ""); err == nil || !strings.Contains(err.Error(), "config.json") {
			t.Errorf("%s: %v", name, err)
		}
	}
	named := filepath.Join(t.TempDir(), "other.json")
	if err := os.WriteFile(named, []byte(timm), 0o600); err != nil {
		t.Fatal(err)
	}
	if beside, err := crate.ReadConfig("", named); err != nil || !reflect.DeepEqual(beside.Own.Mean, &half) {
		t.Errorf("a hub's file that is named: %+v, %v", beside, err)
	}
}
