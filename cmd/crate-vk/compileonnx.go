package main

import (
	"context"
	"fmt"
	"io"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/cmd/internal/onnx"
	"github.com/crate-vk/crate-vk/graph"
)

// writeONNX writes the graph with the model's weights. A graph from a dump gets
// the weights of --model too.
func (c *compilation) writeONNX(ctx context.Context, g *graph.Graph) error {
	if err := cli.NotOver(c.f.onnx, append(c.f.model.Files(), c.f.from)...); err != nil {
		return err
	}
	src, err := c.f.model.Open(c.log)
	if err != nil {
		return err
	}
	defer src.Close()
	opt := onnx.Options{Version: cli.Version(), Doc: fmt.Sprintf("%s, %s", src.Name, &src.Config)}
	err = writeFile(c.f.onnx, func(w io.Writer) error { return onnx.Write(ctx, w, g, src.Params(), opt) })
	if err != nil {
		return cli.Coded(cli.ExitFailed, err)
	}
	c.log.Info(fmt.Sprintf("wrote %s: %.2f GFLOP a run", c.f.onnx, float64(g.FLOPs())/1e9))
	return nil
}
