package eval

import (
	"context"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/crate-vk/crate-vk/loader/picture"
)

// gray makes a mask of rows of '.', '#' and digits, which stand for themselves.
func gray(rows ...string) *picture.Gray {
	m := picture.NewGray(len(rows[0]), len(rows))
	for y, row := range rows {
		for x, c := range row {
			switch {
			case c == '#':
				m.Pix[y*m.Width+x] = 255
			case c >= '0' && c <= '9':
				m.Pix[y*m.Width+x] = uint8(c - '0')
			}
		}
	}
	return m
}

func TestScoreMask(t *testing.T) {
	for _, c := range []struct {
		name         string
		truth, found *picture.Gray
		want         MaskScore
	}{
		{"the same", gray(".##."), gray(".11."), MaskScore{1, 1, 1}},
		{"2 of 3 of 4", gray("###."), gray(".###"), MaskScore{0.5, 2. / 3, 2. / 3}},
		{"too much", gray("#..."), gray("####"), MaskScore{0.25, 0.25, 1}},
		{"too little", gray("####"), gray("#..."), MaskScore{0.25, 1, 0.25}},
		{"apart", gray("##.."), gray("..##"), MaskScore{0, 0, 0}},
		{"both empty", gray("...."), gray("...."), MaskScore{1, 1, 1}},
		{"truth empty", gray("...."), gray("#..."), MaskScore{0, 0, 0}},
		{"found empty", gray("#..."), gray("...."), MaskScore{0, 0, 0}},
	} {
		if got, err := ScoreMask(&Mask{Gray: c.truth}, c.found); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v, want %+v", c.name, got, err, c.want)
		}
	}
	if _, err := ScoreMask(&Mask{Gray: gray("#...")}, gray("##", "..")); err == nil || err.Error() != "the mask is 2×2 (width×height), want the truth's 4×1" {
		t.Errorf("%v", err)
	}
}

