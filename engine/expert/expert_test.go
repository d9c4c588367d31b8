package expert_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/expert"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/loader/picture"
)

func open(t *testing.T, info vk.Info) (*engine.Engine, *engine.Model) {
	t.Helper()
	e, err := engine.Open(t.Context(), engine.WithDevice("uuid:"+info.UUID), expert.WithoutSelfTest())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	c := devicetest.OddConfig(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	m, err := e.Load(t.Context(), engine.NewModelSource("odd", c, "none", c.RandomParams(5)))
	if err != nil {
		t.Fatal(err)
	}
	return e, m
}

// TestClosed: comparisons of a closed engine or model say so, once, and a loop over
// Verify may close them.
func TestClosed(t *testing.T) {
	r := engine.Request{Outputs: []string{"logits"}, Height: 32, Width: 32, Batch: 1}
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		for what, want := range map[string]error{"engine": engine.ErrClosed, "model": engine.ErrModelClosed} {
			e, m := open(t, info)
			closing := m.Close
			if what == "engine" {
				closing = e.Close
			}
			rows, last := 0, error(nil)
			for _, err := range expert.Verify(t.Context(), m, expert.VerifyOptions{}) {
				if rows, last = rows+1, err; rows == 1 {
					if err := closing(); err != nil {
						t.Fatal(err)
					}
				}
			}
			if !errors.Is(last, want) || rows > 5 {
				t.Errorf("%s closed at the first of %d rows: %v", what, rows, last)
			}
			if _, err := expert.Check(t.Context(), m, r, devicetest.Pixels(32, 32, 1)); !errors.Is(err, want) {
				t.Errorf("closed %s: Check gives %v", what, err)
			}
			rows = 0
			for _, err := range expert.Verify(t.Context(), m, expert.VerifyOptions{}) {
				if rows++; !errors.Is(err, want) || rows > 1 {
					t.Errorf("closed %s: row %d of Verify gives %v", what, rows, err)
				}
			}
			if name := expert.Tuning(e); what == "engine" && name != "none" || what == "model" && name != "static" {
				t.Errorf("closed %s: the tuning is %s", what, name)
			}
		}
	})
}

// TestVerifyIsLeft: a loop over Verify that is left lets go of the device.
func TestVerifyIsLeft(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		e, m := open(t, info)
		for row, err := range expert.Verify(t.Context(), m, expert.VerifyOptions{}) {
			if err != nil || row.Err != nil {
				t.Error(err, row.Err)
			}
			break
		}
		if err := e.Close(); err != nil { // hangs where it is still held
			t.Error(err)
		}
	})
}

func TestCheck(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		_, m := open(t, info)
		img := picture.NewRGB(40, 40)
		for i := range img.Pix {
			img.Pix[i] = byte(i * i / 7)
		}
		if n, err := expert.CheckImage(t.Context(), engine.Classify(engine.ClassifyOptions{}), m, img); err != nil || n == 0 {
			t.Errorf("%d dispatches agree, %v", n, err)
		}
		if _, err := expert.Check(t.Context(), m, engine.Request{Outputs: []string{"logits"}, Height: 32, Width: 32, Batch: 1}, make([]byte, 5)); err == nil {
			t.Error("five bytes are an image")
		}
	})
}

// TestNoDevice: nothing is compared where there is no device.
func TestNoDevice(t *testing.T) {
	c := devicetest.OddConfig(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	for _, o := range []engine.Option{engine.WithDevice(engine.Interpreter), expert.WithSimulatedDevice(1)} {
		e, err := engine.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		m, err := e.Load(t.Context(), engine.NewModelSource("odd", c, "none", c.RandomParams(5)))
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range expert.Verify(t.Context(), m, expert.VerifyOptions{}) {
			if err == nil || !strings.Contains(err.Error(), "no device") {
				t.Errorf("%s: %v", e.Device(), err)
			}
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestNamedRequest: each read-out is known by name, and single outputs are.
func TestNamedRequest(t *testing.T) {
	c, err := crate.Preset("crate-t16")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(expert.ReadoutNames(), "logits", "attention@3") {
		if name == "reconstruction" { // of other models
			continue
		}
		if q, err := expert.NamedRequest(&c, name, 2, 224, 224); err != nil || len(q.Outputs) == 0 {
			t.Errorf("%s: outputs %v, %v", name, q.Outputs, err)
		}
	}
	if _, err := expert.NamedRequest(&c, "nothing", 1, 224, 224); err == nil || !strings.Contains(err.Error(), "maskcut") {
		t.Errorf("an unknown name gives %v", err)
	}
}
