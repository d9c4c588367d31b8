package plan_test

import (
	"testing"

	"github.com/crate-vk/crate-vk/engine/plan"
)

// BenchmarkNew plans B/8 for logits on a device of the lanes family.
func BenchmarkNew(b *testing.B) {
	g := build(b, "emergence-b8", 1, "logits")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := plan.New(g, cpuLimits(), plan.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
