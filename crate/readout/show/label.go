package show

import (
	"image"
	"image/color"
	"sync"

	"golang.org/x/image/draw"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
)

// typeface parses Go's own font, which is compiled in, once.
var typeface = sync.OnceValue(func() *opentype.Font {
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		panic(err) // the package's own data
	}
	return f
})

// labels are the fonts of the sizes that were asked for.
var labels sync.Map

func label(size float64) *Font {
	if f, ok := labels.Load(size); ok {
		return f.(*Font)
	}
	f, err := newFont(typeface(), size)
	if err != nil {
		panic(err) // of options alone
	}
	kept, _ := labels.LoadOrStore(size, f)
	return kept.(*Font)
}

// LineHeight is the height in pixels of a line of text of that size.
func LineHeight(size float64) int { return label(size).Height() }

// Label writes a line of text with its top left corner at a point. What does
// not fit the width is cut and ends in an ellipsis.
func Label(out draw.Image, at image.Point, width int, size float64, text string, c color.Color) {
	f := label(size)
	f.Draw(out, at, f.Fit(text, width), c)
}
