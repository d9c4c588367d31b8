package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/crate-vk/crate-vk/engine"
)

// TestReport: each kind of error has its exit code, and what is said of it.
func TestReport(t *testing.T) {
	const help = "run it --help for usage\n"
	for _, c := range []struct {
		err  error
		code int
		said string
	}{
		{nil, ExitOK, ""},
		{errors.New("disk is full"), ExitFailed, "it: disk is full\n"},
		{Usage(errors.New("--x is 1")), ExitUsage, "it: --x is 1\n"},
		{errors.New(`unknown command "x"`), ExitUsage, "it: unknown command \"x\"\n" + help},
		{Coded(ExitInputs, nil), ExitInputs, ""},
		{fmt.Errorf("a: %w", engine.ErrNoDevice), ExitDevice, "it: a: " + engine.ErrNoDevice.Error() + "\n"},
		{fmt.Errorf("a: %w", engine.ErrDeviceLost), ExitLost, "it: a: " + engine.ErrDeviceLost.Error() + "\n"},
		{fmt.Errorf("a: %w", &engine.ModelError{Path: "m", Err: errors.New("b")}), ExitModel, "it: a: model m: b\n"},
		{fmt.Errorf("reading: %w", context.Canceled), ExitInterrupted, "it: interrupted\n"},
		{Coded(ExitInputs, context.Canceled), ExitInterrupted, "it: context canceled\n"},
	} {
		var said bytes.Buffer
		if code := Report(&said, "it", c.err); code != c.code || said.String() != c.said {
			t.Errorf("%v: exit %d, %q, want %d, %q", c.err, code, said.String(), c.code, c.said)
		}
	}
}

// TestNotOver: an output is refused where it is an input, by whatever name.
func TestNotOver(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"in.png", "other.png"} {
		if err := os.WriteFile(at(name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("in.png", at("link.png")); err != nil {
		t.Skip(err)
	}
	if err := os.Link(at("in.png"), at("hard.png")); err != nil {
		t.Skip(err)
	}
	for name, refused := range map[string]bool{"in.png": true, "link.png": true, "hard.png": true, "./in.png": true, "other.png": false, "new.png": false} {
		if err := NotOver(at(name), "", at("missing.png"), at("in.png")); (err != nil) != refused || refused && ExitCode(err) != ExitUsage {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestMessages: what is said of flags names them as they are written.
func TestMessages(t *testing.T) {
	var attention AttentionFlags
	var cut MaskCutFlags
	var finish FinishFlags
	var pca PCAFlags
	var device DeviceFlags
	c := &cobra.Command{Use: "it"}
	s := c.Flags()
	attention.RegisterLayer(s)
	attention.Register(s, "")
	cut.Register(s, "", 1)
	finish.Register(s)
	pca.Register(s)
	device.RegisterDevice(s)
	for _, x := range []struct{ flag, value, want string }{
		{"layer", "x", `--layer "x": want a number, or some such as 3,4 (-1 is the last)`},
		{"head", "x", `--head "x": want a number from 0 on, mean or each`},
		{"mode", "x", `--mode is "x", want reference, strict or tokencut`},
		{"refine", "x", `--refine is "x", want none, guided or crf`},
		{"variant", "x", `--variant is "x", want code or paper`},
		{"min-area", "5", "--min-area belongs to --split: without it masks have no parts"},
		{"vector-bits", "7", "--vector-bits is 7, want 128, 256 or 512"},
		{"vector-bits", "", `--vector-bits is "", want a whole number, 128, 256 or 512`},
		{"tau", "1", "--tau is 1, want at least 0 and below 1"},
	} {
		s.VisitAll(func(f *pflag.Flag) {
			f.Value.Set(f.DefValue)
			f.Changed = false
		})
		err := c.ParseFlags([]string{"--" + x.flag + "=" + x.value})
		if err != nil {
			err = FlagError(c, err)
		}
		for _, check := range []func() error{func() error { return CheckBounds(c) }, func() error { return CheckWords(c) }, attention.Check, finish.Check} {
			if err == nil {
				err = check()
			}
		}
		if err == nil || err.Error() != x.want {
			t.Errorf("--%s %s: %v, want %s", x.flag, x.value, err, x.want)
		}
	}
}
