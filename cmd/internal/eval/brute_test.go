package eval

import (
	"slices"
	"sort"

	"github.com/crate-vk/crate-vk/cmd/internal/coco"
)

// bruteForce is a second implementation of COCO's detection metrics, for small
// scenes: pixel by pixel, object by object, with a list of everything that happened
// and no cleverness. It shares no code with the first one but the types.
//
// Figures: AP, AP50, AP75, AP small, medium, large, AR1, AR10, AR100, AR small,
// medium, large.
func bruteForce(images []int64, truths []Truth, detections []Detection, opt DetectionOptions) [12]float64 {
	var truth []bruteTruth
	var found []bruteFound
	for i, t := range truths {
		truth = append(truth, bruteTruth{t, i})
	}
	for _, d := range detections {
		f := bruteFound{d, 0, nil}
		drawn := brutePixels(d.Box, d.Mask, opt.Kind)
		for _, p := range drawn {
			if p {
				f.size++
			}
		}
		for _, t := range truths {
			iou := 0.0
			if d.Image == t.Image {
				iou = bruteIoU(drawn, brutePixels(t.Box, t.Mask, opt.Kind), t.Crowd)
			}
			f.ious = append(f.ious, iou)
		}
		found = append(found, f)
	}
	iouSteps := []float64{0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95}
	ranges := [][2]float64{{0, 1e10}, {0, 1024}, {1024, 9216}, {9216, 1e10}}
	ap := func(r int, steps []float64) float64 {
		p, _ := bruteMean(images, truth, found, opt, ranges[r], 100, steps)
		return p
	}
	ar := func(r, n int) float64 {
		_, rec := bruteMean(images, truth, found, opt, ranges[r], n, iouSteps)
		return rec
	}
	return [12]float64{
		ap(0, iouSteps), ap(0, iouSteps[:1]), ap(0, iouSteps[5:6]), ap(1, iouSteps), ap(2, iouSteps), ap(3, iouSteps),
		ar(0, 1), ar(0, 10), ar(0, 100), ar(1, 100), ar(2, 100), ar(3, 100),
	}
}

type bruteTruth struct {
	Truth
	index int
}

type bruteFound struct {
	Detection
	size float64   // pixels
	ious []float64 // with all objects of its image
}

// bruteMean averages over categories and thresholds.
func bruteMean(images []int64, truth []bruteTruth, found []bruteFound, opt DetectionOptions, area [2]float64, most int, steps []float64) (ap, ar float64) {
	categories := map[int64]bool{}
	for _, t := range truth {
		categories[t.Category] = true
	}
	if !opt.ByCategory {
		categories = map[int64]bool{0: true}
	}
	n := 0.0
	for c := range categories {
		var ts []bruteTruth
		var ds []bruteFound
		for _, t := range truth {
			if !opt.ByCategory || t.Category == c {
				ts = append(ts, t)
			}
		}
		for _, d := range found {
			if !opt.ByCategory || d.Category == c {
				ds = append(ds, d)
			}
		}
		for _, step := range steps {
			p, r, ok := bruteOne(images, ts, ds, area, most, step)
			if ok {
				ap, ar, n = ap+p, ar+r, n+1
			}
		}
	}
	if n == 0 {
		return -1, -1
	}
	return ap / n, ar / n
}

// bruteOne is average precision and final recall for one category and threshold.
func bruteOne(images []int64, truth []bruteTruth, found []bruteFound, area [2]float64, most int, step float64) (ap, final float64, ok bool) {
	type event struct {
		score float64
		right bool
	}
	var events []event
	wanted := 0
	ids := slices.Clone(images)
	slices.Sort(ids)
	for _, id := range ids {
		// Objects that count stand first, the ones to be ignored after them.
		var objects []bruteTruth
		var ignore, used []bool
		for pass := range 2 {
			for _, t := range truth {
				ig := t.Crowd || t.Area < area[0] || t.Area > area[1]
				if t.Image == id && ig == (pass == 1) {
					objects, ignore, used = append(objects, t), append(ignore, ig), append(used, false)
				}
			}
		}
		for _, ig := range ignore {
			if !ig {
				wanted++
			}
		}
		var ds []bruteFound
		for _, d := range found {
			if d.Image == id {
				ds = append(ds, d)
			}
		}
		sort.SliceStable(ds, func(i, j int) bool { return ds[i].Score > ds[j].Score })
		for i, d := range ds {
			if i == most {
				break
			}
			bound, chosen := min(step, 1-1e-10), -1
			for j := range objects {
				if used[j] && !objects[j].Crowd {
					continue
				}
				if chosen >= 0 && !ignore[chosen] && ignore[j] {
					break
				}
				if iou := d.ious[objects[j].index]; iou >= bound {
					bound, chosen = iou, j
				}
			}
			switch {
			case chosen >= 0:
				used[chosen] = true
				if !ignore[chosen] {
					events = append(events, event{d.Score, true})
				}
			case d.size >= area[0] && d.size <= area[1]:
				events = append(events, event{d.Score, false})
			}
		}
	}
	if wanted == 0 {
		return 0, 0, false
	}
	sort.SliceStable(events, func(i, j int) bool { return events[i].score > events[j].score })
	// At each of 101 recalls the best precision of all prefixes that reach it.
	for k := range 101 {
		best, right := 0.0, 0
		for i, e := range events {
			if e.right {
				right++
			}
			if float64(right)/float64(wanted) >= float64(k)*0.01 {
				best = max(best, float64(right)/float64(i+1))
			}
		}
		ap += best / 101
		final = float64(right) / float64(wanted)
	}
	return ap, final, true
}

// brutePixels draws a mask, or a box of whole numbers, into 110×110 pixels.
func brutePixels(box coco.Box, mask coco.RLE, kind Kind) []bool {
	const side = 110
	pix := make([]bool, side*side)
	var drawn []bool // column by column
	for i, n := range mask.Counts {
		for range n {
			drawn = append(drawn, i%2 == 1)
		}
	}
	for i := range pix {
		x, y := i%side, i/side
		if kind == Masks {
			pix[i] = x < mask.Width && y < mask.Height && drawn[x*mask.Height+y]
		} else {
			pix[i] = float64(x) >= box[0] && float64(x) < box[0]+box[2] && float64(y) >= box[1] && float64(y) < box[1]+box[3]
		}
	}
	return pix
}

func bruteIoU(a, b []bool, crowd bool) float64 {
	both, either, own := 0, 0, 0
	for i := range a {
		if a[i] && b[i] {
			both++
		}
		if a[i] || b[i] {
			either++
		}
		if a[i] {
			own++
		}
	}
	if crowd {
		either = own
	}
	if both == 0 {
		return 0
	}
	return float64(both) / float64(either)
}
