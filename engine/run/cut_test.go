package run

import (
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// TestPartsInSubmissions: a model whose hidden layer is too large to be bound at once gives
// the logits of one where it is not, in any number of submissions. What is not written
// yet, and is no number here, doesn't count as a result.
func TestPartsInSubmissions(t *testing.T) {
	c, err := crate.Preset("alpha-b16")
	if err != nil {
		t.Fatal(err)
	}
	c.Dim, c.Inner, c.Hidden, c.Heads, c.Depth, c.Patch, c.ImageSize, c.Classes = 36, 36, 144, 3, 2, 4, [2]int{64, 64}, 7
	g, err := readout.Graph(&c, readout.Request{Outputs: []string{"logits"}, Height: 64, Width: 64, Batch: 1}, pass.Options{})
	if err != nil {
		t.Fatal(err)
	}
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		d := openFor(t, inst, info, "")
		store := NewWeightStore(d, c.RandomParams(5))
		t.Cleanup(store.Close)
		var want []float32
		for _, most := range []int64{1 << 27, 80000} { // of 148,032 bytes of a hidden layer, and 37,008 of tokens
			lim := d.Limits
			lim.MaxStorageRange = most
			p, err := plan.New(g, lim, plan.Options{})
			if err != nil {
				t.Fatal(err)
			}
			withoutReuse(p)
			for _, segments := range []int{1, 1000} {
				got, submissions := runOverRubbish(t, d, store, p, segments)
				if want == nil {
					want = got
				}
				if !slices.Equal(got, want) {
					t.Errorf("%d dispatches in %d submissions give other bits", len(p.Dispatches), submissions)
				}
			}
		}
	})
}

// withoutReuse gives each tensor memory that no other has had.
func withoutReuse(p *plan.Plan) {
	at := int64(0)
	for i := range p.Buffers {
		if b := &p.Buffers[i]; b.Role != plan.Weight {
			b.Space, b.Offset = 0, at
			at += roundUp(b.Layout.Bytes())
		}
	}
	p.Spaces = []int64{at}
	p.Barriers()
}

// runOverRubbish runs a plan in so many submissions, in memory that holds no numbers.
func runOverRubbish(t *testing.T, d *Device, store *WeightStore, p *plan.Plan, segments int) (logits []float32, submissions int) {
	t.Helper()
	pr, err := NewProgram(t.Context(), d, store, p, ProgramOptions{Slots: 1, Segments: segments})
	if err != nil {
		t.Fatal(err)
	}
	defer pr.Close()
	for i := range p.Spaces {
		for k := range pr.Memory(i) {
			pr.Memory(i)[k] = 0xff
		}
	}
	s := pr.slots[0]
	in, _, err := pr.Input(s, crate.InputName)
	if err != nil {
		t.Fatal(err)
	}
	copy(in, devicetest.Pixels(64, 64, 1))
	if err := pr.execute(t.Context(), s, pr.queue.enter()); err != nil {
		t.Fatal(err)
	}
	out, fact, err := pr.take(s)
	if err != nil || fact != "" {
		t.Fatalf("%d submissions: %s, %v", len(s.main), fact, err)
	}
	return out["logits"].Data, len(s.main)
}
