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

// Array is a tensor of float32, of bytes, or of 16-bit numbers: row-major, slowest axis first.
type Array struct {
	Name  string
	Shape []int
	Data  []float32
	Bytes []byte   // in the place of Data
	Words []uint16 // in the place of Data
}

// Write writes arrays in a format: safetensors or npz.
func Write(w io.Writer, format string, list []Array) error {
	switch format {
	case "safetensors":
		var tensors []weights.Tensor
		for _, a := range list {
			if raw, dtype := a.raw(); raw != nil {
				tensors = append(tensors, weights.Tensor{Name: a.Name, DType: dtype, Shape: a.Shape, Raw: raw})
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

// raw are the bytes of what isn't float32, and the type.
func (a Array) raw() ([]byte, weights.DType) {
	switch {
	case a.Bytes != nil:
		return a.Bytes, "U8"
	case a.Words != nil:
		raw := make([]byte, 0, 2*len(a.Words))
		for _, w := range a.Words {
			raw = binary.LittleEndian.AppendUint16(raw, w)
		}
		return raw, "U16"
	}
	return nil, weights.F32
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
	raw, dtype := a.raw()
	kind := map[weights.DType]string{"U8": "|u1", "U16": "<u2", weights.F32: "<f4"}[dtype]
	head := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", kind, shape.String())
	const prefix = 10 // magic, version, length
	for (prefix+len(head)+1)%64 != 0 {
		head += " "
	}
	head += "\n"
	buf := append([]byte("\x93NUMPY\x01\x00"), byte(len(head)), byte(len(head)>>8))
	buf = append(buf, head...)
	buf = append(buf, raw...)
	for _, x := range a.Data {
		buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(x))
	}
	_, err := w.Write(buf)
	return err
}
