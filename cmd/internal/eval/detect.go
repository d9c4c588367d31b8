package eval

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/crate-vk/crate-vk/cmd/internal/coco"
)

// Kind is what of two objects is compared.
type Kind int

// The kinds of intersection over union.
const (
	Boxes Kind = iota
	Masks
)

func (k Kind) String() string { return [...]string{"box", "mask"}[k] }

// MarshalText writes box or mask.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Truth is an object that is there.
type Truth struct {
	Image, Category int64
	Crowd           bool    // a region of many: never missed, and finding parts of it is no mistake
	Area            float64 // decides about small, medium and large; COCO's files tell the polygons' area
	Box             coco.Box
	Mask            coco.RLE // for Masks
}

// Detection is an object that was found.
type Detection struct {
	Image, Category int64
	Score           float64
	Box             coco.Box
	Mask            coco.RLE // for Masks
}

// DetectionOptions are the choices of [ScoreDetections].
type DetectionOptions struct {
	Kind       Kind
	ByCategory bool // else categories mean nothing, and all objects are of one
}

// undefined is a figure of which there is nothing to take the mean, as COCO's
// evaluation writes it.
const undefined = -1

// DetectionScores are COCO's twelve figures, each 0 to 1, or −1 where there is no
// object to be found.
type DetectionScores struct {
	Kind Kind `json:"iou"`

	AP       float64 `json:"ap"` // mean over IoU 0.50:0.05:0.95, of the 100 best an image
	AP50     float64 `json:"ap50"`
	AP75     float64 `json:"ap75"`
	APSmall  float64 `json:"ap_small"` // area up to 32²
	APMedium float64 `json:"ap_medium"`
	APLarge  float64 `json:"ap_large"` // from 96² on

	AR1      float64 `json:"ar1"` // of the best one an image
	AR10     float64 `json:"ar10"`
	AR100    float64 `json:"ar100"`
	ARSmall  float64 `json:"ar_small"`
	ARMedium float64 `json:"ar_medium"`
	ARLarge  float64 `json:"ar_large"`

	Images     int `json:"images"`
	Truths     int `json:"objects"` // without crowds
	Crowds     int `json:"crowds"`
	Detections int `json:"detections"` // all that were given, in images and categories of the truth

	Categories []CategoryScores `json:"categories,omitempty"` // by id, if ByCategory
}

// CategoryScores are the figures of one category.
type CategoryScores struct {
	ID    int64   `json:"id"`
	Name  string  `json:"name,omitempty"` // set by [ScoreCOCO]
	AP    float64 `json:"ap"`
	AP50  float64 `json:"ap50"`
	AP75  float64 `json:"ap75"`
	AR100 float64 `json:"ar100"`
}

// ScoreDetections computes COCO's detection metrics, by the rules of its own
// evaluation:
//
//   - In each image and category the detections are taken by falling score, of
//     equal ones the earlier first, 100 at most. Each takes the object of the
//     highest IoU, of equal ones the last, that is free and reaches the threshold;
//     crowds are always free, and so is what isn't of the size in question, but
//     either is taken only if nothing else is to be had. Who took one of these is
//     neither right nor wrong, and so is who took nothing and isn't of the size.
//   - The IoU with a crowd is the intersection over the detection's own area.
//   - Precision over recall is taken over all images, falling scores, of equal ones
//     the lower image id first; made monotone; read off at the 101 recalls 0:0.01:1
//     and averaged over recalls, thresholds and categories that have objects.
//
// One thing differs on purpose: a detection's size is the area of its mask if masks
// are compared, whatever box it has (COCO's own loader takes the box's area when a
// result has both; Detectron2 removes the box for that reason).
//
// images are the ids of all images of the truth: one without objects counts through
// what is found in it. Detections in other images are an error; with ByCategory,
// those of categories that no object has are left out, as there.
func ScoreDetections(ctx context.Context, images []int64, truth []Truth, found []Detection, opt DetectionOptions) (*DetectionScores, error) {
	e, err := newEvaluation(images, truth, found, opt)
	if err != nil {
		return nil, err
	}
	if err := e.match(ctx); err != nil {
		return nil, err
	}
	return e.scores(), nil
}

