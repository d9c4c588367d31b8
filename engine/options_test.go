package engine

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// TestOpenRefuses: options of an engine that make no sense are errors, whatever the
// device, and before it is looked for.
func TestOpenRefuses(t *testing.T) {
	for want, o := range map[string]Option{
		`precision "x": want fp32 or fp16`: WithPrecision("x"),
		"a memory limit of -5 bytes":       WithMemory(-5),
		"-2 threads":                       WithThreads(-2),
		"-1 threads":                       WithThreads(-1),
		"a limit of -1 pixels":             WithPixelLimit(-1),
		"-1 programs to keep":              WithPrograms(-1),
		"the logger is nil":                WithLogger(nil),
	} {
		for _, device := range []string{"auto", Interpreter, "none such"} {
			e, err := Open(t.Context(), WithDevice(device), o)
			if err == nil {
				e.Close()
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want an error with %q", device, err, want)
			}
		}
	}
	e, err := Open(t.Context(), WithDevice(Interpreter), WithLogger(slog.New(slog.DiscardHandler)), WithMemory(0), WithEvents(nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// TestConflictIsNoMissingDevice: a second engine that asks for something else of the
// process's Vulkan is told so, and not that there is no device.
func TestConflictIsNoMissingDevice(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		if info.Validation {
			t.Skip("NOT TESTED: the process is validated, whoever asks")
		}
		first := onDevice(t, info)
		e, err := Open(t.Context(), WithDevice("uuid:"+info.UUID), WithValidation())
		if err == nil {
			e.Close()
		}
		if !errors.Is(err, ErrConflict) || errors.Is(err, ErrNoDevice) {
			t.Errorf("a second engine with validation gives %v", err)
		}
		if first.Device().Validation {
			t.Error("the first engine says that it is validated")
		}
	})
}
