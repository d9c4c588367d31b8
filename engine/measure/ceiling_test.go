package measure_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/measure"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// TestCeilings: each ceiling that the device has is measured, and computes what it must.
func TestCeilings(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		e, err := engine.Open(context.Background(), engine.WithDevice("uuid:"+info.UUID))
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		c, err := measure.DeviceCeilings(context.Background(), e)
		if err != nil {
			t.Fatal(err)
		}
		if c.GBs <= 0 || c.Peaks[0].Factors != "fp32" || info.Float16 != (len(c.Peaks) > 1 && c.Peaks[1].Factors == "fp16") {
			t.Errorf("%.1f GB/s, %v", c.GBs, c.Peaks)
		}
		for _, p := range c.Peaks {
			if p.Err != nil || p.GFLOPS <= 0 {
				t.Errorf("%v: %.1f GF/s, %v", p, p.GFLOPS, p.Err)
			}
		}
		if len(c.Peaks) < 3 && len(c.Lacks) == 0 {
			t.Error("no cooperative matrices, and no word of them")
		}
	})
}

// TestProduct: a product that no tile divides is timed, and all of one whose result is
// more than the device binds at once.
func TestProduct(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		e, m := openEngine(t, info, 1)
		defer m.Close()
		sizes := []measure.ProductSize{{Batch: 2, Tokens: 37, Inner: 44, Columns: 20}}
		if most := int(info.MaxStorageRange); most <= 1<<27 {
			sizes = append(sizes, measure.ProductSize{Batch: 1, Tokens: most/1024 + 1, Inner: 4, Columns: 256})
		}
		for _, s := range sizes {
			p, err := measure.Product(context.Background(), e, s, time.Microsecond)
			if err != nil {
				t.Fatal(err)
			}
			if want := int64(2 * s.Batch * s.Tokens * s.Inner * s.Columns); p.FLOPs != want || len(p.Each) < 5 || p.Each[0] <= 0 || p.Times < 1 {
				t.Errorf("%+v, want %d operations", p, want)
			}
		}
		huge := measure.ProductSize{Batch: 4096, Tokens: 1 << 20, Inner: 65536, Columns: 65536}
		if _, err := measure.Product(context.Background(), e, huge, time.Microsecond); !errors.Is(err, engine.ErrOutOfMemory) {
			t.Errorf("a product of a million gigabytes gives %v", err)
		}
	})
}
