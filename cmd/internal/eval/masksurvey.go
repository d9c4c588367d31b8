package eval

import (
	"context"
	"errors"
	"fmt"
	"image/color"
)

// census is what the pixels of one file have in common.
type census struct {
	gray      []int // pixels of each value, which is the gray value if the file is gray
	index     []int // pixels of each palette index
	palette   bool
	spread    uint16 // the largest, see sample.spread
	bright    bool   // there is a value above half of the range
	black     bool
	vocVoid   bool // VOC's colour for void is there
	coloured  bool // another colour is there
	oneColour bool // of all pixels, whatever their alpha

	minAlpha, maxAlpha uint16
	hasAlpha           bool
}

// nearlyGray is the spread, of 65535, up to which a picture with bright pixels is a
// gray one with noise: one that was a JPEG.
const nearlyGray = 16 * 257

// isGray says that the file is a gray picture, perhaps with noise.
func (c *census) isGray() bool { return c.spread == 0 || c.spread <= nearlyGray && c.bright }

// alphaVaries says that alpha gives a mask that isn't the same everywhere.
func (c *census) alphaVaries() bool {
	return c.hasAlpha && 2*int(c.minAlpha) <= int(c.maxAlpha) && c.maxAlpha > 0
}

func (c *census) alphaIsMask() bool { return c.alphaVaries() && c.oneColour }

func (s *samples) census() *census {
	c := &census{gray: make([]int, [...]int{256, 1 << 16}[s.depth()]), index: make([]int, 256), oneColour: true, hasAlpha: s.hasAlpha, minAlpha: 65535}
	first := s.at(0, 0)
	for y := range s.height {
		for x := range s.width {
			p := s.at(x, y)
			c.gray[s.number(p)]++
			if p.index >= 0 {
				c.palette = true
				c.index[p.index]++
			}
			c.spread = max(c.spread, p.spread())
			c.bright = c.bright || p.value() > lastDark
			c.black = c.black || p.value() == 0
			if p.isVOCVoid() {
				c.vocVoid = true
			} else if p.value() > 0 {
				c.coloured = true
			}
			c.oneColour = c.oneColour && p.r == first.r && p.g == first.g && p.b == first.b
			c.minAlpha, c.maxAlpha = min(c.minAlpha, p.a), max(c.maxAlpha, p.a)
		}
	}
	return c
}

// survey gathers the files of a folder.
type survey struct {
	gray    [2]tally // by depth
	index   tally    // palette indices of pictures in colours
	others  bool     // pictures in colours have colours besides black and VOC's void
	void    bool     // and VOC's void
	black   bool     // and black
	mixed   bool     // one of them has several colours
	alphas  int      // files whose mask is in alpha
	colours int      // files in which colours differ, and alpha doesn't
}

// tally counts pixels by number.
type tally struct {
	files  int
	pixels [1 << 16]int
}

func (t *tally) add(pixels []int) {
	t.files++
	for v, n := range pixels {
		t.pixels[v] += n
	}
}

// largest is the largest number below a limit that is there, −1 if there is none.
func (t *tally) largest(limit int) int {
	for v := limit - 1; v >= 0; v-- {
		if t.pixels[v] > 0 {
			return v
		}
	}
	return -1
}

// lowest is the smallest number that is there.
func (t *tally) lowest() int {
	for v, n := range t.pixels {
		if n > 0 {
			return v
		}
	}
	return 0
}

// Survey looks at all files of a folder and chooses how they are read, where the rule
// leaves it open: one choice for the folder, since a single file can't tell a mask of
// 0 and 255 from one whose object is missing and whose border is void.
//
//   - Gray values that are 0 and the highest (255, or 65535) are a mask: bright. With
//     127 or 128 as the only third value, that is void (a trimap).
//   - Values up to 40, and perhaps the highest, are labels: nonzero, the highest is void.
//   - Other values above half of the range are a mask with smoothed edges: bright.
//   - Pictures in colours are nonzero. Void in them is palette index 255 where there
//     are lower ones and a gap below it, and VOC's colour for void where there are others.
//   - See [ChannelAuto] about alpha.
//
// Files that can't be read are passed over: [ReadMask] says what is wrong. An error is
// ctx's, or says that the files can't be told, and which flags tell them.
// ours says that crate-vk wrote the files: then labels are objects, 255 is one, too.
func Survey(ctx context.Context, files []MaskFile, rule MaskRule, ours bool) (Reading, error) {
	v := &survey{}
	for _, f := range files {
		s, err := openSamples(ctx, f.Path)
		if ctx.Err() != nil {
			return Reading{}, context.Cause(ctx)
		}
		if err == nil {
			v.add(s, s.census(), rule.Channel)
		}
	}
	return v.reading(rule, ours)
}

