package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crate-vk/crate-vk/graph"
)

// Kind names the work that a kernel's shape is chosen for: the kernel and what
// it computes of one image, such as "linear_lanes 785×768→768 norm relu" or
// "attend_lanes 785×12×64 tied". The batch is no part of it, so that a choice
// never depends on the batch. It is "" where a kernel has one shape only.
func Kind(p *Plan, d *Dispatch) string {
	kernel, _, _ := strings.Cut(d.Kernel, ".")
	switch kernel {
	case "linear_lanes", "linear_tiles", "attend_lanes", "attend_uniform":
		return kindOf(kernel, p.Value(d.Value), strings.HasSuffix(d.Kernel, ".f16"))
	}
	return ""
}

func kindOf(kernel string, v *graph.Value, f16 bool) string {
	words := []string{kernel}
	q := v.Args[0].Shape()
	if v.Op == graph.OpLinear {
		x, rows := v.Arg("x").Shape(), 1
		if len(x) == 3 {
			rows = x[1].Size
		}
		words = append(words, fmt.Sprintf("%d×%d→%d", rows, x.Last(), v.Shape().Last()))
		if _, norm := v.Attrs["eps"]; norm {
			words = append(words, "norm")
		}
		if v.Arg("residual") != nil {
			words = append(words, "residual")
		}
		if act := v.Str("act"); act != "" {
			words = append(words, act)
		}
	} else {
		heads := v.Int("heads")
		words = append(words, fmt.Sprintf("%d×%d×%d", q[1].Size, heads, q.Last()/heads))
		if v.Op == graph.OpMSSA {
			words = append(words, "tied")
		}
	}
	if f16 {
		words = append(words, "f16")
	}
	return strings.Join(words, " ")
}

// Shape names the shape that a dispatch has, as Shapes does; "" where its
// kernel has one only.
func Shape(d *Dispatch) string {
	c, err := d.Constants()
	if err != nil {
		return ""
	}
	switch kernel, variant, _ := strings.Cut(d.Kernel, "."); kernel {
	case "linear_lanes":
		return lanesName(c("ROWS"), c("COLS"), variant)
	case "attend_lanes":
		return lanesName(c("QUERIES"), c("KEYS"), variant)
	case "linear_tiles":
		return TileName(c("BM"), c("BN"), c("TM"), c("TN"))
	case "attend_uniform":
		return fmt.Sprintf("%dx%d", c("KEYS"), c("SPLITS"))
	}
	return ""
}

// lanesName is rows × quads of columns of linear_lanes, queries × keys of
// attend_lanes, and how they load.
func lanesName(a, b int, variant string) string {
	load := LoadStorage
	if strings.HasPrefix(variant, "texel") {
		load = LoadTexels
	}
	return fmt.Sprintf("%dx%d %s", a, b, load)
}

// Shapes lists the shapes that may be measured for a dispatch, the one that it
// has first. All shapes of linear_lanes agree bit for bit, and so do those of
// linear_tiles, and those of attend_lanes with as many keys.
func Shapes(lim Limits, d *Dispatch) []string {
	own := Shape(d)
	if own == "" {
		return nil
	}
	list := []string{own}
	c, _ := d.Constants()
	switch kernel, _, _ := strings.Cut(d.Kernel, "."); kernel {
	case "linear_lanes":
		list = append(list, lanesShapes(lim, linearLanesShapes(c("rows"), ceil(c("nquads"), c("LANES"))))...)
	case "attend_lanes":
		list = append(list, lanesShapes(lim, attendLanesShapes(lim, c("HEAD_QUADS")))...)
	case "linear_tiles":
		for _, t := range tiles() {
			if t.fits(lim) && !t.onRequest {
				list = append(list, t.name())
			}
		}
	case "attend_uniform":
		for _, s := range uniformShapes(lim, c("SLICE")*c("SLICES")) {
			list = append(list, fmt.Sprintf("%dx%d", s.keys, s.splits))
		}
	}
	again := slices.Index(list[1:], own)
	if again >= 0 {
		list = slices.Delete(list, again+1, again+2)
	}
	return list
}

// linearLanesShapes are rows × quads: bodies of 256 to 1,536 multiply-adds,
// which drivers compile within a second or so, those first that often win.
func linearLanesShapes(rows, panels int) [][2]int {
	list := [][2]int{{32, 2}, {24, 2}, {16, 2}, {32, 1}, {32, 3}, {48, 1}, {16, 4}, {48, 2}, {64, 1}, {66, 1}, {16, 1}}
	return slices.DeleteFunc(list, func(s [2]int) bool { return s[0] > rows || s[1] > panels })
}

// attendLanesShapes are queries × keys.
func attendLanesShapes(lim Limits, headQuads int) [][2]int {
	list := [][2]int{{3, 6}, {5, 4}, {3, 8}, {3, 12}, {2, 8}, {4, 4}, {3, 10}, {4, 8}, {3, 5}, {3, 4}, {2, 6}, {6, 4}, {2, 4}, {1, 8}}
	return slices.DeleteFunc(list, func(s [2]int) bool { return s[1] > lim.Subgroup || !fitsLanes(s[0], s[1], headQuads) })
}

// fitsLanes bounds the unrolled body of attend_lanes.
func fitsLanes(queries, keys, headQuads int) bool { return queries*keys*headQuads <= 40*16 }

func lanesShapes(lim Limits, list [][2]int) []string {
	var names []string
	for _, s := range list {
		names = append(names, fmt.Sprintf("%dx%d %s", s[0], s[1], preferredLoad(lim)))
	}
	// The other way to load, at the first shape: where it wins at all it wins by
	// more than shapes differ.
	other := LoadTexels
	if preferredLoad(lim) == LoadTexels {
		other = LoadStorage
	}
	if len(list) > 0 {
		names = slices.Insert(names, 1, fmt.Sprintf("%dx%d %s", list[0][0], list[0][1], other))
	}
	return names
}

func uniformShapes(lim Limits, headQuads int) []uniformAttention {
	s, ok := Choices{}.uniformAttention(lim, headQuads)
	if !ok {
		return nil
	}
	var list []uniformAttention
	for _, keys := range []int{4, 8, 16} {
		for _, splits := range []int{1, 2, 4} {
			t := s
			t.keys, t.splits = keys, splits
			if t.fits(lim) {
				list = append(list, t)
			}
		}
	}
	return list
}

// tuned is the measured shape for a kind: two numbers and how to load; ok is
// false where there is none.
func (c Choices) tuned(kind string) (a, b int, load Load, ok bool) {
	name, ok := c.Tuned[kind]
	if !ok {
		return 0, 0, "", false
	}
	if n, _ := fmt.Sscanf(name, "%dx%d %s", &a, &b, &load); n < 2 || a < 1 || b < 1 {
		return 0, 0, "", false
	}
	return a, b, load, true
}

// ChoicesOf are the choices that give every dispatch of a kernel the shape that
// d has.
func ChoicesOf(d *Dispatch) Choices {
	c, err := d.Constants()
	if err != nil {
		return Choices{}
	}
	choices := Choices{LaneRows: c("ROWS"), LaneCols: c("COLS"), LaneQueries: c("QUERIES"), LaneKeys: c("KEYS"), Load: LoadStorage,
		Tile: TileName(c("BM"), c("BN"), c("TM"), c("TN")), UniformKeys: c("KEYS"), UniformSplits: c("SPLITS")}
	if strings.Contains(d.Kernel, ".texel") {
		choices.Load = LoadTexels
	}
	return choices
}
