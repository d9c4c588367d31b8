package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/expert"
)

// describe names the flags on which outputs depend, for a run's header.
func (f *inputFlags) describe() string {
	size := f.size
	if size == "" {
		size = "model"
	}
	s := fmt.Sprintf("size=%s filter=%s positions=%s", size, cmp.Or(f.filter, "model"), f.positions)
	if f.stored {
		s += " ignore-orientation"
	}
	return s
}

func (f *deviceFlags) describe() string {
	s := "precision=" + f.precision
	if f.kernels != "" {
		s += " kernels=" + f.kernels
	}
	if len(f.without) > 0 {
		s += fmt.Sprint(" without=", f.without)
	}
	if f.bits != 0 {
		s += fmt.Sprint(" vector-bits=", f.bits)
	}
	return s
}

// configFlags are the values that decide what a file computes, wherever they
// came from.
func configFlags(src *engine.ModelSource) string {
	c := &src.Config
	flags := fmt.Sprintf(" heads=%d eta=%g lambda=%g ln-eps=%g block=%s pool=%s residual-ff=%t image-size=%dx%d mean=%v std=%v",
		c.Heads, c.Eta, c.Lambda, c.LNEps, c.Block, c.Pool, c.ResidualFF, c.ImageSize[0], c.ImageSize[1], c.Mean, c.Std)
	if c.Interpolation != "" {
		flags += " interpolation=" + c.Interpolation
	}
	if src.Branch != "" {
		flags += " branch=" + string(src.Branch)
	}
	return flags
}

// checkFirst compares a run of the first image with the reference.
func checkFirst[T any](ctx context.Context, s *session, r engine.Readout[T], tasks []task, f *inputFlags) error {
	if len(tasks) == 0 {
		return usage(fmt.Errorf("--check needs images that are known beforehand"))
	}
	img, _, err := tasks[0].load(ctx, f.decode())
	if err != nil {
		return fmt.Errorf("--check: the first image: %w", err)
	}
	n, err := expert.CheckImage(ctx, r, s.m, img)
	if err != nil {
		return fmt.Errorf("--check on %s: %w", tasks[0].label(), err)
	}
	s.log.Info(fmt.Sprintf("--check: %d dispatches agree with the reference on %s", n, tasks[0].label()))
	return nil
}
