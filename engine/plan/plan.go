// Package plan turns a graph into what a device executes: buffers with their
// layouts and places, and a list of dispatches with barriers between them. A
// plan is plain data: it is made, checked, printed and parsed without a GPU.
//
// The stages are Lower (kernel choice, layouts), Arena (places, with reuse) and
// Barriers. New runs all three and checks the result; Parse reads a printed plan
// back. All that is known of one kernel stands in its form, kernel_NAME.go, and
// table.go lists the forms of each op.
//
// The promise of compatibility that package engine makes does not cover it.
package plan

import (
	"errors"
	"fmt"
	"iter"

	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/shaders"
)

// Plan is a compiled graph.
type Plan struct {
	Graph      *graph.Graph // after the passes; static values are the weights' expressions
	Family     Family
	Precision  graph.DType // F32, or F16: how token tensors and weights are stored
	Buffers    []Buffer
	Dispatches []Dispatch
	Outputs    []Output
	Spaces     []int64 // bytes of each device buffer of the arena, set by Arena
}

// Role says who fills a buffer.
type Role uint8

// The roles.
const (
	Weight  Role = iota + 1 // evaluated and packed once, at load
	Input                   // written by the caller before each run
	Scratch                 // written by a dispatch, read by later ones
)

var roleNames = [...]string{Weight: "weight", Input: "input", Scratch: "scratch"}

func (r Role) String() string { return roleNames[r] }

// Buffer is a tensor's place on the device.
type Buffer struct {
	Role   Role
	Value  int // number of the graph value it holds
	Layout Layout
	Rows   Range // the rows of the value that it holds: all but for parts of an output
	// Space and Offset are the place in the arena, for inputs and scratch; a
	// weight's place is the engine's business.
	Space  int
	Offset int64
	// First and Last are the dispatches between which the contents matter.
	First, Last int
}

// Range is a half-open interval of rows.
type Range struct{ From, To int }

// Output is a tensor that the caller reads: its buffers hold consecutive rows.
type Output struct {
	Name    string
	Buffers []int
}

// Dispatch is one execution of a kernel.
type Dispatch struct {
	Kernel  *shaders.Variant
	Value   int      // the graph value that it computes, or a part of
	Spec    []uint32 // specialization constants in manifest order, floats as bits
	Push    []uint32 // push constants in manifest order
	Bind    []int    // buffer of each slot, −1 where the kernel does not look
	At      []int64  // byte of the buffer from which on it is bound, by slot; nil: all from 0
	Grid    [3]int   // workgroups
	Barrier bool     // wait for all earlier dispatches, set by Barriers
	FLOPs   int64    // multiply-adds of matrix products, times 2
}

// Bytes is the device memory that a dispatch touches: its bound ranges.
func (p *Plan) Bytes(d *Dispatch) int64 {
	var n int64
	for i, b := range d.Bind {
		if b >= 0 && !contains(d.Bind[:i], b) {
			n += p.Buffers[b].Layout.Bytes() - d.from(i)
		}
	}
	return n
}

// from is the byte from which on the buffer of a slot is bound.
func (d *Dispatch) from(slot int) int64 {
	if d.At == nil {
		return 0
	}
	return d.At[slot]
}

// Bound is what is bound to a slot: bytes of its buffer.
func (p *Plan) Bound(d *Dispatch, slot int) (from, to int64) {
	return d.from(slot), p.Buffers[d.Bind[slot]].Layout.Bytes()
}

// Completes reports that no dispatch right behind dispatch n goes on with what that
// writes.
func (p *Plan) Completes(n int) bool {
	return n+1 == len(p.Dispatches) || p.Dispatches[n+1].Written() != p.Dispatches[n].Written()
}

// LastValue is the first of the dispatches that compute what the last one does: several
// where that lies in several buffers.
func (p *Plan) LastValue() int {
	n := len(p.Dispatches) - 1
	for n > 0 && p.Dispatches[n-1].Value == p.Dispatches[n].Value {
		n--
	}
	return n
}

