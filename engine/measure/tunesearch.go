package measure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// What the search keeps to.
const (
	tuneRounds = 25
	// A shape other than the static one is chosen when it is faster by this
	// share in the median of the rounds, and faster in three of four.
	tuneGain = 1.02
	// A shape that was so much slower than the fastest one in another kind of work
	// of the same kernel is not tried.
	tuneHopeless = 1.3
	// The static shape and the one after it are compiled however long it takes.
	tuneAlways = 2
)

// tuneCuts are how much slower than the best so far a shape may be to stay for further
// rounds, each by its fastest run, which other work on the machine disturbs least. What
// few rounds tell is uncertain, so the first cuts are generous.
var tuneCuts = []struct {
	rounds int
	slower float64
}{{3, 1.3}, {6, 1.15}, {12, 1.08}}

// ErrNoTime is the error of a shape that was not measured because the time was up.
var ErrNoTime = errors.New("not measured: no time left")

// search measures the shapes of one kind of work: it makes them ready, several at once,
// and only then times them, one at a time, round after round, so that nothing else
// of the process takes CPU time meanwhile.
type search struct {
	workers int // that make shapes ready
	prepare func(ctx context.Context, worker int, shape string) (timer, error)
	fatal   func(error) bool // ends the search, where another error ends a shape
	now     func() time.Time
}

// timer is a shape that is ready to run.
type timer interface {
	Time() (time.Duration, error)
	Close()
}

// run fills in a row whose shapes have names, within a budget of time: what is
// measured in the first seven eighths is confirmed in the last.
func (s *search) run(ctx context.Context, row *TuneRow, budget time.Duration) error {
	begin := s.now()
	defer func() { row.Took = s.now().Sub(begin) }()
	if err := s.compare(ctx, row, budget*7/8); err != nil {
		return err
	}
	return s.confirm(ctx, row, budget-s.now().Sub(begin))
}

// compare makes a row's shapes ready, times them and chooses, within a budget of
// time of which making ready has three quarters.
func (s *search) compare(ctx context.Context, row *TuneRow, budget time.Duration) error {
	begin := s.now()
	defer func() {
		for i := range row.Shapes {
			row.Shapes[i].drop()
		}
	}()
	if err := s.ready(ctx, row, begin.Add(budget*3/4)); err != nil {
		return err
	}
	if err := s.measure(ctx, row, begin.Add(budget)); err != nil {
		return err
	}
	row.choose()
	return nil
}

// confirm compares the chosen shape with the static one again, both made ready anew.
// The fastest of many shapes is also one that had luck, and where its tensors
// happened to lie in memory may have been part of it.
func (s *search) confirm(ctx context.Context, row *TuneRow, budget time.Duration) error {
	at := slices.IndexFunc(row.Shapes, func(s TuneShape) bool { return s.Name == row.Chosen })
	if at <= 0 {
		return nil
	}
	again := TuneRow{Kind: row.Kind, Shapes: []TuneShape{{Name: row.Shapes[0].Name}, {Name: row.Chosen}}}
	if err := s.compare(ctx, &again, budget); err != nil {
		return err
	}
	if again.Chosen == row.Chosen {
		row.Gain = again.Gain
		return nil
	}
	row.Shapes[at].Err = fmt.Errorf("not confirmed: %.2f times as fast, and not when it was measured again", row.Gain)
	row.Chosen, row.Gain = row.Shapes[0].Name, 1
	return nil
}

// ready compiles and tests the shapes, the first ones first, until a time.
func (s *search) ready(ctx context.Context, row *TuneRow, until time.Time) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan int)
	var wg sync.WaitGroup
	for worker := range s.workers {
		wg.Go(func() {
			for i := range work {
				shape := &row.Shapes[i]
				if i >= tuneAlways && s.now().After(until) {
					shape.Err = ErrNoTime
					continue
				}
				shape.timer, shape.Err = s.prepare(ctx, worker, shape.Name)
				if shape.Err != nil && s.fatal(shape.Err) {
					cancel(shape.Err)
				}
			}
		})
	}
	for i := range row.Shapes {
		if row.Shapes[i].Err != nil {
			continue // it is known to be slow
		}
		select {
		case work <- i:
		case <-ctx.Done():
		}
	}
	close(work)
	wg.Wait()
	return context.Cause(ctx)
}

