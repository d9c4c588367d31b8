package eval

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/cmd/internal/coco"
)

const cocoDir = "../../../testdata/eval/coco/"

// TestCOCOFiles scores two detections that fit exactly against two objects, and in most
// files a third that nothing finds: then recall ends at 2/3 with precision 1, which 67 of
// the 101 recalls reach.
func TestCOCOFiles(t *testing.T) {
	const two = 67. / 101
	for _, c := range []struct {
		truth, found string
		box, mask    float64 // AP; NaN where there are no figures
		problem      string
	}{
		{"t_ok", "res", 1, 1, ""},
		{"t_ok", "res_box", 1, math.NaN(), "detection 0, image 1: there is no mask: it counts by its box alone"},
		{"t_noseg", "res", two, 1, "truth: annotation of id 99, image 1: there is no mask: it counts by its box alone"},
		{"t_noseg", "res_box", two, math.NaN(), "truth: annotation of id 99, image 1: there is no mask: it counts by its box alone"},
		{"t_polyempty", "res", two, 1, "truth: annotations[2].segmentation[0]: is no polygon (it has 0 numbers, want an even number of at least 6, 3 points), and is passed over"},
		{"t_negbox", "res", two, two, "truth: annotations[2].bbox: is no box of x, y, width and height (width and height are 4 and -4), and is passed over"},
	} {
		truth, err := coco.ReadFile(context.Background(), cocoDir+c.truth+".json")
		if err != nil {
			t.Error(err)
			continue
		}
		found, err := coco.ReadFile(context.Background(), cocoDir+c.found+".json")
		if err != nil {
			t.Error(err)
			continue
		}
		s, err := ScoreCOCO(context.Background(), truth, found, COCOOptions{})
		if err != nil {
			t.Errorf("%s, %s: %v", c.truth, c.found, err)
			continue
		}
		if math.Abs(s.Box.AP-c.box) > 1e-12 {
			t.Errorf("%s, %s: box AP %v, want %v", c.truth, c.found, s.Box.AP, c.box)
		}
		if (s.Mask == nil) != math.IsNaN(c.mask) || s.Mask != nil && math.Abs(s.Mask.AP-c.mask) > 1e-12 {
			t.Errorf("%s, %s: mask %+v, want AP %v", c.truth, c.found, s.Mask, c.mask)
		}
		if lines := strings.Join(s.PassedOver.Lines(), "\n"); !strings.HasPrefix(lines, c.problem) || (lines == "") != (c.problem == "") {
			t.Errorf("%s, %s: %q, want %q", c.truth, c.found, lines, c.problem)
		}
		var b strings.Builder
		if err := s.WriteTable(&b); err != nil || strings.Contains(b.String(), "mask") == math.IsNaN(c.mask) {
			t.Errorf("%s, %s: %v\n%s", c.truth, c.found, err, b.String())
		}
	}
}

// TestCOCOLeftOut: what can't be compared is left out and named, and a file of which
// nothing can be compared is refused.
func TestCOCOLeftOut(t *testing.T) {
	truth := `{"images":[{"id":1,"width":4,"height":4},{"id":2}],"annotations":[
		{"id":1,"image_id":1,"category_id":1,"segmentation":{"size":[4,4],"counts":[0,8,8]}},
		{"id":2,"image_id":2,"category_id":1,"bbox":[0,0,2,4],"segmentation":{"size":[4,4],"counts":[0,8,8]}},
		{"id":3,"image_id":2,"category_id":1,"bbox":[3,0,1,4],"segmentation":{"size":[5,4],"counts":[0,8,12]}},
		{"id":4,"image_id":1,"category_id":1,"iscrowd":1,"bbox":[3,3,1,1]}]}`
	good := `{"image_id":1,"category_id":1,"score":0.9,"segmentation":{"size":[4,4],"counts":[0,8,8]}}`
	for _, c := range []struct{ found, want string }{ // problems of the detections, or the error
		{"[" + good + "]", ""},
		{"[" + good + `,{"image_id":7,"category_id":1,"bbox":[0,0,1,1]}]`, "detection 1, image 7: image 7 isn't one of the 2 images of the truth: it is left out"},
		{"[" + good + `,{"image_id":1,"category_id":1,"segmentation":{"size":[2,3],"counts":"06"}}]`, "detection 1, image 1: segmentation: coco: size: is 2×3 (height×width), want the image's 4×4: it is left out"},
		{"[" + good + `,{"image_id":1,"category_id":1,"bbox":[0,0,1,1]}]`, "detection 1, image 1: there is no mask: it counts by its box alone"},
		{`[{"image_id":7,"category_id":1,"bbox":[0,0,1,1]}]`, "eval: none of the 1 detections can be scored: image 7 isn't one of the 2 images of the truth"},
	} {
		d, err := coco.Read(context.Background(), strings.NewReader(truth))
		if err != nil {
			t.Fatal(err)
		}
		found, err := coco.Read(context.Background(), strings.NewReader(c.found))
		if err != nil {
			t.Fatal(err)
		}
		s, err := ScoreCOCO(context.Background(), d, found, COCOOptions{})
		if err != nil {
			if err.Error() != c.want {
				t.Errorf("%s: %v, want %s", c.found, err, c.want)
			}
			continue
		}
		lines := s.PassedOver.Lines()
		if len(lines) < 2 || !strings.Contains(lines[0], "id 3, image 2: segmentation: coco: size: is 5×4") || !strings.Contains(lines[1], "id 4, image 1: there is no mask") {
			t.Errorf("%s: %q", c.found, lines)
		}
		if got := strings.Join(lines[2:], "\n"); got != c.want {
			t.Errorf("%s: %q, want %q", c.found, got, c.want)
		}
		if s.Box.Truths != 3 || s.Mask.Truths != 2 || s.Box.Crowds != 1 || s.Mask.AP50 < 0.5 {
			t.Errorf("%s: %+v, %+v", c.found, s.Box, s.Mask)
		}
	}
	empty := &coco.Dataset{}
	if _, err := ScoreCOCO(context.Background(), empty, empty, COCOOptions{}); err == nil || !strings.Contains(err.Error(), "the truth has no images") {
		t.Errorf("%v", err)
	}
}