func contains(list []int, x int) bool {
	for _, y := range list {
		if x == y {
			return true
		}
	}
	return false
}

// FLOPs is the sum over the dispatches.
func (p *Plan) FLOPs() int64 {
	var n int64
	for i := range p.Dispatches {
		n += p.Dispatches[i].FLOPs
	}
	return n
}

// WeightBytes is the device memory of the packed weights.
func (p *Plan) WeightBytes() int64 {
	var n int64
	for _, b := range p.Buffers {
		if b.Role == Weight {
			n += b.Layout.Bytes()
		}
	}
	return n
}

// ArenaBytes is the device memory of inputs and scratch, with reuse.
func (p *Plan) ArenaBytes() int64 {
	var n int64
	for _, s := range p.Spaces {
		n += s
	}
	return n
}

// Constants are the named constants of a dispatch.
func (d *Dispatch) Constants() (shaders.Values, error) {
	if d.Kernel == nil {
		return nil, errors.New("plan: a dispatch has no kernel")
	}
	k := d.Kernel.Kernel
	if len(d.Spec) != len(k.Spec) || len(d.Push) != len(k.Push) || len(d.Bind) != len(k.Bindings) {
		return nil, fmt.Errorf("plan: %s has %d specialization constants, %d push constants and %d bindings, want %d, %d and %d",
			d.Kernel.Name, len(d.Spec), len(d.Push), len(d.Bind), len(k.Spec), len(k.Push), len(k.Bindings))
	}
	return k.Bound(d.Spec, d.Push), nil
}

// Pipeline names what a dispatch executes: the kernel and its specialization
// constants. Dispatches of one name share a pipeline.
func (d *Dispatch) Pipeline() string { return fmt.Sprint(d.Kernel.Name, d.Spec) }

// Pipelines yields the first dispatch of each pipeline of some plans.
func Pipelines(plans []*Plan) iter.Seq2[*Plan, *Dispatch] {
	return func(yield func(*Plan, *Dispatch) bool) {
		seen := map[string]bool{}
		for _, p := range plans {
			for i := range p.Dispatches {
				d := &p.Dispatches[i]
				if name := d.Pipeline(); !seen[name] {
					seen[name] = true
					if !yield(p, d) {
						return
					}
				}
			}
		}
	}
}

// Written is a buffer that the dispatch writes, −1 if there is none.
func (d *Dispatch) Written() int {
	for i, b := range d.Bind {
		if b >= 0 && d.Kernel.Kernel.Bindings[i].Access == shaders.Write {
			return b
		}
	}
	return -1
}

// Value is the graph value with that number.
func (p *Plan) Value(id int) *graph.Value {
	if id >= 0 && id < len(p.Graph.Values) && p.Graph.Values[id].ID == id {
		return p.Graph.Values[id]
	}
	for _, v := range p.Graph.Values {
		if v.ID == id {
			return v
		}
	}
	return nil
}

// Options of New.
type Options struct {
	Family    Family      // "" chooses by device type
	Precision graph.DType // F32 or F16; the zero value is F32
	Choices   Choices     // kernel shapes; the zero value takes the static choice
	// Disabled kernels, by full name, are not used where another can take their
	// place.
	Disabled map[string]bool

	// Self-tests have the one variant that they are for where an op has several,
	// and pad and store channels as the dispatch that they stand for does.
	only    *shaders.Variant
	groups  map[*graph.Value]int
	wide    map[*graph.Value]bool
	centred map[*graph.Value]bool // inputs whose rows add up to zero
}

// New lowers a graph for a device, places its buffers, derives barriers and
// checks the result.
func New(g *graph.Graph, lim Limits, opt Options) (*Plan, error) {
	p, err := Lower(g, lim, opt)
	if err != nil {
		return nil, err
	}
	return p, p.Finish(lim)
}

// Finish runs the stages after Lower, as far as they have not run, and checks
// the plan against the device.
func (p *Plan) Finish(lim Limits) error {
	if p.Spaces == nil {
		if err := p.Arena(lim); err != nil {
			return err
		}
		p.Barriers()
	}
	return p.Check(lim)
}
