package plan_test

import (
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/engine/plan"
)

// TestParseBounds: a plan is text of anybody's: a binding beyond the buffers is an
// error of the text, before any stage looks at it.
func TestParseBounds(t *testing.T) {
	lim := cpuLimits()
	p, err := plan.Lower(build(t, "crate-t16", 1, "cls_attention.0"), lim, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(p.String(), " bind x=b", " bind x=b65536", 1)
	if _, err := plan.Parse(text); err == nil || !strings.Contains(err.Error(), "binds buffer b65536") {
		t.Errorf("%v, want an error about buffer b65536…", err)
	}
	for _, junk := range [][2]string{{" flops ", " 99 flops "}, {"\noutput ", " junk\noutput "}} {
		if _, err := plan.Parse(strings.Replace(p.String(), junk[0], junk[1], 1)); err == nil {
			t.Errorf("a plan with %q parses", junk[1])
		}
	}
}
