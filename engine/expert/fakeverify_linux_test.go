package expert_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate/demo"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/expert"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
)

// TestFakeVerify compares every kernel and the demo model with the interpreter, as
// crate-vk verify does, on devices that report what other GPUs report: subgroups of 4, 16
// and 32 invocations here, all devices with CRATE_VK_FAKES.
func TestFakeVerify(t *testing.T) {
	devicetest.Need(t)
	profiles := []string{"min11", "mali", "molten"}
	switch {
	case os.Getenv("CRATE_VK_FAKES") != "":
		profiles = devicetest.Profiles(t)
	case testing.Short():
		profiles = profiles[:1]
	}
	for _, profile := range profiles {
		t.Run(profile, func(t *testing.T) {
			devicetest.UseFake(t, profile)
			rows, err := verifyDemo(t)
			switch reason := devicetest.RefusedProfiles[profile]; {
			case reason != "" && (!errors.Is(err, engine.ErrNoDevice) || !strings.Contains(err.Error(), reason)):
				t.Fatalf("got %v, want it refused: %s", err, reason)
			case reason == "" && err != nil:
				t.Fatal(err)
			case reason == "" && rows < 50:
				t.Errorf("%d rows, want one for each kernel", rows)
			}
			t.Logf("%d rows, %v", rows, err)
		})
	}
}

// verifyDemo runs verify with the demo model on the first device, and counts its rows.
func verifyDemo(t *testing.T) (rows int, err error) {
	t.Helper()
	e, err := engine.Open(t.Context(), engine.WithDevice("0"), expert.WithoutSelfTest())
	if err != nil {
		return 0, err
	}
	defer e.Close()
	src, err := engine.OpenModelBytes(demo.Name, demo.Safetensors, engine.ModelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := e.Load(t.Context(), src)
	if err != nil {
		return 0, err
	}
	defer m.Close()
	for v, err := range expert.Verify(t.Context(), m, expert.VerifyOptions{}) {
		if err != nil {
			return rows, err
		}
		if v.Err != nil {
			t.Errorf("%s %s: %v", v.Family, v.What, v.Err)
		}
		rows++
	}
	return rows, nil
}
