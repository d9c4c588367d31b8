package viewer

import (
	"math"
	"slices"
)

// Show is what the map shows.
type Show string

// What the map can show.
const (
	ShowAttention Show = "attention" // what the patch under the mouse attends to
	ShowKeys      Show = "keys"      // how alike its key and all keys are, as cosines
	ShowClass     Show = "class"     // what the class token attends to
)

// Method is how the mask is made.
type Method string

// The methods; MethodNone makes no mask.
const (
	MethodNone      Method = "none"
	MethodAttention Method = "attention"
	MethodMaskCut   Method = "maskcut"
	MethodPCA       Method = "pca" // parts, in colours
)

// MeanHead stands for the mean of all heads.
const MeanHead = -1

// Model is what the window has to know of the model and its device.
type Model struct {
	Name, Device  string
	Layers, Heads int

	// NoClass is why there is nothing that the class token attends to, in a sentence's
	// end ("the model has no class token"); empty where there is.
	NoClass string

	KeepPatches bool // Choice.Keep is a share of the patches, not of the attention
}

// Choice is all that the user chooses. Two of them that are equal (==) show the same.
type Choice struct {
	Layer   int // from 0
	Head    int // from 0, or MeanHead
	Show    Show
	Method  Method
	Keep    float64 // share of the attention, or of the patches, that its mask keeps, above 0 … 1
	Opacity float64 // of map and mask over the photograph, 0 … 1
	Colours int     // index into ColourMaps
	Film    bool    // the layers are played
	Rate    int     // layers a second of the film
	Strip   bool    // the heads are shown at the side
	Help    bool    // the keys are shown
	Actual  bool    // a pixel of the picture is a pixel of the screen
}

// DefaultChoice is what the window begins with: the last layer, all heads' mean, no
// mask.
func DefaultChoice(m Model) Choice {
	return Choice{Layer: m.Layers - 1, Head: MeanHead, Show: ShowAttention, Method: MethodNone, Keep: 0.6, Opacity: 0.65, Rate: rates[1], Strip: true}
}

// rates of the film, layers a second.
var rates = [...]int{1, 2, 4, 8, 16}

// The steps in which keys change shares, in percent.
const (
	step    = 5
	minKeep = 5
)

// within is the choice with everything inside what the model has. What makes no sense
// becomes the default, so that a choice from flags or from nowhere can't break the
// window.
func (c Choice) within(m *Model) Choice {
	usual := DefaultChoice(*m)
	c.Layer = min(max(c.Layer, 0), max(m.Layers-1, 0))
	c.Head = min(max(c.Head, MeanHead), max(m.Heads-1, MeanHead))
	if !slices.Contains([]Show{ShowAttention, ShowKeys, ShowClass}, c.Show) {
		c.Show = usual.Show
	}
	if !slices.Contains([]Method{MethodNone, MethodAttention, MethodMaskCut, MethodPCA}, c.Method) {
		c.Method = usual.Method
	}
	if m.NoClass != "" && c.Show == ShowClass {
		c.Show = ShowAttention
	}
	if m.NoClass != "" && c.Method == MethodAttention {
		c.Method = MethodNone
	}
	c.Keep = inside(c.Keep, minKeep/100.0, usual.Keep)
	c.Opacity = inside(c.Opacity, 0, usual.Opacity)
	if c.Colours < 0 || c.Colours >= len(ColourMaps()) {
		c.Colours = 0
	}
	if !slices.Contains(rates[:], c.Rate) {
		c.Rate = usual.Rate
	}
	return c
}

// inside is a share between low and 1; one that is not a number is the default.
func inside(x, low, otherwise float64) float64 {
	if math.IsNaN(x) {
		return otherwise
	}
	return min(max(x, low), 1)
}

// percent changes a share by so many percent. Shares stay on whole percents, so that
// steps up and down again give the same.
func percent(x float64, by int, low float64) float64 {
	return min(max(float64(int(math.Round(x*100))+by)/100, low), 1)
}
