//go:build viewer && cgo

package window

import (
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"slices"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/inside"
)

// Scene is one picture of the window. Its sizes are in pixels of the canvas.
type Scene struct {
	Width, Height int
	Ground        color.RGBA    // where there is no tile
	Overlay       *image.RGBA   // text and marks, Width × Height, over everything; nil: none
	Tiles         []Tile        // no two have a pixel in common
	Palette       []color.RGBA  // of objects 1, 2, …
	Frame         readout.Frame // how the image became the grid of the maps
}

// Tile is a rectangle of the canvas. What it shows lies one above another: the photograph,
// dimmed outside the labels' objects and tinted inside, tint, map, the labels' borders. All of
// its pictures have exactly the rectangle's size.
type Tile struct {
	Rect    image.Rectangle
	Whole   image.Rectangle  // where the whole picture would be that the map covers; zero: Rect
	Photo   *image.RGBA      // nil: the scene's ground
	Labels  []byte           // a pixel each: 0 no object, k object k, 128 + k its border; nil: no labels
	Tint    *image.RGBA      // colours with their alpha, which is not multiplied in; nil: none
	Map     *Map             // nil: none
	Colours *[256]color.RGBA // of the map, from its least to its largest value
	Zero    bool             // the middle colour is that of 0: they reach as far below as above
	Opacity uint8            // of map and tint
}

// Map is the mean of some rows of tensors over the grid of patches.
type Map []Row

// Row is a part of a tensor that stayed on the device: of row Row, counted over all
// but the last axis, the Frame.Rows·Frame.Columns elements from From on.
type Row struct {
	Tensor    inside.Tensor
	Row, From int
}

// none stands for what a tile does not have.
const none = 0xffffffff

// check reports what would make the kernels reach beyond their buffers.
func (s *Scene) check() error {
	all := image.Rect(0, 0, s.Width, s.Height)
	if all.Empty() || s.Overlay != nil && s.Overlay.Rect != all {
		return fmt.Errorf("window: a scene of %d × %d px with an overlay of another size", s.Width, s.Height)
	}
	for i, t := range s.Tiles {
		n := t.Rect.Dx() * t.Rect.Dy()
		switch {
		case t.Rect.Empty() || !t.Rect.In(all):
			return fmt.Errorf("window: tile %d is %v, outside a canvas of %d × %d px", i, t.Rect, s.Width, s.Height)
		case t.Photo != nil && t.Photo.Rect.Size() != t.Rect.Size(), t.Tint != nil && t.Tint.Rect.Size() != t.Rect.Size(), t.Labels != nil && len(t.Labels) != n:
			return fmt.Errorf("window: tile %d is %v, and a picture of it has another size", i, t.Rect)
		case !t.Whole.Empty() && !t.Rect.In(t.Whole):
			return fmt.Errorf("window: tile %d is %v, outside its picture at %v", i, t.Rect, t.Whole)
		case t.Map != nil && (len(*t.Map) == 0 || t.Colours == nil || s.Frame.Rows < 1 || s.Frame.Columns < 1):
			return fmt.Errorf("window: tile %d has a map without rows, colours or grid", i)
		}
		for _, l := range t.Labels {
			if l != 0 && int(l&127) > len(s.Palette) || l == 128 {
				return fmt.Errorf("window: tile %d has label %d, and the palette %d colours", i, l, len(s.Palette))
			}
		}
	}
	return nil
}

// packing is a scene as the kernels read it.
type packing struct {
	words []byte         // of the buffer scene
	at    map[any]uint32 // the word at which a picture or table of colours begins
	raw   []Row          // rows of tensors, one behind another
	maps  [][2]uint32    // of raw: first row, and how many
	first map[Row]int    // of raw
	tiles [][]uint32     // push constants, of the ground's pieces first
	shown []int          // of maps, by tile; −1: none
}

// pack lays everything out. room is reused.
func (s *Scene) pack(room []byte) *packing {
	p := &packing{words: room[:0], at: map[any]uint32{}, first: map[Row]int{}}
	overlay := p.picture(s.Overlay) // the largest first, so that what follows stays in place
	palette := uint32(len(p.words) / 4)
	for k := range max(len(s.Palette), 1) {
		c := color.RGBA{}
		if k < len(s.Palette) {
			c = s.Palette[k]
		}
		p.words = append(p.words, c.R, c.G, c.B, 255)
	}
	ground := uint32(s.Ground.R) | uint32(s.Ground.G)<<8 | uint32(s.Ground.B)<<16
	add := func(t Tile, number uint32) {
		zero, across, down := uint32(0), uint32(none), uint32(none)
		if t.Zero {
			zero = 1
		}
		if t.Map != nil {
			across, down = p.cells(&s.Frame, t)
		}
		p.tiles = append(p.tiles, []uint32{uint32(s.Width), overlay, uint32(t.Rect.Min.X), uint32(t.Rect.Min.Y), uint32(t.Rect.Dx()), uint32(t.Rect.Dy()),
			p.picture(t.Photo), p.labels(t.Labels), p.picture(t.Tint), p.colours(t.Colours), palette, number,
			uint32(s.Frame.Rows * s.Frame.Columns), uint32(s.Frame.Columns), across, down, zero, uint32(t.Opacity), ground})
	}
	for _, r := range s.uncovered() {
		add(Tile{Rect: r}, none)
	}
	for _, t := range s.Tiles {
		number := uint32(none)
		p.shown = append(p.shown, -1)
		if t.Map != nil {
			number = uint32(len(p.maps))
			p.shown[len(p.shown)-1] = len(p.maps)
			p.maps = append(p.maps, p.rows(*t.Map))
		}
		add(t, number)
	}
	return p
}

