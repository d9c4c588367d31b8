package outputs

import (
	"path"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNames(t *testing.T) {
	for _, c := range []struct {
		rels, want, suffixes, reserved []string
	}{
		{rels: []string{"a.png", "a.jpg", "b/a.bmp"}, want: []string{"a_png", "a_jpg", "b/a"}},
		{rels: []string{"a.png", "a.png"}, want: []string{"a_png", "a_png~2"}},
		{rels: []string{".png", "-x.png", "noext"}, want: []string{".png", "-x", "noext"}},
		{rels: []string{"coco.png", "index.png"}, want: []string{"coco~2", "index"}, suffixes: []string{".json"}, reserved: []string{"coco.json"}},
		{rels: []string{"coco.png"}, want: []string{"coco"}, suffixes: []string{".mask.png"}, reserved: []string{"coco.json"}},
		{rels: []string{"results.png"}, want: []string{"results~2"}, suffixes: []string{".jsonl"}},
		{rels: []string{"a.png", "a.head0.png"}, want: []string{"a", "a.head0~2"}, suffixes: []string{".head0.mask.png", ".mask.png"}},
		{rels: []string{"...png", "d/..png", "d/...png"}, want: []string{"...png", "d/..png", "d/...png"}},
		{rels: []string{"A.png", "a.png"}, want: []string{"A", "a~2"}},
		{rels: []string{"Strasse.png", "Straße.png"}, want: []string{"Strasse", "Straße~2"}},
		{rels: []string{"\u00e9.png", "e\u0301.png"}, want: []string{"\u00e9", "e\u0301~2"}},
		{rels: []string{"a.png", "a.mask.png/b.png"}, want: []string{"a~2", "a.mask.png/b"}, suffixes: []string{".mask.png"}},
		{rels: []string{"a.png", "a~2.png", "A.png"}, want: []string{"a", "a~2", "A~3"}},
	} {
		if got := NewNamer(c.suffixes, c.reserved).Names(c.rels); !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.rels, got, c.want)
		}
	}
	long := strings.Repeat("é", 127) + ".png"
	got := NewNamer([]string{".head15.overlay.png"}, nil).Name(long)
	if len(got)+len(".head15.overlay.png") > maxName || !strings.HasPrefix(got, "éé") {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}

// TestNamesApart: whatever the inputs are called, no two outputs have one name,
// however a file system compares them, none that of a file of the whole run, and
// none that of a folder.
func TestNamesApart(t *testing.T) {
	piece := rapid.SampledFrom([]string{"a", "A", "é", "e\u0301", "coco", "results", ".", "~2", "mask", "json", "jsonl", "png", "head0", "_", "\n", `\x0a`, "\xff", "ß", "ss"})
	name := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(piece, 1, 4).Draw(t, "pieces"), "") + rapid.SampledFrom([]string{".png", ".jpg", "", ".mask.png"}).Draw(t, "ext")
	})
	rapid.Check(t, func(t *rapid.T) {
		var rels []string
		for _, n := range rapid.SliceOfN(name, 1, 8).Draw(t, "names") {
			if n == "." || n == ".." {
				continue
			}
			if rapid.Bool().Draw(t, "below") {
				n = "a.mask.png/" + n
			}
			rels = append(rels, n)
		}
		suffixes := []string{".json", ".mask.png", ".head0.mask.png", ".jsonl"}
		reserved := []string{"coco.json"}
		seen := map[string]bool{fold("coco.json"): true, fold(ResultsName): true}
		for i, base := range NewNamer(suffixes, reserved).Names(rels) {
			if path.Dir(base) != path.Dir(path.Clean(rels[i])) {
				t.Fatalf("%q is called %q", rels[i], base)
			}
			for _, s := range suffixes {
				if key := fold(base + s); seen[key] || key == fold("a.mask.png") && strings.Contains(strings.Join(rels, " "), "a.mask.png/") {
					t.Fatalf("%q: %q is there twice", rels, base+s)
				} else {
					seen[key] = true
				}
			}
		}
	})
}
