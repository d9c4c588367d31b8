package crate_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
)

// below is a configuration's tensors behind a prefix.
func below(c *crate.Config, prefix string) []crate.Stored {
	return stored(c, func(s string) string { return prefix + s })
}

// TestUnwrap: whatever stands before the names of a model, once in the file, is found.
func TestUnwrap(t *testing.T) {
	for _, name := range []string{"vit-s16", "crate-t16", "mae-t16", "alpha-b16"} {
		c := preset(t, name)
		for _, prefix := range []string{"encoder.", "base_encoder.", "module.", "model_state_dict.", "net.", "encoder.module.", "x.", "my_own.encoder_q.", "wrapped.model.deep.", "model_state_dict.module.trunk.0."} {
			list := append(below(c, prefix), crate.Stored{Name: "optimizer.state.0.exp_avg", Shape: []int{3}}, crate.Stored{Name: "queue", Shape: []int{2, 2}})
			ckpt, err := crate.NewCheckpoint(list, crate.Teacher, "")
			if err != nil {
				t.Errorf("%s below %q: %v", name, prefix, err)
				continue
			}
			got, _, err := crate.Resolve(ckpt)
			if err != nil || got.Dim != c.Dim || got.Depth != c.Depth || got.Architecture != c.Architecture {
				t.Errorf("%s below %q: %v, %v", name, prefix, &got, err)
				continue
			}
			if extra, err := ckpt.Compare(&got); err != nil || len(extra) != 2 {
				t.Errorf("%s below %q: %v, %v", name, prefix, extra, err)
			}
		}
	}
}

// TestSeveralNetworks: of more than one network none is taken in silence.
func TestSeveralNetworks(t *testing.T) {
	c := preset(t, "vit-s16")
	var me *crate.ModelError
	two := append(below(c, "encoder_q."), below(c, "encoder_k.")...)
	if _, err := crate.NewCheckpoint(two, crate.Teacher, ""); !errors.As(err, &me) || !strings.Contains(err.Error(), "holds 2 networks: choose one by its prefix, such as --prefix encoder_k.\n  encoder_k.\n  encoder_q.") {
		t.Errorf("two networks: %v", err)
	}
	for _, prefix := range []string{"encoder_q", "encoder_q."} {
		ckpt, err := crate.NewCheckpoint(two, crate.Teacher, prefix)
		if err != nil {
			t.Fatal(err)
		}
		if s, _ := ckpt.StoredName("cls_token"); s != "encoder_q.cls_token" || ckpt.Holds("encoder_k.cls_token") || !ckpt.Holds("encoder_q.cls_token") {
			t.Errorf("prefix %s takes %s", prefix, s)
		}
	}
	if _, err := crate.NewCheckpoint(two, crate.Teacher, "nothing"); !errors.As(err, &me) || !strings.Contains(err.Error(), `begins with the prefix "nothing.": the file has "encoder_q.`) {
		t.Errorf("a prefix that isn't there: %v", err)
	}
	for _, average := range []string{"model_ema.", "state_dict_ema.module.", "ema."} {
		both := append(below(c, "model."), below(c, average)...)
		for branch, want := range map[crate.Branch]string{crate.Teacher: "model.", crate.EMA: average} {
			ckpt, err := crate.NewCheckpoint(both, branch, "")
			if err != nil {
				t.Fatal(err)
			}
			if s, _ := ckpt.StoredName("cls_token"); s != want+"cls_token" {
				t.Errorf("--branch %s of model and %s takes %s", branch, average, s)
			}
			if took := ckpt.Branch(); (took == crate.EMA) != (branch == crate.EMA) || took == "" {
				t.Errorf("--branch %s says that it took %q", branch, took)
			}
		}
		ckpt, err := crate.NewCheckpoint(below(c, average), crate.Teacher, "")
		if err != nil || ckpt.Branch() != "" {
			t.Errorf("%s alone: %v", average, err)
		}
	}
}

