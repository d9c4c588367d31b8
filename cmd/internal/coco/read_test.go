package coco

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// instances has every form that the instance files of COCO use, and some that they
// don't: entries in another order, names that mean nothing here.
const instances = `{
"info": {"description": "COCO 2017 Dataset", "year": 2017, "images": [1, {"id": 2, "id": 3}]},
"licenses": [{"url": "http:\/\/x", "id": 1}],
"annotations": [
 {"segmentation": [[1,1,3,1,3,3,1,3], [0.0,0,1,0,1,1e0,0,1]], "area": 5, "iscrowd": 0, "image_id": 139, "bbox": [0,0,3.00,3], "category_id": 18, "id": 1768},
 {"segmentation": {"counts": [2,2,2], "size": [3,2]}, "area": 2.5, "iscrowd": 1, "image_id": 900100184613, "bbox": [0,0,2,3], "category_id": 1, "id": 900100184614},
 {"id": 5, "image_id": 139, "category_id": 1, "segmentation": {"size": [4, 4], "counts": "52203"}, "score": -0.25e1},
 {"id": 6, "image_id": 139.0, "category_id": 1, "segmentation": [], "bbox": [1,0,2,2], "score": null, "iscrowd": false}
],
"images": [
 {"license": 3, "file_name": "val\u0032017\/000000000139.jpg", "height": 4, "width": 4, "id": 139},
 {"file_name": "caf\u00e9\ud83d\ude00\udc80.jpg", "path_bytes": "Y2Fm6S5qcGc=", "height": 3, "width": 2, "id": 900100184613}
],
"categories": [{"supercategory": "person", "id": 1, "name": "person"}, {"id": 18, "name": "dog"}]
}
`

