package weights

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/loader/quote"
)

// Tensor is a tensor to be written. Exactly one of F64, F32 and Raw holds its
// elements, in row-major order.
type Tensor struct {
	Name  string
	DType DType // F16, BF16, F32 or F64; any type of the format with Raw
	Shape []int

	F64 []float64 // rounded to DType, ties to even
	F32 []float32 // likewise
	Raw []byte    // little-endian, written as it is
}

// Write writes a safetensors file. The bytes depend on the arguments' values
// alone: tensors are ordered by element size, largest first, then by name, as the
// reference implementation does, so that each one is aligned to its element size;
// the header is padded with spaces to a multiple of 8 bytes.
//
// A value that becomes infinite when rounded, a NaN, a name that appears twice, or
// data that doesn't fit a shape is an error, and what is written by then is to be
// thrown away.
func Write(w io.Writer, tensors []Tensor, metadata map[string]string) error {
	list := slices.Clone(tensors)
	slices.SortStableFunc(list, func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(b.DType.bits(), a.DType.bits()), cmp.Compare(a.Name, b.Name))
	})
	head, err := encodeHeader(list, metadata)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, chunkSize)
	var prefix [8]byte
	binary.LittleEndian.PutUint64(prefix[:], uint64(len(head)))
	out.Write(prefix[:])
	out.Write(head)
	for i := range list {
		if err := list[i].write(out); err != nil {
			return err
		}
	}
	return out.Flush()
}

// encodeHeader checks the tensors and returns the header's JSON text, padded.
func encodeHeader(list []Tensor, metadata map[string]string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	if len(metadata) > 0 {
		b.WriteString(`"__metadata__":{`)
		for i, key := range slices.Sorted(maps.Keys(metadata)) {
			if i > 0 {
				b.WriteByte(',')
			}
			if !utf8.ValidString(key) || !utf8.ValidString(metadata[key]) {
				return nil, fmt.Errorf("weights: metadata %s: %s isn't UTF-8", quote.Name(key), quote.Name(metadata[key]))
			}
			writeString(&b, key)
			b.WriteByte(':')
			writeString(&b, metadata[key])
		}
		b.WriteByte('}')
	}
	seen := make(map[string]struct{}, len(list))
	at := int64(0)
	for i := range list {
		t := &list[i]
		size, err := t.size()
		if err != nil {
			return nil, err
		}
		if _, twice := seen[t.Name]; twice {
			return nil, t.fail("the name appears twice")
		}
		seen[t.Name] = struct{}{}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		writeString(&b, t.Name)
		fmt.Fprintf(&b, `:{"dtype":"%s","shape":[`, t.DType)
		for d, n := range t.Shape {
			if d > 0 {
				b.WriteByte(',')
			}
			fmt.Fprint(&b, n)
		}
		fmt.Fprintf(&b, `],"data_offsets":[%d,%d]}`, at, at+size)
		at += size
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	if b.Len() > maxHeader {
		return nil, fmt.Errorf("weights: the header has %d bytes, want at most %d", b.Len(), maxHeader)
	}
	return b.Bytes(), nil
}

// writeString writes a JSON string. The text is valid UTF-8.
func writeString(b *bytes.Buffer, text string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	e.Encode(text)          // a string can't fail
	b.Truncate(b.Len() - 1) // the encoder's newline
}

// size checks a tensor and returns its bytes in the file.
func (t *Tensor) size() (int64, error) {
	if !utf8.ValidString(t.Name) || t.Name == "__metadata__" {
		return 0, t.fail("want a name in UTF-8 other than __metadata__")
	}
	if len(t.Shape) > maxRank {
		return 0, t.fail("%d dimensions, want at most %d", len(t.Shape), maxRank)
	}
	n, ok := elements(t.Shape)
	size, ok2 := byteSize(n, t.DType)
	if !ok || !ok2 || t.DType.bits() == 0 {
		return 0, t.fail("%q %v has no size", t.DType, t.Shape)
	}
	var have, want int64
	sets := 0
	for _, s := range []struct {
		is         bool
		have, want int64
	}{
		{t.F64 != nil, int64(len(t.F64)), n},
		{t.F32 != nil, int64(len(t.F32)), n},
		{t.Raw != nil, int64(len(t.Raw)), size},
	} {
		if s.is {
			sets++
			have, want = s.have, s.want
		}
	}
	switch {
	case sets > 1 || sets == 0 && n > 0:
		return 0, t.fail("%d of F64, F32 and Raw are set, want 1", sets)
	case sets == 1 && have != want:
		return 0, t.fail("has %d values, want %d for %s %v", have, want, t.DType, t.Shape)
	case t.Raw == nil && !t.DType.Float():
		return 0, t.fail("%s is written from Raw alone", t.DType)
	}
	return size, nil
}

func (t *Tensor) fail(format string, args ...any) error {
	return fmt.Errorf("weights: tensor %s: %s", quote.Name(t.Name), fmt.Sprintf(format, args...))
}

// write writes the elements.
func (t *Tensor) write(out *bufio.Writer) error {
	if t.Raw != nil {
		_, err := out.Write(t.Raw)
		return err
	}
	for i, x := range t.F64 {
		if err := t.put(out, i, x); err != nil {
			return err
		}
	}
	for i, x := range t.F32 {
		if err := t.put(out, i, float64(x)); err != nil {
			return err
		}
	}
	return nil
}

// put writes element i, which is x.
func (t *Tensor) put(out *bufio.Writer, i int, x float64) error {
	var buf [8]byte
	le := binary.LittleEndian
	var finite bool
	switch t.DType {
	case F64:
		le.PutUint64(buf[:], math.Float64bits(x))
		finite = x-x == 0
	case F32:
		v := float32(x)
		le.PutUint32(buf[:], math.Float32bits(v))
		finite = v-v == 0
	case F16:
		v := graph.ToF16(x)
		le.PutUint16(buf[:], v)
		finite = v&0x7c00 != 0x7c00
	case BF16:
		v := graph.ToBF16(x)
		le.PutUint16(buf[:], v)
		finite = v&0x7f80 != 0x7f80
	}
	if !finite {
		return t.fail("element %d is %v, which %s can't hold as a finite number", i, x, t.DType)
	}
	_, err := out.Write(buf[:t.DType.bits()/8])
	return err
}