func TestMaskScorer(t *testing.T) {
	var s MaskScorer
	truth := &Mask{Gray: gray("####....")}
	for _, img := range []struct{ name, mean, head string }{
		{"a", "####....", "..######"}, // 1, 2/8
		{"b", "##......", "####...."}, // 1/2, 1
		{"c", "########", "...#...."}, // 1/2, 1/4
	} {
		if err := s.Add(img.name, truth, []Candidate{{Label: "mean", Mask: gray(img.mean)}, {Label: "head0", Mask: gray(img.head)}}); err != nil {
			t.Fatal(err)
		}
	}
	for want, err := range map[string]error{
		"d: there is no mask": s.Add("d", truth, nil),
		`e: has the masks ["mean"], want ["mean" "head0"] as the first image`: s.Add("e", truth, []Candidate{{Label: "mean", Mask: truth.Gray}}),
		"f: mean: the mask is 3×1 (width×height), want the truth's 8×1":       s.Add("f", truth, []Candidate{{Label: "mean", Mask: gray("...")}, {Label: "head0", Mask: truth.Gray}}),
	} {
		var f *FileError
		if !errors.As(err, &f) || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	r := s.Scores()
	if r.Images != 3 || len(r.Failed) != 3 || len(r.Candidates) != 2 {
		t.Fatalf("%+v", r)
	}
	// 1, 1/2, 1/2: mean 2/3, median 1/2, variance (1/9+1/36+1/36)/2 = 1/12, standard error 1/6.
	mean := r.Candidates[0]
	if math.Abs(mean.Jaccard.Mean-2./3) > 1e-15 || mean.Jaccard.Median != 0.5 || math.Abs(mean.Jaccard.StandardError-1./6) > 1e-15 ||
		mean.Jaccard.Quartiles != [2]float64{0.5, 0.75} || math.Abs(mean.Precision-2.5/3) > 1e-15 || math.Abs(mean.Recall-2.5/3) > 1e-15 {
		t.Errorf("%+v", mean)
	}
	if mean.Histogram[10] != 2 || mean.Histogram[19] != 1 {
		t.Errorf("%v", mean.Histogram)
	}
	if head := r.Candidates[1]; head.Jaccard.Mean != 0.5 || head.Jaccard.Median != 0.25 {
		t.Errorf("%+v", head)
	}
	// 1, 1, 1/2.
	if math.Abs(r.Best.Jaccard.Mean-2.5/3) > 1e-15 || r.Best.Jaccard.Median != 1 {
		t.Errorf("%+v", r.Best)
	}
	var b strings.Builder
	if err := r.WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	want := `mask                       Jaccard           median  precision  recall
mean                        0.6667  ±0.1667  0.5000     0.8333  0.8333
head0                       0.5000  ±0.2500  0.2500     0.7778  0.5833
best of an image (oracle)   0.8333  ±0.1667  1.0000     0.8333  1.0000

3 images scored, 3 failed

Jaccard of mean, images:
`
	if !strings.HasPrefix(b.String(), want) || !strings.Contains(b.String(), "\n0.50 – 0.55      2  "+strings.Repeat("█", 40)+"\n") {
		t.Errorf("\n%s\nwant\n%s", b.String(), want)
	}
	text, err := json.Marshal(r)
	if err != nil || !strings.HasPrefix(string(text), `{"images":3,"candidates":[{"label":"mean","jaccard":{"mean":0.66`) {
		t.Errorf("%s, %v", text, err)
	}

	if r := new(MaskScorer).Scores(); r.Images != 0 || r.Best != nil || r.WriteTable(new(strings.Builder)) != nil {
		t.Errorf("of nothing: %+v", r)
	}
}

func TestSummarize(t *testing.T) {
	if s := Summarize([]float64{4, 1, 3, 2}); s.Mean != 2.5 || s.Median != 2.5 || s.Quartiles != [2]float64{1.75, 3.25} || math.Abs(s.StandardError-math.Sqrt(5./3/4)) > 1e-15 {
		t.Errorf("%+v", s)
	}
	if s := Summarize([]float64{0.25}); s.Mean != 0.25 || s.Median != 0.25 || s.StandardError != 0 {
		t.Errorf("%+v", s)
	}
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SliceOfN(rapid.Float64Range(0, 1), 1, 40).Draw(t, "values")
		s := Summarize(v)
		shuffled := slices.Clone(v)
		slices.Reverse(shuffled)
		if s != Summarize(shuffled) {
			t.Fatal("the order matters")
		}
		below, above := 0, 0
		for _, x := range v {
			if x <= s.Median {
				below++
			}
			if x >= s.Median {
				above++
			}
		}
		if 2*below < len(v) || 2*above < len(v) || s.Mean < slices.Min(v)-1e-12 || s.Mean > slices.Max(v)+1e-12 {
			t.Fatalf("%+v", s)
		}
		n := 0
		for _, k := range Histogram(v) {
			n += k
		}
		if n != len(v) {
			t.Fatalf("%d of %d in the histogram", n, len(v))
		}
	})
}

// save writes a PNG.
func save(t *testing.T, path string, img image.Image) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// palettes of 2 to 256 colours give PNGs of 1 to 8 bits.
func paletted(colors []color.Color, pix ...uint8) *image.Paletted {
	m := image.NewPaletted(image.Rect(0, 0, len(pix), 1), colors)
	copy(m.Pix, pix)
	return m
}

// readAlone reads a mask as the only one of its folder.
func readAlone(path string, rule MaskRule) (*Mask, error) {
	r, err := Survey(context.Background(), []MaskFile{{Stem: "x", Label: "mask", Path: path}}, rule, false)
	if err != nil {
		return nil, err
	}
	return ReadMask(context.Background(), path, r)
}

