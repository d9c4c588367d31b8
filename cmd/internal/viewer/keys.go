package viewer

import (
	"slices"
	"strings"
)

// binding is a row of the table of keys, which handles them and which ? shows.
type binding struct {
	keys  []string // the names of Key that do it
	shown string   // as the help writes them
	does  string
	do    func(u *UI) []Action
}

// quiet is a change of the state alone.
func quiet(change func(u *UI)) func(*UI) []Action {
	return func(u *UI) []Action {
		change(u)
		return nil
	}
}

// does is an action alone.
func does(a Action) func(*UI) []Action { return func(*UI) []Action { return []Action{a} } }

// bindings is the table of keys. Letters and signs are where every keyboard has them.
func bindings() []binding {
	row := func(does string, do func(u *UI) []Action, shown string, keys ...string) binding {
		if len(keys) == 0 {
			keys = []string{shown}
		}
		return binding{keys, shown, does, do}
	}
	return []binding{
		row("layer up", quiet(func(u *UI) { u.moveLayer(1) }), "↑", "up"),
		row("layer down", quiet(func(u *UI) { u.moveLayer(-1) }), "↓", "down"),
		row("next head", quiet(func(u *UI) { u.moveHead(1) }), "→", "right"),
		row("previous head; before the first: the mean", quiet(func(u *UI) { u.moveHead(-1) }), "←", "left"),
		row("mean of all heads", quiet(func(u *UI) { u.choice.Head = MeanHead }), "h"),
		row("map: attention of the patch", quiet(func(u *UI) { u.show(ShowAttention) }), "a"),
		row("map: keys like the patch's", quiet(func(u *UI) { u.show(ShowKeys) }), "k"),
		row("map: attention of the class token", quiet(func(u *UI) { u.show(ShowClass) }), "c"),
		row("no mask", quiet(func(u *UI) { u.method(MethodNone) }), "0"),
		row("mask: attention of the class token", quiet(func(u *UI) { u.method(MethodAttention) }), "1"),
		row("mask: objects by MaskCut", quiet(func(u *UI) { u.method(MethodMaskCut) }), "2"),
		row("mask: parts by PCA, in colours", quiet(func(u *UI) { u.method(MethodPCA) }), "3"),
		row("keep more of the attention", quiet(func(u *UI) { u.keep(step) }), "+", "+", "="),
		row("keep less of it", quiet(func(u *UI) { u.keep(-step) }), "-"),
		row("more opaque", quiet(func(u *UI) { u.opacity(step) }), "p"),
		row("more transparent", quiet(func(u *UI) { u.opacity(-step) }), "o"),
		row("next colour map", quiet(func(u *UI) { u.choice.Colours = (u.choice.Colours + 1) % len(ColourMaps()) }), "v"),
		row("next image", func(u *UI) []Action { return u.moveImage(1) }, "n", "n", "pagedown"),
		row("previous image", func(u *UI) []Action { return u.moveImage(-1) }, "b", "b", "pageup"),
		row("all heads at the side", quiet(func(u *UI) { u.choice.Strip = !u.choice.Strip }), "t"),
		row("film: play the layers", quiet(func(u *UI) { u.choice.Film = !u.choice.Film }), "f"),
		row("film: next rate", quiet(func(u *UI) { u.choice.Rate = nextRate(u.choice.Rate) }), "r"),
		row("fit the window, or pixel for pixel", quiet(func(u *UI) { u.choice.Actual = !u.choice.Actual }), "z"),
		row("save the picture as shown", does(SavePicture{}), "s"),
		row("save the mask", does(SaveMask{}), "m"),
		row("free the pinned patches", quiet(func(u *UI) { u.pins = nil }), "esc", "escape"),
		row("these keys", quiet(func(u *UI) { u.choice.Help, u.helpAt = true, 0 }), "?", "?", "f1"),
		row("quit", does(Quit{}), "q"),
	}
}

// gestures is what the mouse does, for the help.
func gestures() [][2]string {
	return [][2]string{
		{"point", "the map of that patch"},
		{"click", "pin it; a second one: compare; again: free it"},
		{"click a head", "that head; again: the mean"},
		{"wheel", "layer; with shift: head"},
		{"ctrl wheel", "kept share of the attention"},
		{"right click", "pixel for pixel: centre here"},
		{"drop", "open files or folders"},
	}
}

// table is bindings by the names of their keys.
var table = func() map[string]binding {
	byName := map[string]binding{}
	for _, b := range bindings() {
		for _, k := range b.keys {
			if _, twice := byName[k]; twice {
				panic("two bindings of the key " + k)
			}
			byName[k] = b
		}
	}
	return byName
}()

// key does what the table says; with the help open, any key but q closes it, and ? shows
// the rest of it first where the window is small.
func (u *UI) key(e Key) []Action {
	u.notice = ""
	b, known := table[strings.ToLower(e.Name)]
	if u.choice.Help && !(known && slices.Contains(b.keys, "q")) {
		u.choice.Help = known && slices.Contains(b.keys, "?") && u.moreHelp()
		return nil
	}
	if !known || e.Control {
		return nil
	}
	return b.do(u)
}

// keep changes the kept share, and says so where no mask would show it.
func (u *UI) keep(by int) {
	u.choice.Keep = percent(u.choice.Keep, by, minKeep/100.0)
	if u.choice.Method != MethodAttention {
		u.notice = u.kept() + ": only the mask of the attention shows it (key 1)"
	}
}

func (u *UI) opacity(by int) { u.choice.Opacity = percent(u.choice.Opacity, by, 0) }

func nextRate(rate int) int {
	return rates[(slices.Index(rates[:], rate)+1)%len(rates)]
}
