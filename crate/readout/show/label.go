package show

import (
	"image"
	"image/color"
	"sync"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// typeface parses Go's own font, which is compiled in, once.
var typeface = sync.OnceValue(func() *opentype.Font {
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		panic(err) // the package's own data
	}
	return f
})

func face(size float64) font.Face {
	f, err := opentype.NewFace(typeface(), &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		panic(err) // of options alone
	}
	return f
}

// LineHeight is the height in pixels of a line of text of that size.
func LineHeight(size float64) int {
	f := face(size)
	defer f.Close()
	return f.Metrics().Height.Ceil()
}

// Label writes a line of text with its top left corner at a point. What does
// not fit the width is cut and ends in an ellipsis.
func Label(out draw.Image, at image.Point, width int, size float64, text string, c color.Color) {
	f := face(size)
	defer f.Close()
	d := font.Drawer{Dst: out, Src: image.NewUniform(c), Face: f, Dot: fixed.P(at.X, at.Y+f.Metrics().Ascent.Ceil())}
	if d.MeasureString(text).Ceil() > width {
		letters := []rune(text)
		for len(letters) > 0 && d.MeasureString(string(letters)+"…").Ceil() > width {
			letters = letters[:len(letters)-1]
		}
		text = string(letters) + "…"
	}
	d.DrawString(text)
}
