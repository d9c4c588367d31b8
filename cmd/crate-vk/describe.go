package main

import (
	"context"
	"fmt"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/expert"
)

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
func checkFirst[T any](ctx context.Context, s *session, r engine.Readout[T], tasks []task, f *cli.InputFlags) error {
	if len(tasks) == 0 {
		return cli.Usage(fmt.Errorf("--check needs images that are known beforehand"))
	}
	img, _, err := tasks[0].load(ctx, f.Decode())
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
