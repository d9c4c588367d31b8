package vk_test

import (
	"os"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// TestValidationFails copies past a buffer's end in a process of its own, with
// validation: the messenger's message fails the test that does so.
func TestValidationFails(t *testing.T) {
	const variable = "CRATE_VK_TEST_VALIDATION"
	if os.Getenv(variable) != "" {
		devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
			d, err := inst.OpenDevice(info, false)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			b, err := d.NewBuffer(1024, vk.Local)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Destroy()
			c, err := d.Record(vk.Recording{CopyIn: []vk.Copy{{From: b, To: b, ToAt: 512, Size: 1024}}}) // never submitted
			if err != nil {
				t.Fatal(err)
			}
			c.Destroy()
		})
		return
	}
	devicetest.Open(t, nil)
	out := fails(t, variable+"=1", "CRATE_VK_VALIDATION=1")
	if strings.Contains(out, "validation layer is not installed") {
		t.Skip("NOT TESTED: the validation layer is not installed")
	}
	if !strings.Contains(out, "--- FAIL: TestValidationFails/") || !strings.Contains(out, "vkCmdCopyBuffer") {
		t.Errorf("a copy past a buffer's end fails no test:\n%s", out)
	}
}
