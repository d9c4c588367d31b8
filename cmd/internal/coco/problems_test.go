package coco

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestProblems: one bad entry costs a field or itself, and is named; the file is read.
func TestProblems(t *testing.T) {
	const box = `,"bbox":[0,0,2,2]`
	for _, c := range []struct {
		annotation string // of image 1, category 1, beside a good one
		problem    string // "" for none
		kept       string // box, mask, both or none
	}{
		{box, "", "box"},
		{box + `,"segmentation":null`, "", "box"},
		{box + `,"segmentation":[]`, "", "box"},
		{box + `,"segmentation":[[]]`, "annotations[1].segmentation[0]: is no polygon (it has 0 numbers, want an even number of at least 6, 3 points), and is passed over", "box"},
		{box + `,"segmentation":[[1,1,2,2]]`, "annotations[1].segmentation[0]: is no polygon (it has 4 numbers, want an even number of at least 6, 3 points), and is passed over", "box"},
		{box + `,"segmentation":[[1,1,2,2,3,3,4],[0,0,2,0,2,2]]`, "annotations[1].segmentation[0]: is no polygon (it has 7 numbers, want an even number of at least 6, 3 points), and is passed over", "both"},
		{box + `,"segmentation":[[0,0,2,0,2,NaN]]`, "annotations[1].segmentation[0]: is no polygon (number 5 is none), and is passed over", "box"},
		{box + `,"segmentation":[[0,0,2,0,2,1e9]]`, "annotations[1].segmentation[0]: is no polygon (a coordinate is 1e+09, want at most 1e+06), and is passed over", "box"},
		{box + `,"segmentation":[[0,0,2,0,2,{"x":[1]}]]`, "annotations[1].segmentation[0]: is no polygon (number 5 is none), and is passed over", "box"},
		{box + `,"segmentation":[0,0,2,0,2,2]`, "", "both"},
		{box + `,"segmentation":[null]`, "annotations[1].segmentation: is no polygon (entry 0 is neither a list nor a number), and is passed over", "box"},
		{box + `,"segmentation":"x"`, "annotations[1].segmentation: is neither a list of polygons nor an RLE, and is passed over", "box"},
		{box + `,"segmentation":{}`, "annotations[1].segmentation: is no RLE (size: has 0 numbers, want height and width), and is passed over", "box"},
		{box + `,"segmentation":{"size":[4,4],"counts":null}`, "annotations[1].segmentation: is no RLE (counts: is no list), and is passed over", "box"},
		{box + `,"segmentation":{"size":[4,4],"counts":[-1,17]}`, "annotations[1].segmentation: is no RLE (counts: run 0 is no whole number of at least 0), and is passed over", "box"},
		{box + `,"segmentation":{"size":[4,4],"counts":"5220"}`, "annotations[1].segmentation: is no RLE (counts: the runs sum to 11, want 16 = 4·4 (height·width)), and is passed over", "box"},
		{box + `,"segmentation":{"size":[4,4],"counts":[5,2,2,2,6]}`, "annotations[1].segmentation: is no RLE (counts[4]: the runs sum to 17 or more, want 16 = 4·4 (height·width)), and is passed over", "box"},
		{box + `,"segmentation":{"size":[2000000000,2000000000],"counts":"1"}`, "annotations[1].segmentation: is no RLE (size: size is 2000000000×2000000000 (height×width), want at most 2147483647 pixels), and is passed over", "box"},
		{box + `,"segmentation":{"size":[4,1e400],"counts":"1"}`, "annotations[1].segmentation: is no RLE (size: number 1 is none), and is passed over", "box"},
		{`,"segmentation":[[0,0,2,0,2,2]],"bbox":[10,10,4,-4]`, "annotations[1].bbox: is no box of x, y, width and height (width and height are 4 and -4), and is passed over", "mask"},
		{`,"segmentation":[[0,0,2,0,2,2]],"bbox":[1,2,3]`, "annotations[1].bbox: is no box of x, y, width and height (it has 3 numbers), and is passed over", "mask"},
		{`,"segmentation":[[0,0,2,0,2,2]],"bbox":[1,2,3,Infinity]`, "annotations[1].bbox: is no box of x, y, width and height (number 3 is none), and is passed over", "mask"},
		{`,"segmentation":[[0,0,2,0,2,2]],"bbox":{"x":1}`, "annotations[1].bbox: is no list of 4 numbers, and is passed over", "mask"},
		{`,"segmentation":[[0,0,2,0,2,2]],"bbox":["0","0","2","2"]`, "", "both"},
		{`,"bbox":[1,2,-3,4]`, "annotations[1].bbox: is no box of x, y, width and height (width and height are -3 and 4), and is passed over", "none"},
		{``, "annotations[1]: has neither a box nor a mask: it is left out", "none"},
		{box + `,"score":NaN`, "annotations[1]: has a score that is no number: it is left out", "none"},
		{box + `,"score":"0.5"`, "", "box"},
		{box + `,"area":-1`, "annotations[1].area: is -1, want a number of at least 0, and is passed over", "box"},
		{box + `,"area":-Infinity`, "annotations[1].area: is NaN, want a number of at least 0, and is passed over", "box"},
		{box + `,"iscrowd":"x"`, "annotations[1].iscrowd: is neither 0 nor 1, and is passed over", "box"},
		{box + `,"iscrowd":2`, "", "box"},
		{box + `,"iou":NaN,"more":[-Infinity,Infinity]`, "", "box"},
		{box + `,"image_id":1`, "annotations[1]: image_id is there twice: it is left out", "none"},
		{box + `,"id":1.5`, "", "box"},
	} {
		text := fmt.Sprintf(`{"images":[{"id":1,"width":4,"height":4}],"annotations":[{"image_id":1,"category_id":1,"bbox":[0,0,1,1]},{"image_id":1,"category_id":1%s}]}`, c.annotation)
		d, err := Read(context.Background(), strings.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v", c.annotation, err)
			continue
		}
		got := "none"
		if len(d.Annotations) == 2 {
			a := d.Annotations[1]
			switch {
			case a.Box != nil && !a.Mask.Empty():
				got = "both"
			case a.Box != nil:
				got = "box"
			default:
				got = "mask"
			}
		}
		if problem := strings.Join(d.Problems.Lines(), "\n"); got != c.kept || problem != c.problem && !strings.HasPrefix(problem, c.problem+"\n") {
			t.Errorf("%s: kept %s, %q\nwant %s, %q", c.annotation, got, problem, c.kept, c.problem)
		}
	}
}

