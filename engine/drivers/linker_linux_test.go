package drivers

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestLinkerWords has this system's dynamic linker fail, and wants its words understood.
func TestLinkerWords(t *testing.T) {
	if !CanLoad {
		t.Skip("NOT TESTED: built without cgo")
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cc := func(args ...string) {
		t.Helper()
		c := exec.Command("cc", append([]string{"-shared", "-fPIC", "-nostdlib"}, args...)...)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skipf("NOT TESTED: %v", err)
	}
	write("empty.c", "int nothing;")
	write("newer.c", "void newest(void) {}")
	write("newer.map", "GLIBC_9.99 { newest; };")
	write("uses.c", "void newest(void); void use(void) { newest(); }")
	cc("-o", "libbehind.so.7", "-Wl,-soname,libXext.so.6.never", "empty.c")
	cc("-o", "needs.so", "empty.c", "-Wl,--no-as-needed", "libbehind.so.7")
	cc("-o", "stub.so", "-Wl,-soname,libc.so.6", "-Wl,--version-script,newer.map", "newer.c")
	cc("-o", "newer.so", "uses.c", "stub.so")
	short := write("short.so", "\x7fELF\x01")
	text := write("text.so", strings.Repeat("no library ", 99))
	for library, want := range map[string][2]string{
		filepath.Join(dir, "newer.so"): {"GLIBC_9.99", "built for a newer system"},
		filepath.Join(dir, "needs.so"): {"libXext.so.6.never", "install the package that has"},
		filepath.Join(dir, "gone.so"):  {"is not there", ""},
		short:                          {"32-bit library", "for 64 bits"},
		text:                           {"does not load", ""},
	} {
		err := LoadHere(context.Background(), library)
		if err == nil {
			t.Errorf("%s loads", library)
			continue
		}
		problem, remedy := Machine{}.explain(context.Background(), library, err)
		if !strings.Contains(problem, want[0]) || !strings.Contains(remedy, want[1]) || want[1] == "" && remedy != "" {
			t.Errorf("%v: %q, %q", err, problem, remedy)
		}
	}
	// A library that loads does so here, too.
	cc("-o", "good.so", "empty.c")
	if err := LoadHere(context.Background(), filepath.Join(dir, "good.so")); err != nil {
		t.Error(err)
	}
}
