package coco

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// example has two images, one of them with a name that isn't UTF-8, and one mask
// with a hole.
func example() *Dataset {
	return &Dataset{
		Images:     []Image{{1, "a/b.jpg", 3, 2}, {2, "caf\xe9<&>.png", 4, 3}},
		Categories: []Category{Foreground()},
		Annotations: []Annotation{
			NewAnnotation(1, 1, picture("##.", ".##"), 0.75),
			NewAnnotation(2, 2, picture("###.", "#.#.", "###."), 1),
			NewAnnotation(3, 2, picture("....", "....", "...."), 0.5),
		},
	}
}

func TestWriteByHand(t *testing.T) {
	for form, want := range map[Form]string{
		CompressedRLE: `{
"info": {"description":"crate-vk \"test\"","version":"0"},
"licenses": [],
"categories": [
{"id":1,"name":"fg","supercategory":"fg"}],
"images": [
{"id":1,"file_name":"a/b.jpg","width":3,"height":2},
{"id":2,"file_name":"caf\\xe9<&>.png","path_bytes":"Y2Fm6TwmPi5wbmc=","width":4,"height":3}],
"annotations": [
{"id":1,"image_id":1,"category_id":1,"iscrowd":0,"area":4,"bbox":[0,0,3,2],"segmentation":{"size":[2,3],"counts":"01110O"},"width":3,"height":2,"score":0.75},
{"id":2,"image_id":2,"category_id":1,"iscrowd":0,"area":8,"bbox":[0,0,3,3],"segmentation":{"size":[3,4],"counts":"04102"},"width":4,"height":3,"score":1},
{"id":3,"image_id":2,"category_id":1,"iscrowd":0,"area":0,"bbox":[0,0,0,0],"segmentation":{"size":[3,4],"counts":"<"},"width":4,"height":3,"score":0.5}]
}
`,
		UncompressedRLE: `"counts":[0,4,1,4,3]`,
		PolygonList:     `"segmentation":[[0,0,3,0,3,3,0,3,0,1,1,1,1,2,2,2,2,1,0,1]]`,
	} {
		var b bytes.Buffer
		if err := example().Write(&b, Info{`crate-vk "test"`, "0"}, form); err != nil {
			t.Fatal(err)
		}
		if got := b.String(); got != want && (form == CompressedRLE || !strings.Contains(got, want)) {
			t.Errorf("%v:\n%s\nwant\n%s", form, got, want)
		}
	}

	var b bytes.Buffer
	d := example()
	d.Annotations[0].Score = nil
	d.Annotations = d.Annotations[:2]
	if err := d.WriteResults(&b, UncompressedRLE); err != nil {
		t.Fatal(err)
	}
	want := `[
{"image_id":1,"category_id":1,"bbox":[0,0,3,2],"segmentation":{"size":[2,3],"counts":[0,1,1,2,1,1]},"score":1},
{"image_id":2,"category_id":1,"bbox":[0,0,3,3],"segmentation":{"size":[3,4],"counts":[0,4,1,4,3]},"score":1}]
`
	if b.String() != want {
		t.Errorf("%s\nwant\n%s", b.String(), want)
	}
}

// TestWriteRead writes and reads in each form; the masks stay what they are.
func TestWriteRead(t *testing.T) {
	for form := CompressedRLE; form <= PolygonList; form++ {
		var b bytes.Buffer
		if err := example().Write(&b, Info{}, form); err != nil {
			t.Fatal(err)
		}
		d, err := Read(context.Background(), bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatalf("%v: %v", form, err)
		}
		want := example()
		if !slices.Equal(d.Images, want.Images) || !slices.Equal(d.Categories, want.Categories) {
			t.Errorf("%v: %+v", form, d)
		}
		for i, a := range d.Annotations {
			w := want.Annotations[i]
			if form == PolygonList && i == 2 { // an empty mask has no polygons
				continue
			}
			m, err := a.Mask.At(w.Mask.RLE.Height, w.Mask.RLE.Width)
			if err != nil || !slices.Equal(m.Counts, w.Mask.RLE.Counts) {
				t.Errorf("%v: annotation %d: %v, %v", form, i, m, err)
			}
			a.Mask, w.Mask = Segmentation{}, Segmentation{}
			if !reflect.DeepEqual(a, w) {
				t.Errorf("%v: %+v, want %+v", form, a, w)
			}
		}
		var again bytes.Buffer
		if err := d.Write(&again, Info{}, form); err != nil || !bytes.Equal(again.Bytes(), b.Bytes()) {
			t.Errorf("%v: written again it differs: %v", form, err)
		}
	}
}

