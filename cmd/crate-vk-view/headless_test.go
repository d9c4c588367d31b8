//go:build viewer && cgo

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/crate-vk/crate-vk/cmd/internal/viewer"
	"github.com/crate-vk/crate-vk/crate/demo"
	"github.com/crate-vk/crate-vk/engine"
)

const samples = "../../testdata/demo/samples/images/"

// need skips a test where there is no llvmpipe, or fails where Vulkan has to be there.
func need(t *testing.T) {
	t.Helper()
	devices, err := engine.Devices()
	for _, d := range devices {
		if strings.Contains(d.Name, "llvmpipe") {
			return
		}
	}
	if os.Getenv("CRATE_VK_REQUIRE_VULKAN") != "" {
		t.Fatalf("no llvmpipe among %v: %v", devices, err)
	}
	t.Skipf("no llvmpipe among %v: %v", devices, err)
}

// openModel is the embedded model on llvmpipe.
func openModel(t *testing.T) (*engine.Engine, *engine.Model) {
	t.Helper()
	need(t)
	eng, err := engine.Open(t.Context(), engine.WithDevice("llvmpipe"), engine.WithCache(cacheFolder()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { eng.Close() })
	src, err := engine.OpenModelBytes(demo.Name, demo.Safetensors, engine.ModelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	model, err := eng.Load(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	return eng, model
}

// cacheFolder is one for all tests of a run: self-tests of kernels take seconds.
var cacheFolder = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "crate-vk-view-test")
	if err != nil {
		panic(err)
	}
	return dir
})

func TestMain(m *testing.M) {
	code := m.Run()
	os.RemoveAll(cacheFolder())
	os.Exit(code)
}

// headless is a session without a window, with the options of a command line without flags.
func headless(t *testing.T, paths ...string) *session {
	t.Helper()
	eng, model := openModel(t)
	s := sessionOf(t, eng, model, paths...)
	running, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.run(running) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// sessionOf is a session that does not run yet.
func sessionOf(t *testing.T, eng *engine.Engine, model *engine.Model, paths ...string) *session {
	t.Helper()
	c := model.Config()
	attention, err := engine.AttentionOptions{}.Resolved(&c)
	if err != nil {
		t.Fatal(err)
	}
	o := &options{attention: attention, objects: 1, classes: true, cut: func(layer int) engine.Readout[*engine.Segmentation] {
		return engine.MaskCut(engine.MaskCutOptions{Layer: &layer, Objects: 1})
	}}
	info := viewer.Model{Name: model.Source().Name, Device: eng.Device().Name, Layers: c.Depth, Heads: c.Heads}
	s, err := newSession(newApp(o, model, newModelReader(model, eng, engine.InputOptions{}), viewer.New(info, paths, viewer.DefaultChoice(info)), paths))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// script plays a script without a window.
func (s *session) script(t *testing.T, text string) {
	t.Helper()
	if err := s.plays(t, text); err != nil {
		t.Fatal(err)
	}
}

// plays plays a script that may fail.
func (s *session) plays(t *testing.T, text string) error {
	t.Helper()
	steps, err := viewer.ParseScript(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s.play(t.Context(), steps, offstage{t.Context(), s})
}

// crateVK is the command, built once a run of tests.
var crateVK = sync.OnceValues(func() (string, error) {
	path := filepath.Join(cacheFolder(), "bin", "crate-vk")
	out, err := exec.Command("go", "build", "-o", path, "../crate-vk").CombinedOutput()
	if err != nil {
		return string(out), err
	}
	return path, nil
})

// runCrateVK runs the command on llvmpipe.
func runCrateVK(t *testing.T, args ...string) {
	t.Helper()
	path, err := crateVK()
	if err != nil {
		t.Fatal(err, path)
	}
	if out, err := exec.Command(path, append(args, "--device", "llvmpipe")...).CombinedOutput(); err != nil {
		t.Fatalf("crate-vk %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// choose changes what is chosen.
func (s *session) choose(change func(c *viewer.Choice)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.ui.Choice()
	change(&c)
	s.ui.SetChoice(c)
	s.changed()
}
