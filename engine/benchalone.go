package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/crate-vk/crate-vk/engine/vk"
)

// AloneRound is one round of BenchAlone.
type AloneRound struct {
	Whole time.Duration // the whole plan, from submission to its end
	Alone time.Duration // the sum over its products, each submitted by itself
}

// BenchAlone times a request's whole plan and, in the same round, each of its
// products (the dispatches of matrix products and attention) by itself: what
// the plan takes beyond their sum is spent between them. Dispatches of one
// kernel with one set of constants and one shape are timed once and counted as
// often as they occur.
func (m *Model) BenchAlone(ctx context.Context, r Request, rounds int) ([]AloneRound, error) {
	e := m.eng
	e.use.RLock()
	defer e.use.RUnlock()
	if e.gpu == nil {
		return nil, errors.New("engine: the interpreter has no dispatches")
	}
	pr, err := m.benchProgram(ctx, r, benchPixels(r), false)
	if err != nil {
		return nil, err
	}
	defer pr.close()
	var kinds []aloneKind
	at := map[string]int{}
	defer func() {
		for _, k := range kinds {
			k.cmds.Destroy()
		}
	}()
	for i := range pr.plan.Dispatches {
		d := &pr.plan.Dispatches[i]
		if d.FLOPs == 0 {
			continue
		}
		key := fmt.Sprint(opName(pr.plan, d), d.Spec, d.Grid)
		if k, ok := at[key]; ok {
			kinds[k].count++
			continue
		}
		cmds, err := pr.dev.Record(vk.Recording{Dispatches: pr.dispatches[i : i+1], First: i, Sets: pr.sets})
		if err != nil {
			return nil, err
		}
		at[key] = len(kinds)
		kinds = append(kinds, aloneKind{cmds, 1})
	}
	var list []AloneRound
	for n := range rounds + 1 { // the first one warms up
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		round, err := pr.aloneRound(kinds)
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
	cmds  *vk.Commands
	count int
}

// aloneRound runs the plan, then each kind.
func (pr *program) aloneRound(kinds []aloneKind) (AloneRound, error) {
	s := <-pr.free
	defer pr.release(s)
	start := time.Now()
	err := pr.submit(s)
	if err == nil {
		err = pr.wait(s)
	}
	round := AloneRound{Whole: time.Since(start)}
	for _, k := range kinds {
		if err != nil {
			break
		}
		start := time.Now()
		if err = pr.dev.Submit([]*vk.Commands{k.cmds}, s.fence); err == nil {
			err = pr.wait(s)
		}
		round.Alone += time.Duration(k.count) * time.Since(start)
	}
	return round, err
}
