package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
)

func TestMain(m *testing.M) {
	answerProbe()
	asCommand()
	testscript.Main(m, map[string]func(){"crate-vk": main})
}

// TestScripts runs the command lines of testdata/script on each device that the
// machine has; exits checks the exit code.
func TestScripts(t *testing.T) {
	if _, err := os.Stat("../../testdata/script"); err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	list := vulkanDevices()
	if len(list) == 0 || testing.Short() {
		list = []vulkanDevice{{Name: "auto", UUID: "auto"}}
	}
	for _, d := range list {
		selector := "uuid:" + d.UUID
		if d.UUID == "auto" {
			selector = ""
		}
		t.Run(d.short(), func(t *testing.T) { runScripts(t, root, selector, d.slow()) })
	}
}

func runScripts(t *testing.T, root, selector string, slow bool) {
	testscript.Run(t, testscript.Params{
		Dir: "../../testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("ROOT", root)
			for _, name := range []string{"VK_ICD_FILENAMES", "VK_DRIVER_FILES", "XDG_RUNTIME_DIR", "CRATE_VK_DEVICE"} {
				if v, ok := os.LookupEnv(name); ok {
					env.Setenv(name, v)
				}
			}
			if selector != "" {
				env.Setenv("CRATE_VK_DEVICE", selector)
			}
			// A cache of the machine's would hide what a first run does; Mesa's
			// own spares the tests minutes of compiling.
			if home, err := os.UserHomeDir(); err == nil && os.Getenv("MESA_SHADER_CACHE_DIR") == "" {
				env.Setenv("MESA_SHADER_CACHE_DIR", filepath.Join(home, ".cache"))
			}
			env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, ".cache"))
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "device":
				return len(vulkanDevices()) > 0, nil
			case "slow":
				return slow, nil
			case "cgo":
				return builtWithCgo(), nil
			}
			return false, errors.New("unknown condition " + cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "flip": flip, "lines": lines, "word": word, "shard": shard,
		},
	})
}

// builtWithCgo says that the test binary, which is the command too, can call
// Vulkan.
func builtWithCgo() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "CGO_ENABLED", Value: "1"})
}

// vulkanDevice is a row of crate-vk devices --json.
type vulkanDevice struct{ Name, UUID string }

// short is the name without what stands in brackets.
func (d vulkanDevice) short() string {
	name, _, _ := strings.Cut(d.Name, " (")
	return name
}

// slow says that an image takes a second.
func (d vulkanDevice) slow() bool { return strings.HasPrefix(d.Name, "SwiftShader") }

// vulkanDevices are the devices of the machine; none without a driver.
var vulkanDevices = sync.OnceValue(func() []vulkanDevice {
	var out, log bytes.Buffer
	var list []vulkanDevice
	if code := run(context.Background(), streams{strings.NewReader(""), &out, &log}, []string{"devices", "--json"}); code == cli.ExitOK {
		json.Unmarshal(out.Bytes(), &list)
	}
	return list
})

// exits runs a command and wants its exit code: exits CODE COMMAND ARGS...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARGS]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// flip changes one byte of a file: flip FILE OFFSET.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: flip FILE OFFSET")
	}
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	path := ts.MkAbs(args[0])
	data, err := os.ReadFile(path)
	ts.Check(err)
	if at < 0 {
		at += len(data)
	}
	data[at] ^= 0xff
	ts.Check(os.WriteFile(path, data, 0o644))
}

// word replaces every 32-bit word of a file that equals one: word FILE OLD NEW,
// both in hexadecimal, little endian in the file.
func word(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: word FILE OLD NEW")
	}
	from, err := strconv.ParseUint(args[1], 16, 32)
	ts.Check(err)
	to, err := strconv.ParseUint(args[2], 16, 32)
	ts.Check(err)
	path := ts.MkAbs(args[0])
	data, err := os.ReadFile(path)
	ts.Check(err)
	found := false
	for i := 0; i+4 <= len(data); i += 4 {
		if binary.LittleEndian.Uint32(data[i:]) == uint32(from) {
			binary.LittleEndian.PutUint32(data[i:], uint32(to))
			found = true
		}
	}
	if !found {
		ts.Fatalf("%s has no word %s", args[0], args[1])
	}
	ts.Check(os.WriteFile(path, data, 0o644))
}

// lines counts the lines of a file: lines N FILE.
func lines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lines N FILE")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := strings.Count(ts.ReadFile(args[1]), "\n"); got != want {
		ts.Fatalf("%s has %d lines, want %d", args[1], got, want)
	}
}

// write writes a file, and the folders above it.
func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// samples is a folder with the first of the sample images, in.
func samples(t *testing.T, n int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	from := filepath.Join("..", "..", "testdata", "demo", "samples", "images")
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries[:n] {
		data, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "in", e.Name()), data)
	}
	return dir
}
