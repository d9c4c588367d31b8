package engine_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// TestOutside builds and runs the programs of testdata/embed, a module of its own
// that embeds the engine: what they need is exported, and they do what they say.
func TestOutside(t *testing.T) {
	bin := buildOutside(t)
	t.Run("interpreter", func(t *testing.T) {
		p := programs{bin: bin, device: engine.Interpreter, cache: t.TempDir()}
		t.Run("folder", p.folder)
		t.Run("embeddings", p.embeddings)
		t.Run("graph", p.graph)
	})
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		p := programs{bin: bin, device: info.Name, cache: t.TempDir()}
		t.Run("first", p.first)
		t.Run("server", p.server)
		t.Run("folder", p.folder)
		t.Run("embeddings", p.embeddings)
		t.Run("graph", p.graph)
		if !testing.Short() && strings.HasPrefix(info.Name, "llvmpipe") {
			t.Run("load", p.load)
		}
	})
}

// buildOutside builds the programs as who has the repository beside his own
// module does: with the modules that the engine needs, and no other.
func buildOutside(t *testing.T) (bin string) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skipf("NOT TESTED: the programs that embed the engine need the go command: %v", err)
	}
	bin = t.TempDir()
	build := exec.Command("go", "build", "-mod=readonly", "-ldflags=-s -w", "-o", bin+string(filepath.Separator), "./...")
	build.Dir = "../testdata/embed"
	build.Env = append(os.Environ(), "GOWORK=off", "GOPROXY=off", "GOFLAGS=-buildvcs=false")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build, err, out)
	}
	return bin
}

// programs are what was built, and a device to run it on.
type programs struct{ bin, device, cache string }

func (p programs) command(name string, args ...string) *exec.Cmd {
	return exec.Command(filepath.Join(p.bin, name), append([]string{"-device", p.device, "-cache", p.cache}, args...)...)
}

// run runs a program to its end.
func (p programs) run(t *testing.T, code int, name string, args ...string) (stdout string) {
	t.Helper()
	var out, log bytes.Buffer
	c := p.command(name, args...)
	c.Stdout, c.Stderr = &out, &log
	if err := c.Run(); c.ProcessState == nil || c.ProcessState.ExitCode() != code {
		t.Fatalf("%v: %v, want exit code %d\n%s%s", c, err, code, &out, &log)
	}
	return out.String()
}

// photos is a folder of two pictures of a fish, and a file that is none.
func photos(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, from := range map[string]string{
		"1-fish.png": samples + "01-fish.png", "2-none.png": "../testdata/bad/text.malformed.jpg", "sub/3-turned.jpg": samples + "11-fish-turned.jpg",
	} {
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// isMask checks a mask of one of the fish.
func isMask(t *testing.T, what string, file []byte, width, height int) {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	mask, ok := img.(*image.Gray)
	if !ok || mask.Rect != image.Rect(0, 0, width, height) {
		t.Errorf("%s: %T of %v, want a mask of %d×%d px", what, img, img.Bounds(), width, height)
		return
	}
	if share := float64(bytes.Count(mask.Pix, []byte{255})) / float64(len(mask.Pix)); share < 0.1 || share > 0.5 {
		t.Errorf("%s: %.0f %% of the picture", what, 100*share)
	}
}

// first has no flags: it runs on the device that the engine takes by itself.
func (p programs) first(t *testing.T) {
	to := filepath.Join(t.TempDir(), "mask.png")
	if out, err := exec.Command(filepath.Join(p.bin, "first"), samples+"01-fish.png", to).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	file, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	isMask(t, "mask.png", file, 128, 128)
}

func (p programs) folder(t *testing.T) {
	out := t.TempDir()
	got := p.run(t, 1, "folder", "-out", out, photos(t))
	if want := "2 masks, 1 pictures failed"; !strings.HasPrefix(got, want) {
		t.Errorf("says %q, want %s", got, want)
	}
	for name, side := range map[string][2]int{"1-fish.png.png": {128, 128}, "sub/3-turned.jpg.png": {320, 240}} {
		file, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Error(err)
			continue
		}
		isMask(t, name, file, side[0], side[1])
	}
}

func (p programs) embeddings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "v.npy")
	dir := photos(t)
	got := strings.Fields(p.run(t, 0, "embeddings", "-out", file, "-like", samples+"11-fish-turned.jpg", dir))
	var cosine float64
	if len(got) == 2 {
		fmt.Sscan(got[0], &cosine)
	}
	if cosine < 0.9 || cosine > 1 || got[1] != filepath.Join(dir, "1-fish.png") {
		t.Errorf("says %q", got)
	}
	npy, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head := "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1, 128), }"
	if len(npy) != 128+4*128 || !bytes.HasPrefix(npy, []byte(head)) || npy[127] != '\n' {
		t.Errorf("%d bytes, that begin with %q", len(npy), npy[:min(128, len(npy))])
	}
}

