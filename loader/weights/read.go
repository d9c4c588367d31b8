package weights

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"math"

	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/loader/quote"
)

// chunkSize is how many bytes are read at once: a multiple of every element size,
// large enough to make the system calls cheap and small enough to stay in cache.
const chunkSize = 256 << 10

// ReadF64 reads a tensor of type F16, BF16, F32 or F64, in row-major order. The
// values are exact.
//
// Errors: fs.ErrNotExist (wrapped) for a name that isn't there, [*FormatError] for
// a NaN or an infinity, [*UnsupportedError] for another type, [ErrChanged].
func (f *File) ReadF64(name string) ([]float64, error) {
	return read[float64](f, name)
}

// ReadF32 is ReadF64 with the values rounded to float32, which changes F64 alone.
// An F64 value beyond the range of float32 is an *UnsupportedError.
func (f *File) ReadF32(name string) ([]float32, error) {
	return read[float32](f, name)
}

func read[T float32 | float64](f *File, name string) ([]T, error) {
	e, err := f.find(name)
	if err != nil {
		return nil, err
	}
	s := f.shards[e.shard]
	if !e.DType.Float() {
		return nil, &UnsupportedError{s.path, name, fmt.Sprintf("is %s, want F16, BF16, F32 or F64", e.DType)}
	}
	dst := make([]T, e.Elements())
	size := int(e.DType.bits() / 8)
	done := 0
	err = s.chunks(e, func(chunk []byte) error {
		n := len(chunk) / size
		if bad := decode(dst[done:done+n], chunk, e.DType); bad >= 0 {
			return s.refuse(e, done+bad, chunk[bad*size:])
		}
		done += n
		return nil
	})
	if err != nil {
		return nil, err
	}
	return dst, nil
}

// Check reads a tensor as ReadF64 does and keeps nothing of it.
//
// Errors: those of ReadF64.
func (f *File) Check(name string) error { return check[float64](f, name) }

// CheckF32 reads a tensor as ReadF32 does and keeps nothing of it.
//
// Errors: those of ReadF32.
func (f *File) CheckF32(name string) error { return check[float32](f, name) }

func check[T float32 | float64](f *File, name string) error {
	e, err := f.find(name)
	if err != nil {
		return err
	}
	s := f.shards[e.shard]
	if !e.DType.Float() {
		return &UnsupportedError{s.path, name, fmt.Sprintf("is %s, want F16, BF16, F32 or F64", e.DType)}
	}
	size := int(e.DType.bits() / 8)
	values := make([]T, min(e.Elements(), chunkSize/size))
	done := 0
	return s.chunks(e, func(chunk []byte) error {
		n := len(chunk) / size
		if bad := decode(values[:n], chunk, e.DType); bad >= 0 {
			return s.refuse(e, done+bad, chunk[bad*size:])
		}
		done += n
		return nil
	})
}

// ReadBytes reads a tensor of any type as it is stored, little-endian. Values
// aren't checked.
func (f *File) ReadBytes(name string) ([]byte, error) {
	e, err := f.find(name)
	if err != nil {
		return nil, err
	}
	dst := make([]byte, 0, e.end-e.begin)
	err = f.shards[e.shard].chunks(e, func(chunk []byte) error {
		dst = append(dst, chunk...)
		return nil
	})
	return dst, err
}

func (f *File) find(name string) (*entry, error) {
	i, ok := f.byName[name]
	if !ok {
		return nil, fmt.Errorf("%s: tensor %s: %w", quote.Path(f.path), quote.Name(name), fs.ErrNotExist)
	}
	return &f.entries[i], nil
}

// chunks hands a tensor's bytes to use piece by piece, and checks at the end that
// the file is still the one that was opened.
func (s *shard) chunks(e *entry, use func(chunk []byte) error) error {
	buf := make([]byte, min(e.end-e.begin, chunkSize))
	for at := e.begin; at < e.end; {
		buf = buf[:min(e.end-at, chunkSize)]
		if err := s.readAt(buf, s.data+at); err != nil {
			return err
		}
		if err := use(buf); err != nil {
			return err
		}
		at += int64(len(buf))
	}
	return s.unchanged()
}

// decode converts len(dst) elements. It returns the index of the first one that
// isn't finite in T, or -1.
func decode[T float32 | float64](dst []T, src []byte, d DType) int {
	le := binary.LittleEndian
	switch d {
	case F64:
		for i := range dst {
			dst[i] = T(math.Float64frombits(le.Uint64(src[8*i:])))
		}
	case F32:
		for i := range dst {
			dst[i] = T(math.Float32frombits(le.Uint32(src[4*i:])))
		}
	case F16:
		for i := range dst {
			dst[i] = T(graph.F16ToF32(le.Uint16(src[2*i:])))
		}
	case BF16:
		for i := range dst {
			dst[i] = T(graph.BF16ToF32(le.Uint16(src[2*i:])))
		}
	}
	for i, x := range dst {
		if x-x != 0 { // NaN for NaN and the infinities
			return i
		}
	}
	return -1
}

// refuse says why element i, the first one of raw, isn't read.
func (s *shard) refuse(e *entry, i int, raw []byte) error {
	var v [1]float64
	if decode(v[:], raw, e.DType) < 0 {
		return &UnsupportedError{s.path, e.Name, fmt.Sprintf("element %d %v is %g, which float32 can't hold", i, position(i, e.Shape), v[0])}
	}
	return &FormatError{s.path, e.Name, fmt.Sprintf("element %d %v is %v, want finite numbers", i, position(i, e.Shape), v[0])}
}

// position turns a flat index into one for each dimension.
func position(i int, shape []int) []int {
	at := make([]int, len(shape))
	for d := len(shape) - 1; d >= 0; d-- {
		at[d] = i % shape[d]
		i /= shape[d]
	}
	return at
}
