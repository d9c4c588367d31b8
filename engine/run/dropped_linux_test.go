package run

import (
	"errors"
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// droppable is a program of three submissions above the layer that drops work.
type droppable struct {
	*Program
	layer *devicetest.Layer
	c     Computer
	want  [2][]float32 // logits of two images
}

func newDroppable(t *testing.T, l *devicetest.Layer, d *Device) *droppable {
	pr := logitsOf(t, d, devicetest.OddConfig(t, 48, 48, 3, 2, 8, [2]int{32, 32}), 1, ProgramOptions{Slots: 1})
	pr.pace.target, pr.pace.segments = 1<<60, 3 // three at most come together again
	x := &droppable{pr, l, OnDevice(pr), [2][]float32{}}
	for i := range x.want {
		out, err := x.run(t, i)
		if err != nil {
			t.Fatal(err)
		}
		x.want[i] = out
	}
	if slices.Equal(x.want[0], x.want[1]) {
		t.Fatal("two images have the same logits")
	}
	return x
}

// run runs image i, recorded anew.
func (x *droppable) run(t *testing.T, i int) ([]float32, error) {
	x.slots[0].segments = 0
	return logits(t, x.c, devicetest.Pixels(32, 32, 2)[i*3*32*32:][:3*32*32])
}

// behind drops something of a run of image 1, behind a run of image 0 whose values
// are still there, and tells whether that was noticed: then the run was repeated.
func (x *droppable) behind(t *testing.T, drop func()) (noticed bool, out []float32, err error) {
	t.Helper()
	x.layer.Seen()
	if out, err := x.run(t, 0); err != nil || !slices.Equal(out, x.want[0]) {
		t.Fatalf("a whole run gives other bits, or %v", err)
	}
	drop()
	out, err = x.run(t, 1)
	submits, _ := x.layer.Seen()
	return submits > len(x.slots[0].main), out, err
}

// ends are where the pieces of a run end among its dispatches, links included.
func (x *droppable) ends() []int {
	list := []int{}
	n := 0
	ends := split(x.parts(x.slots[0].segments), x.slots[0].segments)
	for i, to := range ends {
		n += to + x.slots[0].main[i].links
		if i > 0 {
			n -= ends[i-1]
		}
		list = append(list, n)
	}
	return list
}

// TestDroppedWork drops, at the driver's boundary, each submission, each end of one
// with and without its copies, and each single dispatch. What is noticed is made
// good; what comes twice is ErrLostWork. Single dispatches are noticed where the
// device counts invocations.
func TestDroppedWork(t *testing.T) {
	l := devicetest.UseLayer(t)
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		d := openFor(t, inst, info, "")
		for _, counted := range []bool{true, false} {
			if counted && !info.Invocations {
				t.Log("the device does not count invocations")
				continue
			}
			if _, err := d.markPipeline(); err != nil {
				t.Fatal(err)
			}
			if d.counts = d.counts && counted; d.counts != counted {
				t.Error("invocations are counted, but not as they are")
			}
			x := newDroppable(t, l, d)
			want := func(what string, at int, drop func()) {
				t.Helper()
				if noticed, out, err := x.behind(t, drop); err != nil || !noticed || !slices.Equal(out, x.want[1]) {
					t.Errorf("%s %d was dropped (invocations counted: %v): noticed %v, error %v, right %v", what, at, counted, noticed, err, slices.Equal(out, x.want[1]))
				}
			}
			for i := range 3 {
				want("submission", i, func() { l.DropSubmits(i, i+1) })
			}
			from, ends := 0, x.ends()
			total := ends[len(ends)-1]
			for _, end := range ends {
				for k := from; k < end; k++ {
					want("the end from dispatch", k, func() { l.DropDispatches(k, end, 0, false) })
					want("the end and the copies from dispatch", k, func() { l.DropDispatches(k, end, 0, true) })
				}
				if _, _, err := x.behind(t, func() { l.DropDispatches(from, end, total, false) }); !errors.Is(err, ErrLostWork) {
					t.Errorf("a submission that is dropped each time gives %v", err)
				}
				from = end
			}
			seen, wrong := 0, 0
			for k := range total {
				noticed, out, err := x.behind(t, func() { l.DropDispatches(k, k+1, 0, false) })
				if err != nil {
					t.Error(err)
				}
				if noticed {
					seen++
				} else if !slices.Equal(out, x.want[1]) {
					wrong++
				}
			}
			t.Logf("invocations counted: %v: of %d single dispatches that were dropped %d are noticed, %d give other numbers", counted, total, seen, wrong)
			if counted && seen != total {
				t.Errorf("%d single dispatches were dropped unnoticed", total-seen)
			}
		}
	})
}

// TestDroppedUploads drops what copies weights to the device and a tensor from it:
// once is made good, twice is ErrLostWork.
func TestDroppedUploads(t *testing.T) {
	l := devicetest.UseLayer(t)
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		d := openFor(t, inst, info, "")
		c := devicetest.OddConfig(t, 48, 48, 3, 2, 8, [2]int{32, 32})
		p := logitsPlan(t, d, c, 1)
		for often, want := range []error{nil, nil, ErrLostWork} {
			store := NewWeightStore(d, c.RandomParams(5))
			store.hidden = true
			l.DropSubmits(0, often)
			if _, err := store.Load(t.Context(), p); !errors.Is(err, want) {
				t.Errorf("an upload was dropped %d times: %v", often, err)
			}
			store.Close()
			res, err := wait(t, OnDevice(textProgram(t, d, makes, "doubled")), Inputs{"x": {Floats: numbers(180)}, "z": {Floats: numbers(180)}})
			if err != nil {
				t.Fatal(err)
			}
			h := res.Held["doubled"]
			h.hidden = true
			l.DropSubmits(0, often)
			if x, err := h.Read(); !errors.Is(err, want) || err == nil && x.Data[7] != 2*numbers(180)[7] {
				t.Errorf("a read was dropped %d times: %v", often, err)
			}
			h.Free(errors.New("closed"))
		}
		l.Seen()
	})
}
