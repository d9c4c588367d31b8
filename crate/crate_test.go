package crate_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
)

// TestParameters checks the published counts (numerics 1.2, 1.3), in millions.
func TestParameters(t *testing.T) {
	for name, want := range map[string]float64{
		"crate-t16": 6.09, "crate-s16": 13.12, "crate-b16": 22.80, "crate-l16": 77.64,
		"emergence-t8": 5.74, "emergence-s8": 14.12, "emergence-b8": 38.83, "emergence-b8-768": 22.63, "demo-b8": 39.42,
		"mae-s16": 25.41, "mae-b16": 44.64, // both position tables and the unused decoder_embed (numerics 1.4: 25.4, 44.6)
	} {
		c, err := crate.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := float64(c.Parameters()) / 1e6; math.Abs(got-want) > 0.005 {
			t.Errorf("%s has %.3f M parameters, want %.2f", name, got, want)
		}
		if crate.KnownName(&c) == "" {
			t.Errorf("%s is not recognised as itself", name)
		}
	}
	// CRATE-α's released float32 files, in MB (numerics 1.3).
	for name, want := range map[string]float64{"alpha-b16": 289, "alpha-l14": 1010} {
		c, err := crate.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := float64(4*c.Parameters()) / 1e6; math.Abs(got-want) > 0.01*want {
			t.Errorf("%s takes %.0f MB, want %.0f", name, got, want)
		}
	}
}

// stored lists a configuration's tensors as a file would, names changed by f.
func stored(c *crate.Config, f func(string) string) []crate.Stored {
	var list []crate.Stored
	for _, t := range c.Tensors() {
		list = append(list, crate.Stored{Name: f(t.Name), Shape: t.Shape})
	}
	return list
}

func same(s string) string { return s }

// TestResolvePresets infers each geometry from its tensors alone: all but the
// heads, where the default by width must be the published count.
func TestResolvePresets(t *testing.T) {
	names, _ := crate.Presets()
	for _, name := range names {
		want, err := crate.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		ckpt, err := crate.NewCheckpoint(stored(&want, same), crate.Teacher, "")
		if err != nil {
			t.Fatal(err)
		}
		got, warnings, err := crate.Resolve(ckpt)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("%s is taken for\n%+v, want\n%+v", name, got, want)
		}
		if !slices.ContainsFunc(warnings, func(w string) bool { return strings.Contains(w, "--heads") }) {
			t.Errorf("%s: no warning names --heads: %q", name, warnings)
		}
		if extra, err := ckpt.Compare(&got); err != nil || len(extra) > 0 {
			t.Errorf("%s: %v, extra %v", name, err, extra)
		}
	}
}

func TestPrefixes(t *testing.T) {
	c, err := crate.Preset("crate-t16")
	if err != nil {
		t.Fatal(err)
	}
	for _, prefix := range []string{"module.", "state_dict.module.", "model.", "model.module._orig_mod.", "teacher.module.backbone.", "student.backbone."} {
		ckpt, err := crate.NewCheckpoint(stored(&c, func(s string) string { return prefix + s }), crate.Teacher, "")
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := crate.Resolve(ckpt)
		if err != nil || got.Dim != c.Dim {
			t.Errorf("prefix %q: %v", prefix, err)
		}
		if s, ok := ckpt.StoredName("cls_token"); !ok || s != prefix+"cls_token" {
			t.Errorf("prefix %q: cls_token is stored as %q", prefix, s)
		}
	}
}

func TestTeacherAndStudent(t *testing.T) {
	c, err := crate.Preset("crate-t16")
	if err != nil {
		t.Fatal(err)
	}
	both := append(stored(&c, func(s string) string { return "teacher.backbone." + s }), stored(&c, func(s string) string { return "student.module.backbone." + s })...)
	for branch, want := range map[crate.Branch]string{crate.Teacher: "teacher.backbone.cls_token", crate.Student: "student.module.backbone.cls_token"} {
		ckpt, err := crate.NewCheckpoint(both, branch, "")
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := ckpt.StoredName("cls_token"); got != want {
			t.Errorf("%s: cls_token is %q, want %q", branch, got, want)
		}
		if ckpt.Branch() != branch {
			t.Errorf("the branch taken is %q, want %q", ckpt.Branch(), branch)
		}
	}
	twins := append(stored(&c, same), stored(&c, func(s string) string { return "module." + s })...)
	if _, err := crate.NewCheckpoint(twins, crate.Teacher, ""); err == nil {
		t.Error("two tensors of one canonical name are accepted")
	}
}

