package viewer

import (
	"image/color"
	"math"
	"sync"

	"github.com/crate-vk/crate-vk/crate/readout/show"
)

// ColourMap gives the values of a map their colours, from the smallest to the largest.
type ColourMap struct {
	Name string
	// Diverging: the middle colour stands for zero, so that the range has to reach as
	// far below zero as above.
	Diverging bool
	Colours   [256]color.RGBA // opaque
}

// ColourMaps is the table of colour maps, the same at each call; not to be written to.
var ColourMaps = sync.OnceValue(func() []ColourMap {
	return []ColourMap{
		colourMap("viridis", false, show.Viridis),
		colourMap("grey", false, func(t float64) color.RGBA { return rgb(t, t, t) }),
		colourMap("hot", false, hot),
		colourMap("diverging", true, diverging),
	}
})

func colourMap(name string, about0 bool, at func(t float64) color.RGBA) ColourMap {
	m := ColourMap{Name: name, Diverging: about0}
	for i := range m.Colours {
		m.Colours[i] = at(float64(i) / float64(len(m.Colours)-1))
	}
	return m
}

// rgb is a colour by channels 0 … 1; what is beyond is cut.
func rgb(r, g, b float64) color.RGBA {
	level := func(x float64) uint8 { return uint8(math.Round(255 * min(max(x, 0), 1))) }
	return color.RGBA{level(r), level(g), level(b), 255}
}

// hot is black, red, yellow, white, as of a body that is heated.
func hot(t float64) color.RGBA { return rgb(3*t, 3*t-1, 3*t-2) }

// diverging goes from blue by a light grey to red, either half in a straight line
// through RGB.
func diverging(t float64) color.RGBA {
	const pale = 0.87
	end := [3]float64{0.70, 0.02, 0.15}
	if t < 0.5 {
		end = [3]float64{0.13, 0.30, 0.75}
	}
	w := math.Abs(2*t - 1)
	mix := func(c int) float64 { return pale + w*(end[c]-pale) }
	return rgb(mix(0), mix(1), mix(2))
}