func TestReadMask(t *testing.T) {
	dir := t.TempDir()
	black, white, red, dim := color.NRGBA{0, 0, 0, 255}, color.NRGBA{255, 255, 255, 255}, color.NRGBA{128, 0, 0, 255}, color.NRGBA{1, 1, 1, 255}
	grays := func(v ...uint8) *image.Gray {
		return &image.Gray{Pix: v, Stride: len(v), Rect: image.Rect(0, 0, len(v), 1)}
	}
	rgb := func(c ...color.NRGBA) *image.NRGBA {
		m := image.NewNRGBA(image.Rect(0, 0, len(c), 1))
		for i := range c {
			m.SetNRGBA(i, 0, c[i])
		}
		return m
	}
	gray16 := image.NewGray16(image.Rect(0, 0, 3, 1))
	gray16.SetGray16(1, 0, color.Gray16{1})
	gray16.SetGray16(2, 0, color.Gray16{300})
	for _, c := range []struct {
		name                  string
		img                   image.Image
		auto, bright, nonzero string
	}{
		{"0 and 255", grays(0, 255, 0), ".#.", ".#.", ".#."},
		{"smoothed", grays(0, 127, 128, 255), "..##", "..##", ".###"},
		{"0 and 1", grays(0, 1, 1), ".##", "...", ".##"},
		{"labels", grays(0, 1, 2, 127), ".###", "....", ".###"},
		{"empty", grays(0, 0), "..", "..", ".."},
		{"16-bit labels", gray16, ".##", "...", ".##"},
		{"1-bit palette", paletted([]color.Color{black, white}, 0, 1, 0), ".#.", ".#.", ".#."},
		{"1-bit palette, white first", paletted([]color.Color{white, black}, 0, 1, 0), "#.#", "#.#", "#.#"},
		{"classes in colours", paletted([]color.Color{black, red, white}, 0, 1, 2), ".##", ".##", ".##"},
		{"almost black", paletted([]color.Color{black, dim}, 0, 1), ".#", "..", ".#"},
		{"RGB", rgb(black, white, black), ".#.", ".#.", ".#."},
		{"RGB in colours", rgb(black, red, white), ".##", ".##", ".##"},
		{"a dark colour after white", rgb(white, color.NRGBA{0, 90, 0, 255}, black), "##.", "#..", "##."},
		{"alpha means nothing", rgb(color.NRGBA{255, 255, 255, 0}, color.NRGBA{0, 0, 0, 255}), "#.", "#.", "#."},
	} {
		path := save(t, filepath.Join(dir, c.name+".png"), c.img)
		for rule, want := range map[Foreground]string{ForegroundAuto: c.auto, ForegroundBright: c.bright, ForegroundNonZero: c.nonzero} {
			got, err := readAlone(path, MaskRule{Foreground: rule, Void: Void{true, -1}, Channel: ChannelColour})
			if err != nil || !reflect.DeepEqual(got.Gray, gray(want)) {
				t.Errorf("%s, %v: %v, %v, want %s", c.name, rule, got, err, want)
			}
		}
	}
	for f := ForegroundAuto; f <= ForegroundDark; f++ {
		if got, err := ParseForeground(f.String()); err != nil || got != f {
			t.Errorf("%v: %v, %v", f, got, err)
		}
	}
	if _, err := ParseForeground(""); err == nil {
		t.Error("an empty rule")
	}
}

func TestReadMaskRefused(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, err := os.ReadFile(save(t, filepath.Join(dir, "good.png"), image.NewGray(image.Rect(0, 0, 9, 9))))
	if err != nil {
		t.Fatal(err)
	}
	huge := []byte(string(good))
	copy(huge[16:], "\x00\x01\x00\x00\x00\x01\x00\x00")
	for path, want := range map[string]string{
		write("text.png", "P5 1 1 255 x"):             "isn't a PNG",
		write("empty.png", ""):                        "isn't a PNG",
		write("cut.png", string(good[:len(good)-20])): "unexpected EOF",
		write("bad\n.png", string(good[:40])):         "unexpected EOF",
		write("huge.png", string(huge)):               "65536×65536 pixels, want at most 100000000 in all",
		dir:                                           "is a directory, want a regular file",
		filepath.Join(dir, "none.png"):                "no such file or directory",
	} {
		_, err := readAlone(path, MaskRule{})
		var f *FileError
		if !errors.As(err, &f) || f.Path != path || !strings.HasSuffix(err.Error(), ": "+want) && !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %s", path, err, want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := ReadMask(ctx, filepath.Join(dir, "good.png"), Reading{}); err != context.Canceled {
		t.Errorf("%v", err)
	}
}