// evaluation is one run of ScoreDetections.
type evaluation struct {
	opt        DetectionOptions
	truth      []Truth
	found      []Detection
	images     []int64 // sorted
	categories []int64 // sorted; one 0 if they mean nothing
	groups     []group // images of category 0, of category 1, …
}

// group is what has to do with each other: one category in one image.
type group struct {
	truth, found []int // indexes, found by falling score
	matched      [numRanges][]match
	wanted       [numRanges]int // objects that count
}

func newEvaluation(images []int64, truth []Truth, found []Detection, opt DetectionOptions) (*evaluation, error) {
	e := &evaluation{opt: opt, truth: truth, found: found, images: slices.Sorted(slices.Values(images)), categories: []int64{0}}
	e.images = slices.Compact(e.images)
	if opt.ByCategory {
		e.categories = e.categories[:0]
		for _, t := range truth {
			e.categories = append(e.categories, t.Category)
		}
		slices.Sort(e.categories)
		e.categories = slices.Compact(e.categories)
	}
	e.groups = make([]group, len(e.images)*len(e.categories))
	sizes := map[int64][2]int{}
	for i, t := range truth {
		g, err := e.group("object", i, t.Image, t.Category, t.Box, t.Mask, sizes)
		if err != nil {
			return nil, err
		}
		if math.IsNaN(t.Area) || t.Area < 0 {
			return nil, fmt.Errorf("eval: object %d: area is %g, want at least 0", i, t.Area)
		}
		g.truth = append(g.truth, i)
	}
	for i, d := range found {
		g, err := e.group("detection", i, d.Image, d.Category, d.Box, d.Mask, sizes)
		if err != nil {
			return nil, err
		}
		if math.IsNaN(d.Score) {
			return nil, fmt.Errorf("eval: detection %d: score is NaN, want a number", i)
		}
		if g != nil {
			g.found = append(g.found, i)
		}
	}
	for i := range e.groups {
		slices.SortStableFunc(e.groups[i].found, func(a, b int) int { return cmp.Compare(found[b].Score, found[a].Score) })
	}
	return e, nil
}

// group finds the group of an object or a detection, nil if its category has none,
// and checks that it can be compared.
func (e *evaluation) group(what string, i int, image, category int64, box coco.Box, mask coco.RLE, sizes map[int64][2]int) (*group, error) {
	at, ok := slices.BinarySearch(e.images, image)
	if !ok {
		return nil, fmt.Errorf("eval: %s %d: image %d isn't one of the %d images of the truth", what, i, image, len(e.images))
	}
	for _, v := range box {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("eval: %s %d: box is %v, want finite numbers", what, i, box)
		}
	}
	if e.opt.Kind == Masks {
		size := [2]int{mask.Height, mask.Width}
		if mask.Counts == nil {
			return nil, fmt.Errorf("eval: %s %d: has no mask, want one to compare masks", what, i)
		}
		if first, ok := sizes[image]; ok && first != size {
			return nil, fmt.Errorf("eval: %s %d: mask is %d×%d (height×width), want the %d×%d of image %d", what, i, size[0], size[1], first[0], first[1], image)
		}
		sizes[image] = size
	}
	c := 0
	if e.opt.ByCategory {
		if c, ok = slices.BinarySearch(e.categories, category); !ok {
			return nil, nil
		}
	}
	return &e.groups[c*len(e.images)+at], nil
}

// iou compares a detection with an object.
func (e *evaluation) iou(d, t int) float64 {
	found, truth := &e.found[d], &e.truth[t]
	switch {
	case e.opt.Kind == Boxes:
		return found.Box.IoU(truth.Box, truth.Crowd)
	case truth.Crowd:
		return coco.CrowdIoU(found.Mask, truth.Mask)
	}
	return coco.IoU(found.Mask, truth.Mask)
}

// area is the size of a detection.
func (e *evaluation) area(d int) float64 {
	if e.opt.Kind == Masks {
		return float64(e.found[d].Mask.Area())
	}
	return e.found[d].Box.Area()
}
