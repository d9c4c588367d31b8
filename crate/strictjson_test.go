package crate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
)

// TestOneMeaning: what one reader of JSON takes for one thing and another for another
// is refused, in each of the files beside the weights, at each level.
func TestOneMeaning(t *testing.T) {
	const ours, hub, pre = `{"architecture": "crate", "heads": 4, X}`, `{"pretrained_cfg": {"mean": [1, 1, 1], X}}`, `{"image_mean": [1, 1, 1], X}`
	for _, k := range []struct{ file, text, bad, want string }{
		{"config.json", ours, `"heads": 2`, `key "heads" appears twice`},
		{"config.json", ours, `"head\u0073": 2`, `key "heads" appears twice`},
		{"config.json", ours, `"Heads": 2`, `key "Heads": want "heads"`},
		{"config.json", ours, `"ETA": 2`, `key "ETA": want "eta"`},
		{"config.json", ours, `"ſtd": [1, 1, 1]`, `key "ſtd": want "std"`},
		{"config.json", ours, `"Architecture": "vit"`, `key "Architecture": want "architecture"`},
		{"config.json", ours, `"note": 1, "note": 2`, `key "note" appears twice`},
		{"config.json", ours, `"note": [{"a": [], "a": 2}]`, `key "a" appears twice`},
		{"config.json", ours, "\"note\": \"\xff\"", "UTF-8"},
		{"config.json", hub, `"mean": [0, 0, 0]`, `key "mean" appears twice`},
		{"config.json", hub, `"Mean": [0, 0, 0]`, `key "Mean": want "mean"`},
		{"config.json", hub, `"x": 1}, "Std": [1, 1, 1], "y": {`, `key "Std": want "std"`},
		{"config.json", hub, `"x": 1}, "model_args": {"Num_Heads": 3`, `key "Num_Heads": want "num_heads"`},
		{"config.json", hub, `"x": 1}, "pretrained_cfg": {"x": 1`, `key "pretrained_cfg" appears twice`},
		{"preprocessor_config.json", pre, `"image_mean": [0, 0, 0]`, `key "image_mean" appears twice`},
		{"preprocessor_config.json", pre, `"Image_Std": [2, 2, 2]`, `key "Image_Std": want "image_std"`},
	} {
		for _, x := range []string{k.bad, `"label2id": {"Cardigan": 1, "cardigan": 2, "mean": 3, "Mean": 4}`} {
			dir := t.TempDir()
			text := strings.Replace(k.text, "X", x, 1)
			if err := os.WriteFile(filepath.Join(dir, k.file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := crate.ReadConfig(filepath.Join(dir, "model.safetensors"), "")
			switch {
			case x != k.bad && err != nil:
				t.Errorf("%s: %v", text, err)
			case x == k.bad && (err == nil || !strings.Contains(err.Error(), k.want) || !strings.Contains(err.Error(), k.file)):
				t.Errorf("%s: got %v, want %s and %s", text, err, k.file, k.want)
			}
		}
	}
	for _, key := range []string{"crate.Heads", "Crate.heads", "CRATE.ETA"} {
		if _, err := crate.ParseMetadata(map[string]string{key: "1", "Format": "pt"}); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("metadata %s: got %v", key, err)
		}
	}
}

// TestTooSmall: what is positive and 0 in float32, or infinite once it is inverted, is refused.
func TestTooSmall(t *testing.T) {
	for field, set := range map[string]func(*crate.Config){
		"std":    func(c *crate.Config) { c.Std[1] = 1e-39 },
		"ln_eps": func(c *crate.Config) { c.LNEps = 1e-46 },
	} {
		c := preset(t, "vit-s16")
		if err := c.Check(); err != nil {
			t.Fatal(err)
		}
		set(c)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: got %v", field, err)
		}
	}
}
