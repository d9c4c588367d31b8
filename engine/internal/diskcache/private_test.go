//go:build unix

package diskcache

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMake: a folder that others can write, or replace, is no cache.
func TestMake(t *testing.T) {
	top := t.TempDir()
	if err := os.Chmod(top, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name         string
		parent, mode os.FileMode
		owner        int // 0: the test's own
		above        bool
		want         string
	}{
		{name: "mine", parent: 0o755, mode: 0o755},
		{name: "private", parent: 0o700, mode: 0o700},
		{name: "group", parent: 0o755, mode: 0o775, want: "can be written by others (mode 0775)"},
		{name: "everybody", parent: 0o755, mode: 0o757, want: "can be written by others"},
		{name: "sticky", parent: 0o755, mode: 0o777 | os.ModeSticky, want: "can be written by others"},
		{name: "open-above", parent: 0o777, mode: 0o755, want: "can be written by others (mode 0777)"},
		{name: "sticky-above", parent: 0o777 | os.ModeSticky, mode: 0o755},
		{name: "foreign", parent: 0o755, mode: 0o755, owner: 4711, want: "belongs to somebody else"},
		{name: "foreign-above", parent: 0o755, mode: 0o755, owner: 4711, above: true, want: "belongs to somebody else"},
	} {
		t.Run(c.name, func(t *testing.T) {
			parent := filepath.Join(top, c.name)
			dir := filepath.Join(parent, "cache")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			for path, mode := range map[string]os.FileMode{dir: c.mode, parent: c.parent} {
				if err := os.Chmod(path, mode); err != nil {
					t.Fatal(err)
				}
			}
			if c.owner != 0 {
				if os.Geteuid() != 0 {
					t.Skip("only root gives files away")
				}
				path := dir
				if c.above {
					path = parent
				}
				if err := os.Chown(path, c.owner, -1); err != nil {
					t.Fatal(err)
				}
			}
			for how, dir := range map[string]string{"itself": dir, "through a link": link(t, dir)} {
				err := Dir(dir).Make()
				if c.want == "" && err != nil {
					t.Errorf("%s: %v", how, err)
				}
				if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("%s: got %v, want %q", how, err, c.want)
				}
			}
		})
	}
	fresh := filepath.Join(top, "fresh", "cache")
	if err := Dir(fresh).Make(); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(fresh); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("a folder that was made: %v, %v", info, err)
	}
}

func link(t *testing.T, to string) string {
	at := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(to, at); err != nil {
		t.Fatal(err)
	}
	return at
}
