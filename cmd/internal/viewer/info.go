package viewer

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Info is what the program knows beside the state: it is what the overlay says.
type Info struct {
	Error  string  // why the image or its map can't be shown; empty if it can
	Busy   string  // what is being done ("compiling", "computing MaskCut"); empty for nothing
	Ranges []Range // of the maps, by panes; a pane beyond them has no map yet
	Times  Times

	Objects []float64 // scores of the objects that the mask shows, none for a mask without objects
	Class   string    // what the model takes the picture for; empty where it has no classes
}

// Range is the smallest and the largest value of a map.
type Range struct{ Low, High float64 }

// Times are those of the last frame. Zero is not measured.
type Times struct{ Frame, Map, Text, Upload, Compose, Present time.Duration }

// String lists what was measured, in milliseconds with one decimal.
func (t Times) String() string {
	var parts []string
	for _, p := range []struct {
		name string
		d    time.Duration
	}{{"frame", t.Frame}, {"map", t.Map}, {"text", t.Text}, {"upload", t.Upload}, {"compose", t.Compose}, {"present", t.Present}} {
		if p.d > 0 {
			parts = append(parts, fmt.Sprintf("%s %5.1f", p.name, p.d.Seconds()*1000))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, "  ") + " ms"
}

// value is a value of a map by three digits, or by two with an exponent where that
// is longer than widestValue.
func value(x float64) string {
	text := strconv.FormatFloat(x, 'g', 3, 64)
	if len(text) > len(widestValue) {
		text = strconv.FormatFloat(x, 'e', 1, 64)
	}
	return text
}

// widestValue is as wide as what value makes of numbers as floats have them.
const widestValue = "-1.2e-12"

// objects counts the objects and lists the scores of the first few.
func objects(scores []float64) string {
	switch len(scores) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("1 object, score %.2f", scores[0])
	}
	const most = 4
	var list []string
	for _, s := range scores[:min(len(scores), most)] {
		list = append(list, fmt.Sprintf("%.2f", s))
	}
	if len(scores) > most {
		list = append(list, "…")
	}
	return fmt.Sprintf("%d objects, scores %s", len(scores), strings.Join(list, " "))
}
