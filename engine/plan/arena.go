package plan

import (
	"cmp"
	"fmt"
	"slices"
)

// Arena gives every input and scratch buffer a place. Buffers whose lifetimes
// don't overlap share memory: the largest are placed first, each at the lowest
// offset that is free while it lives. A buffer that is larger than a chunk has a space of
// its own size, which smaller ones share with it.
func (p *Plan) Arena(lim Limits) error {
	p.lifetimes()
	align := max(lim.StorageAlign, lim.TexelAlign, 64)
	limit := min(int64(chunkBytes), lim.MaxAllocation)
	var order []int
	for i, b := range p.Buffers {
		if b.Role != Weight {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(p.Buffers[j].Layout.Bytes(), p.Buffers[i].Layout.Bytes()) })
	var placed [][]int // by space
	p.Spaces = []int64{}
	for _, i := range order {
		b := &p.Buffers[i]
		size := b.Layout.Bytes()
		if size > lim.MaxAllocation {
			return &LimitError{-1, "", fmt.Sprintf("%v needs a buffer of %d bytes, and the device allocates %d at most", p.Value(b.Value), size, lim.MaxAllocation)}
		}
		if !p.place(b, size, align, limit, placed) {
			b.Space, b.Offset = len(p.Spaces), 0
			p.Spaces, placed = append(p.Spaces, 0), append(placed, nil)
		}
		p.Spaces[b.Space] = max(p.Spaces[b.Space], roundUp(b.Offset+size, align))
		placed[b.Space] = append(placed[b.Space], i)
	}
	return nil
}

func roundUp(n, to int64) int64 { return (n + to - 1) / to * to }

// lifetimes finds the dispatches between which each buffer matters: inputs
// from before the first, outputs until after the last.
func (p *Plan) lifetimes() {
	for i := range p.Buffers {
		p.Buffers[i].First, p.Buffers[i].Last = len(p.Dispatches), -1
		if p.Buffers[i].Role == Input {
			p.Buffers[i].First = -1
		}
	}
	for n, d := range p.Dispatches {
		for _, b := range d.Bind {
			if b >= 0 {
				p.Buffers[b].First = min(p.Buffers[b].First, n)
				p.Buffers[b].Last = max(p.Buffers[b].Last, n)
			}
		}
	}
	for _, o := range p.Outputs {
		for _, b := range o.Buffers {
			p.Buffers[b].Last = len(p.Dispatches)
		}
	}
}

// place finds the lowest free offset in an existing space.
func (p *Plan) place(b *Buffer, size, align, limit int64, placed [][]int) bool {
	for s := range p.Spaces {
		var busy []Buffer // what lives at the same time, by offset
		for _, i := range placed[s] {
			if o := p.Buffers[i]; o.First <= b.Last && b.First <= o.Last {
				busy = append(busy, o)
			}
		}
		slices.SortFunc(busy, func(x, y Buffer) int { return cmp.Compare(x.Offset, y.Offset) })
		at := int64(0)
		for _, o := range busy {
			if at+size <= o.Offset {
				break
			}
			at = max(at, roundUp(o.Offset+o.Layout.Bytes(), align))
		}
		if at+size <= max(limit, p.Spaces[s]) {
			b.Space, b.Offset = s, at
			return true
		}
	}
	return false
}
