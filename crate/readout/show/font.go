package show

import (
	"image"
	"image/color"
	"sync"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// Font is a typeface at one size. It keeps the shapes of the characters that it has
// drawn, so that a window can write the same lines in every frame. Characters stand on
// whole pixels: what Width says of a text is exactly what Draw takes. Safe for
// several goroutines.
type Font struct {
	ascent, height int // pixels

	mu     sync.Mutex
	face   font.Face
	glyphs map[rune]glyph
}

// glyph is a character's shape, and where it lies from the point on the base line at
// which it begins.
type glyph struct {
	mask    *image.Alpha
	at      image.Point
	advance int // pixels
}

// maxGlyphs bounds what a Font keeps: names of files may have any character.
const maxGlyphs = 2048

// NewFont reads a TrueType or OpenType font. Size is in pixels an em.
func NewFont(ttf []byte, size float64) (*Font, error) {
	parsed, err := opentype.Parse(ttf)
	if err != nil {
		return nil, err
	}
	return newFont(parsed, size)
}

func newFont(parsed *opentype.Font, size float64) (*Font, error) {
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return nil, err
	}
	m := face.Metrics()
	return &Font{ascent: m.Ascent.Ceil(), height: m.Height.Ceil(), face: face, glyphs: map[rune]glyph{}}, nil
}

// Height is the height of a line in pixels.
func (f *Font) Height() int { return f.height }

// Width is the width of a text in pixels.
func (f *Font) Width(text string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	width := 0
	for _, r := range text {
		width += f.glyph(r).advance
	}
	return width
}

// Fit is the text where it fits a width in pixels; else as much of its beginning as
// fits with an ellipsis, and nothing where not even that has room.
func (f *Font) Fit(text string, width int) string {
	if f.Width(text) <= width {
		return text
	}
	room := width - f.Width("…")
	if room < 0 {
		return ""
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, r := range text {
		if room -= f.glyph(r).advance; room < 0 {
			return text[:i] + "…"
		}
	}
	return text
}

// Draw writes a line of text with its top left corner at a point. All of it is
// drawn, so far as the picture reaches.
func (f *Font) Draw(out draw.Image, at image.Point, text string, c color.Color) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ink := image.NewUniform(c)
	dot := at.Add(image.Pt(0, f.ascent))
	for _, r := range text {
		g := f.glyph(r)
		draw.DrawMask(out, g.mask.Rect.Add(dot.Add(g.at)), ink, image.Point{}, g.mask, image.Point{}, draw.Over)
		dot.X += g.advance
	}
}

// glyph is a character's shape; a character that the font lacks is its empty box.
func (f *Font) glyph(r rune) glyph {
	if g, ok := f.glyphs[r]; ok {
		return g
	}
	box, mask, from, advance, _ := f.face.Glyph(fixed.Point26_6{}, r)
	g := glyph{mask: image.NewAlpha(image.Rectangle{Max: box.Size()}), at: box.Min, advance: advance.Round()}
	if mask != nil {
		draw.Draw(g.mask, g.mask.Rect, mask, from, draw.Src)
	}
	if len(f.glyphs) >= maxGlyphs {
		clear(f.glyphs)
	}
	f.glyphs[r] = g
	return g
}
