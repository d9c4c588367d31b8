package plan

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/crate-vk/crate-vk/shaders"
)

// String is the text form of the plan, which Parse reads back.
func (p *Plan) String() string {
	var b strings.Builder
	p.WriteText(&b)
	return b.String()
}

// WriteText writes the plan: the graph, then one line a device buffer, buffer,
// dispatch and output, with barriers between dispatches. What follows a # is
// for readers: arithmetic and memory traffic.
func (p *Plan) WriteText(w io.Writer) error {
	bw := bufio.NewWriter(w)
	fmt.Fprintf(bw, "plan family=%s precision=%s\n", p.Family, p.Precision)
	if err := p.Graph.WriteText(bw); err != nil {
		return err
	}
	for _, s := range p.Spaces {
		fmt.Fprintf(bw, "space %d\n", s)
	}
	for i := range p.Buffers {
		fmt.Fprintln(bw, p.bufferText(i))
	}
	var flops, bytes int64
	for i := range p.Dispatches {
		d := &p.Dispatches[i]
		if d.Barrier {
			fmt.Fprintln(bw, "barrier")
		}
		fmt.Fprintf(bw, "%s  # %.3f GFLOP %.2f MB\n", d.text(), float64(d.FLOPs)/1e9, float64(p.Bytes(d))/1e6)
		flops += d.FLOPs
		bytes += p.Bytes(d)
	}
	for _, o := range p.Outputs {
		fmt.Fprintf(bw, "output %q", o.Name)
		for _, b := range o.Buffers {
			fmt.Fprintf(bw, " b%d", b)
		}
		fmt.Fprintln(bw)
	}
	fmt.Fprintf(bw, "# sum: %d dispatches, %.3f GFLOP, %.2f MB touched\n", len(p.Dispatches), float64(flops)/1e9, float64(bytes)/1e6)
	fmt.Fprintf(bw, "# memory: weights %.2f MB, arena %.2f MB (without reuse %.2f MB)\n",
		float64(p.WeightBytes())/1e6, float64(p.ArenaBytes())/1e6, float64(p.unsharedBytes())/1e6)
	return bw.Flush()
}

// unsharedBytes is what the arena would be if no two buffers shared memory.
func (p *Plan) unsharedBytes() int64 {
	var n int64
	for _, b := range p.Buffers {
		if b.Role != Weight {
			n += b.Layout.Bytes()
		}
	}
	return n
}

func (p *Plan) bufferText(i int) string {
	b := p.Buffers[i]
	s := fmt.Sprintf("buffer b%d %v v%d %v", i, b.Role, b.Value, b.Layout)
	if b.Rows != (Range{0, b.Layout.Rows}) {
		s += fmt.Sprintf(" rows %d:%d", b.Rows.From, b.Rows.To)
	}
	if b.Role != Weight && p.Spaces != nil {
		s += fmt.Sprintf(" at %d+%d live %d:%d", b.Space, b.Offset, b.First, b.Last)
	}
	return s
}

func (d *Dispatch) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "dispatch %s v%d", d.Kernel.Name, d.Value)
	k := d.Kernel.Kernel
	writeConsts(&b, " spec", k.Spec, d.Spec)
	writeConsts(&b, " push", k.Push, d.Push)
	b.WriteString(" bind")
	for i, s := range k.Bindings {
		if d.Bind[i] >= 0 {
			fmt.Fprintf(&b, " %s=b%d", s.Name, d.Bind[i])
			if from := d.from(i); from > 0 {
				fmt.Fprintf(&b, "+%d", from)
			}
		}
	}
	fmt.Fprintf(&b, " grid %d %d %d flops %d", d.Grid[0], d.Grid[1], d.Grid[2], d.FLOPs)
	return b.String()
}

// Describe is the kernel with its specialization constants:
// "linear_lanes.texel LANES=8 ROWS=32 …".
func (d *Dispatch) Describe() string {
	var b strings.Builder
	writeConsts(&b, d.Kernel.Name, d.Kernel.Kernel.Spec, d.Spec)
	return b.String()
}

func writeConsts(b *strings.Builder, head string, consts []shaders.Const, vals []uint32) {
	b.WriteString(head)
	for i, c := range consts {
		fmt.Fprintf(b, " %s=", c.Name)
		if c.Kind == shaders.F32 {
			b.WriteString(strconv.FormatFloat(float64(math.Float32frombits(vals[i])), 'g', -1, 32))
		} else {
			b.WriteString(strconv.FormatUint(uint64(vals[i]), 10))
		}
	}
}
