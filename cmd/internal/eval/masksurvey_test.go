package eval

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func grayRow(v ...uint8) image.Image {
	return &image.Gray{Pix: v, Stride: len(v), Rect: image.Rect(0, 0, len(v), 1)}
}

func wideRow(v ...uint16) image.Image {
	m := image.NewGray16(image.Rect(0, 0, len(v), 1))
	for i, x := range v {
		m.SetGray16(i, 0, color.Gray16{Y: x})
	}
	return m
}

func rgbaRow(c ...color.NRGBA) image.Image {
	m := image.NewNRGBA(image.Rect(0, 0, len(c), 1))
	for i, x := range c {
		m.SetNRGBA(i, 0, x)
	}
	return m
}

// vocPalette has PASCAL VOC's colours where the tests use them.
func vocPalette() []color.Color {
	p := make([]color.Color, 256)
	for i := range p {
		p[i] = color.NRGBA{uint8(i), 90, uint8(255 - i), 255}
	}
	p[0], p[1], p[15], p[255] = color.NRGBA{0, 0, 0, 255}, color.NRGBA{128, 0, 0, 255}, color.NRGBA{192, 128, 128, 255}, color.NRGBA{224, 224, 192, 255}
	return p
}

// text draws a mask: # object, . background, - void.
func (m *Mask) text() string {
	var b strings.Builder
	for i, p := range m.Pix {
		switch {
		case m.Void != nil && m.Void[i]:
			b.WriteByte('-')
		case p != 0:
			b.WriteByte('#')
		default:
			b.WriteByte('.')
		}
	}
	return b.String()
}

