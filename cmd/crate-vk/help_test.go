package main

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
)

// TestExamples: each command shows examples, and each of them is a command line that the
// program takes.
func TestExamples(t *testing.T) {
	seen := 0
	commands(t, func(c *cobra.Command) {
		if c.Example == "" {
			t.Errorf("%s has no example", c.CommandPath())
		}
		for line := range strings.Lines(c.Example) {
			line, _, _ = strings.Cut(line, "#")
			words := strings.Fields(line)
			if len(words) < 2 || words[0] != "crate-vk" {
				t.Errorf("%s: an example is %q", c.CommandPath(), line)
				continue
			}
			seen++
			if err := parses(words[1:]); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
	})
	if want := len(examples()); seen < want {
		t.Errorf("%d lines of %d commands", seen, want)
	}
}

// parses reads a command line as far as its command would run.
func parses(args []string) error {
	c, rest, err := (&app{}).root().Find(args)
	if err != nil {
		return err
	}
	if err := c.ParseFlags(rest); err != nil {
		return err
	}
	for _, check := range []func(*cobra.Command) error{cli.CheckBounds, cli.CheckWords} {
		if err := check(c); err != nil {
			return err
		}
	}
	if c.Args == nil {
		return nil
	}
	return c.Args(c, c.Flags().Args())
}

// TestWords: each flag that takes a few words begins with one of them, and refuses others;
// each row of the tables is a flag of some command.
func TestWords(t *testing.T) {
	known := map[string]bool{}
	commands(t, func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			known[f.Name], known[c.CommandPath()+" --"+f.Name] = true, true
			list := cli.WordsOf(c, f.Name)
			if list == nil {
				return
			}
			for word := range strings.SplitSeq(strings.Trim(f.DefValue, "[]"), ",") {
				if word != "" && !slices.Contains(list, word) {
					t.Errorf("%s --%s begins with %q, and takes %q", c.CommandPath(), f.Name, word, list)
				}
			}
			refusedByName(t, c, f.Name, "nonsense")
		})
	})
	for name := range cli.Words() {
		if !known[name] && !strings.HasPrefix(name, "crate-vk-view ") {
			t.Errorf("there are words of %s, which no command has", name)
		}
	}
}

// TestQuiet: with --quiet nothing is told of what goes well.
func TestQuiet(t *testing.T) {
	for _, quiet := range []string{"", "--quiet"} {
		var out, log bytes.Buffer
		args := strings.Fields("segment --device cpu --out " + t.TempDir() + " " + quiet + " ../../testdata/demo/samples/images/01-fish.png")
		if code := run(context.Background(), streams{strings.NewReader(""), &out, &log}, args); code != cli.ExitOK {
			t.Fatalf("exit %d: %s", code, log.String())
		}
		if (log.Len() == 0) != (quiet != "") {
			t.Errorf("with %q it says %q", quiet, log.String())
		}
	}
}