func asImage(m *picture.Gray) image.Image {
	return &image.Gray{Pix: m.Pix, Stride: m.Width, Rect: image.Rect(0, 0, m.Width, m.Height)}
}

func TestScoreFolders(t *testing.T) {
	truth, found := t.TempDir(), t.TempDir()
	save(t, filepath.Join(truth, "a.png"), asImage(gray("##..")))
	save(t, filepath.Join(truth, "in", "b.PNG"), asImage(gray("##..")))
	save(t, filepath.Join(truth, "c.png"), asImage(gray("##..")))
	save(t, filepath.Join(truth, "alone.png"), asImage(gray("##..")))
	save(t, filepath.Join(truth, ".hidden", "x.png"), asImage(gray("##..")))
	save(t, filepath.Join(truth, "size.png"), asImage(gray("##..")))
	if err := os.WriteFile(filepath.Join(truth, "notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "in/b", "c", "extra", "size"} {
		for _, head := range []string{"head0", "head2", "head10"} {
			m := gray(map[string]string{"head0": "####", "head2": "##..", "head10": "...."}[head])
			if name == "size" {
				m = gray("##...")
			}
			save(t, filepath.Join(found, name+"."+head+".mask.png"), asImage(m))
		}
		save(t, filepath.Join(found, name+".overlay.png"), asImage(gray("##..")))
	}
	if err := os.WriteFile(filepath.Join(found, "c.head2.mask.png"), []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := ScoreFolders(context.Background(), truth, found, FolderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if s.Images != 2 || len(s.Candidates) != 3 || s.Candidates[0].Label != "head0" || s.Candidates[2].Label != "head10" ||
		s.Candidates[0].Jaccard.Mean != 0.5 || s.Candidates[1].Jaccard.Mean != 1 || s.Candidates[2].Jaccard.Mean != 0 || s.Best.Jaccard.Mean != 1 {
		t.Errorf("%+v", s.MaskScores)
	}
	if s.PerImage[0].Name != "a" || s.PerImage[1].Name != "in/b" {
		t.Errorf("%+v", s.PerImage)
	}
	want := []string{
		"alone: has no mask", "extra: isn't in the truth",
		"c: " + filepath.Join(found, "c.head2.mask.png") + ": isn't a PNG",
		"size: " + filepath.Join(found, "size.head0.mask.png") + ": is 5×1 (width×height), want the 4×1 of " + filepath.Join(truth, "size.png"),
	}
	if got := s.Problems(5); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := s.Problems(1); len(got) != 4 || got[3] != "… and 1 more" {
		t.Errorf("%q", got)
	}

	if _, err := ScoreFolders(context.Background(), truth, t.TempDir(), FolderOptions{}); err == nil || !strings.Contains(err.Error(), "none of its 0 masks has the name of one of the 5") {
		t.Errorf("%v", err)
	}
	if _, err := ScoreFolders(context.Background(), found, truth, FolderOptions{}); err == nil || !strings.Contains(err.Error(), "want one true mask an image") {
		t.Errorf("%v", err)
	}
	if _, err := ScoreFolders(context.Background(), filepath.Join(truth, "nowhere"), found, FolderOptions{}); err == nil || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	save(t, filepath.Join(truth, "a.PNG"), asImage(gray("##..")))
	if _, err := MaskFolder(context.Background(), truth); err == nil || !strings.Contains(err.Error(), "is the same mask as") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := ScoreFolders(ctx, truth, found, FolderOptions{}); err != context.Canceled {
		t.Errorf("%v", err)
	}
}