func TestWriteRefused(t *testing.T) {
	for name, change := range map[string]func(*Dataset){
		"coco: images[1]: is 0×3, want a size of at least 1×1":                                func(d *Dataset) { d.Images[1].Width = 0 },
		"coco: annotations[0].segmentation.size: is 2×3 (height×width), want the image's 2×4": func(d *Dataset) { d.Images[0].Width = 4 },
		"coco: annotations[2].image_id: is 9, want the id of an image":                        func(d *Dataset) { d.Annotations[2].ImageID = 9 },
		"coco: annotations[0].segmentation[0]: has 2 numbers, want an even number of at least 6 (3 points)": func(d *Dataset) {
			d.Annotations[0].Mask = Segmentation{Polygons: [][]float64{{1, 2}}}
		},
	} {
		d := example()
		change(d)
		var f *FormatError
		if err := d.Write(new(bytes.Buffer), Info{}, CompressedRLE); !errors.As(err, &f) || err.Error() != name {
			t.Errorf("%v, want %s", err, name)
		}
	}
	full := errors.New("no space left")
	if err := example().Write(failing{full}, Info{}, CompressedRLE); !errors.Is(err, full) {
		t.Errorf("%v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestForm(t *testing.T) {
	for form := CompressedRLE; form <= PolygonList; form++ {
		if got, err := ParseForm(form.String()); err != nil || got != form {
			t.Errorf("%v: %v, %v", form, got, err)
		}
	}
	if _, err := ParseForm("rle"); err == nil {
		t.Error("rle is a form")
	}
}

func TestMerge(t *testing.T) {
	a, b := example(), example()
	b.Images[0].FileName, b.Images[1].FileName = "c.jpg", "d.jpg"
	m, err := Merge([]*Dataset{a, b}, false)
	if err != nil {
		t.Fatal(err)
	}
	if want := []Image{a.Images[0], a.Images[1], {3, "c.jpg", 3, 2}, {4, "d.jpg", 4, 3}}; !slices.Equal(m.Images, want) {
		t.Errorf("%+v", m.Images)
	}
	var ids [][2]int64
	for _, a := range m.Annotations {
		ids = append(ids, [2]int64{a.ID, a.ImageID})
	}
	if want := [][2]int64{{1, 1}, {2, 2}, {3, 2}, {4, 3}, {5, 4}, {6, 4}}; !slices.Equal(ids, want) {
		t.Errorf("ids and images %v, want %v", ids, want)
	}
	if b.Images[0].ID != 1 || b.Annotations[0].ImageID != 1 {
		t.Error("the shard has changed")
	}
	if err := m.Write(new(bytes.Buffer), Info{}, CompressedRLE); err != nil {
		t.Error(err)
	}

	b.Images[0].ID, b.Images[1].ID = 139, 285
	for i := range b.Annotations {
		b.Annotations[i].ImageID = 139
	}
	m, err = Merge([]*Dataset{a, b}, true)
	if err != nil || m.Images[2].ID != 139 || m.Annotations[5].ImageID != 139 || m.Annotations[5].ID != 6 {
		t.Errorf("ids kept: %+v, %v", m, err)
	}

	for want, change := range map[string]func(*Dataset){
		"coco: shard 2: image a/b.jpg is in shard 1 too":  func(d *Dataset) { d.Images[0].FileName = "a/b.jpg" },
		"coco: images[2].id: is 1, as another image's is": func(d *Dataset) {},
		"coco: shard 2: category 0 is {ID:1 Name:cat Supercategory:fg}, want {ID:1 Name:fg Supercategory:fg} as in shard 1": func(d *Dataset) {
			d.Categories[0].Name = "cat"
		},
		"coco: shard 2.annotations[0].image_id: is 77, want the id of an image": func(d *Dataset) { d.Annotations[0].ImageID = 77 },
	} {
		b := example()
		b.Images[0].FileName, b.Images[1].FileName = "c.jpg", "d.jpg"
		change(b)
		if _, err := Merge([]*Dataset{a, b}, true); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestNumberLike(t *testing.T) {
	truth := &Dataset{Images: []Image{
		{139, "val/000139.jpg", 3, 2}, {285, "000285.jpg", 4, 3}, {1, "x/same.jpg", 5, 5}, {2, "y/same.jpg", 5, 5}, {3, "a/b.jpg", 3, 2},
	}}
	found := func(names ...string) *Dataset {
		d := example()
		d.Images[0].FileName, d.Images[1].FileName = names[0], names[1]
		return d
	}
	d := found("photos/000139.png", "000285.jpg")
	if err := d.NumberLike(truth); err != nil || d.Images[0].ID != 139 || d.Images[1].ID != 285 || d.Annotations[0].ImageID != 139 || d.Annotations[2].ImageID != 285 {
		t.Errorf("%+v, %v", d, err)
	}
	for want, d := range map[string]*Dataset{
		"image 7.jpg: the truth has no image of that name: it is left out":                               found("7.jpg", "000285.jpg"),
		"image same.jpg: the truth has several images of that name in different folders: it is left out": found("same.jpg", "000285.jpg"),
		"image z/000139.png: is 4×3 (width×height), want the 3×2 of the truth: it is left out":           found("a/b.jpg", "z/000139.png"),
		"image b.jpg: is the same image of the truth as a/b.jpg: it is left out":                         sameSize(found("a/b.jpg", "b.jpg")),
	} {
		if err := d.NumberLike(truth); err != nil || len(d.Images) != 1 || d.Problems.Count != 1 || d.Problems.First[0].String() != want {
			t.Errorf("%v, %+v, want %s", err, d.Problems, want)
		}
		for _, a := range d.Annotations {
			if a.ImageID != d.Images[0].ID {
				t.Errorf("an annotation of image %d stays", a.ImageID)
			}
		}
	}
	if err := found("7.jpg", "8.jpg").NumberLike(truth); err == nil || err.Error() != "coco: image 7.jpg: the truth has no image of that name" {
		t.Errorf("no image fits: %v", err)
	}
}

func sameSize(d *Dataset) *Dataset {
	d.Images[1].Width, d.Images[1].Height = d.Images[0].Width, d.Images[0].Height
	return d
}