// TestSurvey: the files of a folder are read by one rule, which is the right one for
// every kind of mask that data sets have, or they are refused.
func TestSurvey(t *testing.T) {
	black, white, red := color.NRGBA{0, 0, 0, 255}, color.NRGBA{255, 255, 255, 255}, color.NRGBA{200, 0, 0, 255}
	vocVoid := color.NRGBA{224, 224, 192, 255}
	alpha := func(c color.NRGBA, a uint8) color.NRGBA { c.A = a; return c }
	for _, c := range []struct {
		name  string
		files []image.Image
		rule  MaskRule
		want  string // the masks, or the error
		about string
	}{
		{"0, 1, void", []image.Image{grayRow(0, 1, 255)}, MaskRule{}, ".#-", "foreground=nonzero void=255 channel=colour"},
		{"void alone in one file", []image.Image{grayRow(0, 255, 0), grayRow(0, 1, 255)}, MaskRule{}, ".-. .#-", "foreground=nonzero void=255 channel=colour"},
		{"classes and void", []image.Image{grayRow(0, 7, 20, 255)}, MaskRule{}, ".##-", "foreground=nonzero void=255 channel=colour"},
		{"two values", []image.Image{grayRow(0, 255)}, MaskRule{}, ".#", "foreground=bright void=none channel=colour"},
		{"two values, one file empty", []image.Image{grayRow(0, 0), grayRow(0, 255)}, MaskRule{}, ".. .#", "foreground=bright void=none channel=colour"},
		{"trimap", []image.Image{grayRow(0, 128, 255)}, MaskRule{}, ".-#", "foreground=bright void=128 channel=colour"},
		{"trimap at 127", []image.Image{grayRow(0, 127, 255)}, MaskRule{}, ".-#", "foreground=bright void=127 channel=colour"},
		{"smoothed", []image.Image{grayRow(0, 3, 90, 128, 200, 253, 255)}, MaskRule{}, "...####", "foreground=bright void=none channel=colour"},
		{"smoothed, one file of noise", []image.Image{grayRow(0, 1, 2), grayRow(0, 99, 200, 255)}, MaskRule{}, "... ..##", "foreground=bright void=none channel=colour"},
		{"void is not wanted", []image.Image{grayRow(0, 1, 255)}, MaskRule{Void: Void{true, -1}, Foreground: ForegroundNonZero}, ".##", "foreground=nonzero void=none channel=colour"},
		{"void is named", []image.Image{grayRow(0, 1, 9)}, MaskRule{Void: Void{true, 9}}, ".#-", "foreground=nonzero void=9 channel=colour"},
		{"255 is named", []image.Image{grayRow(0, 150, 255)}, MaskRule{Void: Void{true, 255}}, ".#-", "foreground=nonzero void=255 channel=colour"},
		{"inverted", []image.Image{grayRow(0, 255, 255)}, MaskRule{Foreground: ForegroundDark}, "#..", "foreground=dark void=none channel=colour"},
		{"inverted trimap", []image.Image{grayRow(0, 128, 255)}, MaskRule{Foreground: ForegroundDark}, "#-.", "foreground=dark void=128 channel=colour"},
		{"labels or smoothed", []image.Image{grayRow(0, 64, 255)}, MaskRule{}, "say which with --foreground", ""},
		{"labels or smoothed, told", []image.Image{grayRow(0, 64, 255)}, MaskRule{Foreground: ForegroundBright}, "..#", "foreground=bright void=none channel=colour"},
		{"no background", []image.Image{grayRow(1, 2, 3)}, MaskRule{}, "none is 0", ""},
		{"all object", []image.Image{grayRow(1, 1)}, MaskRule{}, "##", "foreground=nonzero void=none channel=colour"},
		{"16-bit mask", []image.Image{wideRow(0, 65535)}, MaskRule{}, ".#", "foreground=bright void=none channel=colour"},
		{"16-bit labels", []image.Image{wideRow(0, 300, 2)}, MaskRule{}, ".##", "foreground=nonzero void=none channel=colour"},
		{"16-bit labels and void", []image.Image{wideRow(0, 2, 65535)}, MaskRule{}, ".#-", "foreground=nonzero void=65535 channel=colour"},
		{"8-bit void in 16 bits", []image.Image{wideRow(0, 2, 255)}, MaskRule{}, ".#-", "foreground=nonzero void=255 channel=colour"},
		{"VOC's palette", []image.Image{paletted(vocPalette(), 0, 15, 255), paletted(vocPalette(), 255, 0, 0)}, MaskRule{}, ".#- -..", "foreground=bright void=index 255 channel=colour"},
		{"VOC's colours", []image.Image{rgbaRow(black, red, vocVoid)}, MaskRule{}, ".#-", "foreground=bright void=224,224,192 channel=colour"},
		{"a palette's two values", []image.Image{paletted(vocPalette(), 0, 255)}, MaskRule{}, ".#", "foreground=bright void=none channel=colour"},
		{"a palette's index is named", []image.Image{paletted(vocPalette(), 0, 1, 15)}, MaskRule{Void: Void{true, 15}}, ".#-", ""},
		{"colours without black", []image.Image{rgbaRow(white, red)}, MaskRule{}, "no pixel of any is black", ""},
		{"noise of a JPEG in colour", []image.Image{rgbaRow(color.NRGBA{3, 0, 5, 255}, color.NRGBA{250, 248, 251, 255})}, MaskRule{}, ".#", ""},
		{"white with alpha", []image.Image{rgbaRow(alpha(white, 0), white)}, MaskRule{}, ".#", "channel=alpha"},
		{"black with alpha, one file opaque", []image.Image{rgbaRow(alpha(black, 0), black), rgbaRow(black, black), rgbaRow(alpha(black, 0))}, MaskRule{}, ".# ## .", "channel=alpha"},
		{"one mask in alpha, one in colours", []image.Image{rgbaRow(alpha(white, 0), white), grayRow(0, 255)}, MaskRule{}, ".# .#", "channel=colour"},
		{"a palette with tRNS", []image.Image{paletted([]color.Color{alpha(white, 0), white}, 0, 1)}, MaskRule{}, ".#", "channel=alpha"},
		{"half transparent", []image.Image{rgbaRow(alpha(red, 0), alpha(red, 100))}, MaskRule{}, ".#", "channel=alpha"},
		{"both agree", []image.Image{rgbaRow(alpha(black, 0), alpha(white, 90), white)}, MaskRule{}, "..#", ""},
		{"opaque", []image.Image{rgbaRow(black, white)}, MaskRule{}, ".#", ""},
		{"alpha of 0 everywhere", []image.Image{rgbaRow(alpha(black, 0), alpha(white, 0))}, MaskRule{}, ".#", ""},
		{"a cut-out", []image.Image{rgbaRow(alpha(black, 0), white, alpha(red, 0))}, MaskRule{}, "choose with --channel", ""},
		{"a cut-out, told", []image.Image{rgbaRow(alpha(black, 0), white, alpha(red, 0))}, MaskRule{Channel: ChannelAlpha}, ".#.", "channel=alpha"},
		{"a cut-out, told otherwise", []image.Image{rgbaRow(alpha(black, 0), white, alpha(red, 0))}, MaskRule{Channel: ChannelColour}, ".##", "channel=colour"},
		{"no alpha", []image.Image{grayRow(0, 255)}, MaskRule{Channel: ChannelAlpha}, "has no alpha channel", ""},
	} {
		dir := t.TempDir()
		var files []MaskFile
		for i, img := range c.files {
			files = append(files, MaskFile{Path: save(t, filepath.Join(dir, fmt.Sprint(i, ".png")), img)})
		}
		r, err := Survey(context.Background(), files, c.rule, false)
		var got []string
		for _, f := range files {
			if err == nil {
				var m *Mask
				if m, err = ReadMask(context.Background(), f.Path, r); err == nil {
					got = append(got, m.text())
				}
			}
		}
		switch text := strings.Join(got, " "); {
		case err != nil && !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		case err == nil && (text != c.want || !strings.HasSuffix(r.String(), c.about)):
			t.Errorf("%s: %s read as %s, want %s as %s", c.name, text, r, c.want, c.about)
		}
	}
}

