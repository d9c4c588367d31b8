package prove

import (
	"fmt"
	"os"
	"testing"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
)

// TestTilesOfSubgroups holds the kernels for GPUs against the interpreter on devices
// that report subgroups of 8 to 128 invocations, whose own memory the host doesn't see.
// CRATE_VK_FAKES takes every size and every kernel variant of the standard models.
func TestTilesOfSubgroups(t *testing.T) {
	sizes, long := []int{16, 128}, os.Getenv("CRATE_VK_FAKES") != ""
	if long {
		sizes = []int{8, 16, 32, 64, 128}
	}
	for _, n := range sizes {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			devicetest.UseFake(t, "gcn", fmt.Sprintf("subgroupSize %d", n), fmt.Sprintf("minSubgroupSize %d", n), fmt.Sprintf("maxSubgroupSize %d", n))
			inst := devicetest.Open(t, nil)
			infos, err := inst.Devices()
			if err != nil {
				t.Fatal(err)
			}
			dev := open(t, inst, infos[0])
			if dev.Limits.Subgroup != n {
				t.Fatalf("planned for subgroups of %d", dev.Limits.Subgroup)
			}
			plans, err := StandardPlans(dev.Limits, []plan.Family{plan.Tiles})
			if err != nil {
				t.Fatal(err)
			}
			if !long {
				plans = plans[:1]
			}
			for _, p := range plans {
				failed, err := dev.SelfTest(t.Context(), p)
				if err != nil {
					t.Fatal(err)
				}
				for _, bad := range failed {
					t.Error(bad)
				}
			}
		})
	}
}
