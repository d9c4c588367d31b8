package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func examples() map[string]Lines {
	layers := []float64{0, 1, 2, 3, 4}
	return map[string]Lines{
		"lines": Lines{
			Title: "Coding rate by layer", XLabel: "layer", YLabel: "R^c, nats", FromZero: true,
			Lines: []Line{
				{"crate-demo, trained <on class labels>", layers, []float64{235.4, 210.4, 176.3, 150.4, 105.7}, []float64{4, 6, 9, 12, 15}},
				{"random weights", layers, []float64{264, 266, 268, 265, 267}, []float64{1, 1, 1, 1, 1}},
				{"with a gap", layers, []float64{120, 90, math.NaN(), 70, 60}, nil},
				{"a fourth one", layers, []float64{40, 60, 45, 65, 50}, nil},
			},
		},
		"share": Lines{
			Title: "Non-zero share of ISTA's output", XLabel: "layer", YLabel: "share",
			Lines: []Line{{"", []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, []float64{0.48, 0.47, 0.42, 0.38, 0.37, 0.36, 0.30, 0.28, 0.25, 0.22, 0.15, 0.08}, nil}},
		},
		"empty": Lines{Title: "Nothing"},
		"one":   Lines{Lines: []Line{{"one point", []float64{3}, []float64{-2e-9}, []float64{1e-9}}}},
	}
}

var update = flag.Bool("update", false, "write testdata/*.svg")

// TestGolden compares with files that were looked at in a browser, light and dark.
func TestGolden(t *testing.T) {
	for name, c := range examples() {
		var b bytes.Buffer
		if err := c.WriteSVG(&b); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name+".svg")
		if *update {
			if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, b.Bytes(), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Bytes(), want) {
			t.Errorf("%s differs from %s; look at both, then run with -update", name, path)
		}
	}
}

// wellFormed reads all of an XML document.
func wellFormed(data []byte) error {
	d := xml.NewDecoder(bytes.NewReader(data))
	for {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		low, high    float64
		most         int
		whole, round bool
		labels       string
		first, last  float64
	}{
		{0, 1, 6, false, true, "0.0 0.2 0.4 0.6 0.8 1.0", 0, 1},
		{0, 267, 6, false, true, "0 50 100 150 200 250 300", 0, 300},
		{-0.3, 11.3, 12, true, false, "0 1 2 3 4 5 6 7 8 9 10 11", -0.3, 11.3},
		{0, 3, 12, true, false, "0 1 2 3", 0, 3},
		{-1.5, 1, 6, false, true, "−1.5 −1.0 −0.5 0.0 0.5 1.0", -1.5, 1},
		{0.012, 0.034, 6, false, true, "0.010 0.015 0.020 0.025 0.030 0.035", 0.01, 0.035},
		{5, 5, 6, false, true, "4.4 4.6 4.8 5.0 5.2 5.4 5.6", 4.4, 5.6},
		{0, 0, 6, false, true, "−0.6 −0.4 −0.2 0.0 0.2 0.4 0.6", -0.6, 0.6},
		{math.Inf(1), math.Inf(-1), 6, false, true, "0.0 0.2 0.4 0.6 0.8 1.0", 0, 1},
		{0, 3e9, 6, false, true, "0 5e8 1e9 1.5e9 2e9 2.5e9 3e9", 0, 3e9},
	} {
		a := newAxis(c.low, c.high, c.most, c.whole, c.round)
		var labels []string
		for _, v := range a.ticks {
			labels = append(labels, a.label(v))
		}
		if got := strings.Join(labels, " "); got != c.labels || math.Abs(a.low-c.first) > 1e-12 || math.Abs(a.high-c.last) > 1e-12 {
			t.Errorf("%v to %v: %s from %v to %v, want %s", c.low, c.high, got, a.low, a.high, c.labels)
		}
	}
}

func TestTickProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := rapid.Float64Range(-1e12, 1e12).Draw(t, "low")
		high := low + math.Pow(10, rapid.Float64Range(-6, 12).Draw(t, "size"))
		a := newAxis(low, high, 6, false, true)
		if n := len(a.ticks); n < 2 || n > 9 || a.low > low+1e-8*(high-low) || a.high < high-1e-8*(high-low) || !slices.IsSorted(a.ticks) {
			t.Fatalf("%v to %v: %+v", low, high, a)
		}
	})
}

// TestPlaces reads the points of a line back from the drawing.
func TestPlaces(t *testing.T) {
	var b bytes.Buffer
	c := Lines{FromZero: true, Lines: []Line{{"", []float64{0, 10}, []float64{0, 100}, nil}}}
	if err := c.WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`polyline points="([^"]*)"`).FindStringSubmatch(b.String())
	// 0 and 10 stand 2 % of the range inside of both ends of the axis, 84 to 696;
	// 0 and 100 stand at its foot and its head.
	if m == nil || m[1] != "95.77,382 684.23,46" {
		t.Errorf("%q", m)
	}
}

func TestProperties(t *testing.T) {
	number := rapid.OneOf(rapid.Float64(), rapid.Float64Range(-10, 10), rapid.SampledFrom([]float64{0, math.NaN(), math.Inf(1), math.Inf(-1)}))
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 6).Draw(t, "points")
		list := rapid.SliceOfN(rapid.OneOf(number), n, n)
		c := Lines{Title: rapid.String().Draw(t, "title"), XLabel: "\x00\xff<&>", FromZero: rapid.Bool().Draw(t, "zero")}
		for range rapid.IntRange(0, 9).Draw(t, "lines") {
			c.Lines = append(c.Lines, Line{rapid.String().Draw(t, "name"), list.Draw(t, "x"), list.Draw(t, "y"), list.Draw(t, "err")})
		}
		var b, again bytes.Buffer
		if err := errors.Join(c.WriteSVG(&b), c.WriteSVG(&again), wellFormed(b.Bytes())); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Bytes(), again.Bytes()) {
			t.Fatal("drawn twice it differs")
		}
		if strings.Contains(b.String(), "NaN") && !strings.Contains(c.Title, "NaN") || strings.Contains(b.String(), `="+Inf`) {
			t.Fatalf("%s", b.String())
		}
	})
}

func TestRefused(t *testing.T) {
	for want, c := range map[string]Lines{
		`chart: line 0 "a": 2 X, 1 Y, 0 Err, want equally many`: Lines{Lines: []Line{{"a", []float64{1, 2}, []float64{1}, nil}}},
		`chart: line 0 "a": 1 X, 1 Y, 2 Err, want equally many`: Lines{Lines: []Line{{"a", []float64{1}, []float64{1}, []float64{1, 2}}}},
	} {
		if err := c.WriteSVG(io.Discard); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
