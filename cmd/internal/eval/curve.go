package eval

import (
	"cmp"
	"slices"
	"sort"
)

// curve is what the detections of a category amount to, by threshold.
type curve struct {
	wanted    int                                // objects; if there are none, the rest means nothing
	precision [numThresholds][numRecalls]float64 // at each recall, or beyond
	recall    [numThresholds]float64             // in the end
}

// newCurve takes the n best detections of each image together.
func newCurve(groups []group, r, n int) curve {
	var c curve
	var all []match
	for i := range groups {
		c.wanted += groups[i].wanted[r]
		m := groups[i].matched[r]
		all = append(all, m[:min(n, len(m))]...)
	}
	if c.wanted == 0 {
		return c
	}
	slices.SortStableFunc(all, func(a, b match) int { return cmp.Compare(b.score, a.score) })
	recalls, precisions := make([]float64, len(all)), make([]float64, len(all))
	for th := range numThresholds {
		right, wrong := 0, 0
		for i, m := range all {
			switch {
			case m.ignored>>th&1 != 0:
			case m.taken>>th&1 != 0:
				right++
			default:
				wrong++
			}
			recalls[i] = float64(right) / float64(c.wanted)
			precisions[i] = 0
			if right > 0 {
				precisions[i] = float64(right) / float64(right+wrong)
			}
		}
		for i := len(all) - 2; i >= 0; i-- {
			precisions[i] = max(precisions[i], precisions[i+1])
		}
		for k := range numRecalls {
			if i := sort.SearchFloat64s(recalls, recall(k)); i < len(all) {
				c.precision[th][k] = precisions[i]
			}
		}
		if len(all) > 0 {
			c.recall[th] = recalls[len(all)-1]
		}
	}
	return c
}

// meanPrecision is the mean over the categories that have objects, the thresholds
// [from, to) and all recalls.
func meanPrecision(curves []curve, from, to int) float64 {
	var values []float64
	for _, c := range curves {
		if c.wanted == 0 {
			continue
		}
		for th := from; th < to; th++ {
			values = append(values, c.precision[th][:]...)
		}
	}
	return meanOr(values, undefined)
}

// meanRecall is the mean over the categories that have objects and the thresholds.
func meanRecall(curves []curve) float64 {
	var values []float64
	for _, c := range curves {
		if c.wanted > 0 {
			values = append(values, c.recall[:]...)
		}
	}
	return meanOr(values, undefined)
}
