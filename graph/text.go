package graph

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// String is the text form of the graph, which Parse reads back.
//
//	graph "crate" {
//	v0 = input {name="image"} : u8[B:1 Y:224 X:224 RGB:3]
//	v7 = linear v5 v6 _ _ _ {act="relu"} : f32[B:1 N:785 C:384]
//	output "tokens.0" = v7
//	}
func (g *Graph) String() string {
	var b strings.Builder
	g.WriteText(&b)
	return b.String()
}

// WriteText writes the text form of the graph.
func (g *Graph) WriteText(w io.Writer) error {
	bw := bufio.NewWriter(w)
	fmt.Fprintf(bw, "graph %q {\n", g.Name)
	for _, v := range g.Values {
		fmt.Fprintln(bw, v.text())
	}
	for _, o := range g.Outputs {
		fmt.Fprintf(bw, "output %q = v%d\n", o.Name, o.Value.ID)
	}
	fmt.Fprintln(bw, "}")
	return bw.Flush()
}

func (v *Value) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "v%d = %s", v.ID, v.Op)
	for _, a := range v.Args {
		if a == nil {
			b.WriteString(" _")
		} else {
			fmt.Fprintf(&b, " v%d", a.ID)
		}
	}
	b.WriteString(v.AttrText())
	b.WriteString(" : ")
	b.WriteString(v.Type.String())
	return b.String()
}

// Graphs as text are not to be trusted: their size is bounded, far above what models
// have, so that what goes over them ends. A model of 48 layers has 3,000 values.
const (
	maxText   = 64 << 20 // bytes
	maxLine   = 1 << 20  // bytes
	maxValues = 1 << 13
	maxNumber = 1 << 30 // of a value
)

// Parse reads the text form of one graph and checks it. Empty lines and lines
// that start with # are skipped.
func Parse(text string) (*Graph, error) {
	g, rest, err := ParsePrefix(text)
	if err != nil {
		return nil, err
	}
	if s := strings.TrimSpace(rest); s != "" {
		return nil, &ParseError{1 + strings.Count(text[:len(text)-len(rest)], "\n"), errors.New("text after the closing brace")}
	}
	return g, nil
}

// ParsePrefix reads a graph from the start of text and returns what follows
// its closing brace.
func ParsePrefix(text string) (g *Graph, rest string, err error) {
	if len(text) > maxText {
		return nil, "", &ParseError{1, fmt.Errorf("%d bytes of text, want at most %d", len(text), maxText)}
	}
	p := parser{values: make(map[int]*Value)}
	for line, raw := range lines(text) {
		if len(raw.text) > maxLine {
			return nil, "", &ParseError{line, fmt.Errorf("%d bytes in a line, want at most %d", len(raw.text), maxLine)}
		}
		s := strings.TrimSpace(raw.text)
		if s == "" || strings.HasPrefix(s, "#") {
			continue
		}
		if s == "}" && p.g != nil {
			if err := Check(p.g); err != nil {
				return nil, "", &ParseError{line, err}
			}
			return p.g, text[raw.end:], nil
		}
		if err := p.line(s); err != nil {
			return nil, "", &ParseError{line, err}
		}
	}
	return nil, "", &ParseError{1 + strings.Count(text, "\n"), errors.New("no closing brace")}
}

type textLine struct {
	text string
	end  int // offset behind the line's newline
}

func lines(text string) func(yield func(int, textLine) bool) {
	return func(yield func(int, textLine) bool) {
		for n, start := 1, 0; start < len(text); n++ {
			end := len(text)
			if i := strings.IndexByte(text[start:], '\n'); i >= 0 {
				end = start + i + 1
			}
			if !yield(n, textLine{text[start:end], end}) {
				return
			}
			start = end
		}
	}
}

type parser struct {
	g      *Graph
	values map[int]*Value
}

func (p *parser) line(s string) error {
	if p.g == nil {
		name, ok := strings.CutPrefix(s, "graph ")
		name, brace := strings.CutSuffix(name, " {")
		n, err := strconv.Unquote(name)
		if !ok || !brace || err != nil {
			return fmt.Errorf(`%q: want graph "name" {`, s)
		}
		p.g = &Graph{Name: n}
		return nil
	}
	if rest, ok := strings.CutPrefix(s, "output "); ok {
		return p.output(rest)
	}
	return p.value(s)
}

