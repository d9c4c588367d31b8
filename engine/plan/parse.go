package plan

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/shaders"
)

// Plans as text are not to be trusted: their sizes are bounded, far above what models
// have, so that no sum overflows and what goes over them ends.
const (
	maxParts = 1 << 13 // buffers, dispatches, outputs or spaces
	maxLine  = 1 << 16 // bytes
	maxBytes = 1 << 48 // of a buffer or a space, an offset in one, or operations of a dispatch
	maxIndex = 1 << 30 // of a value, a dispatch or a row
)

// Parse reads the text form of a plan, at any stage. Call Finish before it is
// executed.
func Parse(text string) (*Plan, error) {
	head, rest, _ := strings.Cut(text, "\n")
	if len(head) > maxLine {
		return nil, &graph.ParseError{Line: 1, Err: errLongLine}
	}
	p := &Plan{}
	if err := p.parseHead(head); err != nil {
		return nil, &graph.ParseError{Line: 1, Err: err}
	}
	g, tail, err := graph.ParsePrefix(rest)
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	p.Graph = g
	line := 1 + strings.Count(text[:len(text)-len(tail)], "\n")
	barrier := false
	for s := range strings.SplitSeq(tail, "\n") {
		if len(s) > maxLine {
			return nil, &graph.ParseError{Line: line, Err: errLongLine}
		}
		s, _, _ := strings.Cut(s, "  #")
		s = strings.TrimSpace(s)
		if s != "" && !strings.HasPrefix(s, "#") {
			if err := p.parseLine(s, &barrier); err != nil {
				return nil, fmt.Errorf("plan: line %d: %w", line, err)
			}
		}
		line++
	}
	if err := p.checkParsed(); err != nil {
		return nil, err
	}
	return p, nil
}

var errLongLine = fmt.Errorf("more than %d bytes in a line", maxLine)

// checkParsed holds the numbers of a parsed plan against each other and their bounds.
func (p *Plan) checkParsed() error {
	values := map[int]bool{}
	for _, v := range p.Graph.Values {
		values[v.ID] = true
	}
	for i, b := range p.Buffers {
		outside := b.Space < 0 || b.Space > maxParts || b.Offset < 0 || b.Offset > maxBytes || b.First < -1 || b.First > maxIndex || b.Last < -1 || b.Last > maxIndex
		if outside || !values[b.Value] || b.Rows.From < 0 || b.Rows.From > b.Rows.To || b.Rows.To > maxIndex {
			return fmt.Errorf("plan: buffer b%d is of no value of the graph, or lies where none can", i)
		}
	}
	for n, d := range p.Dispatches {
		if !values[d.Value] || d.FLOPs < 0 || d.FLOPs > maxBytes {
			return fmt.Errorf("plan: dispatch %d %s computes no value of the graph, or %d operations", n, d.Kernel.Name, d.FLOPs)
		}
		for _, b := range d.Bind {
			if b >= len(p.Buffers) {
				return fmt.Errorf("plan: dispatch %d %s binds buffer b%d of %d", n, d.Kernel.Name, b, len(p.Buffers))
			}
		}
	}
	return nil
}

func (p *Plan) parseHead(s string) error {
	f := strings.Fields(s)
	if len(f) != 3 || f[0] != "plan" {
		return fmt.Errorf("%q: want plan family=F precision=P", s)
	}
	family, ok1 := strings.CutPrefix(f[1], "family=")
	precision, ok2 := strings.CutPrefix(f[2], "precision=")
	d, err := graph.ParseDType(precision)
	if !ok1 || !ok2 || err != nil || (Family(family) != Lanes && Family(family) != Tiles && Family(family) != Plain) {
		return fmt.Errorf("%q: want plan family=lanes|tiles|plain precision=f32|f16", s)
	}
	p.Family, p.Precision = Family(family), d
	return nil
}

func (p *Plan) parseLine(s string, barrier *bool) error {
	word, rest, _ := strings.Cut(s, " ")
	if max(len(p.Spaces), len(p.Buffers), len(p.Dispatches), len(p.Outputs)) >= maxParts {
		return fmt.Errorf("more than %d spaces, buffers, dispatches or outputs", maxParts)
	}
	switch word {
	case "space":
		n, err := strconv.ParseInt(rest, 10, 64)
		if err != nil || n < 0 || n > maxBytes {
			return fmt.Errorf("space %q: want a size in bytes, at most %d", rest, int64(maxBytes))
		}
		p.Spaces = append(p.Spaces, n)
		return nil
	case "buffer":
		return p.parseBuffer(rest)
	case "barrier":
		*barrier = true
		return nil
	case "dispatch":
		d, err := parseDispatch(rest)
		if err != nil {
			return err
		}
		d.Barrier, *barrier = *barrier, false
		p.Dispatches = append(p.Dispatches, d)
		return nil
	case "output":
		return p.parseOutput(rest)
	}
	return fmt.Errorf("%q: want space, buffer, barrier, dispatch or output", word)
}

