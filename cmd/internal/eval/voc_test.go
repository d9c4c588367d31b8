package eval

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"iter"
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

// vocFolder writes a folder of label maps and a list.
func vocFolder(t *testing.T, list string, labels map[string]*picture.Gray) string {
	t.Helper()
	root := t.TempDir()
	colors := make([]color.Color, 256)
	for i := range colors {
		colors[i] = color.NRGBA{uint8(i * 37), uint8(i * 11), uint8(i), 255}
	}
	for id, m := range labels {
		p := image.NewPaletted(image.Rect(0, 0, m.Width, m.Height), colors)
		copy(p.Pix, m.Pix)
		save(t, filepath.Join(root, "SegmentationClass", id+".png"), p)
	}
	dir := filepath.Join(root, "ImageSets", "Segmentation")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "val.txt"), []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	return root
}

// labelMap is gray with V for void.
func labelMap(rows ...string) *picture.Gray {
	m := gray(rows...)
	for i, c := range strings.Join(rows, "") {
		if c == 'V' {
			m.Pix[i] = vocVoid
		}
	}
	return m
}

// all yields candidates without errors.
func all(list ...Candidates) iter.Seq2[Candidates, error] {
	return func(yield func(Candidates, error) bool) {
		for _, c := range list {
			if !yield(c, nil) {
				return
			}
		}
	}
}

func TestVOCByHand(t *testing.T) {
	root := vocFolder(t, "2007_1\n2007_2\r\n\n2007_3\n", map[string]*picture.Gray{
		"2007_1": labelMap("1122", "V000"),
		"2007_2": labelMap("5...", "...."),
		"2007_3": labelMap("VV00", "0000"),
	})
	v, err := OpenVOC(root, "val")
	if err != nil || !slices.Equal(v.IDs, []string{"2007_1", "2007_2", "2007_3"}) {
		t.Fatalf("%+v, %v", v, err)
	}
	found := all(
		Candidates{"2007_2", []*picture.Gray{gray("##..", "...."), gray("....", "....")}}, // 1/2, 0
		Candidates{"2007_1", []*picture.Gray{
			gray("##..", "#..."), // class 1: 2 of 3 with void, 2 of 2 without; class 2: 0
			gray("####", "...."), // both: 2 of 4
		}},
		Candidates{"2007_3", []*picture.Gray{gray("##..", "...."), gray("....", "....")}},
	)
	s, err := v.Score(context.Background(), PaperProtocol(), found)
	if err != nil {
		t.Fatal(err)
	}
	// Image 1: class 1 has 1 (head 0), class 2 has 1/2 (head 1): 3/4. Image 2: 1/2.
	if s.BestHead.Mean != 0.625 || len(s.Images) != 2 || s.Images[0].Jaccard != 0.75 || s.Images[1].Jaccard != 0.5 || !slices.Equal(s.NoClass, []string{"2007_3"}) {
		t.Errorf("paper: %+v", s)
	}
	// Head 0: (1+0)/2 and 1/2; head 1: (1/2+1/2)/2 and 0.
	if len(s.Heads) != 2 || s.Heads[0].Mean != 0.5 || s.Heads[1].Mean != 0.25 {
		t.Errorf("paper: %+v", s.Heads)
	}
	if want := []VOCClass{{1, "aeroplane", 1, 1}, {2, "bicycle", 1, 0.5}, {5, "bottle", 1, 0.5}}; !slices.Equal(s.Classes, want) {
		t.Errorf("paper: %+v", s.Classes)
	}
	var b strings.Builder
	if err := s.WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	if want := `Jaccard, protocol paper                 mean           median
best head a class and image (oracle)  0.6250  ±0.1250  0.6250
head 0 for all                        0.5000  ±0.0000  0.5000
head 1 for all                        0.2500  ±0.2500  0.2500

2 images scored, 1 without a class, 0 without masks, 0 failed

class (best head)  Jaccard  images
aeroplane           1.0000       1
bicycle             0.5000       1
bottle              0.5000       1
`; b.String() != want {
		t.Errorf("\n%s\nwant\n%s", b.String(), want)
	}

	s, err = v.Score(context.Background(), DINOProtocol(), found)
	if err != nil {
		t.Fatal(err)
	}
	// 512 is 128 times 4 and 256 times 2: the same shares, but void counts.
	if want := (2./3 + 0.5) / 2; math.Abs(s.Images[0].Jaccard-want) > 1e-15 || s.Images[1].Jaccard != 0.5 {
		t.Errorf("dino: %+v, want %v", s.Images, want)
	}
}

