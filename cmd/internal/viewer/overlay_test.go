package viewer

import (
	"image"
	"image/color"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// full is an Info in which everything is to be said.
func full() Info {
	return Info{Ranges: []Range{{-1.234e-12, 0.0871}, {0, 1}}, Objects: []float64{0.9, 0.8, 0.7, 0.6, 0.5}, Class: "school bus 0.93",
		Times: Times{16 * time.Millisecond, 3 * time.Millisecond, 2 * time.Millisecond, time.Millisecond, 9 * time.Millisecond, 123 * time.Millisecond, 40 * time.Millisecond}}
}

// overlay draws, and fails if nothing was to be drawn.
func overlay(t *testing.T, u *UI, info Info) *image.RGBA {
	t.Helper()
	out := image.NewRGBA(image.Rectangle{Max: u.Size()})
	if !u.Overlay(info, out) && !out.Rect.Empty() {
		t.Fatal("a new picture was not drawn on")
	}
	return out
}

// Text and marks stay in their places, whatever the window's size and scale: outside
// them the overlay is transparent.
func TestOverlayInPlace(t *testing.T) {
	for _, size := range []image.Point{{0, 0}, {5, 5}, {60, 40}, {200, 150}, {150, 600}, {640, 480}, {1100, 720}} {
		for _, scale := range []float64{1, 1.5, 3} {
			for _, pins := range [][]int{nil, {0}, {0, 5}, {2, 3}} {
				u := sample(image2x3(), 12)
				u.images[0] = strings.Repeat("a long name ", 30) + "\x1b[2J.png"
				u.pins = pins
				u.Handle(Resize{size.X, size.Y, scale})
				u.Handle(Key{Name: "2"})
				out := overlay(t, u, full())
				blank := image.NewRGBA(out.Rect)
				copy(blank.Pix, out.Pix)
				p := painter{u.fonts, blank}
				clearBox := func(r image.Rectangle) {
					for y := r.Min.Y; y < r.Max.Y; y++ {
						clear(p.out.Pix[p.out.PixOffset(r.Min.X, y):][:4*r.Dx()])
					}
				}
				for _, r := range u.layout.Status {
					clearBox(r)
				}
				for _, tile := range u.layout.Tiles {
					clearBox(tile.Frame)
				}
				for _, pane := range u.layout.Panes {
					for _, r := range []image.Rectangle{pane.Visible(), pane.Caption, pane.Low, pane.Bar, pane.High} {
						clearBox(r)
					}
				}
				if i := slices.IndexFunc(blank.Pix, func(b uint8) bool { return b != 0 }); i >= 0 {
					t.Fatalf("window %v × %v, pins %v: ink at %d, %d", size, scale, pins, i%blank.Stride/4, i/blank.Stride)
				}
			}
		}
	}
}

// Each box of text is as high as its line at every scale, so that no letter is cut.
func TestBoxesHoldLines(t *testing.T) {
	for scale := 0.5; scale <= 8; scale += 0.173 {
		u := sample(image2x3(), 3)
		u.Handle(Resize{int(1100 * scale), int(720 * scale), scale})
		u.Handle(Click{})
		boxes := append([]image.Rectangle(nil), u.layout.Status...)
		for _, p := range u.layout.Panes {
			boxes = append(boxes, p.Caption, p.Low, p.High)
		}
		for _, tile := range u.layout.Tiles {
			boxes = append(boxes, tile.Label)
		}
		if len(boxes) != 9 {
			t.Fatalf("%d boxes of text at scale %v", len(boxes), scale)
		}
		for _, b := range boxes {
			if b.Dy() < u.fonts.regular.Height() {
				t.Errorf("scale %v: %v is lower than a line of %d pixels", scale, b, u.fonts.regular.Height())
			}
		}
	}
}

// A value of a map has room beside the bar.
func TestValue(t *testing.T) {
	for _, x := range []float64{0, 1, -1, 0.5, 1.0 / 3, -1.0 / 3, 1e-4 / 3, -1e-4 / 3, 123456, -123456, 1e30, math.SmallestNonzeroFloat32, math.Inf(-1), math.NaN()} {
		if got := value(x); len(got) > len(widestValue) {
			t.Errorf("%v is written %s", x, got)
		}
	}
	for x, want := range map[float64]string{0.08712: "0.0871", 0.000123: "0.000123", -0.000123: "-1.2e-04", 1: "1"} {
		if got := value(x); got != want {
			t.Errorf("%v is written %s, want %s", x, got, want)
		}
	}
}

// The outlines of mouse and pins are seen: on black and on white some of their pixels
// differ much, in each pane, and A's and B's colours differ.
func TestMarksSeen(t *testing.T) {
	u := sample(image2x3(), 3)
	u.pins = []int{0, 4}
	u.place()
	at, _ := u.middle(&u.layout.Panes[0], 2)
	u.Handle(Move{float64(at.X), float64(at.Y)})
	out := overlay(t, u, full())
	for i := range u.layout.Panes {
		pane := u.layout.Panes[i]
		for patch, c := range map[int]color.RGBA{0: pinned[0], 4: pinned[1], 2: hover} {
			colours := map[color.RGBA]int{}
			box := u.PatchRect(pane, patch).Inset(-3)
			for y := box.Min.Y; y < box.Max.Y; y++ {
				for x := box.Min.X; x < box.Max.X; x++ {
					colours[out.RGBAAt(x, y)]++
				}
			}
			if side := min(box.Dx(), box.Dy()); colours[c] < side || colours[dark] < side {
				t.Errorf("pane %d, patch %d: %d pixels of %v and %d dark ones", i, patch, colours[c], c, colours[dark])
			}
			// The middle of the patch stays free.
			if mid := u.PatchRect(pane, patch).Inset(4); out.RGBAAt(mid.Min.X, mid.Max.Y-1).A != 0 {
				t.Errorf("pane %d: patch %d is hidden", i, patch)
			}
		}
	}
}

// The overlay is premultiplied, and is drawn again only when something changed.
func TestOverlayAgain(t *testing.T) {
	u := sample(image2x3(), 3)
	info := full()
	info.Busy = "computing MaskCut"
	out := overlay(t, u, info)
	for i := 0; i < len(out.Pix); i += 4 {
		if px := out.Pix[i : i+4]; max(px[0], px[1], px[2]) > px[3] {
			t.Fatalf("pixel %d is %v, which is not premultiplied", i/4, px)
		}
	}
	if u.Overlay(info, out) {
		t.Error("the same state is drawn twice")
	}
	for name, change := range map[string]func(){
		"layer": func() { u.Handle(Key{Name: "down"}) }, "hover": func() { u.Handle(Move{20, 300}) }, "image": func() { u.Handle(Key{Name: "n"}) },
		"size": func() { u.Handle(Resize{800, 600, 1}) }, "times": func() { info.Times.Map++ }, "range": func() { info.Ranges[0].Low-- },
		"object": func() { info.Objects[0] = 0 }, "error": func() { info.Error = "x" }, "notice": func() { u.Notice("saved") }, "grid": func() { u.SetPicture(Picture{Width: 300, Height: 200, Rows: 4, Columns: 6}) },
	} {
		change()
		if !u.Overlay(info, out) {
			t.Errorf("a change of the %s is not drawn", name)
		}
	}
}

// The help lists every key and gesture, with all of its text, in any usual window; in
// small ones it says that there are more.
func TestHelpFits(t *testing.T) {
	rows := helpRows()
	if len(rows) != len(bindings())+len(gestures()) {
		t.Fatalf("%d rows for %d keys", len(rows), len(bindings()))
	}
	u := sample(image2x3(), 3)
	for size, all := range map[image.Point]bool{{640, 480}: true, {800, 600}: true, {1100, 720}: true, {500, 700}: true, {200, 150}: false, {20, 20}: false} {
		u.Handle(Resize{size.X, size.Y, 1})
		s := u.shapeHelp(rows)
		widest := 0
		for _, r := range rows {
			widest = max(widest, s.fonts.regular.Width(r.does))
		}
		if got := s.columns*s.per >= len(rows) && s.does >= widest; got != all || all && !(s.size.X <= size.X && s.size.Y <= size.Y) {
			t.Errorf("window %v: help of %v, %d columns of %d rows, complete %v", size, s.size, s.columns, s.per, got)
		}
	}
}

// In a small window the key ? shows the help part by part, each row once, then closes it.
func TestHelpTurns(t *testing.T) {
	for _, size := range []image.Point{{200, 150}, {400, 300}, {1100, 720}} {
		u := sample(image2x3(), 3)
		u.Handle(Resize{size.X, size.Y, 1})
		s := u.shapeHelp(helpRows())
		pages, seen := 0, 0
		for u.Handle(Key{Name: "?"}); u.choice.Help && pages < 100; u.Handle(Key{Name: "?"}) {
			if u.helpAt != seen {
				t.Fatalf("window %v: a page begins with row %d, and %d were shown", size, u.helpAt, seen)
			}
			overlay(t, u, Info{})
			rows := len(helpRows()) - seen
			if rows > s.columns*s.per {
				rows = s.columns*s.per - 1
			}
			pages, seen = pages+1, seen+rows
		}
		if seen != len(helpRows()) || (pages > 1) == (size.X > 1000) {
			t.Errorf("window %v: %d pages show %d of %d rows", size, pages, seen, len(helpRows()))
		}
		if u.Handle(Key{Name: "?"}); u.helpAt != 0 {
			t.Errorf("window %v: the help begins with row %d", size, u.helpAt)
		}
	}
}

// The line says what the map is: of a patch, of the class token where none is pointed at.
func TestMapNamed(t *testing.T) {
	line := func(u *UI) string { return join(u.fonts.regular, 5000, u.aboutMap()...) }
	u := sample(image2x3(), 3)
	at := func(patch int) {
		t.Helper()
		move, err := u.At(patch/3, patch%3)
		if err != nil {
			t.Fatal(err)
		}
		u.Handle(move)
	}
	for _, step := range []struct {
		do   func()
		want string
	}{
		{func() {}, "attention of the class token·layer 11 of 0 … 11·mean of all heads·"},
		{func() { at(1) }, "attention of the patch·layer 11 of 0 … 11·mean of all heads·"},
		{func() { u.Handle(Key{Name: "k"}) }, "cosine of keys with that of the patch·layer 11 of 0 … 11·whole keys·"},
		{func() { u.Handle(Key{Name: "right"}) }, "cosine of keys with that of the patch·layer 11 of 0 … 11·head 0 of 0 … 2·"},
		{func() { u.Handle(Leave{}) }, "attention of the class token·layer 11 of 0 … 11·head 0 of 0 … 2·"},
		{func() { at(1); u.Handle(Click{Left}); at(5); u.Handle(Click{Left}) }, "cosine of keys with that of the patches·layer 11 of 0 … 11·head 0 of 0 … 2·opacity 65 %·viridis·heads at the side: of A"},
		{func() { u.Handle(Key{Name: "t"}) }, "cosine of keys with that of the patches·layer 11 of 0 … 11·head 0 of 0 … 2·opacity 65 %·viridis"},
		{func() { u.Handle(Key{Name: "3"}) }, "colours: components of the keys·layer 11 of 0 … 11·opacity 65 %"},
		{func() { u.Handle(Key{Name: "t"}) }, "colours: components of the keys·layer 11 of 0 … 11·opacity 65 %·viridis·heads at the side: cosine of keys with that of the patches, of A"},
		{func() { u.Handle(Key{Name: "c"}) }, "colours: components of the keys·layer 11 of 0 … 11·opacity 65 %·viridis·heads at the side: attention of the class token"},
	} {
		step.do()
		if got := strings.ReplaceAll(line(u), separator, "·"); !strings.HasPrefix(got, step.want) {
			t.Errorf("it says %q, want %q", got, step.want)
		}
	}
	u.model.NoClass = "the model has none"
	u.SetChoice(Choice{Show: ShowKeys})
	u.pins = nil
	u.Handle(Leave{})
	if got := line(u); !strings.HasPrefix(got, "keys like the patch's"+separator+"layer 0 ") {
		t.Errorf("without a class token it says %q", got)
	}
}

// Where the line has little room the times leave out what matters least.
func TestTimesWithin(t *testing.T) {
	times := full().Times
	for most, want := range map[int]string{
		1000: "model  40.0  frame  16.0  map   3.0  text   2.0  upload   1.0  compose   9.0  present 123.0 ms",
		80:   "model  40.0  frame  16.0  upload   1.0  compose   9.0  present 123.0 ms",
		40:   "frame  16.0  compose   9.0 ms",
		20:   "frame  16.0 ms",
		10:   "",
	} {
		if got := times.within(func(text string) bool { return len(text) <= most }); got != want {
			t.Errorf("in %d characters: %q, want %q", most, got, want)
		}
	}
	u := sample(image2x3(), 3)
	box := u.layout.Status[2]
	if text := times.String(); u.fonts.mono.Width(text) > box.Dx()-u.fonts.px(16)-u.fonts.regular.Width("no mask") {
		t.Errorf("the first window has no room for %q", text)
	}
}

// Lines of a message are no wider than their room, keep every word, and say when
// there is more.
func TestWrap(t *testing.T) {
	f := newFonts(1).regular
	const message = "photos/a.png: the file ends early\nAverylongwordwithoutanyspacethatdoesnotfitthelineatall, copy it again"
	for _, width := range []int{1, 5, 40, 100, 300, 2000} {
		lines := wrap(f, message, width, 1000)
		if got := strings.Join(lines, ""); strings.ReplaceAll(got, " ", "") != strings.Join(strings.Fields(message), "") {
			t.Errorf("at %d: %q", width, lines)
		}
		for _, l := range lines {
			if f.Width(l) > width && len([]rune(l)) > 1 {
				t.Errorf("%q is wider than %d", l, width)
			}
		}
		if short := wrap(f, message, width, 1); len(short) != 1 || width >= 40 && len(lines) > 1 && !strings.HasSuffix(short[0], "…") {
			t.Errorf("on a line of %d: %q", width, short)
		}
	}
}

// A line that is too long loses its parts by rank, and what is left ends in an ellipsis.
func TestJoin(t *testing.T) {
	f := newFonts(1).regular
	parts := []part{{"name", 0}, {"", 1}, {"least", 9}, {"second", 2}}
	for width, want := range map[int]string{
		1000:                                   "name" + separator + "least" + separator + "second",
		f.Width("name" + separator + "second"): "name" + separator + "second",
		f.Width("name"+separator+"second") - 1: "name",
		f.Width("name") - 1:                    f.Fit("name", f.Width("name")-1),
		0:                                      "",
	} {
		if got := join(f, width, parts...); got != want {
			t.Errorf("at %d: %q, want %q", width, got, want)
		}
	}
}

// Names of files can't act: control characters are written out.
func TestNamesQuoted(t *testing.T) {
	u := New(Model{Layers: 1, Heads: 1}, []string{"a\x1b[2J\n\u202eb.png"}, Choice{})
	if got, want := u.name(), `a\x1b[2J\x0a\xe2\x80\xaeb.png`; got != want {
		t.Errorf("the name is written %q, want %q", got, want)
	}
}

func TestColourMaps(t *testing.T) {
	names := map[string]bool{}
	for _, m := range ColourMaps() {
		names[m.Name] = true
		for i, c := range m.Colours {
			if c.A != 255 {
				t.Errorf("%s: colour %d is %v", m.Name, i, c)
			}
			if i > 0 {
				b := m.Colours[i-1]
				for _, d := range []int{int(c.R) - int(b.R), int(c.G) - int(b.G), int(c.B) - int(b.B)} {
					if max(d, -d) > 6 {
						t.Errorf("%s jumps from %v to %v", m.Name, b, c)
					}
				}
			}
		}
	}
	if len(names) != 4 {
		t.Errorf("%d colour maps: %v", len(names), names)
	}
	d := ColourMaps()[3]
	if lo, hi := d.Colours[0], d.Colours[255]; !d.Diverging || lo.B <= lo.R || hi.R <= hi.B || max(d.Colours[127].R, d.Colours[127].B)-min(d.Colours[127].R, d.Colours[127].B) > 4 {
		t.Errorf("%s goes from %v by %v to %v", d.Name, lo, d.Colours[127], hi)
	}
}