func (p *packing) picture(m *image.RGBA) uint32 {
	if m == nil {
		return none
	}
	return p.once(m, func() {
		for y := range m.Rect.Dy() {
			p.words = append(p.words, m.Pix[y*m.Stride:][:4*m.Rect.Dx()]...)
		}
	})
}

// cells are tables of the grid's column of each x of a tile, and the row of each y: by nearest,
// as readout.Frame.ToImage enlarges masks. What lies beyond the trimmed part has none.
func (p *packing) cells(f *readout.Frame, t Tile) (across, down uint32) {
	whole := t.Whole
	if whole.Empty() {
		whole = t.Rect
	}
	type side struct{ from, n, of, resized, trimmed, cells int }
	table := func(s side) uint32 {
		return p.once(s, func() {
			for o := s.from; o < s.from+s.n; o++ {
				cell := uint32(none)
				if at := (2*o + 1) * s.resized / (2 * s.of); at < s.trimmed {
					cell = uint32(at * s.cells / s.trimmed)
				}
				p.words = binary.LittleEndian.AppendUint32(p.words, cell)
			}
		})
	}
	across = table(side{t.Rect.Min.X - whole.Min.X, t.Rect.Dx(), whole.Dx(), f.Width, f.TrimmedWidth(), f.Columns})
	down = table(side{t.Rect.Min.Y - whole.Min.Y, t.Rect.Dy(), whole.Dy(), f.Height, f.TrimmedHeight(), f.Rows})
	return across, down
}

// uncovered are rectangles of the canvas that have no tile, in bands between the tiles' edges.
func (s *Scene) uncovered() (list []image.Rectangle) {
	edges := []int{0, s.Height}
	for _, t := range s.Tiles {
		edges = append(edges, t.Rect.Min.Y, t.Rect.Max.Y)
	}
	slices.Sort(edges)
	edges = slices.Compact(edges)
	var spans []image.Point // of a band: from, to
	for i, top := range edges[:len(edges)-1] {
		spans = spans[:0]
		for _, t := range s.Tiles {
			if t.Rect.Min.Y <= top && top < t.Rect.Max.Y {
				spans = append(spans, image.Pt(t.Rect.Min.X, t.Rect.Max.X))
			}
		}
		slices.SortFunc(spans, func(a, b image.Point) int { return a.X - b.X })
		x := 0
		for _, span := range append(spans, image.Pt(s.Width, s.Width)) {
			if span.X > x {
				list = append(list, image.Rect(x, top, span.X, edges[i+1]))
			}
			x = max(x, span.Y)
		}
	}
	return list
}

func (p *packing) colours(c *[256]color.RGBA) uint32 {
	if c == nil {
		return none
	}
	return p.once(c, func() {
		for _, x := range c {
			p.words = append(p.words, x.R, x.G, x.B, 255)
		}
	})
}

func (p *packing) labels(l []byte) uint32 {
	if l == nil {
		return none
	}
	return p.once(&l[0], func() {
		p.words = append(p.words, l...)
		p.words = append(p.words, make([]byte, -len(l)&3)...)
	})
}

// once appends what several tiles may share a single time.
func (p *packing) once(key any, appendIt func()) uint32 {
	at, ok := p.at[key]
	if !ok {
		at = uint32(len(p.words) / 4)
		p.at[key] = at
		appendIt()
	}
	return at
}

// rows finds the rows of a map among those that are copied, where they stand there one
// behind another, or appends them.
func (p *packing) rows(m Map) [2]uint32 {
	first, found := p.first[m[0]]
	for i := 0; found && i < len(m); i++ {
		found = first+i < len(p.raw) && p.raw[first+i] == m[i]
	}
	if !found {
		first = len(p.raw)
		for i, r := range m {
			p.first[r] = first + i
			p.raw = append(p.raw, r)
		}
	}
	return [2]uint32{uint32(first), uint32(len(m))}
}

// table appends which rows the maps are of, and is the word at which that begins.
func (p *packing) table() uint32 {
	at := uint32(len(p.words) / 4)
	for _, m := range p.maps {
		p.words = binary.LittleEndian.AppendUint32(p.words, m[0])
		p.words = binary.LittleEndian.AppendUint32(p.words, m[1])
	}
	return at
}
