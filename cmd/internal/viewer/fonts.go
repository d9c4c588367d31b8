package viewer

import (
	"math"

	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"

	"github.com/crate-vk/crate-vk/crate/readout/show"
)

// textSize is the height of text in pixels at scale 1.
const textSize = 13

// fonts is the text of one scale.
type fonts struct {
	scale   float64
	regular *show.Font
	mono    *show.Font // keys, and figures that change in place
}

func newFonts(scale float64) *fonts {
	return &fonts{scale, mustFont(goregular.TTF, textSize*scale), mustFont(gomono.TTF, (textSize-1)*scale)}
}

func mustFont(ttf []byte, size float64) *show.Font {
	f, err := show.NewFont(ttf, size)
	if err != nil {
		panic(err) // of fonts that are compiled in
	}
	return f
}

// px is a length of so many pixels at scale 1, at least one.
func (f *fonts) px(n int) int { return max(int(math.Round(float64(n)*f.scale)), 1) }

// line is the height of a line of text.
func (f *fonts) line() int { return max(f.regular.Height(), f.mono.Height()) + f.px(2) }
