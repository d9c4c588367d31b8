package measure

import (
	"context"
	"fmt"
	"time"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/run"
)

// AloneRound is one round of Alone.
type AloneRound struct {
	Whole time.Duration // the whole plan, from submission to its end
	Alone time.Duration // the sum over its products, each submitted by itself
}

// Alone times a request's whole plan and, in the same round, each of its
// products (the dispatches of matrix products and attention) by itself: what
// the plan takes beyond their sum is spent between them. Dispatches of one
// kernel with one set of constants and one shape are timed once and counted as
// often as they occur.
func Alone(ctx context.Context, on inside.ModelOpener, r readout.Request, rounds int) ([]AloneRound, error) {
	m, release, err := on.Inside(inside.Key{})
	if err != nil {
		return nil, err
	}
	defer release()
	if err := m.Lacks("has no dispatches"); err != nil {
		return nil, err
	}
	list, err := alone(ctx, m, r, rounds)
	return list, m.Blame(err)
}

func alone(ctx context.Context, m inside.Model, r readout.Request, rounds int) ([]AloneRound, error) {
	pr, s, err := load(ctx, m, r, benchPixels(r), false)
	if err != nil {
		return nil, err
	}
	defer pr.Close()
	var kinds []aloneKind
	at := map[string]int{}
	defer func() {
		for _, k := range kinds {
			k.recorded.Close()
		}
	}()
	for i := range pr.Plan.Dispatches {
		d := &pr.Plan.Dispatches[i]
		if d.FLOPs == 0 {
			continue
		}
		key := fmt.Sprint(opName(pr.Plan, d), d.Spec, d.Grid)
		if k, ok := at[key]; ok {
			kinds[k].count++
			continue
		}
		recorded, err := pr.Alone(i)
		if err != nil {
			return nil, err
		}
		at[key] = len(kinds)
		kinds = append(kinds, aloneKind{recorded, 1})
	}
	var list []AloneRound
	for n := range rounds + 1 { // the first one warms up
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		round, err := aloneRound(ctx, pr, s, kinds)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			list = append(list, round)
		}
	}
	return list, nil
}

// aloneKind is a recorded dispatch that stands for count of the plan's.
type aloneKind struct {
	recorded *run.Recorded
	count    int
}

// aloneRound runs the plan, then each kind.
func aloneRound(ctx context.Context, pr *run.Program, s *run.Slot, kinds []aloneKind) (AloneRound, error) {
	start := time.Now()
	err := pr.Execute(ctx, s)
	round := AloneRound{Whole: time.Since(start)}
	for _, k := range kinds {
		if err != nil {
			break
		}
		start := time.Now()
		err = pr.Run(s, k.recorded)
		round.Alone += time.Duration(k.count) * time.Since(start)
	}
	return round, err
}
