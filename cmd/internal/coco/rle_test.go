package coco

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// picture makes a mask of rows of '.' and '#'.
func picture(rows ...string) RLE {
	var pix []uint8
	for _, row := range rows {
		for _, c := range row {
			pix = append(pix, map[rune]uint8{'.': 0, '#': 1}[c])
		}
	}
	return Encode(pix, len(rows[0]), len(rows))
}

// pixels is the mask row by row from the top left, 0 or 255 a pixel.
func pixels(m RLE) []uint8 {
	pix := make([]uint8, m.Height*m.Width)
	for s := range m.spans {
		for at := s.from; at < s.to; at++ {
			pix[at%m.Height*m.Width+at/m.Height] = 255
		}
	}
	return pix
}

// rows is the inverse of picture.
func rows(m RLE) string {
	var b strings.Builder
	for i, p := range pixels(m) {
		if i > 0 && i%m.Width == 0 {
			b.WriteByte('\n')
		}
		b.WriteByte(".#"[p/255])
	}
	return b.String()
}

// TestRLEByHand has strings worked out with paper: a count is 5 bits a character,
// '0' + bits, 32 more if it goes on; from the fourth on it is a difference.
func TestRLEByHand(t *testing.T) {
	for _, c := range []struct {
		name   string
		mask   RLE
		counts []uint32
		text   string
		area   int
		box    [4]int
	}{
		{"one background pixel", picture("."), []uint32{1}, "1", 0, [4]int{}},
		{"one foreground pixel", picture("#"), []uint32{0, 1}, "01", 1, [4]int{0, 0, 1, 1}},
		{"column-major", picture(
			".#",
			"..",
			"#."), []uint32{2, 2, 2}, "222", 2, [4]int{0, 0, 2, 3}},
		// 15 fits into 5 signed bits, 16 doesn't: 16 | 32 = 48 → '`', then 0.
		{"15 zeros", picture("...............#"), []uint32{15, 1}, "?1", 1, [4]int{15, 0, 1, 1}},
		{"16 zeros", picture("................#"), []uint32{16, 1}, "`01", 1, [4]int{16, 0, 1, 1}},
		// 3 1 2 4 1: the fourth is 4−1 = 3, the fifth 1−2 = −1 → 31 → 'O'.
		{"differences", picture("...#..####."), []uint32{3, 1, 2, 4, 1}, "3123O", 5, [4]int{3, 0, 7, 1}},
		// 0 1 20 1 2: 20 = 20|32, 0 → 'd' '0'; 1−1 = 0; 2−20 = −18 = −32 + 14: 14|32 = 46 → '^', then −1 → 31 → 'O'.
		{"a long negative difference", picture("#....................#.."), []uint32{0, 1, 20, 1, 2}, "01d00^O", 2, [4]int{0, 0, 22, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !slices.Equal(c.mask.Counts, c.counts) {
				t.Errorf("counts are %v, want %v", c.mask.Counts, c.counts)
			}
			if got := c.mask.Compressed(); got != c.text {
				t.Errorf("compressed is %q, want %q", got, c.text)
			}
			back, err := ParseCompressed(c.mask.Height, c.mask.Width, c.text)
			if err != nil || !slices.Equal(back.Counts, c.counts) {
				t.Errorf("read back: %v, %v", back, err)
			}
			if got := c.mask.Area(); got != c.area {
				t.Errorf("area is %d, want %d", got, c.area)
			}
			if got := c.mask.Box(); got != c.box {
				t.Errorf("box is %v, want %v", got, c.box)
			}
		})
	}
}

