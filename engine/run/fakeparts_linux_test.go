package run

import (
	"testing"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
)

// TestFakeParts: parts of a dispatch need no barrier between them, and the simulated
// device knows; what stands before and behind them has one.
func TestFakeParts(t *testing.T) {
	devicetest.UseFake(t, "nvidia")
	inst := devicetest.Open(t, nil)
	infos, err := inst.Devices()
	if err != nil {
		t.Fatal(err)
	}
	testCutDispatches(t, openFor(t, inst, infos[0], ""))
}
