package measure_test

import (
	"context"
	"testing"

	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/expert"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// openModel is a small model with random weights on a device.
func openModel(t *testing.T, info vk.Info, depth int, opts ...engine.Option) *engine.Model {
	t.Helper()
	_, m := openEngine(t, info, depth, opts...)
	return m
}

func openEngine(t *testing.T, info vk.Info, depth int, opts ...engine.Option) (*engine.Engine, *engine.Model) {
	t.Helper()
	e, err := engine.Open(context.Background(), append([]engine.Option{engine.WithDevice("uuid:" + info.UUID), expert.WithoutSelfTest()}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	c := devicetest.OddConfig(t, 96, 96, 3, depth, 4, [2]int{32, 32})
	m, err := e.Load(context.Background(), engine.NewModelSource("odd", c, "none", c.RandomParams(5)))
	if err != nil {
		t.Fatal(err)
	}
	return e, m
}
