package run

import (
	"fmt"
	"slices"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/shaders"
)

// chain is the way of the marks through the submissions of a program's runs: each
// ends with a link, a dispatch of the kernel mark, which waits for the work before
// it, looks at some of what it wrote, and hands the record of the link before it on.
type chain struct {
	pipe    *vk.Pipeline
	places  *vk.Buffer // of the records before the first link and behind each
	records int        // one a workgroup
}

const (
	recordBytes = 16
	markLanes   = 64
	// Of a value that the host looks at, or that others are computed from, a
	// link looks at a part: a mark must not cost anything.
	glance     = 4096  // words
	maxRecords = 64    // workgroups of a link
	maxLoops   = 65535 // of an invocation, on llvmpipe
)

func (c *chain) bytes() int64 { return roundUp(int64(c.records) * recordBytes) }

// makeChain makes what the program's marks need.
func (pr *Program) makeChain(d *Device) (err error) {
	if pr.chain.pipe, err = d.markPipeline(); err != nil {
		return err
	}
	words := 1
	pr.chain.records = maxRecords
	for to := range len(pr.Plan.Dispatches) + 1 {
		for _, x := range pr.sights(to) {
			words = max(words, x.rows*x.words)
		}
	}
	pr.chain.records = max(1, min(maxRecords, words/glance)) // some 64 loops of an invocation
	// Inputs that are held are one link more, and so are outputs; see moves.
	most := pr.pace.most + len(pr.Plan.Buffers) + 3
	pr.chain.places, err = pr.dev.NewBuffer(pr.chain.bytes()*int64(most), vk.Local)
	return err
}

func (c *chain) close() {
	if c.places != nil {
		c.places.Destroy()
		c.places = nil
	}
}

// What words hold, as the kernel mark is told.
const (
	float32s  uint32 = iota
	float16s         // two in a word
	noNumbers        // bits and pixels, and what is partly written
)

// sight is what a link looks at: rows of words.
type sight struct {
	at                 place
	rows, words, pitch int
	kind               uint32 // float32s, float16s or noNumbers
}

// sightOf shows a buffer that runs write.
func (pr *Program) sightOf(b int) sight {
	lay := pr.Plan.Buffers[b].Layout
	x := sight{at: pr.place(b, nil), rows: 1, words: int(lay.Bytes() / 4), kind: noNumbers}
	switch lay.Elem {
	case graph.F32:
		x.kind = float32s
	case graph.F16:
		x.kind = float16s
	}
	quad := lay.Elem.Bytes() // words of four elements
	switch lay.Order {
	case plan.Rows:
		x.rows, x.words, x.pitch = lay.Rows, quad*lay.QuadsPerRow(), quad*lay.Pitch
	case plan.Quads:
		x.rows, x.words, x.pitch = lay.QuadsPerRow(), quad*lay.Rows, quad*lay.Pitch
	}
	return x
}

// atMost is the part of it that has so many words.
func (x sight) atMost(words int) sight {
	x.words = min(x.words, words)
	x.rows = max(1, min(x.rows, words/x.words))
	return x
}

// sights are what links behind the first so many dispatches look at. Behind the
// last one these are also the values that the host does not see: outputs that stay
// on the device, and the numbers that words were made from.
func (pr *Program) sights(to int) []sight {
	var list []sight
	if to == 0 { // outputs that are inputs
		return append(list, pr.sightOf(pr.Plan.Outputs[0].Buffers[0]).atMost(glance))
	}
	list = append(list, pr.sightOf(pr.Plan.Dispatches[to-1].Written()).atMost(glance))
	if to < len(pr.Plan.Dispatches) {
		return list
	}
	for _, b := range pr.unseen() {
		if x := pr.sightOf(b); x.kind != noNumbers {
			list = append(list, x.atMost(maxLoops*markLanes*pr.chain.records))
		}
	}
	return list
}

