//go:build viewer && cgo

package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crate-vk/crate-vk/cmd/internal/xvfb"
)

// program is crate-vk-view, built once a run of tests.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(cacheFolder(), "bin", name)
	out, err := exec.Command("go", "build", "-tags", "viewer", "-o", path, ".").CombinedOutput()
	if err != nil {
		return string(out), err
	}
	return path, nil
})

// onScreenOf starts crate-vk-view on a server of its own, under validation layers, which plays
// a script, where there is one, in a window of 900 × 600 pixels.
func onScreenOf(t *testing.T, script string, args ...string) (*xvfb.Server, *exec.Cmd, *output) {
	t.Helper()
	need(t)
	path, err := program()
	if err != nil {
		t.Fatal(err, path)
	}
	server, err := xvfb.Start(1280, 800)
	if errors.Is(err, xvfb.ErrMissing) && os.Getenv("CRATE_VK_REQUIRE_DISPLAY") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	file := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	if script != "" {
		args = append([]string{"--script", file}, args...)
	}
	cmd := exec.Command(path, append([]string{"--window", "900x600"}, args...)...)
	// glibc keeps holes that images of other sizes leave; blocks of their own go back to the system.
	cmd.Env = append(os.Environ(), "MALLOC_MMAP_THRESHOLD_=100000", "DISPLAY="+server.Display, "CRATE_VK_VALIDATION=1", "XDG_CACHE_HOME="+cacheFolder())
	var said output
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return server, cmd, &said
}

// output is what a program says, which may be read while it goes on.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// quiet fails where the program said more than what it runs on: validation layers' messages
// are errors on the log.
func quiet(t *testing.T, cmd *exec.Cmd, said *output) {
	t.Helper()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for line := range strings.Lines(said.String()) {
		if !strings.HasPrefix(line, name+": running on ") && !strings.HasPrefix(line, name+": compiling and testing ") && !strings.Contains(line, " frames were drawn; medians: ") {
			t.Errorf("it said: %s", line)
		}
	}
}

// TestWindow: what an X server's screen shows, byte for byte, is the picture that key s would
// save: on the device that computes, on another one that pictures are copied to, and behind a
// change of the window's size.
func TestWindow(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
	}{
		{"on llvmpipe", []string{"--device", "llvmpipe"}},
		{"on SwiftShader", []string{"--device", "swiftshader"}},
		{"copied", []string{"--device", "swiftshader", "--present", "llvmpipe"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.Contains(c.name, "SwiftShader") || c.name == "copied" {
				if !strings.Contains(os.Getenv("VK_ICD_FILENAMES")+os.Getenv("VK_DRIVER_FILES"), "swiftshader") {
					t.Skip("SwiftShader is not among the drivers (VK_ICD_FILENAMES)")
				}
			}
			dir := t.TempDir()
			script := fmt.Sprintf("wait\npatch 7 8\nwait\nshot %[1]s/a.png\nsleep 2s\nresize 731 555\nkey 1\nkey k\nwait\nshot %[1]s/b.png\nsleep 2s\n", dir)
			server, cmd, said := onScreenOf(t, script, append(c.args, samples)...)
			for _, shot := range []string{"a.png", "b.png"} {
				same := func() bool {
					data, err := os.ReadFile(filepath.Join(dir, shot))
					if err != nil || len(data) == 0 || !bytes.HasSuffix(data, []byte("IEND\xaeB`\x82")) {
						return false
					}
					want := readPNG(t, filepath.Join(dir, shot))
					screen, err := server.Screen()
					if err != nil {
						t.Fatal(err)
					}
					return shows(screen, want)
				}
				for end := time.Now().Add(2 * time.Minute); !same(); time.Sleep(50 * time.Millisecond) {
					if time.Now().After(end) || cmd.ProcessState != nil {
						t.Fatalf("the screen never showed %s\n%s", shot, said)
					}
				}
			}
			quiet(t, cmd, said)
		})
	}
}

