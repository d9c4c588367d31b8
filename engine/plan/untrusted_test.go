package plan_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/graph"
)

// TestUntrustedText gives plans whose numbers no plan has: each is refused, and none is
// a crash or takes long.
func TestUntrustedText(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("../../testdata/plan", "lanes.plan"))
	if err != nil {
		t.Fatal(err)
	}
	whole := string(data)
	if _, err := plan.Parse(whole); err != nil {
		t.Fatal(err)
	}
	change := func(pattern, with string) string {
		text := regexp.MustCompile(pattern).ReplaceAllString(whole, with)
		if text == whole {
			t.Fatalf("%s is nowhere in the plan", pattern)
		}
		return text
	}
	huge := "9223372036854775807"
	for what, text := range map[string]string{
		"a binding":             change(` w=b\d+`, " w=b65536"),
		"an output":             change(`(output "[^"]*") b\d+`, "$1 b65536"),
		"a buffer's value":      change(`(buffer b\d+ \w+) v\d+`, "$1 v999999"),
		"a dispatch's value":    change(`(dispatch \S+) v\d+`, "$1 v999999"),
		"a layout that is huge": change(`rows:\d+ columns:\d+ group:\d+ pitch:\d+`, "rows:1073741824 columns:1073741824 group:1073741824 pitch:1073741824"),
		"operations":            change(`flops \d+`, "flops "+huge),
		"a negative number":     change(`flops \d+`, "flops -1"),
		"a long line":           strings.Replace(whole, "dispatch", "dispatch"+strings.Repeat(" ", 1<<17), 1),
		"many spaces":           whole + strings.Repeat("space 1\n", 1<<14),
		"a space":               whole + "space " + huge + "\n",
	} {
		if _, err := plan.Parse(text); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

// TestSharedWeights plans a graph whose weight is made of itself again and again: what
// asks how it is made asks each value once.
func TestSharedWeights(t *testing.T) {
	b := graph.NewBuilder("shared")
	w := b.Do(graph.OpCentre, nil, b.Param("w", graph.F32Type("R", 8, "K", 8)))
	for range 80 {
		w = b.Do(graph.OpAdd, nil, w, w)
	}
	b.Output("y", b.Do(graph.OpLinear, nil, b.Input("x", graph.F32Type("B", 1, "N", 4, "C", 8)), w, nil, nil, nil))
	g, err := b.Graph()
	if err != nil {
		t.Fatal(err)
	}
	newPlan(t, g, cpuLimits(), plan.Options{})
}

// TestPlanAllocations: planning allocates for what it makes, not for each look at the
// manifest, which would be some hundred a dispatch.
func TestPlanAllocations(t *testing.T) {
	g, lim := build(t, "emergence-b8", 1, "logits"), cpuLimits()
	p := newPlan(t, g, lim, plan.Options{})
	n := testing.AllocsPerRun(3, func() { newPlan(t, g, lim, plan.Options{}) })
	if each := n / float64(len(p.Dispatches)); each > 60 {
		t.Errorf("%.0f allocations for %d dispatches, %.0f each", n, len(p.Dispatches), each)
	} else {
		t.Logf("%.0f allocations for %d dispatches, %.0f each", n, len(p.Dispatches), each)
	}
}
