package engine

import (
	"errors"
	"testing"
)

// TestModelNamedOnce: an error of a model's file names it once.
func TestModelNamedOnce(t *testing.T) {
	for text, want := range map[string]string{
		"a/b.safetensors: is torn":  "model a/b.safetensors: is torn",
		"is torn":                   "model a/b.safetensors: is torn",
		"b.safetensors: is torn":    "model a/b.safetensors: b.safetensors: is torn",
		"a/b.safetensors2: is torn": "model a/b.safetensors: a/b.safetensors2: is torn",
	} {
		if got := (&ModelError{Path: "a/b.safetensors", Err: errors.New(text)}).Error(); got != want {
			t.Errorf("%q reads %q, want %q", text, got, want)
		}
	}
}
