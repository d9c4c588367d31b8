package show

import (
	"image"
	"image/color"
	"strings"
	"testing"

	"golang.org/x/image/font/gofont/gomono"
)

// inked is the smallest rectangle with everything that was drawn.
func inked(p *image.RGBA) image.Rectangle {
	var all image.Rectangle
	for y := p.Rect.Min.Y; y < p.Rect.Max.Y; y++ {
		for x := p.Rect.Min.X; x < p.Rect.Max.X; x++ {
			if p.RGBAAt(x, y).A > 0 {
				all = all.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return all
}

// A fitted text is within its width, as measured and as drawn, and is the longest
// beginning that is.
func TestFontFits(t *testing.T) {
	f, err := NewFont(gomono.TTF, 13)
	if err != nil {
		t.Fatal(err)
	}
	for _, font := range []*Font{f, label(13), label(27)} {
		for _, text := range []string{"", "a", "a rather long name.jpeg", "ÄÖÜ ×·…√", "猫 and 🐈", strings.Repeat("W", 300)} {
			whole := font.Width(text)
			for _, width := range []int{-3, 0, 1, 7, 20, 50, 119, whole - 1, whole, whole + 1} {
				got := font.Fit(text, width)
				if w := font.Width(got); w > max(width, 0) {
					t.Errorf("%q at %d is %q, %d pixels wide", text, width, got, w)
				}
				if (got == text) != (whole <= width) && got != "" {
					t.Errorf("%q of %d pixels at %d is %q", text, whole, width, got)
				}
				if cut, ok := strings.CutSuffix(got, "…"); ok && got != text {
					next := []rune(strings.TrimPrefix(text, cut))[0]
					if longer := cut + string(next) + "…"; font.Width(longer) <= width {
						t.Errorf("%q at %d is %q, where %q fits", text, width, got, longer)
					}
				}
				page := image.NewRGBA(image.Rect(-10, -10, whole+60, font.Height()+10))
				font.Draw(page, image.Point{}, got, color.White)
				// Some characters reach a pixel beyond what they take.
				if box := image.Rect(-1, 0, max(width, 0)+1, font.Height()+1); !inked(page).In(box) {
					t.Errorf("%q at %d inks %v, outside %v", got, width, inked(page), box)
				}
			}
		}
	}
}

// A font that met very many characters forgets some, and draws them alike again.
func TestFontForgets(t *testing.T) {
	f, err := NewFont(gomono.TTF, 12)
	if err != nil {
		t.Fatal(err)
	}
	before := f.Width("abc")
	for r := rune(0x4e00); r < 0x4e00+3*maxGlyphs; r++ {
		f.Width(string(r))
	}
	if len(f.glyphs) > maxGlyphs {
		t.Errorf("the font keeps %d glyphs, want at most %d", len(f.glyphs), maxGlyphs)
	}
	if f.Width("abc") != before {
		t.Errorf("abc was %d pixels wide and is %d", before, f.Width("abc"))
	}
}
