package arrays

import (
	"bytes"
	"slices"
	"testing"

	"codeberg.org/sbinet/npyio/npz"
)

func TestNPZ(t *testing.T) {
	want := []Array{{Name: "tokens.0", Shape: []int{2, 3}, Data: []float32{1, 2, 3, 4, 5, -6.5}}, {Name: "logits", Shape: []int{4}, Data: []float32{0, 1e-30, 3, 4}}, {Name: "labels", Shape: []int{1, 2}, Bytes: []byte{0, 200}}}
	var b, again bytes.Buffer
	if err := Write(&b, "npz", want); err != nil {
		t.Fatal(err)
	}
	if err := Write(&again, "npz", want); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Errorf("writing twice gives different bytes (%v)", err)
	}
	r, err := npz.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range want {
		h := r.Header(a.Name + ".npy")
		if h == nil || !slices.Equal(h.Descr.Shape, a.Shape) {
			t.Fatalf("%s: header %+v, want shape %v", a.Name, h, a.Shape)
		}
		if a.Bytes != nil {
			var got []uint8
			if err := r.Read(a.Name+".npy", &got); err != nil || !slices.Equal(got, a.Bytes) {
				t.Errorf("%s: %v, %v, want %v", a.Name, got, err, a.Bytes)
			}
			continue
		}
		var got []float32
		if err := r.Read(a.Name+".npy", &got); err != nil || !slices.Equal(got, a.Data) {
			t.Errorf("%s: %v, %v, want %v", a.Name, got, err, a.Data)
		}
	}
}

func TestUnknownFormat(t *testing.T) {
	if err := Write(&bytes.Buffer{}, "npy", nil); err == nil {
		t.Error("npy is written")
	}
}
