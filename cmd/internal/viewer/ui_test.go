package viewer

import (
	"fmt"
	"image"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func image2x3() Picture { return Picture{Width: 300, Height: 200, Rows: 2, Columns: 3} }

// sample is a window with three images, the first of which is shown.
func sample(p Picture, heads int) *UI {
	m := Model{Name: "demo", Device: "llvmpipe", Layers: 12, Heads: heads}
	u := New(m, []string{"a.png", "b.png", "c.png"}, DefaultChoice(m))
	u.SetPicture(p)
	return u
}

// Every key changes what its line in the help says, and nothing else.
func TestKeys(t *testing.T) {
	begin := Choice{Layer: 5, Head: 2, Show: ShowClass, Method: MethodAttention, Keep: 0.5, Opacity: 0.5, Rate: 4, Strip: true}
	change := func(f func(c *Choice)) Choice {
		c := begin
		f(&c)
		return c
	}
	tests := map[string]struct {
		from, want Choice
		does       []Action
	}{
		"layer up":      {want: change(func(c *Choice) { c.Layer = 6 })},
		"layer down":    {want: change(func(c *Choice) { c.Layer = 4 })},
		"next head":     {want: change(func(c *Choice) { c.Head = 3 })},
		"previous head": {want: change(func(c *Choice) { c.Head = 1 })},
		"mean of all":   {want: change(func(c *Choice) { c.Head = MeanHead })},
		"map: attention of the patch": {
			want: change(func(c *Choice) { c.Show = ShowAttention })},
		"map: keys": {want: change(func(c *Choice) { c.Show = ShowKeys })},
		"map: attention of the class": {
			from: change(func(c *Choice) { c.Show = ShowKeys }), want: begin},
		"no mask": {want: change(func(c *Choice) { c.Method = MethodNone })},
		"mask: attention": {
			from: change(func(c *Choice) { c.Method = MethodNone }), want: begin},
		"mask: objects": {want: change(func(c *Choice) { c.Method = MethodMaskCut })},
		"mask: parts":   {want: change(func(c *Choice) { c.Method = MethodPCA })},
		"keep more":     {want: change(func(c *Choice) { c.Keep = 0.55 })},
		"keep less":     {want: change(func(c *Choice) { c.Keep = 0.45 })},
		"more opaque":   {want: change(func(c *Choice) { c.Opacity = 0.55 })},
		"more transp":   {want: change(func(c *Choice) { c.Opacity = 0.45 })},
		"next colour":   {want: change(func(c *Choice) { c.Colours = 1 })},
		"next image":    {want: begin, does: []Action{Open{1}}},
		"previous image": {
			want: begin, does: []Action{Open{2}}},
		"all heads":        {want: change(func(c *Choice) { c.Strip = false })},
		"film: play":       {want: change(func(c *Choice) { c.Film = true })},
		"film: next rate":  {want: change(func(c *Choice) { c.Rate = 8 })},
		"fit the window":   {want: change(func(c *Choice) { c.Actual = true })},
		"save the picture": {want: begin, does: []Action{SavePicture{}}},
		"save the mask":    {want: begin, does: []Action{SaveMask{}}},
		"free the pinned":  {want: begin},
		"these keys":       {want: change(func(c *Choice) { c.Help = true })},
		"quit":             {want: begin, does: []Action{Quit{}}},
	}
	for _, b := range bindings() {
		var found int
		for does, test := range tests {
			if !strings.HasPrefix(b.does, does) {
				continue
			}
			found++
			for _, key := range b.keys {
				u := sample(image2x3(), 6)
				if test.from == (Choice{}) {
					test.from = begin
				}
				u.SetChoice(test.from)
				u.pins = []int{1}
				got := u.Handle(Key{Name: key})
				if u.Choice() != test.want || !reflect.DeepEqual(got, test.does) {
					t.Errorf("%s (%s) gives %+v and %v, want %+v and %v", key, b.does, u.Choice(), got, test.want, test.does)
				}
				if freed := len(u.Pins()) == 0; freed != (does == "free the pinned") {
					t.Errorf("%s (%s) leaves pins %v", key, b.does, u.Pins())
				}
			}
		}
		if found != 1 {
			t.Errorf("%d tests of the key %s (%s)", found, b.shown, b.does)
		}
	}
	if len(tests) != len(bindings()) {
		t.Errorf("%d tests for %d keys", len(tests), len(bindings()))
	}
}

// What the model doesn't have is refused with its reason, and nothing changes.
func TestKeysRefused(t *testing.T) {
	m := Model{Layers: 2, Heads: 2, NoClass: "the model has no class token"}
	u := New(m, nil, DefaultChoice(m))
	for key, want := range map[string]string{"c": "no class token", "1": "no class token", "n": "no other image"} {
		before := u.Choice()
		if do := u.Handle(Key{Name: key}); do != nil || u.Choice() != before || !strings.Contains(u.notice, want) {
			t.Errorf("%s: %v, %+v, notice %q", key, do, u.Choice(), u.notice)
		}
	}
	u.Handle(Key{Name: "up"})
	if u.notice != "" {
		t.Errorf("the notice %q stays", u.notice)
	}
	m = Model{Layers: 3, Heads: 4, NoClass: "no"}
	if c := New(m, nil, Choice{Layer: 99, Head: 99, Show: ShowClass, Keep: math.NaN(), Opacity: 7, Colours: -1, Rate: 1000, Method: MethodAttention}).Choice(); c !=
		(Choice{Layer: 2, Head: 3, Show: ShowAttention, Method: MethodNone, Keep: 0.6, Opacity: 1, Rate: 2}) {
		t.Errorf("a choice beyond the model became %+v", c)
	}
}

// Clicks pin, compare, replace and free; panes follow.
func TestPins(t *testing.T) {
	u := sample(image2x3(), 1)
	click := func(patch int) {
		t.Helper()
		for row := range u.layout.Panes {
			if at, ok := u.middle(&u.layout.Panes[row], patch); ok {
				u.Handle(Move{float64(at.X), float64(at.Y)})
				u.Handle(Click{Left})
				return
			}
		}
		t.Fatalf("patch %d is not to be seen", patch)
	}
	want := func(pins ...int) {
		t.Helper()
		var panes []int
		for _, p := range u.Layout().Panes {
			panes = append(panes, p.Patch)
		}
		if !slices.Equal(u.Pins(), pins) || len(pins) > 0 && !slices.Equal(panes, pins) {
			t.Errorf("pins %v, panes of %v, want %v", u.Pins(), panes, pins)
		}
	}
	want()
	click(4)
	want(4)
	click(1)
	want(4, 1)
	click(5)
	want(4, 5)
	click(4)
	want(5)
	click(0)
	want(5, 0)
	u.SetPicture(Picture{}) // an image that fails, then one of the same grid
	u.SetPicture(Picture{Width: 600, Height: 200, Rows: 2, Columns: 3})
	want(5, 0)
	u.Handle(Key{Name: "escape"})
	want()
	click(3)
	u.SetPicture(Picture{Width: 600, Height: 200, Rows: 3, Columns: 2})
	want()
	if u.Handle(Move{-5, 3}); u.Layout().Panes[0].Patch != -1 {
		t.Error("a mouse beside the picture has a patch")
	}
}

// A tile's click chooses its head, and a second one the mean; so does the wheel with shift.
func TestHeads(t *testing.T) {
	u := sample(image2x3(), 6)
	tile := u.Layout().Tiles[4].Frame.Min
	u.Handle(Move{float64(tile.X), float64(tile.Y)})
	for i, want := range []int{4, MeanHead} {
		if u.Handle(Click{Left}); u.Choice().Head != want {
			t.Errorf("click %d chose head %d, want %d", i, u.Choice().Head, want)
		}
	}
	u.Handle(Scroll{DY: 0.5, Shift: true})
	if u.Choice().Head != MeanHead {
		t.Error("half a step of the wheel chose a head")
	}
	u.Handle(Scroll{DY: 0.5, Shift: true})
	if u.Choice().Head != 0 {
		t.Errorf("a step of the wheel chose head %d, want 0", u.Choice().Head)
	}
	keep := u.Choice().Keep
	u.Handle(Scroll{DY: -1, Control: true})
	u.Handle(Scroll{DY: -2})
	if got := u.Choice(); math.Abs(got.Keep-keep+0.05) > 1e-9 || got.Layer != 9 {
		t.Errorf("the wheel gave keep %v and layer %d", got.Keep, got.Layer)
	}
}

// The film shows every layer in turn, and no tick skips one, however late.
func TestFilm(t *testing.T) {
	u := sample(image2x3(), 1)
	u.Handle(Key{Name: "f"})
	now := time.Unix(1000, 0)
	u.Handle(Tick{now})
	var layers []int
	for range 14 {
		wait, playing := u.Wake(now)
		if !playing || wait != 500*time.Millisecond {
			t.Fatalf("waits %v, playing %v", wait, playing)
		}
		now = now.Add(wait - 1)
		u.Handle(Tick{now})
		now = now.Add(time.Hour)
		u.Handle(Tick{now})
		layers = append(layers, u.Choice().Layer)
	}
	if want := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 1}; !slices.Equal(layers, want) {
		t.Errorf("the film showed %v", layers)
	}
	if u.Handle(Key{Name: "up"}); u.Choice().Film {
		t.Error("a chosen layer doesn't stop the film")
	}
}

