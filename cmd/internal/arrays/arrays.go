// Package arrays writes named arrays as safetensors or npz.
package arrays

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/crate-vk/crate-vk/loader/weights"
)

// Array is a tensor of float32, or of bytes: row-major, slowest axis first.
type Array struct {
	Name  string
	Shape []int
	Data  []float32
	Bytes []byte // in the place of Data
}

// Write writes arrays in a format: safetensors or npz.
func Write(w io.Writer, format string, list []Array) error {
	switch format {
	case "safetensors":
		var tensors []weights.Tensor
		for _, a := range list {
			if a.Bytes != nil {
				tensors = append(tensors, weights.Tensor{Name: a.Name, DType: "U8", Shape: a.Shape, Raw: a.Bytes})
			} else {
				tensors = append(tensors, weights.Tensor{Name: a.Name, DType: weights.F32, Shape: a.Shape, F32: a.Data})
			}
		}
		return weights.Write(w, tensors, nil)
	case "npz":
		return writeNPZ(w, list)
	}
	return fmt.Errorf("array format %q: want safetensors or npz", format)
}

// writeNPZ writes an uncompressed npz whose bytes depend on the arrays alone.
func writeNPZ(w io.Writer, list []Array) error {
	z := zip.NewWriter(w)
	for _, a := range list {
		out, err := z.CreateHeader(&zip.FileHeader{Name: a.Name + ".npy", Method: zip.Store, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			return err
		}
		if err := writeNPY(out, a); err != nil {
			return fmt.Errorf("array %s: %w", a.Name, err)
		}
	}
	return z.Close()
}

// writeNPY writes one array in NumPy's format 1.0. npyio, which the tests read
// it back with, writes slices and float64 matrices only.
func writeNPY(w io.Writer, a Array) error {
	var shape strings.Builder
	for _, n := range a.Shape {
		fmt.Fprintf(&shape, "%d,", n)
	}
	kind := "<f4"
	if a.Bytes != nil {
		kind = "|u1"
	}
	head := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", kind, shape.String())
	const prefix = 10 // magic, version, length
	for (prefix+len(head)+1)%64 != 0 {
		head += " "
	}
	head += "\n"
	buf := append([]byte("\x93NUMPY\x01\x00"), byte(len(head)), byte(len(head)>>8))
	buf = append(buf, head...)
	buf = append(buf, a.Bytes...)
	for _, x := range a.Data {
		buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(x))
	}
	_, err := w.Write(buf)
	return err
}
