//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
)

// commandVariable makes the test binary the command.
const commandVariable = "CRATE_VK_TEST_COMMAND"

// stopVariable is the stop limit of a command that is stuck; default: an hour.
const stopVariable = "CRATE_VK_TEST_STOP"

// The values of commandVariable.
const (
	commandItself = "command"
	commandStuck  = "stuck" // waits for signals, and looks at no context
)

// asCommand is the command, if the test binary was started to be it.
func asCommand() {
	switch os.Getenv(commandVariable) {
	case commandItself:
		main()
	case commandStuck:
		limit, err := time.ParseDuration(os.Getenv(stopVariable))
		if err != nil {
			limit = time.Hour
		}
		ctx, _ := cli.Interruptible("crate-vk", limit)
		os.Stdout.WriteString("ready\n")
		<-ctx.Done()
		os.Stdout.WriteString("told\n")
		select {}
	}
}

// child is the command in a process of its own.
type child struct {
	*exec.Cmd
	t        *testing.T
	in       io.WriteCloser
	out, log bytes.Buffer
}

// spawn prepares the command; it runs in dir, with a cache of the test's own.
func spawn(t *testing.T, dir string, args ...string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// Nothing here takes minutes but what hangs.
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	c := &child{Cmd: exec.CommandContext(ctx, self, args...), t: t}
	c.Dir = dir
	c.Env = append(os.Environ(), commandVariable+"="+commandItself)
	c.Stdout, c.Stderr = &c.out, &c.log
	return c
}

// code waits for the child to end and returns its exit code; −1 if a signal
// ended it.
func (c *child) code() int {
	c.t.Helper()
	err := c.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return 0
}

func (c *child) start() *child {
	c.t.Helper()
	if err := c.Start(); err != nil {
		c.t.Fatal(err)
	}
	return c
}

// want runs the command, and wants an exit code and words in what it says.
func (c *child) want(code int, words ...string) {
	c.t.Helper()
	got := c.start().code()
	if got != code {
		c.t.Errorf("crate-vk %s: exit %d, want %d\n%s", strings.Join(c.Args[1:], " "), got, code, c.log.String())
	}
	for _, w := range words {
		if !strings.Contains(c.log.String(), w) {
			c.t.Errorf("crate-vk %s: want %q in\n%s", strings.Join(c.Args[1:], " "), w, c.log.String())
		}
	}
}

// everything is what is in a folder and below, by name.
func everything(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		all[rel] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// same compares two folders.
func same(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	for name, data := range want {
		if other, ok := got[name]; !ok {
			t.Errorf("%s: %s is missing", what, name)
		} else if other != data {
			t.Errorf("%s: %s differs", what, name)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: %s is litter", what, name)
		}
	}
}
