package eval

import (
	"context"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
)

const (
	numThresholds = 10  // IoU 0.50:0.05:0.95
	numRecalls    = 101 // 0:0.01:1
	maxFound      = 100 // detections of a category in an image that count
)

// The ranges of areas; both ends belong to them.
const (
	anyArea = iota
	smallArea
	mediumArea
	largeArea
	numRanges
)

func areaRange(r int) (low, high float64) {
	const small, large, all = 32 * 32, 96 * 96, 1e10
	switch r {
	case smallArea:
		return 0, small
	case mediumArea:
		return small, large
	case largeArea:
		return large, all
	}
	return 0, all
}

func outside(area float64, r int) bool {
	low, high := areaRange(r)
	return area < low || area > high
}

// threshold and recall are the values of numpy's linspace, whose steps COCO's
// evaluation takes: 0.35 isn't 35·0.01 in float64, and whether a recall of 7/20
// reaches it depends on which of them it is.
func threshold(i int) float64 {
	if i == numThresholds-1 {
		return 0.95
	}
	from, to := 0.5, 0.95
	step := float64(to-from) / (numThresholds - 1)
	return float64(float64(i)*step) + from
}

func recall(i int) float64 {
	if i == numRecalls-1 {
		return 1
	}
	return float64(i) * (1.0 / (numRecalls - 1))
}

// match is what became of a detection, one bit a threshold.
type match struct {
	score   float64
	taken   uint16 // it took an object
	ignored uint16 // it is neither right nor wrong
}

// match matches all groups, on all cores; each group's result is its own.
func (e *evaluation) match(ctx context.Context) error {
	return parallel(ctx, len(e.groups), func(i int) error {
		e.matchGroup(&e.groups[i])
		return nil
	})
}

func (e *evaluation) matchGroup(g *group) {
	found := g.found[:min(len(g.found), maxFound)]
	ious := make([]float64, len(found)*len(g.truth))
	for i, d := range found {
		for j, t := range g.truth {
			ious[i*len(g.truth)+j] = e.iou(d, t)
		}
	}
	for r := range numRanges {
		ignored := make([]bool, len(g.truth))
		for j, t := range g.truth {
			ignored[j] = e.truth[t].Crowd || outside(e.truth[t].Area, r)
			if !ignored[j] {
				g.wanted[r]++
			}
		}
		matches := make([]match, len(found))
		for i, d := range found {
			matches[i].score = e.found[d].Score
		}
		for th := range numThresholds {
			taken := make([]bool, len(g.truth))
			for i, d := range found {
				j := e.best(g, ious[i*len(g.truth):], taken, ignored, threshold(th))
				if j >= 0 {
					taken[j] = true
					matches[i].taken |= 1 << th
				}
				if j >= 0 && ignored[j] || j < 0 && outside(e.area(d), r) {
					matches[i].ignored |= 1 << th
				}
			}
		}
		g.matched[r] = matches
	}
}

// best is the object that a detection takes, −1 for none: what counts goes before
// what is ignored, then the highest IoU, then the last.
func (e *evaluation) best(g *group, ious []float64, taken, ignored []bool, threshold float64) int {
	for _, ignorable := range []bool{false, true} {
		best, most := -1, min(threshold, 1-1e-10) // COCO's own allowance
		for j, t := range g.truth {
			if ignored[j] == ignorable && (!taken[j] || e.truth[t].Crowd) && ious[j] >= most {
				best, most = j, ious[j]
			}
		}
		if best >= 0 {
			return best
		}
	}
	return -1
}

// scores gathers what matchGroup found.
func (e *evaluation) scores() *DetectionScores {
	var all [numRanges][]curve // by category
	for c := range e.categories {
		groups := e.groups[c*len(e.images) : (c+1)*len(e.images)]
		for r := range numRanges {
			all[r] = append(all[r], newCurve(groups, r, maxFound))
		}
	}
	few := func(n int) []curve {
		var list []curve
		for c := range e.categories {
			list = append(list, newCurve(e.groups[c*len(e.images):(c+1)*len(e.images)], anyArea, n))
		}
		return list
	}
	s := &DetectionScores{
		Kind:    e.opt.Kind,
		AP:      meanPrecision(all[anyArea], 0, numThresholds),
		AP50:    meanPrecision(all[anyArea], 0, 1),
		AP75:    meanPrecision(all[anyArea], 5, 6),
		APSmall: meanPrecision(all[smallArea], 0, numThresholds), ARSmall: meanRecall(all[smallArea]),
		APMedium: meanPrecision(all[mediumArea], 0, numThresholds), ARMedium: meanRecall(all[mediumArea]),
		APLarge: meanPrecision(all[largeArea], 0, numThresholds), ARLarge: meanRecall(all[largeArea]),
		AR1: meanRecall(few(1)), AR10: meanRecall(few(10)), AR100: meanRecall(all[anyArea]),
		Images: len(e.images),
	}
	for _, t := range e.truth {
		if t.Crowd {
			s.Crowds++
		} else {
			s.Truths++
		}
	}
	for _, g := range e.groups {
		s.Detections += len(g.found)
	}
	if e.opt.ByCategory {
		for c, id := range e.categories {
			one := all[anyArea][c : c+1]
			s.Categories = append(s.Categories, CategoryScores{
				ID: id, AP: meanPrecision(one, 0, numThresholds), AP50: meanPrecision(one, 0, 1), AP75: meanPrecision(one, 5, 6), AR100: meanRecall(one),
			})
		}
	}
	return s
}

// parallel calls f for 0 to n−1 on all cores, until one fails or ctx ends. It
// returns the error of the lowest index that fails: whatever stands below it was
// begun before, and is finished.
func parallel(ctx context.Context, n int, f func(i int) error) error {
	var next atomic.Int64
	var stop atomic.Bool
	var mu sync.Mutex
	var firstErr error
	first := math.MaxInt
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for !stop.Load() && ctx.Err() == nil {
				i := int(next.Add(1) - 1)
				if i >= n {
					return
				}
				if err := f(i); err != nil {
					stop.Store(true)
					mu.Lock()
					if i < first {
						first, firstErr = i, err
					}
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if firstErr == nil && ctx.Err() != nil {
		firstErr = context.Cause(ctx)
	}
	return firstErr
}