// TestVoidCounts: void pixels of the truth are neither hit nor missed.
func TestVoidCounts(t *testing.T) {
	truth := &Mask{Gray: gray("##...."), Void: []bool{false, false, true, true, false, false}}
	for found, want := range map[string]MaskScore{
		"##....": {1, 1, 1},
		"####..": {1, 1, 1},
		"..##..": {0, 0, 0},
		"#####.": {2. / 3, 2. / 3, 1},
	} {
		if got, err := ScoreMask(truth, gray(found)); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", found, got, err, want)
		}
	}
}

// TestOurLabels: a label map that crate-vk wrote has objects up to 255, or beyond in 16
// bits, and no void.
func TestOurLabels(t *testing.T) {
	dir := t.TempDir()
	eight := save(t, filepath.Join(dir, "a.mask.png"), grayRow(0, 1, 2, 200, 255))
	sixteen := save(t, filepath.Join(dir, "b.mask.png"), wideRow(0, 1, 300, 40000))
	for path, want := range map[string]string{eight: ".####", sixteen: ".###"} {
		list := []MaskFile{{Stem: "a", Label: "mask", Path: path}}
		r, err := SurveyFolder(context.Background(), list, MaskRule{})
		if err != nil {
			t.Fatal(err)
		}
		if m, err := ReadMask(context.Background(), path, r); err != nil || m.text() != want {
			t.Errorf("%s: %v, %v, want %s", path, m, err, want)
		}
	}
}

func TestParseVoid(t *testing.T) {
	for text, want := range map[string]Void{"auto": {}, "none": {true, -1}, "255": {true, 255}, "0": {true, 0}} {
		if got, err := ParseVoid(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-1", "65536", "void", "1.5"} {
		if got, err := ParseVoid(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
	for c := ChannelAuto; c <= ChannelAlpha; c++ {
		if got, err := ParseChannel(c.String()); err != nil || got != c {
			t.Errorf("%v: %v, %v", c, got, err)
		}
	}
	if _, err := ParseChannel("red"); err == nil {
		t.Error("red is a channel")
	}
}

// TestInverted: masks whose object is along the rim are pointed out, whole pictures and
// ordinary masks not.
func TestInverted(t *testing.T) {
	for text, want := range map[string]bool{"####..####": false, "..........": false, "##########": false} {
		if got := alongRim(&Mask{Gray: gray(text)}); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	ring := &Mask{Gray: gray("#####", "#...#", "#...#", "#####")}
	if !alongRim(ring) {
		t.Error("a ring is not along the rim")
	}
	var s MaskScorer
	for i, m := range []*Mask{ring, ring, {Gray: gray(".....", ".###.", ".###.", ".....")}} {
		if err := s.Add(fmt.Sprint(i), m, []Candidate{{Label: "mask", Mask: m.Gray}}); err != nil {
			t.Fatal(err)
		}
	}
	if text := s.Scores().Inverted(); !strings.Contains(text, "in 2 of 3 true masks") {
		t.Error(text)
	}
	if text := (&MaskScores{Images: 2, Rims: 1}).Inverted(); text != "" {
		t.Error(text)
	}
}

// TestNoPNG: truth of other kinds is named, not called empty.
func TestNoPNG(t *testing.T) {
	dir := t.TempDir()
	if err := NoPNG(dir); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.jpg"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := NoPNG(dir); err == nil || !strings.Contains(err.Error(), "has no PNG, but files such as a.jpg") {
		t.Error(err)
	}
	save(t, filepath.Join(dir, "in", "b.png"), grayRow(0))
	if err := NoPNG(dir); err != nil {
		t.Error(err)
	}
}