// TestRLEOfOthers has strings that COCO's own tools gave, found in the tests and
// documentation of other projects.
func TestRLEOfOthers(t *testing.T) {
	half := make([]uint8, 100*100)
	for y := range 50 {
		for x := 50; x < 100; x++ {
			half[100*y+x] = 1
		}
	}
	want := "Xl4b1b1" + strings.Repeat("0", 98)
	if got := Encode(half, 100, 100).Compressed(); got != want {
		t.Errorf("the right upper quarter is %q, want %q", got, want)
	}

	// Their checksum is that they sum up to the size of the image.
	for _, c := range []struct {
		height, width int
		text          string
	}{
		{4, 4, "52203"},
		{2, 3, "06"},
		{360, 640, "e`V39V9m1H5N10000000001O2O01O2M4K`ce3"},
		{480, 640, "nYW31n>2N2FNbA48Kf=?XBDe=m0OM3M4YOPB8_>L4JXao5"},
	} {
		m, err := ParseCompressed(c.height, c.width, c.text)
		if err != nil {
			t.Errorf("%.12q: %v", c.text, err)
			continue
		}
		if again := m.Compressed(); again != c.text {
			t.Errorf("%q comes back as %q", c.text, again)
		}
	}
}

// TestRLEZeroRuns reads runs of length 0, which COCO's tools have written.
func TestRLEZeroRuns(t *testing.T) {
	m, err := FromCounts(2, 3, []uint32{0, 0, 2, 1, 0, 2, 1, 0})
	if err != nil || !slices.Equal(m.Counts, []uint32{2, 3, 1}) {
		t.Errorf("%v, %v", m, err)
	}
	// 0 0 2, then differences 1−0, 0−2 → 30 → 'N', 2−1, 1−0, 0−2.
	m, err = ParseCompressed(2, 3, "0021N11N")
	if err != nil || !slices.Equal(m.Counts, []uint32{2, 3, 1}) {
		t.Errorf("%v, %v", m, err)
	}
}

func TestRLERefused(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"empty", second(ParseCompressed(2, 3, "")), "coco: counts: the runs sum to 0, want 6 = 2·3 (height·width)"},
		{"too short", second(ParseCompressed(2, 3, "5")), "coco: counts: the runs sum to 5, want 6 = 2·3 (height·width)"},
		{"too long", second(ParseCompressed(2, 3, "52")), "coco: counts[1] (character 1): the runs sum to 7 or more, want 6 = 2·3 (height·width)"},
		{"negative", second(ParseCompressed(2, 3, "111N6")), "coco: counts[3] (character 3): is -1, want at least 0"},
		{"breaks off", second(ParseCompressed(2, 3, "5Q")), "coco: counts[1] (character 1): the string ends inside a number"},
		{"alphabet", second(ParseCompressed(2, 3, "5p")), `coco: counts[1] (character 1): the character is 'p', want '0' to 'o'`},
		{"below", second(ParseCompressed(2, 3, "5 ")), `coco: counts[1] (character 1): the character is ' ', want '0' to 'o'`},
		{"endless number", second(ParseCompressed(2, 3, "PPPPPPPPP0")), "coco: counts[0] (character 0): the number goes on after 7 characters, want at most 7"},
		{"no size", second(ParseCompressed(0, 3, "0")), "coco: size: size is 0×3 (height×width), want at least 1×1"},
		{"counts too long", second(FromCounts(2, 3, []uint32{1, 1<<32 - 1})), "coco: counts[1]: the runs sum to 4294967296 or more, want 6 = 2·3 (height·width)"},
	} {
		var f *FormatError
		if !errors.As(c.err, &f) || f.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.name, c.err, c.want)
		}
	}
	var u *UnsupportedError
	if err := second(FromCounts(1<<16, 1<<16, nil)); !errors.As(err, &u) {
		t.Errorf("a huge mask: %v", err)
	}
}

func second(_ RLE, err error) error { return err }