// measure times the shapes in turn, round after round, and drops the slow ones.
func (s *search) measure(ctx context.Context, row *TuneRow, until time.Time) error {
	for n := 0; n < tuneRounds && (n < tuneCuts[0].rounds || s.now().Before(until)); n++ {
		for i := range row.Shapes {
			shape := &row.Shapes[(i+n)%len(row.Shapes)] // another order each round
			if shape.timer == nil {
				continue
			}
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			took, err := shape.timer.Time()
			if err != nil {
				return err
			}
			shape.samples = append(shape.samples, took)
		}
		if row.cut(n+1) == 1 {
			return nil // there is nothing to compare it with
		}
	}
	return nil
}

// cut drops the shapes that are too slow after so many rounds, and returns how many
// are left. The static one stays: all are held against it.
func (row *TuneRow) cut(rounds int) (left int) {
	slower := 0.0
	for _, c := range tuneCuts {
		if rounds >= c.rounds {
			slower = c.slower
		}
	}
	best := time.Duration(0)
	for i := range row.Shapes {
		if s := &row.Shapes[i]; s.timer != nil {
			left++
			if t := slices.Min(s.samples); best == 0 || t < best {
				best = t
			}
		}
	}
	for i := range row.Shapes[1:] {
		if s := &row.Shapes[1+i]; slower > 0 && s.timer != nil && float64(slices.Min(s.samples)) > slower*float64(best) {
			s.drop()
			left--
		}
	}
	return left
}

func (s *TuneShape) drop() {
	if s.timer != nil {
		s.timer.Close()
		s.timer = nil
	}
}

// choose takes the shape with the largest gain over the static one, if that is
// beyond doubt.
func (row *TuneRow) choose() {
	for i := range row.Shapes {
		s := &row.Shapes[i]
		s.Runs = len(s.samples)
		if s.Runs > 0 {
			s.Time = spread(slices.Clone(s.samples))
		}
	}
	static := &row.Shapes[0]
	if static.Err != nil {
		row.Err = static.Err
		return
	}
	row.Chosen, row.Gain = static.Name, 1
	for i := range row.Shapes[1:] {
		s := &row.Shapes[1+i]
		if s.Runs < tuneCuts[0].rounds || s.Err != nil {
			continue
		}
		var gains []float64
		for r, t := range s.samples {
			gains = append(gains, float64(static.samples[r])/float64(t))
		}
		slices.Sort(gains)
		median, quarter := gains[len(gains)/2], gains[len(gains)/4]
		if median > max(tuneGain, row.Gain) && quarter > 1 {
			row.Chosen, row.Gain = s.Name, median
		}
	}
}

// experience is how slow shapes were in the kinds of work that one kernel has done
// so far, as shares of the fastest one's time, each by its fastest runs.
type experience map[string]pace

type pace struct {
	slower float64
	kind   string // of work
}

// unknown is what is expected of a shape that was not measured yet: it comes after
// those that were nearly as fast as the fastest.
const unknown = 1.1

// arrange puts the shapes that did well before the others, and marks those that
// are not worth compiling. The static one stays the first.
func (e experience) arrange(row *TuneRow) {
	slower := func(s TuneShape) float64 { return cmp.Or(e[s.Name].slower, unknown) }
	others := row.Shapes[1:]
	slices.SortStableFunc(others, func(a, b TuneShape) int { return cmp.Compare(slower(a), slower(b)) })
	for i := range others {
		if p := e[others[i].Name]; p.slower > tuneHopeless {
			others[i].Err = fmt.Errorf("not tried: %.1f times as slow as the fastest shape of %s", p.slower, p.kind)
		}
	}
}

// learn adds what a kind of work has shown.
func (e experience) learn(row *TuneRow) {
	best := time.Duration(0)
	for _, s := range row.Shapes {
		if s.Runs > 0 && (best == 0 || s.Time.P5 < best) {
			best = s.Time.P5
		}
	}
	for _, s := range row.Shapes {
		if s.Runs > 0 && best > 0 {
			e[s.Name] = pace{float64(s.Time.P5) / float64(best), row.Kind}
		}
	}
}

// part is what the first of the kinds that are still to come gets of the time left,
// by weight: what one leaves over goes to those after it.
func part(weights []float64, left time.Duration) time.Duration {
	total := 0.0
	for _, w := range weights {
		total += w
	}
	if total == 0 {
		return 0
	}
	return time.Duration(float64(left) * weights[0] / total)
}