// scan reads s by a fmt format; the whole of s must match.
func scan(s, format string, args ...any) error {
	if _, err := fmt.Sscanf(s, format, args...); err != nil || len(strings.Fields(s)) != len(strings.Fields(format)) {
		return fmt.Errorf("%q: want %s", s, format)
	}
	return nil
}

func (p *Plan) parseBuffer(s string) error {
	head, rest, ok := strings.Cut(s, "}")
	if !ok {
		return fmt.Errorf("buffer %q: want a layout in braces", s)
	}
	var n int
	var role, layout string
	var b Buffer
	head, fields, _ := strings.Cut(head, "{")
	if err := scan(head, "b%d %s v%d %s", &n, &role, &b.Value, &layout); err != nil {
		return err
	}
	if n != len(p.Buffers) {
		return fmt.Errorf("buffer b%d stands at place %d", n, len(p.Buffers))
	}
	for r, name := range roleNames {
		if name == role && name != "" {
			b.Role = Role(r)
		}
	}
	if b.Role == 0 {
		return fmt.Errorf("buffer b%d: unknown role %q", n, role)
	}
	lay, err := parseLayout(layout, fields)
	if err != nil {
		return err
	}
	b.Layout, b.Rows = lay, Range{0, lay.Rows}
	rest = strings.TrimSpace(rest)
	if strings.HasPrefix(rest, "rows ") {
		interval, place, _ := strings.Cut(strings.TrimPrefix(rest, "rows "), " ")
		if err := scan(interval, "%d:%d", &b.Rows.From, &b.Rows.To); err != nil {
			return err
		}
		rest = place
	}
	if rest != "" {
		if err := scan(rest, "at %d+%d live %d:%d", &b.Space, &b.Offset, &b.First, &b.Last); err != nil {
			return err
		}
	}
	p.Buffers = append(p.Buffers, b)
	return nil
}

func parseLayout(form, fields string) (Layout, error) {
	var l Layout
	for f, name := range orderNames {
		if name == form && name != "" {
			l.Order = Order(f)
		}
	}
	if l.Order == 0 {
		return l, fmt.Errorf("unknown layout %q", form)
	}
	for f := range strings.FieldsSeq(fields) {
		name, val, _ := strings.Cut(f, ":")
		if name == "elem" {
			d, err := graph.ParseDType(val)
			if err != nil {
				return l, err
			}
			l.Elem = d
			continue
		}
		to := map[string]*int{"rows": &l.Rows, "columns": &l.Columns, "group": &l.Group, "pitch": &l.Pitch, "panel": &l.Panel, "lines": &l.Lines, "linegroup": &l.LineGroup}[name]
		n, err := strconv.Atoi(val)
		if to == nil || err != nil || n < 1 || n > 1<<30 {
			return l, fmt.Errorf("layout field %q", f)
		}
		*to = n
	}
	if err := l.check(); err != nil {
		return l, err
	}
	// In floats: the product of three sizes overflows.
	if size := l.size(); size > maxBytes {
		return l, fmt.Errorf("layout %v takes %.3g bytes, want at most %.3g", l, size, float64(maxBytes))
	}
	return l, nil
}

// size is Bytes, which may overflow, or a bit more.
func (l Layout) size() float64 {
	rows, columns := float64(l.Rows), float64(l.Columns)
	groups := func(n, group int) float64 { return float64(n) / float64(group) * (float64(group) + 3) }
	switch l.Order {
	case Rows:
		return 16 * rows * float64(l.Pitch)
	case Quads:
		return 4 * groups(l.Columns, l.Group) * float64(l.Pitch)
	case Panels:
		return 4 * (groups(l.Rows, l.Group) + 4*float64(l.Panel)) * float64(l.Lines)
	}
	return 4 * rows * columns
}

// check refuses layouts in which elements would lie on one another or outside.
func (l Layout) check() error {
	bad := l.Elem == graph.InvalidType || l.Rows < 1 || l.Columns < 1 || l.Group < 1
	switch l.Order {
	case Rows:
		bad = bad || l.Columns%l.Group != 0 || l.Pitch < l.QuadsPerRow()
	case Quads:
		bad = bad || l.Columns%l.Group != 0 || l.Pitch < l.Rows
	case Panels:
		bad = bad || l.Panel < 1 || l.LineGroup < 1 || l.Rows%l.Group != 0 || l.Columns%l.LineGroup != 0 || l.Lines < padded(l.Columns, l.LineGroup)
	}
	if bad {
		return fmt.Errorf("layout %v does not hold its elements", l)
	}
	return nil
}