func (p *parser) output(s string) error {
	quoted, err := strconv.QuotedPrefix(s)
	if err != nil {
		return fmt.Errorf("output %s: want a quoted name", s)
	}
	name, _ := strconv.Unquote(quoted)
	ref, ok := strings.CutPrefix(s[len(quoted):], " = ")
	if !ok {
		return fmt.Errorf("output %s: want = and a value", s)
	}
	v, err := p.ref(ref)
	if err != nil {
		return err
	}
	if len(p.g.Outputs) >= maxValues {
		return fmt.Errorf("more than %d outputs", maxValues)
	}
	p.g.Outputs = append(p.g.Outputs, Output{name, v})
	return nil
}

func (p *parser) ref(s string) (*Value, error) {
	n, ok := strings.CutPrefix(s, "v")
	id, err := strconv.Atoi(n)
	if !ok || err != nil {
		return nil, fmt.Errorf("%q is no value", s)
	}
	v := p.values[id]
	if v == nil {
		return nil, fmt.Errorf("v%d is used before it is defined", id)
	}
	return v, nil
}

// value parses "v7 = op v5 _ {a=1} : type". Types are re-inferred and compared
// by Check; sources keep the declared type.
func (p *parser) value(s string) error {
	head, rest, ok := strings.Cut(s, " = ")
	id, err := strconv.Atoi(strings.TrimPrefix(head, "v"))
	if !ok || err != nil || !strings.HasPrefix(head, "v") || id < 0 || id > maxNumber {
		return fmt.Errorf("%q: want vN = op and what it takes, N at most %d", s, maxNumber)
	}
	if len(p.g.Values) >= maxValues {
		return fmt.Errorf("more than %d values", maxValues)
	}
	if p.values[id] != nil {
		return fmt.Errorf("v%d is defined twice", id)
	}
	i := strings.LastIndex(rest, " : ")
	if i < 0 {
		return fmt.Errorf("v%d has no type", id)
	}
	t, err := ParseType(rest[i+3:])
	if err != nil {
		return err
	}
	body, attrs := rest[:i], ""
	if j := strings.Index(body, " {"); j >= 0 {
		body, attrs = body[:j], strings.TrimSuffix(body[j+2:], "}")
	}
	fields := strings.Fields(body)
	if len(fields) == 0 {
		return fmt.Errorf("v%d has no op", id)
	}
	v := &Value{ID: id, Type: t}
	if v.Op, err = ParseOp(fields[0]); err != nil {
		return err
	}
	for _, f := range fields[1:] {
		if f == "_" {
			v.Args = append(v.Args, nil)
			continue
		}
		a, err := p.ref(f)
		if err != nil {
			return err
		}
		v.Args = append(v.Args, a)
	}
	if v.Attrs, err = parseAttrs(v.Op, attrs); err != nil {
		return fmt.Errorf("v%d: %w", id, err)
	}
	p.values[id] = v
	p.g.Values = append(p.g.Values, v)
	return nil
}

func parseAttrs(op Op, s string) (Attrs, error) {
	if s = strings.TrimSpace(s); s == "" {
		return nil, nil
	}
	attrs := Attrs{}
	for s != "" {
		name, rest, ok := strings.Cut(s, "=")
		if !ok {
			return nil, fmt.Errorf("attribute %q: want name=value", s)
		}
		val := rest
		if strings.HasPrefix(rest, `"`) {
			q, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return nil, fmt.Errorf("attribute %s: %w", name, err)
			}
			val = q
		} else if i := strings.IndexByte(rest, ' '); i >= 0 {
			val = rest[:i]
		}
		s = strings.TrimSpace(rest[len(val):])
		kind := AttrKind(0)
		for _, a := range op.Info().Attrs {
			if a.Name == name {
				kind = a.Kind
			}
		}
		x, err := parseAttr(kind, val)
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", name, err)
		}
		if _, dup := attrs[name]; dup {
			return nil, fmt.Errorf("attribute %s stands twice", name)
		}
		attrs[name] = x
	}
	return attrs, nil
}
