package coco

import (
	"fmt"
	"math/bits"
)

// RLE is a binary mask: the lengths of its runs of equal pixels, down the columns,
// left to right. The first run is background and may be empty; no other run is,
// and all of them add up to Height·Width. The functions of this package make no
// others and expect no others; the zero value is no mask.
type RLE struct {
	Height, Width int
	Counts        []uint32
}

// maxPixels is the largest mask. The reference implementation counts in 32 bits.
const maxPixels = 1<<31 - 1

// checkSize refuses a size that no mask has.
func checkSize(height, width int) error {
	if height < 1 || width < 1 {
		return malformed("size is %d×%d (height×width), want at least 1×1", height, width)
	}
	if hi, lo := bits.Mul64(uint64(height), uint64(width)); hi != 0 || lo > maxPixels {
		return unsupported("size is %d×%d (height×width), want at most %d pixels", height, width, maxPixels)
	}
	return nil
}

// Encode makes an RLE of pixels, row by row from the top left; what isn't 0 is
// foreground. It panics if the pixels aren't width·height, or none.
func Encode(pix []uint8, width, height int) RLE {
	if err := checkSize(height, width); err != nil || len(pix) != width*height {
		panic(fmt.Sprintf("coco: encode: %d×%d (width×height) with %d pixels", width, height, len(pix)))
	}
	counts := make([]uint32, 0, 64)
	run, set := uint32(0), false
	for x := range width {
		for i := x; i < len(pix); i += width {
			if (pix[i] != 0) != set {
				counts = append(counts, run)
				run, set = 0, !set
			}
			run++
		}
	}
	return RLE{height, width, append(counts, run)}
}

// FromCounts makes an RLE of uncompressed counts. Runs of length 0 are merged
// away: files have them, and they mean what they say. Counts that don't add up to
// height·width are a *FormatError.
func FromCounts(height, width int, counts []uint32) (RLE, error) {
	if err := checkSize(height, width); err != nil {
		return RLE{}, at("size", err)
	}
	b := newRuns(height, width)
	for i, c := range counts {
		if err := b.add(int64(c), i%2 == 1); err != nil {
			return RLE{}, at(fmt.Sprintf("counts[%d]", i), err)
		}
	}
	m, err := b.rle()
	return m, at("counts", err)
}

// Area is the number of pixels of the foreground.
func (m RLE) Area() int {
	n := 0
	for i := 1; i < len(m.Counts); i += 2 {
		n += int(m.Counts[i])
	}
	return n
}

// Box is the tight box [x y width height] of the foreground, zero if there is none.
func (m RLE) Box() [4]int {
	x0, y0, x1, y1 := m.Width, m.Height, -1, -1
	for s := range m.spans {
		first, last := s.from/m.Height, (s.to-1)/m.Height
		x0, x1 = min(x0, first), max(x1, last)
		if first != last { // the run goes round the bottom of a column
			y0, y1 = 0, m.Height-1
			continue
		}
		y0, y1 = min(y0, s.from%m.Height), max(y1, (s.to-1)%m.Height)
	}
	if x1 < 0 {
		return [4]int{}
	}
	return [4]int{x0, y0, x1 - x0 + 1, y1 - y0 + 1}
}

// span is one run of foreground, [from, to) in column-major order.
type span struct{ from, to int }

// spans yields the runs of the foreground.
func (m RLE) spans(yield func(span) bool) {
	at := 0
	for i, c := range m.Counts {
		if i%2 == 1 && !yield(span{at, at + int(c)}) {
			return
		}
		at += int(c)
	}
}

// runs builds the counts of a mask from runs in order, merging those of a kind
// and leaving out empty ones.
type runs struct {
	m    RLE
	sum  int64 // of the runs so far
	size int64 // of the mask
	set  bool  // kind of the last count, which starts as background of length 0
}

func newRuns(height, width int) *runs {
	return &runs{m: RLE{height, width, []uint32{0}}, size: int64(height) * int64(width)}
}

func (b *runs) add(n int64, set bool) error {
	if n < 0 {
		return malformed("is %d, want at least 0", n)
	}
	if n > b.size-b.sum {
		return malformed("the runs sum to %d or more, want %d = %d·%d (height·width)", b.sum+n, b.size, b.m.Height, b.m.Width)
	}
	b.sum += n
	if n == 0 {
		return nil
	}
	if set != b.set {
		b.m.Counts = append(b.m.Counts, 0)
		b.set = set
	}
	b.m.Counts[len(b.m.Counts)-1] += uint32(n)
	return nil
}

// rle returns the mask, if the runs fill it.
func (b *runs) rle() (RLE, error) {
	if b.sum != b.size {
		return RLE{}, malformed("the runs sum to %d, want %d = %d·%d (height·width)", b.sum, b.size, b.m.Height, b.m.Width)
	}
	return b.m, nil
}

// must is rle where the runs are this package's own.
func (b *runs) must() RLE {
	m, err := b.rle()
	if err != nil {
		panic("coco: " + err.Error())
	}
	return m
}