// events draws any event, sensible or not.
func events() *rapid.Generator[Event] {
	position := rapid.OneOf(rapid.Float64(), rapid.Float64Range(-10, 1500))
	names := []string{"", "ä", "\x00", "UP"}
	for name := range table {
		names = append(names, name)
	}
	slices.Sort(names)
	return rapid.Custom(func(t *rapid.T) Event {
		shift, control := rapid.Bool().Draw(t, "shift"), rapid.Bool().Draw(t, "control")
		switch rapid.IntRange(0, 8).Draw(t, "event") {
		case 0, 1:
			return Move{position.Draw(t, "x"), position.Draw(t, "y")}
		case 2:
			return Leave{}
		case 3, 4:
			return Click{rapid.SampledFrom([]Button{Left, Left, Right, ""}).Draw(t, "button")}
		case 5:
			return Scroll{rapid.OneOf(rapid.Float64(), rapid.Float64Range(-2, 2), rapid.Just(math.NaN())).Draw(t, "dy"), shift, control}
		case 6:
			return Resize{rapid.IntRange(-1, 700).Draw(t, "w"), rapid.IntRange(-1, 500).Draw(t, "h"), rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0.2, 4)).Draw(t, "scale")}
		case 7:
			return Tick{time.Unix(rapid.Int64Range(0, 1000).Draw(t, "now"), 0)}
		}
		return Key{rapid.SampledFrom(names).Draw(t, "key"), shift, control}
	})
}