// drawMask draws noise, blocks or stripes.
func drawMask(t *rapid.T, height, width int) RLE {
	pix := make([]uint8, height*width)
	switch rapid.IntRange(0, 2).Draw(t, "kind") {
	case 0:
		for i := range pix {
			pix[i] = uint8(rapid.IntRange(0, 1).Draw(t, "pixel"))
		}
	case 1:
		for range rapid.IntRange(0, 4).Draw(t, "blocks") {
			x0, y0 := rapid.IntRange(0, width-1).Draw(t, "x0"), rapid.IntRange(0, height-1).Draw(t, "y0")
			x1, y1 := rapid.IntRange(x0, width-1).Draw(t, "x1"), rapid.IntRange(y0, height-1).Draw(t, "y1")
			value := uint8(rapid.IntRange(0, 3).Draw(t, "value")) // 0 cuts a hole
			for y := y0; y <= y1; y++ {
				for x := x0; x <= x1; x++ {
					pix[y*width+x] = value
				}
			}
		}
	case 2:
		n := rapid.IntRange(1, 5).Draw(t, "stripe")
		for i := range pix {
			pix[i] = uint8(i / n % 2)
		}
	}
	return Encode(pix, width, height)
}

// TestRLEProperties compares with the pixels.
func TestRLEProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, w := rapid.IntRange(1, 12).Draw(t, "height"), rapid.IntRange(1, 12).Draw(t, "width")
		a, b := drawMask(t, h, w), drawMask(t, h, w)
		pa, pb := pixels(a), pixels(b)

		area, inter := 0, 0
		x0, y0, x1, y1 := w, h, -1, -1
		union := make([]uint8, h*w)
		for i := range pa {
			union[i] = pa[i] | pb[i]
			if pa[i] != 0 {
				area++
				x0, x1, y0, y1 = min(x0, i%w), max(x1, i%w), min(y0, i/w), max(y1, i/w)
			}
			if pa[i]&pb[i] != 0 {
				inter++
			}
		}
		box := [4]int{x0, y0, x1 - x0 + 1, y1 - y0 + 1}
		if area == 0 {
			box = [4]int{}
		}
		if a.Area() != area || a.Box() != box || Intersection(a, b) != inter {
			t.Fatalf("area %d, box %v, intersection %d, want %d, %v, %d", a.Area(), a.Box(), Intersection(a, b), area, box, inter)
		}
		for name, pair := range map[string][2]RLE{
			"union":          {Union(a, b), Encode(union, w, h)},
			"union of three": {Union(a, b, a), Encode(union, w, h)},
			"pixels":         {Encode(pa, w, h), a},
		} {
			if !slices.Equal(pair[0].Counts, pair[1].Counts) {
				t.Fatalf("%s is %v, want %v", name, pair[0].Counts, pair[1].Counts)
			}
		}
		text := a.Compressed()
		back, err := ParseCompressed(h, w, text)
		if err != nil || !slices.Equal(back.Counts, a.Counts) {
			t.Fatalf("%q: %v, %v", text, back, err)
		}
		back, err = FromCounts(h, w, a.Counts)
		if err != nil || !slices.Equal(back.Counts, a.Counts) {
			t.Fatalf("%v: %v, %v", a.Counts, back, err)
		}
		for i, c := range a.Counts[1:] {
			if c == 0 {
				t.Fatalf("run %d of %v is empty", i+1, a.Counts)
			}
		}
	})
}

func TestIoU(t *testing.T) {
	a, b := picture("##..", "##.."), picture(".##.", ".##.")
	none := picture("....", "....")
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"2 of 6", IoU(a, b), 2. / 6},
		{"itself", IoU(a, a), 1},
		{"2 of the detection's 4", CrowdIoU(a, b), 0.5},
		{"1 of the detection's 4, not of the crowd's 2", CrowdIoU(a, picture(".#..", "...#")), 0.25},
		{"detection without pixels", CrowdIoU(none, b), 0},
		{"both empty", IoU(none, none), 0},
		{"boxes, 2 of 6", BoxOf(a).IoU(BoxOf(b), false), 2. / 6},
		{"boxes, crowd", BoxOf(a).IoU(Box{1, 0, 100, 100}, true), 0.5},
		{"boxes that touch", Box{0, 0, 1, 1}.IoU(Box{1, 0, 1, 1}, false), 0},
		{"boxes without area", Box{1, 1, 0, 0}.IoU(Box{1, 1, 0, 0}, false), 0},
	} {
		if c.got != c.want || math.IsNaN(c.got) {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
}
