package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/engine/drivers"
)

// TestDriverThatFails: of a driver that crashes as it is loaded, and of one that takes
// long, devices --why says so, and does neither itself.
func TestDriverThatFails(t *testing.T) {
	if !drivers.CanLoad {
		t.Skip("NOT TESTED: built without cgo")
	}
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skipf("NOT TESTED: %v", err)
	}
	for name, x := range map[string]struct{ body, want string }{
		"crash": {"abort();", "the driver's code crashed: SIGABRT"},
		"hang":  {"sleep(4);", "does not answer which devices it has"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write := func(name, text string) string {
				path := filepath.Join(dir, name)
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				return path
			}
			src := write("x.c", "#include <stdlib.h>\n#include <unistd.h>\n__attribute__((constructor)) static void load(void) { "+x.body+" }\n")
			if out, err := exec.Command("cc", "-shared", "-fPIC", "-o", filepath.Join(dir, "x.so"), src).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			manifest := write("x.json", `{"file_format_version": "1.0.0", "ICD": {"library_path": "./x.so", "api_version": "1.3.0"}}`)
			c := spawn(t, dir, "devices", "--why", "--json")
			c.Env = append(c.Env, "VK_DRIVER_FILES="+manifest, "VK_ICD_FILENAMES="+manifest)
			c.want(cli.ExitDevice)
			var r whyReport
			if err := json.Unmarshal(c.out.Bytes(), &r); err != nil {
				t.Fatalf("%v\n%s", err, c.out.String())
			}
			all := ""
			for _, f := range r.Findings {
				all += f.String() + "\n"
			}
			if !strings.Contains(all+c.log.String(), x.want) || !strings.Contains(all, filepath.Join(dir, "x.so")) || r.GPU {
				t.Errorf("want %q in\n%s%s", x.want, all, c.log.String())
			}
		})
	}
}