func TestRead(t *testing.T) {
	for name, r := range map[string]io.Reader{
		"at once":      strings.NewReader(instances),
		"byte by byte": iotest.OneByteReader(strings.NewReader(instances)),
	} {
		d, err := Read(context.Background(), r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		images := []Image{{139, "val2017/000000000139.jpg", 4, 4}, {900100184613, "caf\xe9.jpg", 2, 3}}
		if !slices.Equal(d.Images, images) {
			t.Errorf("%s: images %+v, want %+v", name, d.Images, images)
		}
		if want := []Category{{1, "person", "person"}, {18, "dog", ""}}; !slices.Equal(d.Categories, want) {
			t.Errorf("%s: categories %+v", name, d.Categories)
		}
		if len(d.Annotations) != 4 {
			t.Fatalf("%s: %d annotations", name, len(d.Annotations))
		}
		a := d.Annotations[0]
		if a.ID != 1768 || a.ImageID != 139 || a.CategoryID != 18 || a.Crowd || *a.Area != 5 || *a.Box != (Box{0, 0, 3, 3}) || a.Score != nil ||
			!reflect.DeepEqual(a.Mask.Polygons, [][]float64{{1, 1, 3, 1, 3, 3, 1, 3}, {0, 0, 1, 0, 1, 1, 0, 1}}) {
			t.Errorf("%s: %+v", name, a)
		}
		if m, err := a.Mask.At(4, 4); err != nil || rows(m) != "#...\n.##.\n.##.\n...." {
			t.Errorf("%s: %v\n%s", name, err, rows(m))
		}
		a = d.Annotations[1]
		if !a.Crowd || *a.Area != 2.5 || rows(*a.Mask.RLE) != ".#\n..\n#." {
			t.Errorf("%s: %+v", name, a)
		}
		a = d.Annotations[2]
		if *a.Score != -2.5 || a.Box != nil || a.Area != nil || !slices.Equal(a.Mask.RLE.Counts, []uint32{5, 2, 2, 2, 5}) {
			t.Errorf("%s: %+v", name, a)
		}
		if _, err := a.Mask.At(4, 5); err == nil {
			t.Errorf("%s: an RLE in an image of another size", name)
		}
		if a = d.Annotations[3]; !a.Mask.Empty() || *a.Box != (Box{1, 0, 2, 2}) || a.Score != nil || a.ImageID != 139 {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

// TestReadResults reads a list of results, which tells no images.
func TestReadResults(t *testing.T) {
	d, err := Read(context.Background(), strings.NewReader(`[{"image_id":42,"category_id":18,"bbox":[258.15,41.29,348.26,243.78],"score":0.236},{"image_id":7,"category_id":1,"score":1,"segmentation":{"size":[2,3],"counts":"06"}}]`))
	if err != nil || len(d.Annotations) != 2 || *d.Annotations[0].Score != 0.236 || d.Annotations[1].Mask.RLE.Area() != 6 {
		t.Errorf("%+v, %v", d, err)
	}
}

// one is a file with one image and one annotation.
func one(image, annotation string) string {
	return fmt.Sprintf(`{"images":[{"id":1,"width":4,"height":4%s}],"annotations":[{"image_id":1,"category_id":1%s}]}`, image, annotation)
}

func TestReadRefused(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{``, "coco: the end where an annotation file or a list of results is wanted at byte 0"},
		{`7`, "coco: '7' where an annotation file or a list of results is wanted at byte 0"},
		{`{"images":[`, "coco: images[0]: the end where a value is wanted at byte 11"},
		{`{} {}`, "coco: '{' where the end is wanted at byte 3"},
		{"{}\x00", `coco: '\x00' where the end is wanted at byte 2`},
		{`{"images":[],"images":[]}`, "coco: images: is there twice at byte 22"},
		{`{"images":{}}`, "coco: images: '{' where an array is wanted at byte 10"},
		{`{"x":[1,]}`, "coco: [1]: ']' where a value is wanted at byte 8"},
		{`{"x":01}`, "coco: '1' where ',' or '}' is wanted at byte 6"},
		{`{"x":tru}`, "coco: '}' where true is wanted at byte 8"},
		{`{"x":"` + "\n" + `"}`, `coco: control character '\n' inside a string at byte 6`},
		{`{"x":"a` + "\x1f" + `"}`, `coco: control character '\x1f' inside a string at byte 7`},
		{`{"x":"` + "\xff" + `"}`, "coco: a string that isn't UTF-8 ends at byte 7"},
		{`{"x":"\u12x4"}`, "coco: an escape that JSON doesn't have at byte 6"},
		{`{"x":"abc`, "coco: a string without end at byte 9"},
		{`{}`, `coco: the object has no "annotations", want an annotation file or a list of results`},
		{`{"results":[{"image_id":1,"bbox":[1,2,3,4]}]}`, `coco: the object has no "annotations", want an annotation file or a list of results`},
		{`{"annotations":null}`, "coco: annotations: 'n' where an array is wanted at byte 15"},
		{`{"annotations":{"1":{}}}`, "coco: annotations: '{' where an array is wanted at byte 15"},
		{`[1,"x",null]`, "coco: no annotation is of use: [0]: is no object: it is left out"},
		{`[{"image_id":1,"keypoints":[1,2,3]}]`, "coco: no annotation is of use: [0]: has neither a box nor a mask: it is left out"},
		{`{"images":[{"id":1}],"annotations":[{"image_id":2,"bbox":[1,2,3,4],"category_id":1}]}`, "coco: no annotation is of use: annotation of id 0: is of image 2, which isn't there: it is left out"},
		{`[{"image_id":1,"bbox":[1,2,3,4]},]`, "coco: [1]: ']' where a value is wanted at byte 33"},
	} {
		_, err := Read(context.Background(), strings.NewReader(c.text))
		var f *FormatError
		if !errors.As(err, &f) || err.Error() != c.want {
			t.Errorf("%s\n  gives %v\n  want  %s", c.text, err, c.want)
		}
	}
	for _, text := range []string{
		`{"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "}",
		`{"x":` + strings.Repeat("1", 200) + "}",
		`{"x":"` + strings.Repeat("long", maxString/4+1) + `"}`,
	} {
		_, err := Read(context.Background(), strings.NewReader(text))
		var u *UnsupportedError
		if !errors.As(err, &u) || len(err.Error()) > 300 {
			t.Errorf("%.80s…: %v", text, err)
		}
	}
}

func TestReadStops(t *testing.T) {
	broken := errors.New("the disk is gone")
	if _, err := Read(context.Background(), io.MultiReader(strings.NewReader(instances[:600]), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("an error of the stream: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n := 0
	err := Scan(ctx, strings.NewReader(instances), Handler{Annotation: func(Annotation) error {
		n++
		cancel()
		return nil
	}})
	if !errors.Is(err, context.Canceled) || n != 1 {
		t.Errorf("after a cancellation: %v, %d annotations", err, n)
	}
	stop := errors.New("enough")
	if err := Scan(context.Background(), strings.NewReader(instances), Handler{Image: func(Image) error { return stop }}); !errors.Is(err, stop) {
		t.Errorf("a handler's error: %v", err)
	}
}

func TestReadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bad\n.json")
	if err := os.WriteFile(path, []byte(`{"images":7}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := ReadFile(context.Background(), path)
	var f *FormatError
	if !errors.As(err, &f) || f.Path != path || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
	if _, err := ReadFile(context.Background(), path+"x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// TestReadMemory reads a file of many entries of which none is kept.
func TestReadMemory(t *testing.T) {
	entry := []byte(`{"image_id":1,"category_id":1,"junk":{"a":[1,2,3,"` + strings.Repeat("x", 1000) + `"]},"segmentation":[[1,1,3,1,3,3,1,3]]}`)
	const n = 5000 // 5 MB
	var parts []io.Reader
	parts = append(parts, strings.NewReader("["))
	for i := range n {
		if i > 0 {
			parts = append(parts, strings.NewReader(","))
		}
		parts = append(parts, bytes.NewReader(entry))
	}
	parts = append(parts, strings.NewReader("]"))
	count := 0
	r := testing.Benchmark(func(b *testing.B) {
		if b.N > 1 {
			b.Skip()
		}
		if err := Scan(context.Background(), io.MultiReader(parts...), Handler{Annotation: func(Annotation) error { count++; return nil }}); err != nil {
			b.Error(err)
		}
	})
	if count != n {
		t.Fatalf("%d entries, want %d", count, n)
	}
	if per := r.MemBytes / n; per > 1000 {
		t.Errorf("%d bytes allocated an entry of %d", per, len(entry))
	}
}

// FuzzRead reads arbitrary bytes. What is read is JSON for encoding/json too, and
// comes back from being written.
func FuzzRead(f *testing.F) {
	f.Add([]byte(instances))
	f.Add([]byte(one("", `,"segmentation":{"size":[4,4],"counts":[5,2,2,2,5]},"bbox":[0,1,2,3],"score":0.5`)))
	f.Add([]byte(`[{"image_id":7,"category_id":1,"score":1,"segmentation":{"size":[2,3],"counts":"06"}}]`))
	f.Add([]byte(`{"":{"a":[true,false,null,-0.0e+1,"\ud800\ud83d\ude00\\"]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Read(context.Background(), bytes.NewReader(data))
		if err != nil {
			var f *FormatError
			var u *UnsupportedError
			if !errors.As(err, &f) && !errors.As(err, &u) {
				t.Fatalf("%T: %v", err, err)
			}
			if len(err.Error()) > 1000 {
				t.Fatalf("a message of %d bytes", len(err.Error()))
			}
			return
		}
		if !json.Valid(data) && !bytes.Contains(data, []byte("NaN")) && !bytes.Contains(data, []byte("Infinity")) && !bytes.HasPrefix(data, []byte("\ufeff")) {
			t.Fatal("encoding/json refuses it")
		}
		for _, a := range d.Annotations {
			if m := a.Mask.RLE; m != nil && m.Height*m.Width > 1<<16 {
				return // too slow to draw
			}
		}
		for _, m := range d.Images {
			if m.Height*m.Width > 1<<16 {
				return
			}
		}
		for form := CompressedRLE; form <= PolygonList; form++ {
			var b bytes.Buffer
			if d.Write(&b, Info{}, form) != nil {
				return // no size of an image, or an RLE of another size
			}
			again, err := Read(context.Background(), &b)
			if err != nil {
				t.Fatalf("%v: %v\n%s", form, err, b.Bytes())
			}
			if !slices.Equal(again.Images, d.Images) || len(again.Annotations) != len(d.Annotations) {
				t.Fatalf("%v: %+v\nwant %+v", form, again, d)
			}
		}
	})
}

// FuzzScanner compares the scanner with encoding/json on any JSON.
func FuzzScanner(f *testing.F) {
	f.Add([]byte(instances))
	f.Add([]byte(`"caf\u00e9 \uD83D\ude00 \ud800x \udc00 \ud800\u0041 \ud83d"`))
	f.Add([]byte("-12.5e+3"))
	f.Add([]byte(`["\u00e9\ud83d\ude00\ud800x\udc00\u0000\"\\\/\b\f\n\r\t",-0,1e5,[{}],{"a":null}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := newScanner(context.Background(), bytes.NewReader(data))
		err := s.skip()
		if err == nil {
			err = s.end()
		}
		var u *UnsupportedError
		want := json.Valid(data)
		if (err == nil) != want && !errors.As(err, &u) && !strings.Contains(err.Error(), "UTF-8") {
			t.Fatalf("%v, and encoding/json finds it valid: %v", err, want)
		}
		s = newScanner(context.Background(), bytes.NewReader(data))
		if text, err := s.str(); err == nil && s.end() == nil {
			var want string
			if err := json.Unmarshal(data, &want); err != nil || text != want {
				t.Fatalf("%q, want %q (%v)", text, want, err)
			}
		}
		s = newScanner(context.Background(), bytes.NewReader(data))
		if v, ok, err := s.real(); ok && err == nil && s.end() == nil && !bytes.ContainsRune(data, '"') {
			var want float64
			if err := json.Unmarshal(data, &want); err != nil || v != want {
				t.Fatalf("%v, want %v (%v)", v, want, err)
			}
		}
	})
}

// FuzzCompressed reads arbitrary strings as compressed RLE: what is read has the
// size, and comes back as it was if it is what Compressed writes.
func FuzzCompressed(f *testing.F) {
	f.Add(4, 4, "52203")
	f.Add(480, 640, "nYW31n>2N2FNbA48Kf=?XBDe=m0OM3M4YOPB8_>L4JXao5")
	f.Add(2, 3, "0021N11N")
	f.Fuzz(func(t *testing.T, height, width int, s string) {
		m, err := ParseCompressed(height, width, s)
		if err != nil {
			var f *FormatError
			var u *UnsupportedError
			if !errors.As(err, &f) && !errors.As(err, &u) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		sum := 0
		for i, c := range m.Counts {
			sum += int(c)
			if i > 0 && c == 0 {
				t.Fatalf("run %d of %v is empty", i, m.Counts)
			}
		}
		if sum != height*width || m.Area() > sum {
			t.Fatalf("%v sums to %d, want %d·%d", m.Counts, sum, height, width)
		}
		if b := m.Box(); b[0] < 0 || b[1] < 0 || b[0]+b[2] > width || b[1]+b[3] > height || b[2]*b[3] < m.Area() {
			t.Fatalf("box %v in %d×%d", b, height, width)
		}
		text := m.Compressed()
		again, err := ParseCompressed(height, width, text)
		if err != nil || !slices.Equal(again.Counts, m.Counts) || len(text) > len(s) {
			t.Fatalf("%q comes back as %q: %v, %v", s, text, again, err)
		}
	})
}
