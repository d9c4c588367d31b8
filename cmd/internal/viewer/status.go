package viewer

import (
	"fmt"
	"strings"

	"github.com/crate-vk/crate-vk/crate/readout/show"
	"github.com/crate-vk/crate-vk/loader/quote"
)

// part of a line of text; of a line that is too long, the parts with the highest rank
// are left out first.
type part struct {
	text string
	rank int
}

const separator = "  ·  "

// join writes parts on a line of that width in pixels. Those that are empty are
// skipped; what is left when only one has room ends in an ellipsis.
func join(f *show.Font, width int, parts ...part) string {
	kept := make([]part, 0, len(parts))
	for _, p := range parts {
		if p.text != "" {
			kept = append(kept, p)
		}
	}
	for {
		texts := make([]string, len(kept))
		worst := 0
		for i, p := range kept {
			texts[i] = p.text
			if p.rank >= kept[worst].rank {
				worst = i
			}
		}
		text := strings.Join(texts, separator)
		if len(kept) < 2 || f.Width(text) <= width {
			return f.Fit(text, width)
		}
		kept = append(kept[:worst], kept[worst+1:]...)
	}
}

// name is the name of the image that is shown, as it can be printed.
func (u *UI) name() string {
	if len(u.images) == 0 {
		return "drop an image or a folder here"
	}
	return quote.Escape(u.images[u.at])
}

// aboutImage is the first line: which image, and the model.
func (u *UI) aboutImage(info *Info) []part {
	parts := []part{{u.name(), 0}}
	if n := len(u.images); n > 1 {
		parts = append(parts, part{fmt.Sprintf("%d of %d", u.at+1, n), 1})
	}
	if p := u.picture; !p.empty() {
		zoom := 100 * float64(u.layout.Panes[0].Picture.Dx()) / float64(p.Width)
		parts = append(parts, part{fmt.Sprintf("%d × %d pixels", p.Width, p.Height), 3}, part{fmt.Sprintf("%d × %d patches", p.Columns, p.Rows), 4},
			part{fmt.Sprintf("shown at %.0f %%", zoom), 5})
	}
	return append(parts, part{quote.Escape(info.Class), 2})
}

// aboutMap is the second line: what the map shows. Parts by PCA hide it, but at the side.
func (u *UI) aboutMap() []part {
	c := u.choice
	what, head := u.mapped()
	colours, side := ColourMaps()[c.Colours].Name, ""
	switch strip := len(u.layout.Tiles) > 0; {
	case c.Method == MethodPCA && strip:
		if len(u.layout.Panes) > 1 {
			what += ", of " + pinNames[0]
		}
		side, head = "heads at the side: "+what, ""
	case c.Method == MethodPCA:
		head, colours = "", ""
	case strip && len(u.layout.Panes) > 1:
		side = "heads at the side: of " + pinNames[0]
	}
	if c.Method == MethodPCA {
		what = "colours: components of the keys"
	}
	film := ""
	if c.Film {
		film = fmt.Sprintf("film, %d layers a second", c.Rate)
	}
	return []part{
		{what, 0}, {fmt.Sprintf("layer %d of 0 … %d", c.Layer, u.model.Layers-1), 1}, {head, 2}, {film, 3},
		{fmt.Sprintf("opacity %.0f %%", c.Opacity*100), 6}, {colours, 5}, {side, 4},
	}
}

// mapped says what the map in the panes is, and of which head. Where no patch is pointed
// at it is the class token's attention.
func (u *UI) mapped() (what, head string) {
	head = "mean of all heads"
	if u.choice.Head != MeanHead {
		head = fmt.Sprintf("head %d of 0 … %d", u.choice.Head, u.model.Heads-1)
	}
	patch := "the patch"
	if len(u.layout.Panes) > 1 {
		patch = "the patches"
	}
	pointed := u.layout.Panes[0].Patch >= 0
	switch {
	case u.choice.Show == ShowClass, !pointed && u.model.NoClass == "":
		return "attention of the class token", head
	case !pointed && u.choice.Show == ShowKeys:
		return "keys like the patch's", ""
	case u.choice.Show == ShowAttention:
		return "attention of " + patch, head
	}
	if u.choice.Head == MeanHead {
		head = "whole keys"
	}
	return "cosine of keys with that of " + patch, head
}

// aboutMask is the third line: how the mask is made, or why the last key did nothing.
func (u *UI) aboutMask(info *Info) []part {
	if u.notice != "" {
		return []part{{quote.Line(u.notice), 0}}
	}
	what := map[Method]string{MethodNone: "no mask", MethodAttention: "mask of the class token's attention",
		MethodMaskCut: "mask by MaskCut", MethodPCA: "parts by PCA"}[u.choice.Method]
	keep := ""
	if u.choice.Method == MethodAttention {
		keep = u.kept()
	}
	return []part{{what, 0}, {keep, 1}, {objects(info.Objects), 2}}
}

// kept says which share the mask of the attention keeps.
func (u *UI) kept() string {
	of := "the attention"
	if u.model.KeepPatches {
		of = "the patches"
	}
	return fmt.Sprintf("keep %.0f %% of %s", u.choice.Keep*100, of)
}

// caption is what stands below a pane.
func (u *UI) caption(i int) string {
	pane := u.layout.Panes[i]
	where := func(patch int) string {
		return fmt.Sprintf("row %d, column %d", patch/u.picture.Columns, patch%u.picture.Columns)
	}
	switch {
	case u.choice.Method == MethodPCA && pane.Patch < 0:
		return "parts"
	case u.choice.Show == ShowClass:
		return "class token"
	case pane.Patch < 0 && u.model.NoClass == "":
		return "class token; point at a patch"
	case pane.Patch < 0:
		return "point at a patch"
	case len(u.pins) > 0:
		return pinNames[i] + ": " + where(pane.Patch)
	}
	return where(pane.Patch)
}

// pinNames are those of the two pins.
var pinNames = [2]string{"A", "B"}
