package prove

import (
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/graph"
)

// TestFakeLimits: plans keep each limit of a workgroup that a device reports, and the
// simulated device, on which they run, notes what is planned for more than it allows.
func TestFakeLimits(t *testing.T) {
	for limit, least := range map[string]string{
		"maxComputeSharedMemorySize":     "16384",
		"maxComputeWorkGroupInvocations": "128",
		"maxComputeWorkGroupSize0":       "128",
		"maxComputeWorkGroupSize1":       "2",
	} {
		t.Run(limit, func(t *testing.T) {
			fake := devicetest.UseFake(t, "rdna3", limit+" "+least)
			inst := devicetest.Open(t, nil)
			infos, err := inst.Devices()
			if err != nil {
				t.Fatal(err)
			}
			dev := open(t, inst, infos[0])
			testLargeWorkgroups(t, dev)
			for _, b := range fake.Breaches(t) {
				t.Error(b)
			}
			dev.Limits.MaxShared, dev.Limits.MaxInvocations, dev.Limits.MaxWorkgroupSize = 65536, 1024, [3]int{1024, 1024, 64}
			testLargeWorkgroups(t, dev)
			breaches := fake.Breaches(t)
			if len(breaches) == 0 {
				t.Error("nothing was noted")
			}
			for _, b := range breaches {
				if !strings.HasSuffix(b, limit+" is "+least) {
					t.Error(b)
				}
			}
		})
	}
}

// testLargeWorkgroups asks for a product whose workgroups have 256 invocations and share
// 16,640 bytes, and plans an attention with as many subgroups a workgroup as the device's
// limits allow, four at most.
func testLargeWorkgroups(t *testing.T, dev *Device) {
	t.Helper()
	b := graph.NewBuilder("large")
	x := b.Input("x", graph.F32Type("B", 1, "N", 140, "C", 128))
	y := b.Do(graph.OpLinear, nil, x, b.Param("w", graph.F32Type("R", 128, "K", 128)))
	b.Output("y", b.Do(graph.OpMSSA, graph.Attrs{"heads": 2, "scale": 0.125}, y))
	g, err := b.Graph()
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.New(g, dev.Limits, plan.Options{Family: plan.Tiles, Choices: plan.Choices{"linear_tiles": "128x128/8x8"}})
	if err != nil {
		t.Fatal(err)
	}
	for p, d := range plan.Pipelines([]*plan.Plan{p}) {
		if bad, err := dev.Test(t.Context(), p, d); err != nil || bad != nil {
			t.Fatal(bad, err)
		}
	}
}
