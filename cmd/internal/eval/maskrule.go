package eval

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/crate-vk/crate-vk/loader/picture"
)

// Foreground says which pixels of a PNG are a mask's foreground. The value of a pixel
// is the largest of red, green and blue.
type Foreground int

// The rules for the foreground.
const (
	// ForegroundAuto goes by all files of a folder together, see [Survey].
	ForegroundAuto    Foreground = iota
	ForegroundBright             // above half of the range: 0 and 255, or smoothed edges between
	ForegroundNonZero            // not black: 0 and 1, numbered objects, objects in colours
	ForegroundDark               // not above half of the range: black objects on white
)

// ParseForeground reads auto, bright, nonzero or dark.
func ParseForeground(s string) (Foreground, error) {
	for f := ForegroundAuto; f <= ForegroundDark; f++ {
		if s == f.String() {
			return f, nil
		}
	}
	return 0, fmt.Errorf("foreground %q: want auto, bright, nonzero or dark", s)
}

func (f Foreground) String() string { return [...]string{"auto", "bright", "nonzero", "dark"}[f] }

// Void says which pixels count neither as object nor as background: those whose gray
// value or palette index is Number. The zero value leaves it to [Survey].
type Void struct {
	Fixed  bool
	Number int // −1 for none
}

// ParseVoid reads auto, none or a number up to 65535.
func ParseVoid(s string) (Void, error) {
	switch s {
	case "auto":
		return Void{}, nil
	case "none":
		return Void{true, -1}, nil
	}
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return Void{}, fmt.Errorf("void %q: want auto, none or a gray value or palette index, such as 255", s)
	}
	return Void{true, int(n)}, nil
}

// Channel says where in a PNG the mask is.
type Channel int

// The places of a mask.
const (
	// ChannelAuto takes alpha where it differs from pixel to pixel and the colour doesn't,
	// and colour where alpha is the same everywhere. Where both differ they have to give
	// one mask.
	ChannelAuto Channel = iota
	ChannelColour
	ChannelAlpha // above half of the highest alpha of the file
)

// ParseChannel reads auto, colour or alpha.
func ParseChannel(s string) (Channel, error) {
	for c := ChannelAuto; c <= ChannelAlpha; c++ {
		if s == c.String() {
			return c, nil
		}
	}
	return 0, fmt.Errorf("channel %q: want auto, colour or alpha", s)
}

func (c Channel) String() string { return [...]string{"auto", "colour", "alpha"}[c] }

// MaskRule is how files are asked to be read. The zero value is auto for all.
type MaskRule struct {
	Foreground Foreground
	Void       Void
	Channel    Channel
}

// Mask is a mask file as it was read: 0 or 255 a pixel.
type Mask struct {
	*picture.Gray
	Void []bool // pixels that count for nothing; nil if there are none
}

// Reading is how the files of a folder are read, with all choices made.
type Reading struct {
	gray       [2]grayReading // of files of up to 8 and of 16 bits
	seen       [2]bool        // there are files of that depth
	voidIndex  int            // palette index that is void in pictures of colours, −1 for none
	voidColour bool           // VOC's colour for void is void
	channel    Channel        // auto is settled file by file
	byAlpha    bool           // alpha is the mask of all files in which it differs
	asked      MaskRule
}

// grayReading is the rule for gray values.
type grayReading struct {
	foreground Foreground
	void       int // −1 for none
}

// String tells the choices in a line: foreground=nonzero void=255 channel=colour.
func (r Reading) String() string {
	depth := 0
	if !r.seen[0] && r.seen[1] {
		depth = 1
	}
	g := r.gray[depth]
	text := "foreground=" + g.foreground.String() + " void=" + r.voidString(g.void)
	if other := r.gray[1]; depth == 0 && r.seen[1] && other != g {
		text += fmt.Sprintf(" (of 16 bits: foreground=%s void=%s)", other.foreground, r.voidString(other.void))
	}
	channel := r.channel
	if channel == ChannelAuto {
		channel = ChannelColour
		if r.byAlpha {
			channel = ChannelAlpha
		}
	}
	return text + " channel=" + channel.String()
}

func (r Reading) voidString(gray int) string {
	var list []string
	if gray >= 0 {
		list = append(list, strconv.Itoa(gray))
	}
	if r.voidIndex >= 0 && r.voidIndex != gray {
		list = append(list, fmt.Sprintf("index %d", r.voidIndex))
	}
	if r.voidColour && r.voidIndex < 0 {
		list = append(list, "224,224,192")
	}
	if list == nil {
		return "none"
	}
	return strings.Join(list, "+")
}

// ReadMask reads a PNG as a mask. A file whose mask could be its colours or its alpha,
// and not both, is an error that says how to choose.
func ReadMask(ctx context.Context, path string, r Reading) (*Mask, error) {
	s, err := openSamples(ctx, path)
	if err != nil {
		return nil, err
	}
	m, err := r.mask(s)
	if err != nil {
		return nil, &FileError{path, err}
	}
	return m, nil
}

func (r Reading) mask(s *samples) (*Mask, error) {
	c := s.census()
	colour, alpha := r.byColour(s, c), s.byAlpha(c)
	switch {
	case r.channel == ChannelAlpha && !s.hasAlpha:
		return nil, errors.New("has no alpha channel (--channel alpha asks for it)")
	case r.channel == ChannelAlpha, r.channel == ChannelAuto && c.alphaIsMask():
		return alpha, nil
	case r.channel == ChannelAuto && c.oneColour && (r.byAlpha || c.maxAlpha == 0):
		return alpha, nil // opaque or clear everywhere
	case r.channel == ChannelColour, !c.alphaVaries():
		return colour, nil
	case agree(colour, alpha) || agree(colour, s.visible()):
		return alpha, nil
	}
	return nil, errors.New("its colours give one mask and its alpha channel another: choose with --channel colour or --channel alpha")
}

// agree says that two masks are one.
func agree(a, b *Mask) bool {
	return string(a.Pix) == string(b.Pix) && a.Void == nil
}

// byColour is the mask in the colours.
func (r Reading) byColour(s *samples, c *census) *Mask {
	rule := r.gray[s.depth()]
	m := &Mask{Gray: picture.NewGray(s.width, s.height)}
	for i := range m.Pix {
		p := s.at(i%s.width, i/s.width)
		if r.isVoid(p, c, rule) {
			if m.Void == nil {
				m.Void = make([]bool, len(m.Pix))
			}
			m.Void[i] = true
			continue
		}
		in := p.value() > 0
		switch {
		case rule.foreground == ForegroundDark:
			in = p.value() <= lastDark
		case rule.foreground == ForegroundBright && (c.isGray() || r.fixedBright()):
			in = p.value() > lastDark
		}
		if in {
			m.Pix[i] = 255
		}
	}
	return m
}

// fixedBright says that bright was asked for: then colours are read by their value, too.
func (r Reading) fixedBright() bool { return r.asked.Foreground == ForegroundBright }

func (r Reading) isVoid(p sample, c *census, rule grayReading) bool {
	switch {
	case c.isGray():
		return p.number >= 0 && p.number == rule.void
	case p.index >= 0 && r.voidIndex >= 0:
		return p.index == r.voidIndex
	}
	return r.voidColour && p.isVOCVoid() || rule.void >= 0 && p.number == rule.void && r.asked.Void.Fixed
}