// TestScriptFails: a script in a window ends with the exit code of what failed: an image that
// is shown as its error, a file that can't be saved behind the end.
func TestScriptFails(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.png")
	if err := os.WriteFile(bad, []byte("\x89PNG\r\n\x1a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		script string
		args   []string
		code   int
		said   string
	}{
		{"wait\nquit\n", []string{bad}, 3, "bad.png: "},
		{"wait\n", []string{samples + "01-fish.png", "missing.png"}, 3, "missing.png: no such file or directory"},
		{"wait\nkey s\n", []string{"--out", bad, samples + "01-fish.png"}, 1, "line 2 of the script: "},
	} {
		_, cmd, said := onScreenOf(t, c.script, append(c.args, "--device", "llvmpipe")...)
		cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != c.code || !strings.Contains(said.String(), c.said) {
			t.Errorf("%q over %v: exit %d, want %d and %q\n%s", c.script, c.args, code, c.code, c.said, said)
		}
	}
}

// TestStage: in a window a script's resize is over when the next command runs, and a film
// plays while it sleeps.
func TestStage(t *testing.T) {
	dir := t.TempDir()
	_, cmd, said := onScreenOf(t, fmt.Sprintf("wait\nresize 500 400\npatch 7 8\nwait\nshot %[1]s/a.png\nkey f\nsleep 2s\nkey f\nwait\nshot %[1]s/b.png\n", dir),
		"--device", "llvmpipe", "--layer", "-1", samples+"01-fish.png")
	quiet(t, cmd, said)
	s := headless(t, samples+"01-fish.png")
	s.script(t, fmt.Sprintf("resize 500 400\nwait\npatch 7 8\nwait\nshot %s/want.png\n", dir))
	at := image.Rect(0, 0, 500, 300)
	part := func(name string) image.Image {
		return readPNG(t, filepath.Join(dir, name)).(interface {
			SubImage(r image.Rectangle) image.Image
		}).SubImage(at)
	}
	sameColours(t, "the window behind a resize", part("a.png"), part("want.png"))
	if shows(toRGBA(part("b.png")), toRGBA(part("a.png"))) {
		t.Error("the film did not play")
	}
}

func toRGBA(m image.Image) *image.RGBA {
	out := image.NewRGBA(image.Rectangle{Max: m.Bounds().Size()})
	draw.Draw(out, out.Rect, m, m.Bounds().Min, draw.Src)
	return out
}

// shows reports that a picture is on a screen, but for the line of times at the bottom right,
// which each frame writes anew.
func shows(screen *image.RGBA, want image.Image) bool {
	size := want.Bounds().Size()
	for y := range size.Y {
		for x := range size.X {
			if y > size.Y-34 && x > size.X/3 {
				continue
			}
			r, g, b, _ := want.At(x, y).RGBA()
			if c := screen.RGBAAt(x, y); uint32(c.R) != r>>8 || uint32(c.G) != g>>8 || uint32(c.B) != b>>8 {
				return false
			}
		}
	}
	return true
}

// TestMinute: a minute of keys, wheel, clicks, sizes, drops of good and bad files, films and
// images under validation layers: no message, and no memory that grows.
func TestMinute(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.png")
	if err := os.WriteFile(bad, []byte("\x89PNG\r\n\x1a\nno more"), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := filepath.Abs(samples)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(13, 1))
	var script strings.Builder
	keys := strings.Fields("up down left right h a k c 0 1 2 3 + - p o v n b t f r z s m escape ? pageup pagedown")
	for script.WriteString("wait\n"); strings.Count(script.String(), "\n") < 1500; {
		switch r.IntN(12) {
		case 0:
			fmt.Fprintf(&script, "resize %d %d\n", 60+r.IntN(1100), 40+r.IntN(700))
		case 1:
			fmt.Fprintf(&script, "resize 0 0\nsleep 20ms\nresize %d %d\n", 300+r.IntN(700), 200+r.IntN(500))
		case 2:
			fmt.Fprintf(&script, "drop %q %q\n", bad, all)
		case 3:
			fmt.Fprintf(&script, "scroll %d %s\n", r.IntN(5)-2, []string{"", "shift", "control"}[r.IntN(3)])
		case 4:
			fmt.Fprintf(&script, "click %s\n", []string{"left", "right"}[r.IntN(2)])
		case 5:
			fmt.Fprintf(&script, "sleep %dms\n", 20+r.IntN(200))
		case 6:
			script.WriteString("wait\n")
		case 7, 8:
			fmt.Fprintf(&script, "move %d %d\n", r.IntN(1000), r.IntN(700))
		default:
			fmt.Fprintf(&script, "key %s\n", keys[r.IntN(len(keys))])
		}
	}
	lines := strings.SplitAfter(script.String(), "\n")
	var marked strings.Builder
	const parts = 4
	for k := range parts {
		marked.WriteString(strings.Join(lines[k*len(lines)/parts:(k+1)*len(lines)/parts], ""))
		fmt.Fprintf(&marked, "key escape\nresize 900 600\ndrop %q\nwait\nshot %s/%d.png\nsleep 1s\n", all, dir, k)
	}
	_, cmd, said := onScreenOf(t, marked.String(), "--device", "llvmpipe", "--out", dir, samples, bad)
	var memory [parts]int
	for k := range memory {
		for end := time.Now().Add(5 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
			if _, err := os.Stat(fmt.Sprintf("%s/%d.png", dir, k)); err == nil {
				memory[k] = resident(t, cmd.Process.Pid) >> 20
				break
			}
			if time.Now().After(end) || exited(cmd) {
				t.Fatalf("it never came to part %d\n%s", k, said)
			}
		}
	}
	quiet(t, cmd, said)
	t.Logf("%d MB behind each quarter", memory)
	// A picture of the window is 2 MB, and each quarter has hundreds of steps.
	if memory[3] > memory[1]+memory[1]/4 {
		t.Errorf("its memory grows: %d MB behind each quarter", memory)
	}
}

func exited(cmd *exec.Cmd) bool {
	state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid))
	return err != nil || strings.Contains(string(state), ") Z ")
}

// resident is the memory that a process has, in bytes.
func resident(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	fields := strings.Fields(rest)
	n, err := strconv.Atoi(fields[0])
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

// TestInterrupted: a signal ends a window that computes, with exit code 130.
func TestInterrupted(t *testing.T) {
	server, cmd, said := onScreenOf(t, "", "--device", "llvmpipe", samples)
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		screen, err := server.Screen()
		if err != nil {
			t.Fatal(err)
		}
		if screen.RGBAAt(100, 100).G > 0 { // the window is there
			break
		}
		if time.Now().After(end) {
			t.Fatalf("it never began\n%s", said)
		}
	}
	cmd.Process.Signal(os.Interrupt)
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 130 {
		t.Errorf("%v\n%s", err, said)
	}
}