// reading makes the choices.
func (v *survey) reading(rule MaskRule, ours bool) (Reading, error) {
	r := Reading{asked: rule, channel: rule.Channel, byAlpha: v.alphas > 0 && v.colours == 0, voidIndex: -1}
	for depth := range v.gray {
		r.seen[depth] = v.gray[depth].files > 0
		g, err := v.gray[depth].choose(depth, rule, ours)
		if err != nil {
			return Reading{}, err
		}
		r.gray[depth] = g
	}
	if v.mixed && !v.black && rule.Foreground == ForegroundAuto {
		return Reading{}, errors.New("its pictures are in colours, and no pixel of any is black: which colour is background can't be told; name the foreground with --foreground bright, dark or nonzero, or make masks of 0 and 255")
	}
	switch {
	case rule.Void.Fixed:
		r.voidIndex = rule.Void.Number
	case !ours:
		r.voidColour = v.void && v.others
		if low := v.index.largest(255); v.index.pixels[255] > 0 && 0 < low && low < 254 {
			r.voidIndex = 255
		}
	}
	return r, nil
}

func (v *survey) add(s *samples, c *census, channel Channel) {
	switch {
	case channel == ChannelAlpha || channel == ChannelAuto && c.alphaIsMask():
		v.alphas++
		return
	case !c.oneColour:
		v.colours++
	}
	switch {
	case c.isGray():
		v.gray[s.depth()].add(c.gray)
	default:
		v.others = v.others || c.coloured
		v.void = v.void || c.vocVoid
		v.black = v.black || c.black
		v.mixed = v.mixed || !c.oneColour
		if c.palette {
			v.index.add(c.index)
		}
	}
}

// choose settles foreground and void of gray values.
func (t *tally) choose(depth int, rule MaskRule, ours bool) (grayReading, error) {
	top := [...]int{255, 65535}[depth]
	g := grayReading{rule.Foreground, -1}
	if rule.Void.Fixed {
		g.void = rule.Void.Number
	}
	switch {
	case ours:
		return grayReading{ForegroundNonZero, -1}, nil
	case rule.Void.Fixed && g.void == top && g.foreground == ForegroundAuto:
		g.foreground = ForegroundNonZero
		return g, nil
	case t.files == 0 || g.foreground != ForegroundAuto && rule.Void.Fixed:
		if g.foreground == ForegroundAuto {
			g.foreground = ForegroundBright
		}
		return g, nil
	}
	found, err := t.recognise(top, g.void)
	if g.foreground != ForegroundAuto && err != nil {
		return g, nil // void isn't guessed where the values say nothing
	}
	if err != nil {
		return g, err
	}
	if g.foreground == ForegroundAuto {
		g.foreground = found.foreground
	}
	if !rule.Void.Fixed && (g.foreground == found.foreground || g.foreground == ForegroundDark && found.void != top) {
		g.void = found.void
	}
	return g, nil
}

// maxLabel is the largest number that is a label for sure where the highest is void.
const maxLabel = 40

// recognise tells masks from labels by the values that there are, apart from one that
// is known to be void.
func (t *tally) recognise(top, known int) (grayReading, error) {
	at := func(v int) int {
		if v == known {
			return 0
		}
		return t.pixels[v]
	}
	labels, middle, other := 0, 0, 0 // pixels of 1 … maxLabel, of the middle, of what else there is
	above := 0                       // of the latter, those above half
	for v := 1; v < top; v++ {
		switch n := at(v); {
		case n == 0:
		case v <= maxLabel:
			labels += n
		case v == top/2 || v == top/2+1:
			middle += n
		case v == 255 && top > 255:
		default:
			other += n
			if v > top/2 {
				above += n
			}
		}
	}
	full := at(top)
	small := 0 // 255 among 16 bits
	if top > 255 {
		small = at(255)
	}
	switch {
	case above > 0 || middle > 0 && (other > 0 || at(top/2) > 0 && at(top/2+1) > 0) && full+at(top/2+1) > 0:
		return grayReading{ForegroundBright, -1}, nil
	case middle > 0 && full > 0 && labels == 0 && other == 0:
		void := top / 2
		if at(void) == 0 {
			void++
		}
		return grayReading{ForegroundBright, void}, nil
	case full == 0 && small > 0 && labels > 0 && other+middle == 0:
		return grayReading{ForegroundNonZero, 255}, nil
	case full == 0 && at(top/2+1) > 0:
		return grayReading{ForegroundBright, -1}, nil
	case full == 0 && t.pixels[0] == 0 && t.lowest() != t.largest(top):
		return grayReading{}, fmt.Errorf("its values are %d to %d, and none is 0: which of them is object can't be told; say it with --foreground, or make masks of 0 and 255", t.lowest(), t.largest(top))
	case full == 0:
		return grayReading{ForegroundNonZero, -1}, nil
	case labels+middle+other+small == 0:
		return grayReading{ForegroundBright, -1}, nil
	case other+middle+small == 0 && 1000*labels >= full:
		return grayReading{ForegroundNonZero, top}, nil
	}
	return grayReading{}, fmt.Errorf("its values may be a mask's with smoothed edges or labels with void: %d is there, and so is %d; say which with --foreground bright, or --foreground nonzero and --void %d or none",
		top, t.largest(top), top)
}

// colourOf is a palette's colour, not multiplied by alpha.
func colourOf(c color.Color) color.NRGBA { return color.NRGBAModel.Convert(c).(color.NRGBA) }
