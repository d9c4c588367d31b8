package graph_test

import (
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// built are graphs of every architecture, before and after the passes.
func built(t *testing.T) []*graph.Graph {
	t.Helper()
	var list []*graph.Graph
	names, _ := crate.Presets()
	for _, name := range names {
		c, err := crate.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		c.Depth = 2
		outputs := c.FacetOutputs([]crate.Facet{"tokens", "key", "attention", "cls", "logits", "features"}, []int{0, 1})
		for range 2 { // as built, and with the passes
			g, err := crate.Build(&c, crate.Request{Batch: 2, Height: c.ImageSize[0], Width: c.ImageSize[1] + c.Patch, Outputs: outputs})
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, g)
		}
		if err := pass.Run(list[len(list)-1], pass.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

func TestTextRoundTrip(t *testing.T) {
	for _, g := range built(t) {
		text := g.String()
		again, err := graph.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if again.String() != text {
			t.Errorf("%s: the text changes when it is parsed and printed", g.Name)
		}
		if err := graph.Check(again); err != nil {
			t.Error(err)
		}
	}
}

const head = "graph \"g\" {\nv0 = input {name=\"x\"} : f32[N:5 C:384]\nv1 = param {name=\"d\"} : f32[R:384 K:1536]\n"

// TestErrors reads the messages that people see: place, value, fact, wish.
func TestErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{head + "v12 = ista v0 v1 {step=0.1 threshold=0.1} : f32[N:5 C:384]\n}", "graph: v12 ista: dictionary is [384 1536], want [384 384]"},
		{head + "v2 = linear v0 v1 _ _ _ : f32[N:5 C:384]\n}", "graph: v2 linear: weight is [384 1536], want [R 384]"},
		{head + "v2 = ista v0 v1 {step=0.1} : f32[N:5 C:384]\n}", "graph: v2 ista: attribute threshold is missing"},
		{head + "v2 = relu v0 {by=1} : f32[N:5 C:384]\n}", "attribute by"},
		{head + "v2 = relu v0 : f32[N:5 C:383]\n}", "its type is [5 383], want f32[N:5 C:384]"},
		{head + "v2 = relu v3 : f32[N:5 C:384]\n}", "v3 is used before it is defined"},
		{head + "v2 = rely v0 : f32[N:5 C:384]\n}", `unknown op "rely"`},
		{head + "v0 = relu v0 : f32[N:5 C:384]\n}", "v0 is defined twice"},
		{head + "v2 = linear v0 _ _ _ _ : f32[N:5 C:384]\n}", "argument weight is missing"},
		{head + "v2 = relu v0 : f32[N:5 C:-1]\n}", "want name:size"},
		{head + "v2 = relu v0 : f32[N:1000000000 C:1000000000]\n}", "more than"},
		{head + "output \"y\" = v9\n}", "v9"},
		{head + "output \"y\" = v0\noutput \"y\" = v0\n}", `two outputs are named "y"`},
		{head + "v2 = input {name=\"x\"} : f32[N:2]\noutput \"y\" = v2\n}", `two inputs are named "x"`},
		{head, "no closing brace"},
		{head + "}\nv2 = relu v0", "text after the closing brace"},
		{"v0 = input", "want graph"},
		{head + "v2 = mssa v0 {heads=5 scale=1} : f32[N:5 C:384]\n}", "w is [5 384], want 3 axes"},
	} {
		_, err := graph.Parse(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\ngives %v, want %s", strings.TrimPrefix(c.text, head), err, c.want)
		}
	}
}

func TestSweepKeepsOrderAndFindsCycles(t *testing.T) {
	g := built(t)[0]
	before := g.String()
	if err := g.Sweep(func(*graph.Value) bool { return false }); err != nil || g.String() != before {
		t.Errorf("sweeping nothing changed the graph (%v)", err)
	}
	last := g.Values[len(g.Values)-1]
	for _, a := range last.Args {
		if a != nil {
			a.Args = []*graph.Value{last}
		}
	}
	if err := g.Sweep(func(*graph.Value) bool { return false }); err == nil {
		t.Error("a cycle is not found")
	}
}

// FuzzParse: whatever the text, Parse returns; what it accepts prints and
// parses to the same.
func FuzzParse(f *testing.F) {
	f.Add(head + "v2 = linear v0 v1 _ _ _ : f32[N:5 C:384]\noutput \"y\" = v2\n}\n")
	f.Add("graph \"\" {\nv1 = fill {value=-0.01} : f32[C:4]\n}")
	f.Fuzz(func(t *testing.T, text string) {
		g, err := graph.Parse(text)
		if err != nil {
			return
		}
		again, err := graph.Parse(g.String())
		if err != nil || again.String() != g.String() {
			t.Errorf("%q: %v", text, err)
		}
	})
}
