package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
)

// writeNPY writes vectors as a float32 array [n d] that numpy.load reads.
func writeNPY(path string, vectors [][]float32) error {
	wide := 0
	if len(vectors) > 0 {
		wide = len(vectors[0])
	}
	head := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", len(vectors), wide)
	for (len(head)+11)%64 != 0 { // 10 bytes stand before it, a newline behind
		head += " "
	}
	var b bytes.Buffer
	b.WriteString("\x93NUMPY\x01\x00")
	binary.Write(&b, binary.LittleEndian, uint16(len(head)+1))
	b.WriteString(head + "\n")
	for _, v := range vectors {
		binary.Write(&b, binary.LittleEndian, v)
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}