// unseen are the buffers of outputs that are held, and those of which outputs that
// are words were made and which are still there at the end.
func (pr *Program) unseen() []int {
	var list []int
	for _, o := range pr.Plan.Outputs {
		for _, b := range o.Buffers {
			switch {
			case pr.Plan.Buffers[b].Layout.Elem == graph.U32:
				list = append(list, pr.feeding(b)...)
			case pr.keeps(o.Name):
				list = append(list, b)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// feeding are the scratch buffers that the dispatch read which wrote a buffer.
func (pr *Program) feeding(written int) []int {
	var list []int
	for _, d := range pr.Plan.Dispatches {
		if d.Written() != written {
			continue
		}
		for _, b := range d.Bind {
			if b >= 0 && b != written && pr.Plan.Buffers[b].Role == plan.Scratch && pr.intact(b) {
				list = append(list, b)
			}
		}
	}
	return list
}

// intact reports that nothing is written over a buffer.
func (pr *Program) intact(b int) bool {
	x := pr.Plan.Buffers[b]
	return !slices.ContainsFunc(pr.Plan.Buffers, func(y plan.Buffer) bool {
		return y.Role == plan.Scratch && y.First > x.Last && y.Space == x.Space &&
			y.Offset < x.Offset+x.Layout.Bytes() && x.Offset < y.Offset+y.Layout.Bytes()
	})
}

// link is a dispatch of the kernel mark.
func (pr *Program) link(i int, x sight) vk.Dispatch {
	c := &pr.chain
	size := int64(c.records) * recordBytes
	record := func(i int) vk.Binding {
		return vk.Binding{Buffer: c.places, Offset: int64(i) * c.bytes(), Size: size}
	}
	return vk.Dispatch{Pipeline: c.pipe, Push: []uint32{uint32(x.rows), uint32(x.words), uint32(x.pitch), x.kind}, Grid: [3]int{c.records, 1, 1}, Barrier: true,
		Bindings: []vk.Binding{{Buffer: x.at.buffer, Offset: x.at.offset, Size: x.at.size}, record(i), record(i + 1)}}
}

// piece is one command buffer of a run.
type piece struct {
	cmds        *vk.Commands
	sets        *vk.Sets // of its links
	links       int
	invocations int64
}

func (p *piece) destroy() {
	if p == nil {
		return
	}
	if p.cmds != nil {
		p.cmds.Destroy()
	}
	if p.sets != nil {
		p.sets.Destroy()
	}
}

// piece records command buffer i of a run, with links at its end that look at
// something, from link number from on.
func (pr *Program) piece(r vk.Recording, s *Slot, i, from int, look []sight, last bool) (_ *piece, err error) {
	p := &piece{links: len(look)}
	defer func() {
		if err != nil {
			p.destroy()
		}
	}()
	c := &pr.chain
	if i == 0 {
		r.CopyIn = append(r.CopyIn, vk.Copy{From: s.up, FromAt: s.up.Size() - c.bytes(), To: c.places, Size: c.bytes()})
	}
	for k, x := range look {
		r.Untimed = append(r.Untimed, pr.link(from+k, x))
	}
	if last {
		r.CopyOut = append(r.CopyOut, vk.Copy{From: c.places, FromAt: int64(from+len(look)) * c.bytes(), To: s.down, ToAt: s.down.Size() - c.bytes(), Size: c.bytes()})
	}
	if p.sets, err = pr.dev.NewSets(r.Untimed); err != nil {
		return nil, err
	}
	if s.counts != nil {
		r.Counts, r.Count = s.counts, i
		p.invocations = int64(len(look) * markLanes * c.records)
	}
	if pr.lose != nil && pr.lose(i) {
		r = vk.Recording{}
	}
	if p.cmds, err = pr.dev.Record(r); err != nil {
		return nil, err
	}
	return p, nil
}

// markPipeline is the kernel mark, which was proved on this device before its first
// use.
func (d *Device) markPipeline() (*vk.Pipeline, error) {
	v, err := shaders.Lookup("mark")
	if err != nil {
		return nil, err
	}
	pipe, err := d.pipelines.get(&plan.Dispatch{Kernel: v, Spec: []uint32{markLanes}, Push: make([]uint32, 4), Bind: make([]int, len(v.Kernel.Bindings))})
	if err != nil {
		return nil, fmt.Errorf("kernel mark: %w", err)
	}
	d.marking.Lock()
	defer d.marking.Unlock()
	if !d.marked {
		if err := d.proveMark(pipe); err != nil {
			return nil, err
		}
		d.marked = true
	}
	return pipe, nil
}