// TestNoModelShowsNames: who brings something else sees what the file has.
func TestNoModelShowsNames(t *testing.T) {
	ckpt, err := crate.NewCheckpoint([]crate.Stored{{Name: "vit.embeddings.cls_token", Shape: []int{1, 1, 8}}, {Name: "vit.encoder.layer.0.attention.query.weight", Shape: []int{8, 8}}}, crate.Teacher, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := crate.Resolve(ckpt); err == nil || !strings.Contains(err.Error(), `"vit.encoder.layer.0.attention.query.weight"`) || !strings.Contains(err.Error(), "--prefix") {
		t.Errorf("got %v", err)
	}
}

// TestForeignTensors: tensors that would change the results are refused by name, wherever they
// stand; others are ignored and said.
func TestForeignTensors(t *testing.T) {
	layer := map[string]string{"vit-s16": "blocks.3.", "crate-t16": "transformer.layers.3.", "mae-t16": "blocks.3."}
	for model, block := range layer {
		c := preset(t, model)
		for _, name := range []string{block + "attn.qkv.lora_A.weight", block + "adapter.down.weight", block + "norm3.weight", block + "mlp.fc1.extra_bias", block + "attn.q_norm.weight", block + "gate", block + "ls1.gamma",
			"prompt_embeddings", "deep_prompt_embeddings", "register_tokens", "norm_pre.weight", "base.blocks.0.lora_B", "adapters.0.up.weight"} {
			ckpt, err := crate.NewCheckpoint(append(below(c, "model."), crate.Stored{Name: "model." + name, Shape: []int{4, 384}}), crate.Teacher, "")
			if err != nil {
				t.Fatal(err)
			}
			got, _, err := crate.Resolve(ckpt)
			if err == nil {
				_, err = ckpt.Compare(&got)
			}
			var me *crate.ModelError
			if !errors.As(err, &me) || !strings.Contains(err.Error(), "model."+name) {
				t.Errorf("%s with %s: %v", model, name, err)
			}
		}
		for _, name := range []string{block + "total_ops", block + "attn.total_params", "total_ops", "memory_bank", "fc.weight", "projector.0.weight", "prototypes.weight", "head.mlp.0.weight", "queue", "momentum_encoder.blocks.0.norm1.weight", "navigate.weight", "propel"} {
			ckpt := changed(t, c, "", crate.Stored{Name: name, Shape: []int{4, 384}})
			got, _, err := crate.Resolve(ckpt)
			if err != nil {
				t.Fatal(err)
			}
			if _, has := ckpt.StoredName(name); !has {
				t.Fatal(name)
			}
			if extra, err := ckpt.Compare(&got); err != nil || len(extra) > 1 {
				t.Errorf("%s with %s: %v, %v", model, name, extra, err)
			}
		}
	}
}

// TestGridIsGuessed: a square grid of a table that has other rectangles is a guess, and said.
func TestGridIsGuessed(t *testing.T) {
	c := preset(t, "vit-s16")
	for _, k := range []struct {
		side int // patches
		dim  int
		s    crate.Settings
		warn string
	}{
		{4, 64, crate.Settings{}, "taking 4×4, and not 2×8 or 8×2 (--image-size HxW, 16 px a patch)"},
		{14, 64, crate.Settings{}, "taking 14×14, and not 2×98"},
		{14, 384, crate.Settings{}, ""}, // 224 px
		{24, 768, crate.Settings{}, ""}, // 384 px
		{5, 64, crate.Settings{}, ""},   // 25 has no other rectangle
		{4, 64, crate.Settings{ImageSize: &[2]int{64, 64}}, ""},
		{4, 64, crate.Settings{ImageSize: &[2]int{32, 128}}, ""},
	} {
		model := *c
		model.ImageSize, model.Dim, model.Inner, model.Hidden = [2]int{16 * k.side, 16 * k.side}, k.dim, k.dim, 4*k.dim
		_, warnings, err := crate.Resolve(changed(t, &model, ""), k.s)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(warnings, "\n")
		if k.warn == "" && strings.Contains(text, "--image-size") || !strings.Contains(text, k.warn) {
			t.Errorf("%d×%d patches of width %d, %+v: %q", k.side, k.side, k.dim, k.s, text)
		}
	}
}