// Whatever happens, the state stays within what the model has, the layout holds, and
// the overlay is drawn inside its picture.
func TestRandomEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Picture{Width: rapid.IntRange(0, 900).Draw(t, "w"), Height: rapid.IntRange(1, 900).Draw(t, "h"), Rows: rapid.IntRange(1, 70).Draw(t, "rows"), Columns: rapid.IntRange(1, 70).Draw(t, "columns"),
			Resized: image.Pt(900, 700), Seen: image.Pt(rapid.IntRange(0, 900).Draw(t, "seen"), 700)}
		u := sample(p, rapid.IntRange(0, 24).Draw(t, "heads"))
		for _, e := range rapid.SliceOfN(events(), 1, 30).Draw(t, "events") {
			u.Handle(e)
			if c := u.Choice(); c != c.within(&u.model) {
				t.Fatalf("after %v the choice is %+v", e, c)
			}
			if len(u.pins) > 2 || len(u.pins) == 2 && u.pins[0] == u.pins[1] {
				t.Fatalf("after %v the pins are %v", e, u.pins)
			}
			if err := sound(u); err != nil {
				t.Fatalf("after %v: %v", e, err)
			}
		}
		u.Overlay(Info{Error: "wrong", Busy: "working", Ranges: []Range{{0, 1}, {-1, 1e-9}}}, image.NewRGBA(image.Rectangle{Max: u.Size()}))
	})
}

func TestAt(t *testing.T) {
	u := sample(image2x3(), 1)
	for _, bad := range [][2]int{{2, 0}, {0, 3}, {-1, 0}} {
		if _, err := u.At(bad[0], bad[1]); err == nil || !strings.Contains(err.Error(), "rows 0 … 1 and columns 0 … 2") {
			t.Errorf("patch %v: %v", bad, err)
		}
	}
	move, err := u.At(1, 2)
	if err != nil {
		t.Fatal(err)
	}
	u.Handle(move)
	if patch, ok := u.Hover(); !ok || patch != 5 || u.Layout().Panes[0].Patch != 5 {
		t.Errorf("patch 1 2 hovers %d, %v", patch, ok)
	}
	u.Handle(Resize{Width: 3, Height: 3})
	if _, err := u.At(1, 2); err == nil || !strings.Contains(err.Error(), "window of 3 × 3") {
		t.Error(fmt.Sprint("a window without room: ", err))
	}
}
