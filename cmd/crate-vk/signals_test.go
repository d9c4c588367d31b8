//go:build unix

package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
)

// stream starts a run that takes paths on standard input and answers with lines.
func stream(c *child) (lines *bufio.Scanner) {
	c.t.Helper()
	out, err := startPipes(c)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

func startPipes(c *child) (*bufio.Scanner, error) {
	in, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	c.in, c.Stdout = in, nil
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return bufio.NewScanner(out), c.Start()
}

// TestSignals: a run that is told to stop keeps what is finished, and exits with
// 130; running it again completes it.
func TestSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			dir := samples(t, 2)
			args := []string{"segment", "-d", "cpu", "--no-cache", "--format", "mask", "--files-from", "-", "--json", "-o", "out"}
			c := spawn(t, dir, args...)
			lines := stream(c)
			fmt.Fprintln(c.in, "in/01-fish.png")
			if !lines.Scan() || !strings.Contains(lines.Text(), "01-fish") {
				t.Fatalf("no answer: %s", c.log.String())
			}
			if err := c.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if code := c.code(); code != cli.ExitInterrupted {
				t.Errorf("exit %d, want %d: %s", code, cli.ExitInterrupted, c.log.String())
			}
			if !strings.Contains(c.log.String(), "interrupted: 1 images are finished, run again to go on") {
				t.Errorf("it says %s", c.log.String())
			}
			if _, err := os.Stat(filepath.Join(dir, "out", "01-fish.mask.png")); err != nil {
				t.Errorf("what was finished is gone: %v", err)
			}
			again := spawn(t, dir, args...)
			again.Stdin = strings.NewReader("in/01-fish.png\nin/02-cat.jpg\n")
			again.want(cli.ExitOK, "2 done (1 of them before) → out")
		})
	}
}

// TestHangupIgnored: under nohup a run goes on.
func TestHangupIgnored(t *testing.T) {
	dir := samples(t, 1)
	c := spawn(t, dir)
	c.Args = []string{"sh", "-c", `trap "" HUP; exec "$0" segment -d cpu --no-cache --format mask --files-from - --json -o out`, c.Path}
	c.Path = "/bin/sh"
	lines := stream(c)
	fmt.Fprintln(c.in, "in/01-fish.png")
	lines.Scan()
	if err := c.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	c.in.Close()
	if code := c.code(); code != cli.ExitOK {
		t.Errorf("exit %d: %s", code, c.log.String())
	}
}

// TestInterruptedList: a list that is still being typed can be left.
func TestInterruptedList(t *testing.T) {
	dir := samples(t, 1)
	for _, args := range [][]string{
		{"segment", "-d", "cpu", "--files-from", "-"},
		{"classify", "-d", "cpu", "--files-from", "-"},
		{"segment", "-d", "cpu", "-"},
	} {
		c := spawn(t, dir, args...)
		stream(c)
		// More than a pipe holds: once it is written, the child is reading.
		if _, err := c.in.Write([]byte(strings.Repeat("in/01-fish.png\n", 1<<16))); err != nil {
			t.Fatal(err)
		}
		if err := c.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if code := c.code(); code != cli.ExitInterrupted {
			t.Errorf("crate-vk %s: exit %d, want %d: %s", strings.Join(args, " "), code, cli.ExitInterrupted, c.log.String())
		}
		if log := c.log.String(); strings.Contains(log, "context canceled") || !strings.Contains(log, "interrupted") {
			t.Errorf("crate-vk %s says %q, want that it was interrupted", strings.Join(args, " "), log)
		}
	}
}

// TestSecondSignal: the second one ends a command at once, whatever it is doing.
func TestSecondSignal(t *testing.T) {
	c := spawn(t, t.TempDir())
	c.Env = append(c.Env, commandVariable+"="+commandStuck)
	lines := stream(c)
	for range 2 {
		lines.Scan() // signals that come together are one
		if err := c.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
	}
	if code := c.code(); code != cli.ExitInterrupted {
		t.Errorf("exit %d, want %d", code, cli.ExitInterrupted)
	}
}

// TestStopLimit: one signal ends a command that looks at no context, in time.
func TestStopLimit(t *testing.T) {
	c := spawn(t, t.TempDir())
	c.Env = append(c.Env, commandVariable+"="+commandStuck, stopVariable+"=1ms")
	lines := stream(c)
	lines.Scan()
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := c.code(); code != cli.ExitInterrupted || !strings.Contains(c.log.String(), "what is under way doesn't end") {
		t.Errorf("exit %d, want %d: %s", code, cli.ExitInterrupted, c.log.String())
	}
}
