package eval

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/cmd/internal/coco"
)

// xyxy makes a box of its corners.
func xyxy(x0, y0, x1, y1 float64) coco.Box { return coco.Box{x0, y0, x1 - x0, y1 - y0} }

func truthBox(image, category int64, b coco.Box) Truth {
	return Truth{Image: image, Category: category, Area: b.Area(), Box: b}
}

func score(t *testing.T, images []int64, truth []Truth, found []Detection, opt DetectionOptions) *DetectionScores {
	t.Helper()
	s, err := ScoreDetections(context.Background(), images, truth, found, opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDetectionsOfOthers has boxes of 4 images of COCO (42, 73, 74, 133; detections
// of cocoapi's fakebbox100 example), and what pycocotools gives for them, as the
// tests of torchmetrics tell it to three places.
func TestDetectionsOfOthers(t *testing.T) {
	var truth []Truth
	for _, o := range []struct {
		image, category int64
		box             coco.Box
	}{
		{42, 4, xyxy(214.15, 41.29, 562.41, 285.07)},
		{73, 2, xyxy(13.00, 22.75, 548.98, 632.42)},
		{73, 2, xyxy(1.66, 3.32, 270.26, 275.23)},
		{74, 4, xyxy(61.87, 276.25, 358.29, 379.43)},
		{74, 1, xyxy(2.75, 3.66, 162.15, 316.06)},
		{74, 0, xyxy(295.55, 93.96, 313.97, 152.79)},
		{74, 0, xyxy(326.94, 97.05, 340.49, 122.98)},
		{74, 0, xyxy(356.62, 95.47, 372.33, 147.55)},
		{74, 0, xyxy(462.08, 105.09, 493.74, 146.99)},
		{74, 0, xyxy(277.11, 103.84, 292.44, 150.72)},
		{133, 5, xyxy(13.99, 2.87, 640.00, 421.52)},
	} {
		truth = append(truth, truthBox(o.image, o.category, o.box))
	}
	found := []Detection{
		{42, 4, 0.236, xyxy(258.15, 41.29, 606.41, 285.07), coco.RLE{}},
		{73, 3, 0.318, xyxy(61.00, 22.75, 565.00, 632.42), coco.RLE{}},
		{73, 2, 0.726, xyxy(12.66, 3.32, 281.26, 275.23), coco.RLE{}},
		{74, 4, 0.546, xyxy(87.87, 276.25, 384.29, 379.43), coco.RLE{}},
		{74, 1, 0.3, xyxy(0.00, 3.66, 142.15, 316.06), coco.RLE{}},
		{74, 0, 0.407, xyxy(296.55, 93.96, 314.97, 152.79), coco.RLE{}},
		{74, 0, 0.611, xyxy(328.94, 97.05, 342.49, 122.98), coco.RLE{}},
		{74, 0, 0.335, xyxy(356.62, 95.47, 372.33, 147.55), coco.RLE{}},
		{74, 0, 0.805, xyxy(464.08, 105.09, 495.74, 146.99), coco.RLE{}},
		{74, 0, 0.953, xyxy(276.11, 103.84, 291.44, 150.72), coco.RLE{}},
		{133, 5, 0.423, xyxy(0.00, 2.87, 601.00, 421.52), coco.RLE{}},
	}
	s := score(t, []int64{42, 73, 74, 133}, truth, found, DetectionOptions{ByCategory: true})
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"AP", s.AP, 0.706}, {"AP50", s.AP50, 0.901}, {"AP75", s.AP75, 0.846},
		{"AP small", s.APSmall, 0.689}, {"AP medium", s.APMedium, 0.800}, {"AP large", s.APLarge, 0.701},
		{"AR1", s.AR1, 0.592}, {"AR10", s.AR10, 0.716}, {"AR100", s.AR100, 0.716},
		{"AR small", s.ARSmall, 0.767}, {"AR medium", s.ARMedium, 0.800}, {"AR large", s.ARLarge, 0.700},
		{"AP of 0", s.Categories[0].AP, 0.725}, {"AR of 0", s.Categories[0].AR100, 0.780},
		{"AP of 1", s.Categories[1].AP, 0.800}, {"AR of 1", s.Categories[1].AR100, 0.800},
		{"AP of 2", s.Categories[2].AP, 0.454}, {"AR of 2", s.Categories[2].AR100, 0.450},
		{"AP of 4", s.Categories[3].AP, 0.650}, {"AR of 4", s.Categories[3].AR100, 0.650},
		{"AP of 5", s.Categories[4].AP, 0.900}, {"AR of 5", s.Categories[4].AR100, 0.900},
	} {
		if math.Abs(c.got-c.want) > 0.0005 {
			t.Errorf("%s is %.4f, want %.3f", c.name, c.got, c.want)
		}
	}
	if s.Truths != 11 || s.Detections != 10 || s.Images != 4 || len(s.Categories) != 5 {
		t.Errorf("%+v", s)
	}
}

// TestDetectionsByHand has figures that follow from the definition. In all of them
// boxes are 10×10 unless told, and categories mean nothing unless told.
func TestDetectionsByHand(t *testing.T) {
	at := func(x float64) coco.Box { return coco.Box{x, 0, 10, 10} }
	object := func(image int64, b coco.Box) Truth { return truthBox(image, 1, b) }
	crowd := func(image int64, b coco.Box) Truth { o := object(image, b); o.Crowd = true; return o }
	find := func(image int64, s float64, b coco.Box) Detection {
		return Detection{Image: image, Category: 1, Score: s, Box: b}
	}
	big := coco.Box{0, 0, 200, 200}
	for _, c := range []struct {
		name                       string
		truth                      []Truth
		found                      []Detection
		ap, ap50, ap75, ar1, ar100 float64
	}{
		{"nothing there, nothing found", nil, nil, -1, -1, -1, -1, -1},
		{"nothing there, something found", nil, []Detection{find(1, 1, at(0))}, -1, -1, -1, -1, -1},
		{"something there, nothing found", []Truth{object(1, at(0))}, nil, 0, 0, 0, 0, 0},
		{"found", []Truth{object(1, at(0))}, []Detection{find(1, 0.1, at(0))}, 1, 1, 1, 1, 1},
		// 8 of 12: the thresholds 0.50, 0.55, 0.60, 0.65 are reached.
		{"IoU 2/3", []Truth{object(1, at(0))}, []Detection{find(1, 1, at(2))}, 0.4, 1, 0, 0.4, 0.4},
		// Exactly 0.5: 20×10 and 10×10.
		{"IoU 1/2", []Truth{object(1, coco.Box{0, 0, 20, 10})}, []Detection{find(1, 1, at(0))}, 0.1, 1, 0, 0.1, 0.1},
		// A mistake of a higher score: precision 1/2 at every recall.
		{"one before is wrong", []Truth{object(1, at(0))}, []Detection{find(1, 0.5, at(0)), find(1, 0.9, at(50))}, 0.5, 0.5, 0.5, 0, 1},
		{"one after is wrong", []Truth{object(1, at(0))}, []Detection{find(1, 0.9, at(0)), find(1, 0.5, at(50))}, 1, 1, 1, 1, 1},
		// Half of the objects: recalls 0 to 0.50 are reached, 51 of 101.
		{"half", []Truth{object(1, at(0)), object(2, at(0))}, []Detection{find(1, 1, at(0))}, 51. / 101, 51. / 101, 51. / 101, 0.5, 0.5},
		// right, wrong, right: precision 1 up to recall 1/2, then 2/3.
		{"right wrong right", []Truth{object(1, at(0)), object(2, at(0))},
			[]Detection{find(1, 0.9, at(0)), find(1, 0.8, at(50)), find(2, 0.7, at(0))},
			(51 + 50*2./3) / 101, (51 + 50*2./3) / 101, (51 + 50*2./3) / 101, 1, 1},
		// The second of two on one object is wrong, in the order of the scores.
		{"twice", []Truth{object(1, at(0))}, []Detection{find(1, 0.8, at(0)), find(1, 0.9, at(1))},
			// IoU 9/11 = 0.818 for the first: right up to 0.80 (7 thresholds); beyond, it is wrong
			// and the other one right at precision 1/2.
			(7 + 3*0.5) / 10, 1, 1, 0.7, 1},
		// Equal scores: the earlier goes first. The mistake is in image 2, so the right
		// one goes before it, also if it comes later in the list.
		{"equal scores", []Truth{object(1, at(0))}, []Detection{find(2, 0.5, at(0)), find(1, 0.5, at(0))}, 1, 1, 1, 1, 1},
		{"equal scores in an image", []Truth{object(1, at(0))}, []Detection{find(1, 0.5, at(50)), find(1, 0.5, at(0))}, 0.5, 0.5, 0.5, 0, 1},
		// A crowd takes any number, and its absence isn't missed.
		{"in a crowd", []Truth{object(1, at(0)), crowd(1, big)},
			[]Detection{find(1, 0.9, at(100)), find(1, 0.8, at(120)), find(1, 0.7, at(0))}, 1, 1, 1, 0, 1},
		{"only a crowd", []Truth{crowd(1, big)}, []Detection{find(1, 0.9, at(100))}, -1, -1, -1, -1, -1},
		// An object goes before the crowd around it, although the IoU with that is 1.
		{"an object in a crowd", []Truth{crowd(1, big), object(1, at(2))}, []Detection{find(1, 1, at(0))}, 0.4, 1, 0, 0.4, 0.4},
		// Of equal IoUs the last object is taken; the other one is left for the next.
		{"between two", []Truth{object(1, at(0)), object(1, at(0))}, []Detection{find(1, 1, at(0)), find(1, 0.5, at(0))}, 1, 1, 1, 0.5, 1},
	} {
		s := score(t, []int64{1, 2}, c.truth, c.found, DetectionOptions{})
		for _, v := range []struct {
			name      string
			got, want float64
		}{{"AP", s.AP, c.ap}, {"AP50", s.AP50, c.ap50}, {"AP75", s.AP75, c.ap75}, {"AR1", s.AR1, c.ar1}, {"AR100", s.AR100, c.ar100}} {
			if math.Abs(v.got-v.want) > 1e-12 {
				t.Errorf("%s: %s is %v, want %v", c.name, v.name, v.got, v.want)
			}
		}
	}
}

// TestDetectionSizes has an object of each size, and one on the border of small and
// medium, which is both.
func TestDetectionSizes(t *testing.T) {
	square := func(x, side float64) coco.Box { return coco.Box{x, 0, side, side} }
	truth := []Truth{truthBox(1, 1, square(0, 10)), truthBox(1, 1, square(1000, 32)), truthBox(1, 1, square(2000, 50)), truthBox(1, 1, square(3000, 200))}
	all := []Detection{
		{1, 1, 0.9, square(0, 10), coco.RLE{}}, {1, 1, 0.8, square(1000, 32), coco.RLE{}}, {1, 1, 0.7, square(2000, 50), coco.RLE{}}, {1, 1, 0.6, square(3000, 200), coco.RLE{}},
	}
	s := score(t, []int64{1}, truth, all, DetectionOptions{})
	if s.APSmall != 1 || s.APMedium != 1 || s.APLarge != 1 || s.ARSmall != 1 || s.ARMedium != 1 || s.ARLarge != 1 {
		t.Errorf("all found: %+v", s)
	}
	// Without the one on the border half of small and half of medium are missed. The
	// large mistake counts for large alone: 2 right of 2, after 1 wrong.
	found := []Detection{all[0], {1, 1, 1, square(5000, 300), coco.RLE{}}, all[2], all[3]}
	s = score(t, []int64{1}, truth, found, DetectionOptions{})
	if math.Abs(s.APSmall-51./101) > 1e-12 || math.Abs(s.APMedium-51./101) > 1e-12 || s.APLarge != 0.5 || s.ARSmall != 0.5 || s.ARLarge != 1 {
		t.Errorf("with a mistake: %+v", s)
	}
}

// TestDetectionLimit has 101 mistakes before the right one: it is beyond the 100.
func TestDetectionLimit(t *testing.T) {
	truth := []Truth{truthBox(1, 1, coco.Box{0, 0, 10, 10})}
	var found []Detection
	for i := range 101 {
		found = append(found, Detection{1, 1, 1, coco.Box{float64(20 * (i + 1)), 0, 10, 10}, coco.RLE{}})
	}
	right := Detection{1, 1, 0.5, coco.Box{0, 0, 10, 10}, coco.RLE{}}
	if s := score(t, []int64{1}, truth, append(found, right), DetectionOptions{}); s.AP != 0 || s.AR100 != 0 {
		t.Errorf("after 101: %+v", s)
	}
	if s := score(t, []int64{1}, truth, append(found[:99:99], right), DetectionOptions{}); s.AP50 != 0.01 || s.AR100 != 1 || s.AR10 != 0 {
		t.Errorf("after 99: %+v", s)
	}
}

func TestDetectionCategories(t *testing.T) {
	b := coco.Box{0, 0, 10, 10}
	truth := []Truth{truthBox(1, 7, b), truthBox(1, 3, coco.Box{50, 0, 10, 10})}
	found := []Detection{{1, 3, 1, b, coco.RLE{}}, {1, 99, 1, b, coco.RLE{}}}
	if s := score(t, []int64{1}, truth, found, DetectionOptions{ByCategory: true}); s.AP != 0 || s.Detections != 1 || len(s.Categories) != 2 || s.Categories[0].ID != 3 {
		t.Errorf("by category: %+v", s)
	}
	if s := score(t, []int64{1}, truth, found, DetectionOptions{}); math.Abs(s.AP50-51./101) > 1e-12 || s.Detections != 2 || s.Categories != nil {
		t.Errorf("class-agnostic: %+v", s)
	}
}

// TestThresholds pins the values that COCO's evaluation has for them: it looks up
// 0.5 and 0.75 by equality, and numpy prints 0.35000000000000003 for recall 35.
func TestThresholds(t *testing.T) {
	if threshold(0) != 0.5 || threshold(5) != 0.75 || threshold(9) != 0.95 {
		t.Error(threshold(0), threshold(5), threshold(9))
	}
	if recall(0) != 0 || recall(35) != 0.35000000000000003 || recall(100) != 1 {
		t.Error(recall(0), recall(35), recall(100))
	}
}

func TestDetectionsRefused(t *testing.T) {
	m := coco.Encode(make([]uint8, 6), 3, 2)
	other := coco.Encode(make([]uint8, 6), 2, 3)
	b := coco.Box{0, 0, 1, 1}
	for _, c := range []struct {
		want  string
		truth []Truth
		found []Detection
	}{
		{"eval: detection 0: image 5 isn't one of the 1 images of the truth", nil, []Detection{{Image: 5, Mask: m}}},
		{"eval: object 0: image 5 isn't one of the 1 images of the truth", []Truth{{Image: 5, Mask: m}}, nil},
		{"eval: detection 0: score is NaN, want a number", nil, []Detection{{Image: 1, Score: math.NaN(), Mask: m}}},
		{"eval: object 0: area is -1, want at least 0", []Truth{{Image: 1, Area: -1, Mask: m}}, nil},
		{"eval: object 0: box is [0 0 +Inf 1], want finite numbers", []Truth{{Image: 1, Box: coco.Box{0, 0, math.Inf(1), 1}, Mask: m}}, nil},
		{"eval: detection 0: has no mask, want one to compare masks", nil, []Detection{{Image: 1, Box: b}}},
		{"eval: detection 0: mask is 3×2 (height×width), want the 2×3 of image 1", []Truth{{Image: 1, Mask: m}}, []Detection{{Image: 1, Mask: other}}},
	} {
		_, err := ScoreDetections(context.Background(), []int64{1}, c.truth, c.found, DetectionOptions{Kind: Masks})
		if err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := ScoreDetections(ctx, []int64{1}, nil, nil, DetectionOptions{}); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
}

// scene draws objects and detections at random: few different scores and places,
// so that ties of all sorts happen, crowds, and areas told anyhow.
func scene(r *rand.Rand, maskSide int) (images []int64, truth []Truth, found []Detection) {
	draw := func(kind int) coco.RLE {
		pix := make([]uint8, maskSide*maskSide)
		x, y, w, h := r.IntN(maskSide/2), r.IntN(maskSide/2), 1+r.IntN(maskSide/2), 1+r.IntN(maskSide/2)
		if kind == 0 { // squares on a coarse grid: equal IoUs
			x, y, w, h = x/4*4, y/4*4, maskSide/3, maskSide/3
		}
		for i := range pix {
			if px, py := i%maskSide, i/maskSide; px >= x && px < x+w && py >= y && py < y+h && (kind < 2 || r.IntN(8) > 0) {
				pix[i] = 1
			}
		}
		return coco.Encode(pix, maskSide, maskSide)
	}
	for i := range 1 + r.IntN(6) {
		image := int64(100 - 3*i) // not in order
		images = append(images, image)
		kind := r.IntN(3)
		for range r.IntN(6) {
			m := draw(kind)
			truth = append(truth, Truth{image, int64(r.IntN(3)), r.IntN(5) == 0, float64(m.Area()), coco.BoxOf(m), m})
		}
		for range r.IntN(14) {
			m := draw(kind)
			if r.IntN(20) == 0 {
				m = coco.Encode(make([]uint8, maskSide*maskSide), maskSide, maskSide)
			}
			found = append(found, Detection{image, int64(r.IntN(4)), float64(r.IntN(4)) / 4, coco.BoxOf(m), m})
		}
	}
	r.Shuffle(len(truth), func(i, j int) { truth[i], truth[j] = truth[j], truth[i] })
	r.Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
	return images, truth, found
}

// TestDetectionsBruteForce compares with the second implementation.
func TestDetectionsBruteForce(t *testing.T) {
	for seed := range uint64(180) {
		r := rand.New(rand.NewPCG(seed, 7))
		images, truth, found := scene(r, []int{12, 40, 110}[seed%3])
		opt := DetectionOptions{Kind: Kind(seed / 3 % 2), ByCategory: seed/6%2 == 1}
		got := score(t, images, truth, found, opt)
		want := bruteForce(images, truth, found, opt)
		g := []float64{got.AP, got.AP50, got.AP75, got.APSmall, got.APMedium, got.APLarge, got.AR1, got.AR10, got.AR100, got.ARSmall, got.ARMedium, got.ARLarge}
		for i := range g {
			if math.Abs(g[i]-want[i]) > 1e-12 {
				t.Fatalf("seed %d, %+v: figure %d is %v, want %v", seed, opt, i, g, want)
			}
		}
		again := score(t, images, truth, found, opt)
		if !reflect.DeepEqual(got, again) {
			t.Fatalf("seed %d: %+v, then %+v", seed, got, again)
		}
	}
}

func TestScoreCOCO(t *testing.T) {
	truth, err := coco.Read(context.Background(), strings.NewReader(`{
		"images": [{"id": 139, "file_name": "000139.jpg", "width": 20, "height": 10}, {"id": 285, "file_name": "000285.jpg", "width": 9, "height": 9}],
		"categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "do\ng"}],
		"annotations": [
			{"id": 1, "image_id": 139, "category_id": 1, "iscrowd": 0, "area": 50, "bbox": [0, 0, 5, 10], "segmentation": [[0,0, 5,0, 5,10, 0,10]]},
			{"id": 2, "image_id": 139, "category_id": 2, "iscrowd": 1, "area": 50, "bbox": [15, 0, 5, 10], "segmentation": {"size": [10, 20], "counts": [150, 50]}},
			{"id": 3, "image_id": 285, "category_id": 2, "iscrowd": 0, "segmentation": [[0,0, 9,0, 9,9, 0,9]]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	// The box fits, the mask has half of it: IoU 1 and 1/2.
	found, err := coco.Read(context.Background(), strings.NewReader(`[
		{"image_id": 139, "category_id": 1, "score": 0.5, "bbox": [0, 0, 5, 10], "segmentation": {"size": [10, 20], "counts": [0, 25, 175]}},
		{"image_id": 139, "category_id": 1, "score": 0.9, "segmentation": {"size": [10, 20], "counts": [160, 20, 20]}}]`))
	if err != nil {
		t.Fatal(err)
	}
	s, err := ScoreCOCO(context.Background(), truth, found, COCOOptions{})
	if err != nil {
		t.Fatal(err)
	}
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }
	if !near(s.Box.AP, 51./101) || !near(s.Mask.AP50, 51./101) || !near(s.Mask.AP, 5.1/101) || s.Box.Crowds != 1 || s.Box.Truths != 2 {
		t.Errorf("%+v\n%+v", s.Box, s.Mask)
	}
	var b strings.Builder
	if err := s.WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	want := `%        AP   AP50   AP75  AP small  AP medium  AP large   AR1   AR10  AR100  objects  detections
box   50.50  50.50  50.50     50.50          –         –  0.00  50.00  50.00        2           2
mask   5.05  50.50   0.00      5.05          –         –  0.00   5.00   5.00        2           2
`
	if b.String() != want {
		t.Errorf("\n%s\nwant\n%s", b.String(), want)
	}
	text, err := json.Marshal(s)
	if err != nil || !strings.Contains(string(text), `"box":{"iou":"box","ap":0.50495`) || !strings.Contains(string(text), `"ap_medium":-1`) {
		t.Errorf("%s, %v", text, err)
	}

	s, err = ScoreCOCO(context.Background(), truth, found, COCOOptions{ByCategory: true})
	if err != nil || s.Box.Categories[0].Name != "cat" || !near(s.Box.AP, 0.25) {
		t.Errorf("by category: %+v, %v", s, err)
	}
	b.Reset()
	if err := s.WriteTable(&b); err != nil || !strings.HasSuffix(b.String(), `
%                AP   AP50   AP75   AR100
box cat       50.00  50.00  50.00  100.00
box "do\ng"    0.00   0.00   0.00    0.00
mask cat       5.00  50.00   0.00   10.00
mask "do\ng"   0.00   0.00   0.00    0.00
`) {
		t.Errorf("%v\n%s", err, b.String())
	}

	s, err = ScoreCOCO(context.Background(), truth, found, COCOOptions{Images: []int64{139}})
	if err != nil || s.Box.AP != 1 || s.Box.Truths != 1 || s.Box.Images != 1 {
		t.Errorf("one image: %+v, %v", s, err)
	}
	if _, err = ScoreCOCO(context.Background(), truth, found, COCOOptions{Images: []int64{140}}); err == nil {
		t.Error("image 140 isn't there")
	}
}

// TestScoreCOCOArea has an object whose told area makes it medium, whatever its
// mask and box are.
func TestScoreCOCOArea(t *testing.T) {
	truth, err := coco.Read(context.Background(), strings.NewReader(`{"images": [{"id": 1, "width": 9, "height": 9}],
		"annotations": [{"image_id": 1, "category_id": 1, "area": 2000, "bbox": [0, 0, 9, 9], "segmentation": [[0,0, 9,0, 9,9, 0,9]]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	s, err := ScoreCOCO(context.Background(), truth, truth, COCOOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []*DetectionScores{s.Box, s.Mask} {
		if d.APMedium != 1 || d.APSmall != -1 || d.AP != 1 {
			t.Errorf("%+v", d)
		}
	}
}
