package chart

import (
	"fmt"
	"io"
)

// Histogram is a bar chart of counts.
type Histogram struct {
	Title, XLabel, YLabel string
	Edges                 []float64 // rising, one more than Counts
	Counts                []int
	Marks                 []Mark
}

// Mark is a named value on the horizontal axis, such as the mean.
type Mark struct {
	Name string
	X    float64
}

// WriteSVG draws the chart. Edges that don't fit the counts or don't rise are an
// error.
func (h Histogram) WriteSVG(w io.Writer) error {
	if len(h.Counts) == 0 || len(h.Edges) != len(h.Counts)+1 {
		return fmt.Errorf("chart: histogram: %d edges and %d counts, want one edge more than counts", len(h.Edges), len(h.Counts))
	}
	most := 1
	for i, n := range h.Counts {
		if !(h.Edges[i] < h.Edges[i+1]) || !finite(h.Edges[i]) || !finite(h.Edges[i+1]) {
			return fmt.Errorf("chart: histogram: edges %d and %d are %g and %g, want them to rise", i, i+1, h.Edges[i], h.Edges[i+1])
		}
		most = max(most, n)
	}
	d := newDrawing(h.Title)
	var entries []entry
	for i, m := range h.Marks {
		if finite(m.X) {
			entries = append(entries, entry{m.Name, func(x, y float64) {
				d.line(x-11, y, x+11, y, markStyle(i))
			}})
		}
	}
	top := d.legend(entries)
	x := newAxis(h.Edges[0], h.Edges[len(h.Edges)-1], 10, false, false)
	y := newAxis(0, float64(most), 6, true, true)
	d.axes(&x, &y, top, h.XLabel, h.YLabel)
	for i, n := range h.Counts {
		if n <= 0 {
			continue
		}
		from, to, high := x.at(h.Edges[i]), x.at(h.Edges[i+1]), y.at(float64(n))
		gap := min(1, (to-from)/10)
		d.addf("<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" class=\"f0\" opacity=\"0.6\"><title>%s – %s: %d</title></rect>\n",
			px(from+gap), px(high), px(to-from-2*gap), px(y.from-high), fmt.Sprintf("%.4g", h.Edges[i]), fmt.Sprintf("%.4g", h.Edges[i+1]), n)
	}
	for i, m := range h.Marks {
		if finite(m.X) {
			d.line(x.at(m.X), y.from, x.at(m.X), y.to, markStyle(i))
		}
	}
	return d.writeTo(w)
}

// markStyle tells marks apart by colour and dashes.
func markStyle(i int) string {
	dashes := []string{"", ` stroke-dasharray="6 4"`, ` stroke-dasharray="2 3"`}
	return fmt.Sprintf(`class="l%d" stroke-width="2"%s`, 1+i%(len(seriesColors())-1), dashes[i%len(dashes)])
}
