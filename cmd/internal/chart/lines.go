package chart

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// Lines is a line chart.
type Lines struct {
	Title, XLabel, YLabel string
	FromZero              bool // the vertical axis begins at 0 (or ends there)
	Lines                 []Line
}

// Line is one series.
type Line struct {
	Name string
	X, Y []float64 // of equal length
	Err  []float64 // half the length of each error bar, or nil
}

// WriteSVG draws the chart. Slices of different lengths are an error.
func (c Lines) WriteSVG(w io.Writer) error {
	xLow, xHigh, yLow, yHigh := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	whole := true
	for i, l := range c.Lines {
		if len(l.Y) != len(l.X) || l.Err != nil && len(l.Err) != len(l.X) {
			return fmt.Errorf("chart: line %d %q: %d X, %d Y, %d Err, want equally many", i, l.Name, len(l.X), len(l.Y), len(l.Err))
		}
		for j := range l.X {
			if !l.shown(j) {
				continue
			}
			xLow, xHigh = min(xLow, l.X[j]), max(xHigh, l.X[j])
			yLow, yHigh = min(yLow, l.Y[j]-l.bar(j)), max(yHigh, l.Y[j]+l.bar(j))
			whole = whole && l.X[j] == math.Trunc(l.X[j])
		}
	}
	if c.FromZero && yLow <= yHigh {
		yLow, yHigh = min(yLow, 0), max(yHigh, 0)
	}
	d := newDrawing(c.Title)
	var entries []entry
	for i, l := range c.Lines {
		if l.Name != "" {
			entries = append(entries, entry{l.Name, func(x, y float64) {
				d.line(x-11, y, x+11, y, fmt.Sprintf(`class="l%d" stroke-width="2"`, i%len(seriesColors())))
				d.point(i, x, y)
			}})
		}
	}
	top := d.legend(entries)
	// The outer points need room on both sides, which ticks don't.
	if xLow < xHigh {
		pad := (xHigh - xLow) * 0.02
		xLow, xHigh = xLow-pad, xHigh+pad
	}
	x, y := newAxis(xLow, xHigh, 12, whole, false), newAxis(yLow, yHigh, 6, false, true)
	d.axes(&x, &y, top, c.XLabel, c.YLabel)
	for i, l := range c.Lines {
		d.series(i, l, x, y)
	}
	return d.writeTo(w)
}

// shown reports that a point can be drawn.
func (l Line) shown(j int) bool { return finite(l.X[j]) && finite(l.Y[j]) }

// bar is half the length of an error bar, 0 for none.
func (l Line) bar(j int) float64 {
	if l.Err == nil || !finite(l.Err[j]) {
		return 0
	}
	return math.Abs(l.Err[j])
}

// finite leaves out what would overflow in sums, too.
func finite(v float64) bool { return math.Abs(v) < 1e300 }

// series draws the error bars, then the line, then the points.
func (d *drawing) series(i int, l Line, x, y axis) {
	class := i % len(seriesColors())
	for j := range l.X {
		if e := l.bar(j); l.shown(j) && e > 0 {
			px, low, high := x.at(l.X[j]), y.at(l.Y[j]-e), y.at(l.Y[j]+e)
			attributes := fmt.Sprintf(`class="l%d" stroke-width="1.2"`, class)
			d.line(px, low, px, high, attributes)
			d.line(px-4, low, px+4, low, attributes)
			d.line(px-4, high, px+4, high, attributes)
		}
	}
	var stretch []string
	flush := func() {
		if len(stretch) > 1 {
			d.addf("<polyline points=\"%s\" fill=\"none\" stroke-width=\"2\" stroke-linejoin=\"round\" class=\"l%d\"/>\n", strings.Join(stretch, " "), class)
		}
		stretch = nil
	}
	for j := range l.X {
		if !l.shown(j) {
			flush()
			continue
		}
		stretch = append(stretch, px(x.at(l.X[j]))+","+px(y.at(l.Y[j])))
	}
	flush()
	for j := range l.X {
		if l.shown(j) {
			d.point(i, x.at(l.X[j]), y.at(l.Y[j]))
		}
	}
}
