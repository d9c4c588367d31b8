package chart

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Sizes in pixels of the view box.
const (
	width, height = 720, 440
	left, right   = 84, 24
	bottom        = 58
	fontSize      = 13
	charWidth     = 7.0 // of an average letter at that size
)

// seriesColors are for light and for dark paper: blue, vermilion, green, purple,
// amber, grey, after Okabe and Ito's palette for all kinds of colour vision.
func seriesColors() [][2]string {
	return [][2]string{
		{"#0072b2", "#56b4e9"}, {"#d55e00", "#ff8c4a"}, {"#00805c", "#2cc795"},
		{"#a8447f", "#e59bc3"}, {"#b07a00", "#f0b93a"}, {"#666666", "#aaaaaa"},
	}
}

// drawing is an SVG on its way.
type drawing struct{ b strings.Builder }

// newDrawing starts a chart with its styles.
func newDrawing(title string) *drawing {
	d := new(drawing)
	d.addf(`<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 %d %d" width="%d" height="%d" role="img" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="%d">`+"\n",
		width, height, width, height, fontSize)
	d.addf("<title>%s</title>\n<style>\n", escape(title))
	d.styles(0, "paper fill #ffffff", "ink fill #1f2328", "faint fill #59636e", "grid stroke #e3e6ea", "axis stroke #8c959f")
	d.addf("@media (prefers-color-scheme:dark){\n")
	d.styles(1, "paper fill #0d1117", "ink fill #e6edf3", "faint fill #9198a1", "grid stroke #262c36", "axis stroke #656c76")
	d.addf("}\n</style>\n<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n", width, height)
	if title != "" {
		d.text(left, 28, title, `class="ink" font-size="16" font-weight="600"`)
	}
	return d
}

// styles writes a rule for each "class property colour" and those of the series, for
// light (0) or dark (1). They hold inside of charts alone, so that one may stand in
// a page's text.
func (d *drawing) styles(scheme int, rules ...string) {
	for i, c := range seriesColors() {
		rules = append(rules, fmt.Sprintf("l%d stroke %s", i, c[scheme]), fmt.Sprintf("f%d fill %s", i, c[scheme]))
	}
	for _, r := range rules {
		f := strings.Fields(r)
		d.addf(".chart .%s{%s:%s}\n", f[0], f[1], f[2])
	}
}

func (d *drawing) addf(format string, args ...any) { fmt.Fprintf(&d.b, format, args...) }

func (d *drawing) text(x, y float64, text, attributes string) {
	d.addf("<text x=\"%s\" y=\"%s\" %s>%s</text>\n", px(x), px(y), attributes, escape(text))
}

func (d *drawing) line(x0, y0, x1, y1 float64, attributes string) {
	d.addf("<line x1=\"%s\" y1=\"%s\" x2=\"%s\" y2=\"%s\" %s/>\n", px(x0), px(y0), px(x1), px(y1), attributes)
}

func (d *drawing) writeTo(w io.Writer) error {
	_, err := io.WriteString(w, d.b.String()+"</svg>\n")
	return err
}

// axes draws the frame of a plot, and gives both axes their pixels.
func (d *drawing) axes(x, y *axis, top float64, xLabel, yLabel string) {
	x.from, x.to = left, width-right
	y.from, y.to = height-bottom, top
	for _, v := range y.ticks {
		d.line(x.from, y.at(v), x.to, y.at(v), `class="grid"`)
		d.text(x.from-8, y.at(v)+4.5, y.label(v), `class="faint" text-anchor="end"`)
	}
	for _, v := range x.ticks {
		d.line(x.at(v), y.from, x.at(v), y.from+5, `class="axis"`)
		d.text(x.at(v), y.from+20, x.label(v), `class="faint" text-anchor="middle"`)
	}
	d.line(x.from, y.from, x.to, y.from, `class="axis"`)
	d.text((x.from+x.to)/2, height-14, xLabel, `class="ink" text-anchor="middle"`)
	middle := (y.from + y.to) / 2
	d.text(20, middle, yLabel, fmt.Sprintf(`class="ink" text-anchor="middle" transform="rotate(-90 20 %s)"`, px(middle)))
}

// entry is a name in a legend, with a sign drawn at its place.
type entry struct {
	name string
	sign func(x, y float64)
}

// legend writes names from the left, in as many rows as they need, and returns
// where the plot may begin.
func (d *drawing) legend(entries []entry) (top float64) {
	x, y := float64(left), 50.0
	for _, e := range entries {
		w := 34 + charWidth*float64(len([]rune(e.name)))
		if x > left && x+w > width-right {
			x, y = left, y+20
		}
		e.sign(x+11, y-4.5)
		d.text(x+28, y, e.name, `class="ink"`)
		x += w + 18
	}
	if len(entries) == 0 {
		return 46
	}
	return y + 18
}

// point draws the sign of series i at a place: circle, square, triangle, diamond.
func (d *drawing) point(i int, x, y float64) {
	class := i % len(seriesColors())
	const r = 4.2
	switch i % 4 {
	case 0:
		d.addf("<circle cx=\"%s\" cy=\"%s\" r=\"%s\" class=\"f%d\"/>\n", px(x), px(y), px(r), class)
	case 1:
		d.polygon(class, x-r+0.4, y-r+0.4, x+r-0.4, y-r+0.4, x+r-0.4, y+r-0.4, x-r+0.4, y+r-0.4)
	case 2:
		d.polygon(class, x, y-r-0.8, x+r+0.6, y+r-0.4, x-r-0.6, y+r-0.4)
	case 3:
		d.polygon(class, x, y-r-1.2, x+r+1.2, y, x, y+r+1.2, x-r-1.2, y)
	}
}

func (d *drawing) polygon(class int, points ...float64) {
	var list []string
	for i := 0; i < len(points); i += 2 {
		list = append(list, px(points[i])+","+px(points[i+1]))
	}
	d.addf("<polygon points=\"%s\" class=\"f%d\"/>\n", strings.Join(list, " "), class)
}

// px prints a place to a hundredth of a pixel.
func px(v float64) string {
	text := strconv.FormatFloat(v, 'f', 2, 64)
	text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	if text == "-0" {
		return "0"
	}
	return text
}

// escape makes text safe in XML; what XML can't hold becomes U+FFFD.
func escape(text string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(text)); err != nil {
		panic(err) // a strings.Builder doesn't fail
	}
	return b.String()
}