// sections splits a dispatch line at its keywords.
func sections(s string) (head string, parts map[string][]string) {
	parts = map[string][]string{}
	key := ""
	for f := range strings.FieldsSeq(s) {
		switch f {
		case "spec", "push", "bind", "grid", "flops":
			key = f
			parts[key] = []string{}
			continue
		}
		if key == "" {
			head += f + " "
		} else {
			parts[key] = append(parts[key], f)
		}
	}
	return strings.TrimSpace(head), parts
}

func parseDispatch(s string) (Dispatch, error) {
	var d Dispatch
	head, parts := sections(s)
	var kernel string
	if err := scan(head, "%s v%d", &kernel, &d.Value); err != nil {
		return d, err
	}
	var err error
	if d.Kernel, err = shaders.Lookup(kernel); err != nil {
		return d, err
	}
	k := d.Kernel.Kernel
	if d.Spec, err = parseConsts(k.Spec, parts["spec"]); err != nil {
		return d, fmt.Errorf("%s: %w", kernel, err)
	}
	if d.Push, err = parseConsts(k.Push, parts["push"]); err != nil {
		return d, fmt.Errorf("%s: %w", kernel, err)
	}
	d.Bind = make([]int, len(k.Bindings))
	for i := range d.Bind {
		d.Bind[i] = -1
	}
	for _, f := range parts["bind"] {
		if err := d.parseBinding(f); err != nil {
			return d, fmt.Errorf("%s: %w", kernel, err)
		}
	}
	if err := scan(strings.Join(parts["grid"], " "), "%d %d %d", &d.Grid[0], &d.Grid[1], &d.Grid[2]); err != nil {
		return d, fmt.Errorf("%s: grid: %w", kernel, err)
	}
	if err := scan(strings.Join(parts["flops"], " "), "%d", &d.FLOPs); err != nil {
		return d, fmt.Errorf("%s: flops: %w", kernel, err)
	}
	return d, nil
}

// parseBinding reads SLOT=bBUFFER, or SLOT=bBUFFER+BYTE.
func (d *Dispatch) parseBinding(s string) error {
	name, ref, _ := strings.Cut(s, "=b")
	buffer, place, later := strings.Cut(ref, "+")
	n, err := strconv.Atoi(buffer)
	slot := d.Kernel.Kernel.Slot(name)
	if slot < 0 || err != nil || n < 0 {
		return fmt.Errorf("binding %q", s)
	}
	d.Bind[slot] = n
	if !later {
		return nil
	}
	if d.At == nil {
		d.At = make([]int64, len(d.Bind))
	}
	d.At[slot], err = strconv.ParseInt(place, 10, 64)
	return err
}

func parseConsts(consts []shaders.Const, fields []string) ([]uint32, error) {
	if len(fields) != len(consts) {
		return nil, fmt.Errorf("%d constants, want %d", len(fields), len(consts))
	}
	vals := make([]uint32, len(consts))
	for i, c := range consts {
		name, val, _ := strings.Cut(fields[i], "=")
		if name != c.Name {
			return nil, fmt.Errorf("constant %q, want %s", fields[i], c.Name)
		}
		if c.Kind == shaders.F32 {
			x, err := strconv.ParseFloat(val, 32)
			if err != nil {
				return nil, fmt.Errorf("constant %q is no number", fields[i])
			}
			vals[i] = math.Float32bits(float32(x))
			continue
		}
		x, err := strconv.ParseUint(val, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("constant %q is no number", fields[i])
		}
		vals[i] = uint32(x)
	}
	return vals, nil
}

func (p *Plan) parseOutput(s string) error {
	quoted, err := strconv.QuotedPrefix(s)
	if err != nil {
		return fmt.Errorf("output %s: want a quoted name", s)
	}
	name, _ := strconv.Unquote(quoted)
	o := Output{Name: name}
	for f := range strings.FieldsSeq(s[len(quoted):]) {
		n, err := strconv.Atoi(strings.TrimPrefix(f, "b"))
		if err != nil || n < 0 || n >= len(p.Buffers) {
			return fmt.Errorf("output %q: no buffer %s", name, f)
		}
		o.Buffers = append(o.Buffers, n)
	}
	p.Outputs = append(p.Outputs, o)
	return nil
}
