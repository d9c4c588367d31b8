package graph

import (
	"fmt"
	"strings"
	"testing"
)

// TestUntrustedText: what no graph has is refused, and does not take long.
func TestUntrustedText(t *testing.T) {
	const head = "graph \"g\" {\nv0 = input {name=\"x\"} : f32[B:1 N:4 C:8]\n"
	var many strings.Builder
	for i := 1; i < 10000; i++ {
		fmt.Fprintf(&many, "v%d = relu v%d : f32[B:1 N:4 C:8]\n", i, i-1)
	}
	for what, text := range map[string]string{
		"many values":  head + many.String() + "}\n",
		"many outputs": head + strings.Repeat("output \"y\" = v0\n", 10000) + "}\n",
		"a long line":  head + "v1 = relu " + strings.Repeat(" ", 2<<20) + "v0 : f32[B:1 N:4 C:8]\n}\n",
		"a number":     head + "v9223372036854775807 = relu v0 : f32[B:1 N:4 C:8]\n}\n",
		"many axes":    "graph \"g\" {\nv0 = input {name=\"x\"} : f32[" + strings.Repeat("A:1 ", 100) + "]\n}\n",
		"elements":     "graph \"g\" {\nv0 = input {name=\"x\"} : f32[A:1073741824 B:1073741824 C:1073741824]\n}\n",
	} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}