// graph finds the fish's scales in the picture itself, and in that of the other fish.
func (p programs) graph(t *testing.T) {
	out := t.TempDir()
	dir := photos(t)
	fish, turned := filepath.Join(dir, "1-fish.png"), filepath.Join(dir, "sub/3-turned.jpg")
	got := p.run(t, 0, "graph", "-at", "45,55", "-out", out, fish, fish, turned)
	var same, other float64
	var at [4]int
	fmt.Sscanf(got, "%f at %d,%d of "+fish+"\n%f at %d,%d of", &same, &at[0], &at[1], &other, &at[2], &at[3])
	if same < 0.99 || at[0] != 40 || at[1] != 48 || other < 0.8 || other > 0.999 {
		t.Errorf("says %q", got)
	}
	for _, name := range []string{"1-fish.png.png", "3-turned.jpg.png"} {
		file, err := os.ReadFile(filepath.Join(out, name))
		if err == nil {
			_, err = png.Decode(bytes.NewReader(file))
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func (p programs) load(t *testing.T) {
	// A test asserts no times: who wants them runs the program.
	got := p.run(t, 0, "load", "-for", "2s", "-clients", "8", "-images", "32", "-late", "1m")
	for _, want := range []string{"requests ", "latency ", "deadline of 100ms", "embeddings ", "memory ", "goroutines "} {
		if !strings.Contains(got, want) {
			t.Errorf("the table has no %q:\n%s", want, got)
		}
	}
}

// server asks for everything, and ends it while a request is under way.
func (p programs) server(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("NOT TESTED: the server is ended by SIGTERM")
	}
	c := p.command("server", "-listen", "127.0.0.1:0")
	log, err := c.StderrPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer c.Process.Kill() // nothing, once it has ended
	url, said := "", ""
	for lines := bufio.NewScanner(log); url == "" && lines.Scan(); said += lines.Text() + "\n" {
		_, url, _ = strings.Cut(lines.Text(), "listening address=")
	}
	if url == "" {
		t.Fatalf("the server does not listen:\n%s", said)
	}
	go io.Copy(io.Discard, log)

	fish, err := os.ReadFile(samples + "01-fish.png")
	if err != nil {
		t.Fatal(err)
	}
	post := func(path string, body io.Reader, want int) []byte {
		t.Helper()
		res, err := http.Post(url+path, "application/octet-stream", body)
		if err != nil {
			t.Fatal(err)
		}
		return answered(t, path, res, want)
	}
	var found struct {
		Classes []struct {
			Name        string
			Probability float64
		}
	}
	if err := json.Unmarshal(post("/classes", bytes.NewReader(fish), 200), &found); err != nil || len(found.Classes) != 3 || found.Classes[0].Name != "fish" {
		t.Errorf("classes %v, %v", found, err)
	}
	isMask(t, "the fish", post("/mask", bytes.NewReader(fish), 200), 128, 128)
	post("/mask", strings.NewReader("no picture"), 400)
	post("/mask?timeout=soon", bytes.NewReader(fish), 400)
	post("/mask?timeout=1ns", bytes.NewReader(fish), 504)
	post("/mask", bytes.NewReader(make([]byte, 17<<20)), 413)
	res, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	got := string(answered(t, "/metrics", res, 200))
	for _, want := range []string{"crate_images_total 2\n", "crate_compiled_programs_total ", `crate_http_responses_total{code="400"} 2`} {
		if !strings.Contains(got, want) {
			t.Errorf("the counters have no %q:\n%s", want, got)
		}
	}

	// The handler asks for the body, which it gets behind the signal.
	body, send := io.Pipe()
	asked := make(chan struct{})
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { close(asked) }})
	late, err := http.NewRequestWithContext(ctx, "POST", url+"/mask", body)
	if err != nil {
		t.Fatal(err)
	}
	late.Header.Set("Expect", "100-continue")
	go func() {
		<-asked
		c.Process.Signal(syscall.SIGTERM)
		send.Write(fish)
		send.Close()
	}()
	transport := &http.Transport{} // which waits for the server to ask
	transport.ExpectContinueTimeout = 1 << 40
	res, err = transport.RoundTrip(late)
	if err != nil {
		t.Fatal(err)
	}
	isMask(t, "the last fish", answered(t, "/mask", res, 200), 128, 128)
	if err := c.Wait(); err != nil {
		t.Errorf("the server ends with %v", err)
	}
}

func answered(t *testing.T, what string, res *http.Response, want int) []byte {
	t.Helper()
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != want {
		t.Errorf("%s: status %d, want %d: %.200s %v", what, res.StatusCode, want, data, err)
	}
	return data
}