// TestIDs: ids are whole numbers or text, and the same ones in two files.
func TestIDs(t *testing.T) {
	const truth = `{"images":[{"id":"0042"},{"id":"a-b"},{"id":99999999999999999999},{"id":7.0},{"id":null},{"id":1.5},{"id":7},3],
		"annotations":[{"image_id":"a-b","bbox":[0,0,1,1],"category_id":"cat"}],"categories":[{"id":"cat","name":"cat"},{"name":"none"}]}`
	d, err := Read(context.Background(), strings.NewReader(truth))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Images) != 4 || d.Images[0].ID != 42 || d.Images[1].ID >= 0 || d.Images[2].ID >= 0 || d.Images[1].ID == d.Images[2].ID || d.Images[3].ID != 7 {
		t.Errorf("%+v", d.Images)
	}
	if d.Problems.Count != 5 || len(d.Categories) != 1 || d.Annotations[0].CategoryID != d.Categories[0].ID {
		t.Errorf("%+v, %+v", d.Problems, d.Categories)
	}
	results := `[{"image_id":42,"bbox":[0,0,1,1],"category_id":1},{"image_id":"a-b","bbox":[0,0,1,1],"category_id":1},{"image_id":"99999999999999999999","bbox":[0,0,1,1],"category_id":1},{"image_id":"7","bbox":[0,0,1,1],"category_id":1}]`
	r, err := Read(context.Background(), strings.NewReader(results))
	if err != nil {
		t.Fatal(err)
	}
	var ids, want []int64
	for i := range r.Annotations {
		ids, want = append(ids, r.Annotations[i].ImageID), append(want, d.Images[i].ID)
	}
	if !slices.Equal(ids, want) {
		t.Errorf("%v, want %v", ids, want)
	}
}

// TestTidy: what doesn't fit together is named, and the rest is read.
func TestTidy(t *testing.T) {
	d, err := Read(context.Background(), strings.NewReader(`{"images":[{"id":1,"width":3,"height":2},{"id":1,"width":9,"height":9},{"id":2,"width":0,"height":"x"}],
		"annotations":[{"id":5,"image_id":1,"bbox":[0,0,1,1],"category_id":1},{"id":5,"image_id":2,"bbox":[0,0,1,1],"category_id":3},{"id":6,"image_id":8,"bbox":[0,0,1,1],"category_id":1}],
		"categories":[{"id":1},{"id":1}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Images) != 2 || d.Images[0].Width != 3 || d.Images[1].Width != 0 || len(d.Annotations) != 2 || len(d.Categories) != 1 {
		t.Errorf("%+v", d)
	}
	lines := d.Problems.Lines()
	if d.Problems.Count != 7 || len(lines) != maxProblems+1 || lines[2] != "image of id 1: is there before: this one is left out" || lines[5] != "… and 2 more of what was passed over" {
		t.Errorf("%d: %q", d.Problems.Count, lines)
	}
}

// TestBOM: some editors put a mark first.
func TestBOM(t *testing.T) {
	if d, err := Read(context.Background(), strings.NewReader("\ufeff[]")); err != nil || len(d.Annotations) != 0 {
		t.Errorf("%+v, %v", d, err)
	}
}
