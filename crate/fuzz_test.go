package crate

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzConfig reads arbitrary bytes as config.json. What is refused has a short message,
// and what is taken is JSON, is of an architecture that we know, and is the same when it
// is read again.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(`{"architecture":"crate","dim":64,"depth":2,"heads":4,"patch":8,"image_size":[32,48],"mean":[0.5,0.5,0.5],"std":[1,1,1],"eta":0.1,"lambda":1e-1}`))
	f.Add([]byte(`{"architecture":"vit","pool":"mean","residual_ff":true,"classes":["a","b"],"readout":"layers=4"}`))
	f.Add([]byte(`{"architectures":["ViTForImageClassification"],"hidden_size":768}`))
	f.Add([]byte(`{"architecture":"crate","image_size":[1]}`))
	f.Add([]byte(`{"architecture":7}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, ours, err := ParseConfig(data)
		if err != nil {
			if len(err.Error()) > 2000+2*len(data) {
				t.Fatalf("a message of %d bytes", len(err.Error()))
			}
			return
		}
		if !json.Valid(data) {
			t.Fatal("it isn't JSON")
		}
		if !ours {
			return
		}
		again, _, err := ParseConfig(bytes.Clone(data))
		a, _ := json.Marshal(s)
		b, _ := json.Marshal(again)
		if err != nil || s.Architecture == nil || !bytes.Equal(a, b) {
			t.Fatalf("%s, then %s, %v", a, b, err)
		}
	})
}

// FuzzMetadata reads an arbitrary key and value as metadata of a safetensors file.
func FuzzMetadata(f *testing.F) {
	for key, value := range map[string]string{"crate.heads": "4", "crate.mean": "0.5,0.5,0.5", "crate.image_size": "32x48", "crate.eta": "0.1", "crate.block": "crate", "crate.classes": `["a"]`, "format": "pt"} {
		f.Add(key, value)
	}
	f.Fuzz(func(t *testing.T, key, value string) {
		if _, err := ParseMetadata(map[string]string{key: value}); err != nil && len(err.Error()) > 2000+8*(len(value)+len(key)) {
			t.Fatalf("a message of %d bytes", len(err.Error()))
		}
	})
}
