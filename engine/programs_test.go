package engine

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// TestProgramsAreKept: image sizes in turn are compiled once each, as long as they
// are not too many; and while one is compiled others run.
func TestProgramsAreKept(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	var compiled atomic.Int32
	count := WithEvents(func(e Event) {
		if e.Kind == Compiled && e.Err == nil {
			compiled.Add(1)
		}
	})
	sizes := func(t *testing.T, m *Model) int {
		compiled.Store(0)
		for range 3 {
			for k := range 8 {
				if _, err := Classify(ClassifyOptions{Top: 1, InputOptions: InputOptions{Size: Size{Width: 8 + 8*k, Height: 32}}}).One(t.Context(), m, testPicture(0, 40, 40)); err != nil {
					t.Fatal(err)
				}
			}
		}
		return int(compiled.Load())
	}
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		if n := sizes(t, load(t, onDevice(t, info, count), src)); n != 8 {
			t.Errorf("eight sizes in turn are compiled %d times", n)
		}
		if n := sizes(t, load(t, onDevice(t, info, count, WithPrograms(3)), src)); n != 24 {
			t.Errorf("with room for three they are compiled %d times", n)
		}
	})
	e := onReference(t)
	defer e.Close()
	enter, leave := make(chan struct{}), make(chan struct{})
	var slow atomic.Bool
	held := NewModelSource("held", src.Config, "", nil)
	held.params = func(name string) ([]float64, error) {
		if slow.CompareAndSwap(true, false) {
			close(enter)
			<-leave
		}
		return src.params(name)
	}
	m := load(t, e, held)
	if _, err := m.Segment(t.Context(), testPicture(0, 32, 32)); err != nil {
		t.Fatal(err)
	}
	slow.Store(true)
	other := make(chan error)
	go func() {
		_, err := m.Features(context.Background(), testPicture(0, 32, 32))
		other <- err
	}()
	<-enter
	if _, err := m.Segment(t.Context(), testPicture(0, 32, 32)); err != nil { // hangs where compiling locks the model
		t.Error(err)
	}
	close(leave)
	if err := <-other; err != nil {
		t.Error(err)
	}
}

// TestOneBudget: the memory limit is that of all models together. Programs that
// nobody uses make room for others.
func TestOneBudget(t *testing.T) {
	src := oddModel(t, 96, 96, 3, 2, 8, [2]int{64, 64})
	one := InputOptions{Batch: 1}
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		taken := func(e *Engine) int64 { return e.device.Limits.Memory - e.device.VK.MemoryLeft() }
		free := onDevice(t, info, WithMemory(1<<30))
		m := load(t, free, src)
		if _, err := Classify(ClassifyOptions{Top: 1, InputOptions: one}).One(t.Context(), m, testPicture(0, 64, 64)); err != nil {
			t.Fatal(err)
		}
		whole := taken(free)
		weights := whole
		free.programs.forget(nil)
		weights = taken(free)
		if weights <= 0 || weights >= whole {
			t.Fatalf("%d bytes, of which %d are weights", whole, weights)
		}
		// Two models' weights and one program have room, two programs have not.
		limit := whole + weights + (whole-weights)/2
		e := onDevice(t, info, WithMemory(limit))
		a, b := load(t, e, src), load(t, e, src)
		for k := range 6 {
			m := []*Model{a, b}[k%2]
			if _, err := Classify(ClassifyOptions{Top: 1, InputOptions: one}).One(t.Context(), m, testPicture(k, 64, 64)); err != nil {
				t.Errorf("run %d: %v", k, err)
			}
			if n := taken(e); n > limit {
				t.Errorf("%d bytes of %d are taken", n, limit)
			}
		}
		e = onDevice(t, info, WithMemory(whole+weights/2))
		a, b = load(t, e, src), load(t, e, src)
		if _, err := Classify(ClassifyOptions{Top: 1, InputOptions: one}).One(t.Context(), a, testPicture(0, 64, 64)); err != nil {
			t.Fatal(err)
		}
		if _, err := Classify(ClassifyOptions{Top: 1, InputOptions: one}).One(t.Context(), b, testPicture(0, 64, 64)); !errors.Is(err, ErrOutOfMemory) {
			t.Errorf("a second model that does not fit gives %v", err)
		}
		a.Close()
		if _, err := Classify(ClassifyOptions{Top: 1, InputOptions: one}).One(t.Context(), b, testPicture(0, 64, 64)); err != nil {
			t.Errorf("when the first one is closed: %v", err)
		}
		b.Close()
		if n := taken(e); n != 0 {
			t.Errorf("%d bytes are taken by no model", n)
		}
	})
}