func ptr[T any](x T) *T { return &x }

// TestContradictions: a setting that the shapes contradict is a *ModelError
// that says both.
func TestContradictions(t *testing.T) {
	c, err := crate.Preset("crate-t16")
	if err != nil {
		t.Fatal(err)
	}
	ckpt, err := crate.NewCheckpoint(stored(&c, same), crate.Teacher, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct {
		s    crate.Settings
		want string
	}{
		{crate.Settings{Dim: ptr(768)}, "dim is given as 768, the tensors say 384"},
		{crate.Settings{Patch: ptr(8)}, "patch_size is given as 8, the tensors say 16"},
		{crate.Settings{Depth: ptr(11)}, "depth is given as 11, the tensors say 12"},
		{crate.Settings{Heads: ptr(7)}, "heads is given as 7"},
		{crate.Settings{Classes: ptr(10)}, "num_classes is given as 10, the tensors say 1000"},
		{crate.Settings{Architecture: ptr(crate.ViT)}, "architecture is given as vit"},
		{crate.Settings{Block: ptr(crate.BlockMLP)}, "block is given as mlp, the tensors say ista"},
		{crate.Settings{Attention: ptr(crate.AttentionMHSA)}, "attention is given as mhsa"},
		{crate.Settings{ImageSize: &[2]int{224, 240}}, "image_size is given as 224×240"},
		{crate.Settings{Labels: []string{"a", "b"}}, "classes names 2 classes, the head has 1000"},
		{crate.Settings{Std: &[3]float64{1, 0, 1}}, "std"},
		{crate.Settings{LNEps: ptr(-1.0)}, "ln_eps"},
	} {
		_, _, err := crate.Resolve(ckpt, k.s)
		var me *crate.ModelError
		if !errors.As(err, &me) || !strings.Contains(err.Error(), k.want) {
			t.Errorf("%+v gives %v, want %s", k.s, err, k.want)
		}
	}
	got, _, err := crate.Resolve(ckpt, crate.Settings{Block: ptr(crate.BlockSoft), Heads: ptr(12)})
	if err != nil || got.Block != crate.BlockSoft || got.HeadDim() != 32 {
		t.Errorf("soft threshold and 12 heads give %+v, %v", got, err)
	}
}

func TestCompareListsTen(t *testing.T) {
	c, err := crate.Preset("crate-t16")
	if err != nil {
		t.Fatal(err)
	}
	list := stored(&c, same)
	ckpt, err := crate.NewCheckpoint(list[:len(list)-20], crate.Teacher, "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = ckpt.Compare(&c)
	if err == nil || strings.Count(err.Error(), "\n") != 11 || !strings.Contains(err.Error(), "and 10 more") || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("got %v, want ten differences and how many more", err)
	}
}

// changed is a checkpoint of a configuration with tensors left out and added.
func changed(t *testing.T, c *crate.Config, without string, more ...crate.Stored) *crate.Checkpoint {
	t.Helper()
	list := slices.DeleteFunc(stored(c, same), func(s crate.Stored) bool { return without != "" && strings.Contains(s.Name, without) })
	ckpt, err := crate.NewCheckpoint(append(list, more...), crate.Teacher, "")
	if err != nil {
		t.Fatal(err)
	}
	return ckpt
}

func preset(t *testing.T, name string) *crate.Config {
	t.Helper()
	c, err := crate.Preset(name)
	if err != nil {
		t.Fatal(err)
	}
	return &c
}

// TestOneHead: a file without output projection has one head as wide as the
// model. It is no guess, and any other number contradicts the file.
func TestOneHead(t *testing.T) {
	for _, name := range []string{"crate-t16", "alpha-b16", "mae-t16"} {
		ckpt := changed(t, preset(t, name), ".to_out.")
		got, warnings, err := crate.Resolve(ckpt, crate.Settings{Lambda: ptr(0.5)})
		if err != nil || got.Heads != 1 || len(warnings) > 0 {
			t.Errorf("%s: %d heads, warnings %q, %v", name, got.Heads, warnings, err)
		}
		if _, err := ckpt.Compare(&got); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var me *crate.ModelError
		if _, _, err := crate.Resolve(ckpt, crate.Settings{Heads: ptr(6)}); !errors.As(err, &me) || !strings.Contains(err.Error(), "heads is given as 6") {
			t.Errorf("%s with 6 heads: %v", name, err)
		}
	}
}

// TestNoProjection: a file without the projection of its first layer is refused.
func TestNoProjection(t *testing.T) {
	var me *crate.ModelError
	if _, _, err := crate.Resolve(changed(t, preset(t, "alpha-b16"), "0.0.fn.qkv")); !errors.As(err, &me) || !strings.Contains(err.Error(), "inner width is 0") {
		t.Errorf("without qkv: %v", err)
	}
}

// TestForeignParts: a ViT whose further tensors change its arithmetic is
// refused; tensors that nothing uses are ignored.
func TestForeignParts(t *testing.T) {
	c := preset(t, "vit-s16")
	for _, name := range []string{"blocks.0.ls1.gamma", "reg_token", "blocks.0.attn.q_norm.weight", "norm_pre.weight"} {
		var me *crate.ModelError
		if _, _, err := crate.Resolve(changed(t, c, "", crate.Stored{Name: "module." + name, Shape: []int{384}})); !errors.As(err, &me) || !strings.Contains(err.Error(), "module."+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ckpt := changed(t, c, "", crate.Stored{Name: "head.mlp.0.weight", Shape: []int{2048, 384}})
	got, _, err := crate.Resolve(ckpt)
	if err != nil {
		t.Fatal(err)
	}
	if extra, err := ckpt.Compare(&got); err != nil || !slices.Equal(extra, []string{"head.mlp.0.weight"}) || got.Classes != 0 {
		t.Errorf("a DINO head: extra %v, %d classes, %v", extra, got.Classes, err)
	}
}

// TestHeads: a second head is part of the model where its columns are the first
// one's classes; else it is somebody's, and is ignored.
func TestHeads(t *testing.T) {
	c := preset(t, "crate-t16")
	for _, k := range []struct {
		without string
		head    []int
		extra   int
		logits  int
	}{{"", []int{21842, 1000}, 21842, 21842}, {"", []int{10, 384}, 0, 1000}, {"mlp_head", []int{10, 384}, 0, 0}} {
		ckpt := changed(t, c, k.without, crate.Stored{Name: "head.weight", Shape: k.head}, crate.Stored{Name: "head.bias", Shape: k.head[:1]})
		got, _, err := crate.Resolve(ckpt)
		if err != nil || got.ExtraHead != k.extra || got.LogitCount() != k.logits {
			t.Errorf("a head of %v without %q: %d behind the first, %d logits, %v", k.head, k.without, got.ExtraHead, got.LogitCount(), err)
		}
		if ignored, err := ckpt.Compare(&got); err != nil || (len(ignored) > 0) != (k.extra == 0) {
			t.Errorf("a head of %v: ignored %v, %v", k.head, ignored, err)
		}
	}
	for name, want := range map[string][2]float64{"vit-s16": {1e-3, 1e-3}, "alpha-b16": {1e-3, 1e-5}, "mae-t16": {1e-3, 1e-6}} {
		got, _, err := crate.Resolve(changed(t, preset(t, name), ""), crate.Settings{LNEps: ptr(1e-3)})
		if err != nil || [2]float64{got.LNEps, got.FinalEps} != want {
			t.Errorf("%s with an ε of 1e-3: %g in the layers, %g behind them, %v", name, got.LNEps, got.FinalEps, err)
		}
	}
}

// TestMAEParts: an encoder alone has no reconstruction; a decoder that is there
// in part is refused, with the names of what is missing.
func TestMAEParts(t *testing.T) {
	c := preset(t, "mae-t16")
	got, _, err := crate.Resolve(changed(t, c, "decoder_pred"))
	if err != nil || got.DecoderDepth != 0 || slices.Contains(got.Facets(), "reconstruction") {
		t.Errorf("without decoder_pred: %+v, %v", got, err)
	}
	ckpt := changed(t, c, "mask_token")
	if got, _, err = crate.Resolve(ckpt); err != nil || got.DecoderDepth != 12 {
		t.Fatalf("without mask_token: %+v, %v", got, err)
	}
	if _, err := ckpt.Compare(&got); err == nil || !strings.Contains(err.Error(), "mask_token [1 1 384] is missing") {
		t.Errorf("without mask_token: %v", err)
	}
	got, _, err = crate.Resolve(changed(t, c, "decoder_pred", crate.Stored{Name: "head.weight", Shape: []int{100, 384}}, crate.Stored{Name: "pos_embed", Shape: []int{1, 197, 384}}))
	if err != nil || !got.FineTuned || got.LogitCount() != 100 || !slices.Contains(got.Facets(), "logits") {
		t.Errorf("with a head: %+v, %v", got, err)
	}
}

func TestMask(t *testing.T) {
	for _, c := range []struct {
		n     int
		ratio float64
		want  int
	}{{196, 0.75, 49}, {10, 0.75, 2}, {196, 0, 196}, {196, 1, 0}, {3, 0.9, 0}} {
		if got := (crate.Mask{Ratio: c.ratio}).Kept(c.n); got != c.want {
			t.Errorf("a mask of %g keeps %d of %d patches, want %d", c.ratio, got, c.n, c.want)
		}
	}
	for _, ratio := range []float64{-0.1, 1.1, math.NaN()} {
		if (crate.Mask{Ratio: ratio}).Check() == nil {
			t.Errorf("a ratio of %g is accepted", ratio)
		}
		_, err := crate.Build(preset(t, "mae-t16"), crate.Request{Batch: 1, Height: 32, Width: 32, Outputs: []string{"reconstruction"}, Mask: crate.Mask{Ratio: ratio}})
		if err == nil || !strings.Contains(err.Error(), "mask ratio") {
			t.Errorf("a ratio of %g builds: %v", ratio, err)
		}
	}
}

func TestForeign(t *testing.T) {
	ckpt, err := crate.NewCheckpoint([]crate.Stored{{Name: "conv1.weight", Shape: []int{64, 3, 7, 7}}, {Name: "fc.weight", Shape: []int{1000, 512}}}, crate.Teacher, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := crate.Resolve(ckpt); err == nil || !strings.Contains(err.Error(), "CRATE") {
		t.Errorf("a ResNet gives %v", err)
	}
}

func TestConfigFile(t *testing.T) {
	s, ours, err := crate.ParseConfig([]byte(`{"architecture": "crate", "image_size": [32, 64], "patch_size": 8, "heads": 3, "lambda": 0.5, "mean": [0.5,0.5,0.5], "classes": ["a"], "readout": "layers=3"}`))
	if err != nil || !ours || *s.ImageSize != [2]int{32, 64} || *s.Heads != 3 || *s.Lambda != 0.5 || s.Mean[1] != 0.5 || s.Labels[0] != "a" || *s.Readout != "layers=3" {
		t.Errorf("got %+v, %t, %v", s, ours, err)
	}
	if _, ours, err := crate.ParseConfig([]byte(`{"architectures": ["ViTModel"], "hidden_size": 768}`)); ours || err != nil {
		t.Errorf("somebody else's config: ours %t, %v", ours, err)
	}
	for _, bad := range []string{`{`, `{"architecture": "crate", "heads": "six"}`, `{"architecture": "crate", "image_size": [1]}`, `{"architecture": "crate", "std": [1]}`, `{"architecture": "crate", "block": "mlpp"}`, `{"architecture": "vit", "pool": "max"}`} {
		if _, _, err := crate.ParseConfig([]byte(bad)); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}

// TestMetadataRoundTrip: what Metadata writes, ParseMetadata and Resolve give
// back.
func TestMetadataRoundTrip(t *testing.T) {
	names, _ := crate.Presets()
	for _, name := range names {
		c, err := crate.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		c.Lambda, c.Readout = 0.37, "layers=3,4 head=mean keep=mass:0.75 upsample=bilinear"
		s, err := crate.ParseMetadata(c.Metadata())
		if err != nil {
			t.Fatal(err)
		}
		ckpt, err := crate.NewCheckpoint(stored(&c, same), crate.Teacher, "")
		if err != nil {
			t.Fatal(err)
		}
		got, warnings, err := crate.Resolve(ckpt, s)
		if err != nil || len(warnings) > 0 || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", c) {
			t.Errorf("%s: got %+v, %q, %v", name, got, warnings, err)
		}
	}
	for key, val := range map[string]string{"crate.heads": "six", "crate.mean": "1,2", "crate.image_size": "0", "crate.residual_ff": "maybe", "crate.architecture": "resnet"} {
		if _, err := crate.ParseMetadata(map[string]string{key: val}); err == nil || !strings.Contains(err.Error(), strings.TrimPrefix(key, "crate.")) {
			t.Errorf("%s=%s gives %v", key, val, err)
		}
	}
}