// TestVOCNearest has labels larger than the masks: each cell takes the label at its
// middle, as Pillow's nearest does.
func TestVOCNearest(t *testing.T) {
	root := vocFolder(t, "x", map[string]*picture.Gray{"x": labelMap(
		"111000",
		"131000", // the middles of the cells
		"111000",
		"000222",
		"000242",
		"000222")})
	v, err := OpenVOC(root, "val")
	if err != nil {
		t.Fatal(err)
	}
	s, err := v.Score(context.Background(), PaperProtocol(), all(Candidates{"x", []*picture.Gray{gray("#.", "..")}}))
	if err != nil || len(s.Classes) != 2 || s.Classes[0].Label != 3 || s.Classes[0].Jaccard != 1 || s.Classes[1].Label != 4 || s.Classes[1].Jaccard != 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestVOCFailures(t *testing.T) {
	small := []*picture.Gray{gray("#.")}
	root := vocFolder(t, "a\nb\nc\nd\ne\nf\ng\n", map[string]*picture.Gray{
		"a": labelMap("1."), "b": labelMap("1."), "c": labelMap("1."), "e": {Width: 2, Height: 1, Pix: []uint8{21, 0}}, "f": labelMap("1."), "g": labelMap("1."),
	})
	v, err := OpenVOC(root, "val")
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the device is lost")
	s, err := v.Score(context.Background(), PaperProtocol(), func(yield func(Candidates, error) bool) {
		_ = yield(Candidates{"g", append(small, small...)}, nil) && yield(Candidates{"f", nil}, nil) && yield(Candidates{"e", small}, nil) &&
			yield(Candidates{"d", small}, nil) && yield(Candidates{ID: "c"}, broken) && yield(Candidates{"a", append(small, gray("#.."))}, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []Failure{
		{"a", "mask 1 is 3×1 (width×height) with 3 pixels, want 2×1 as mask 0"},
		{"c", "the device is lost"},
		{"d", filepath.Join(root, "SegmentationClass", "d.png") + ": no such file or directory"},
		{"e", filepath.Join(root, "SegmentationClass", "e.png") + ": has label 21, want 0 to 20, or 255 for void"},
		{"f", "there are no masks"},
	}
	if !slices.Equal(s.Failed, want) || !slices.Equal(s.Missing, []string{"b"}) || s.BestHead.Mean != 1 || len(s.Heads) != 2 {
		t.Errorf("%+v", s)
	}
	s, err = v.Score(context.Background(), PaperProtocol(), all(Candidates{"a", small}, Candidates{"b", append(small, small...)}))
	if err != nil || s.Heads != nil || len(s.Images) != 2 {
		t.Errorf("numbers of heads that vary: %+v, %v", s, err)
	}

	for _, c := range [][]Candidates{{{"zz", small}}, {{"a", small}, {"a", small}}} {
		if _, err := v.Score(context.Background(), PaperProtocol(), all(c...)); err == nil || !strings.Contains(err.Error(), "isn't in the list of val, or came before") {
			t.Errorf("%v: %v", c[0].ID, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := v.Score(ctx, PaperProtocol(), all(Candidates{"a", small})); err != context.Canceled {
		t.Errorf("%v", err)
	}
}

func TestOpenVOC(t *testing.T) {
	root := vocFolder(t, "a\n", nil)
	outer := t.TempDir()
	if err := os.MkdirAll(filepath.Join(outer, "VOCdevkit"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(root, filepath.Join(outer, "VOCdevkit", "VOC2012")); err != nil {
		t.Fatal(err)
	}
	v, err := OpenVOC(outer, "val")
	if err != nil || v.ImagePath("a") != filepath.Join(outer, "VOCdevkit", "VOC2012", "JPEGImages", "a.jpg") {
		t.Errorf("%+v, %v", v, err)
	}
	for list, want := range map[string]string{
		"a\n../../etc/passwd\n": `line 2 is "../../etc/passwd", want the name of an image without folder and extension`,
		"a\nb\na":               `line 3 is "a", which was there before`,
		"\n":                    "lists no image",
	} {
		if _, err := OpenVOC(vocFolder(t, list, nil), "val"); err == nil || !strings.HasSuffix(err.Error(), "val.txt: "+want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := OpenVOC(root, "train"); err == nil || !strings.Contains(err.Error(), "has no ImageSets/Segmentation/train.txt") {
		t.Errorf("%v", err)
	}
	for _, p := range []Protocol{PaperProtocol(), DINOProtocol()} {
		if got, err := ParseProtocol(p.Name); err != nil || got != p {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if _, err := ParseProtocol("x"); err == nil {
		t.Error("x is a protocol")
	}
}

// twoBits writes a gray PNG of 4×1 pixels of 2 bits, which image/png doesn't.
func twoBits(t *testing.T, path string, pixels byte) string {
	t.Helper()
	var idat bytes.Buffer
	z := zlib.NewWriter(&idat)
	z.Write([]byte{0, pixels}) // no filter
	z.Close()
	data := []byte("\x89PNG\r\n\x1a\n")
	for _, chunk := range []string{"IHDR\x00\x00\x00\x04\x00\x00\x00\x01\x02\x00\x00\x00\x00", "IDAT" + idat.String(), "IEND"} {
		data = binary.BigEndian.AppendUint32(data, uint32(len(chunk)-4))
		data = binary.BigEndian.AppendUint32(append(data, chunk...), crc32.ChecksumIEEE([]byte(chunk)))
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadLabels(t *testing.T) {
	dir := t.TempDir()
	colors := []color.Color{color.Black, color.White, color.Black, color.White} // the same ones twice
	got, err := ReadLabels(context.Background(), save(t, filepath.Join(dir, "palette.png"), paletted(colors, 0, 1, 2, 3)))
	if err != nil || !reflect.DeepEqual(got, gray("0123")) {
		t.Errorf("%v, %v", got, err)
	}
	got, err = ReadLabels(context.Background(), save(t, filepath.Join(dir, "gray.png"), asImage(gray("0149"))))
	if err != nil || !reflect.DeepEqual(got, gray("0149")) {
		t.Errorf("%v, %v", got, err)
	}
	got, err = ReadLabels(context.Background(), twoBits(t, filepath.Join(dir, "gray2.png"), 0b00_01_10_11))
	if err != nil || !reflect.DeepEqual(got, gray("0123")) {
		t.Errorf("%v, %v", got, err)
	}
	path := save(t, filepath.Join(dir, "rgb.png"), image.NewRGBA(image.Rect(0, 0, 2, 2)))
	var f *FileError
	if _, err = ReadLabels(context.Background(), path); !errors.As(err, &f) || f.Path != path {
		t.Errorf("%v", err)
	}
}

// TestVOCProperties compares with the definition, written down pixel by pixel.
func TestVOCProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, heads := rapid.IntRange(1, 12).Draw(t, "pixels"), rapid.IntRange(1, 4).Draw(t, "heads")
		labels := picture.NewGray(n, 1)
		for i := range labels.Pix {
			labels.Pix[i] = rapid.SampledFrom([]uint8{0, 0, 1, 2, 20, 255}).Draw(t, "label")
		}
		masks := make([]*picture.Gray, heads)
		for k := range masks {
			masks[k] = picture.NewGray(n, 1)
			for i := range masks[k].Pix {
				masks[k].Pix[i] = uint8(rapid.IntRange(0, 1).Draw(t, "pixel"))
			}
		}
		for _, voidCounts := range []bool{false, true} {
			img, bad := compareLabels(labels, masks, voidCounts)
			if bad != -1 {
				t.Fatal(bad)
			}
			at := 0
			for _, class := range []uint8{1, 2, 20} {
				if !slices.Contains(labels.Pix, class) {
					continue
				}
				if img.classes[at] != int(class) {
					t.Fatalf("classes %v", img.classes)
				}
				for k, m := range masks {
					and, or := 0.0, 0.0
					for i, l := range labels.Pix {
						if l == vocVoid && !voidCounts {
							continue
						}
						if l == class && m.Pix[i] != 0 {
							and++
						}
						if l == class || m.Pix[i] != 0 {
							or++
						}
					}
					if img.jaccard[at][k] != and/or {
						t.Fatalf("class %d, mask %d: %v, want %v/%v", class, k, img.jaccard[at][k], and, or)
					}
				}
				at++
			}
			if at != len(img.classes) {
				t.Fatalf("classes %v", img.classes)
			}
		}
	})
}
