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

// Times are those of the last frame and its parts, and of the last run of the model.
// Zero is not measured.
type Times struct{ Frame, Map, Text, Upload, Compose, Present, Model time.Duration }

// String lists what was measured, in milliseconds with one decimal.
func (t Times) String() string { return t.within(func(string) bool { return true }) }

// within lists what was measured, without the parts that matter least until it fits.
func (t Times) within(fits func(text string) bool) string {
	parts := []struct {
		name string
		d    time.Duration
		rank int // the highest is left out first
	}{{"model", t.Model, 3}, {"frame", t.Frame, 0}, {"map", t.Map, 5}, {"text", t.Text, 6}, {"upload", t.Upload, 2}, {"compose", t.Compose, 1}, {"present", t.Present, 4}}
	for most := len(parts); most >= 0; most-- {
		var list []string
		for _, p := range parts {
			if p.d > 0 && p.rank <= most {
				list = append(list, fmt.Sprintf("%s %5.1f", p.name, p.d.Seconds()*1000))
			}
		}
		if text := strings.Join(list, "  ") + " ms"; len(list) > 0 && fits(text) {
			return text
		}
	}
	return ""
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
