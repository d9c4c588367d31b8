package run

import (
	"testing"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
)

// TestTimestamps: times of dispatches are right on a device whose timestamps have 14
// bits and begin again meanwhile, and there are none where it has no timestamps.
func TestTimestamps(t *testing.T) {
	for profile, queue := range map[string]string{"wrap": "queue graphics compute transfer 14", "mali": "queue graphics compute transfer 0"} {
		t.Run(profile, func(t *testing.T) {
			devicetest.UseFake(t, profile, queue)
			inst := devicetest.Open(t, nil)
			infos, err := inst.Devices()
			if err != nil {
				t.Fatal(err)
			}
			d := openFor(t, inst, infos[0], "")
			pr := logitsProgram(t, d, 2, ProgramOptions{Slots: 1, Timestamps: true})
			for range 5 {
				logits(t, OnDevice(pr), devicetest.Pixels(32, 32, 2))
			}
			times, err := pr.Nanoseconds(pr.slots[0])
			if err != nil {
				t.Fatal(err)
			}
			if has := profile == "wrap"; has != (len(times) > 0) {
				t.Fatalf("%d times", len(times))
			}
			for i, ns := range times {
				if most := float64(int(1)<<14) * infos[0].TimestampNS; ns < 0 || ns > most {
					t.Errorf("dispatch %d took %g ns, and the timestamps begin again after %g", i, ns, most)
				}
			}
		})
	}
}
