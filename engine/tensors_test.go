package engine

import (
	"context"
	"strings"
	"testing"
)

// TestRunTensors: tensors by name are those of Features.
func TestRunTensors(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	m := load(t, onReference(t), src)
	img := testPicture(1, 40, 50)
	want, err := m.Features(context.Background(), img)
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Run(context.Background(), img, "tokens.1", "attention.0", "logits")
	if err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	for name, x := range got {
		if !sameBits(x.Data, want[name].Data) || !x.Shape.Same(want[name].Shape) {
			t.Errorf("%s is another tensor", name)
		}
	}
	for _, names := range [][]string{nil, {"tokens.2"}, {"logits", "tokens"}, {"logits", "logits"}} {
		if _, err := m.Run(context.Background(), img, names...); err == nil || !strings.Contains(err.Error(), "tokens.embed, key.0 … 1, attention.0 … 1") && len(names) < 2 {
			t.Errorf("%v gives %v", names, err)
		}
	}
	for _, name := range tensorNames(&src.Config) {
		if _, err := m.Run(context.Background(), img, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
