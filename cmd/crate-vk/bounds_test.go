package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
)

// commands calls f with every command of the program.
func commands(t *testing.T, f func(c *cobra.Command)) {
	t.Helper()
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		f(c)
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk((&app{}).root())
}

// TestEveryNumberBounded: each flag of each command that takes a number has bounds,
// its default lies within them, and one beyond them is refused by name before
// anything else happens.
func TestEveryNumberBounded(t *testing.T) {
	seen := map[string]bool{}
	commands(t, func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			kind := f.Value.Type()
			numeric := strings.HasPrefix(kind, "int") || strings.HasPrefix(kind, "uint") || strings.HasPrefix(kind, "float") || kind == "duration"
			b, ok := cli.BoundOf(c, f.Name)
			if numeric && !ok {
				t.Errorf("%s --%s takes a number, and has no bounds", c.CommandPath(), f.Name)
			}
			if !ok {
				return
			}
			seen[f.Name] = true
			for _, x := range []float64{b.Least - 1, b.Most + 1, b.Most * 1e9} {
				text := fmt.Sprintf("%.0f", x)
				if kind == "duration" {
					text += "s"
				}
				beyond := x < b.Least || x > b.Most // not of a bound that is the type's own
				if numeric && beyond {
					refusedByName(t, c, f.Name, text)
				}
			}
		})
	})
	for name := range cli.Bounds() {
		if !strings.Contains(name, " ") && !seen[name] {
			t.Errorf("there are bounds of --%s, which no command has", name)
		}
	}
}

func refusedByName(t *testing.T, c *cobra.Command, flag, text string) {
	t.Helper()
	var out, log bytes.Buffer
	args := append(strings.Fields(c.CommandPath())[1:], "--"+flag+"="+text)
	for _, more := range [][]string{nil, {"nothing.png"}, {"nothing.pth", "out.safetensors"}} {
		if c.Args == nil || c.Args(c, more) == nil {
			args = append(args, more...)
			break
		}
	}
	code := run(context.Background(), streams{strings.NewReader(""), &out, &log}, args)
	if code != cli.ExitUsage || !strings.Contains(log.String(), "--"+flag) && !strings.Contains(log.String(), "invalid argument") {
		t.Errorf("crate-vk %s: exit %d, %s", strings.Join(args, " "), code, log.String())
	}
}

// TestBoundsOfText: numbers in flags that take other words, too.
func TestBoundsOfText(t *testing.T) {
	for args, want := range map[string]string{
		"segment --batch 5000 x.png":                              "--batch is 5000, want 1 to 4096, or auto",
		"segment --size 40000x16 x.png":                           "--size is 40000x16, want 1 to 32768, or native",
		"segment --image-size 1000000 x.png":                      "--image-size is 1000000, want 1 to 32768",
		"segment --mean NaN,0,0 x.png":                            "--mean is NaN,0,0, want -1000 to 1000",
		"segment --std 1,Inf,1 x.png":                             "--std is 1,Inf,1, want above 0 and up to 1000",
		"segment --eta NaN x.png":                                 "--eta is NaN, want 0 to 1000",
		"segment --method maskcut --objects 1000000 x.png":        "--objects is 1000000, want 1 to 1000",
		"segment --memory -5 x.png":                               "--memory is -5, want 1 to 16777216",
		"segment --memory 0.5 x.png":                              "--memory is 0.5, want a whole number, 1 to 16777216",
		"segment --memory 99999999999999999999 x.png":             "--memory is 99999999999999999999, want a whole number, 1 to 16777216",
		"segment --eta 1e999 x.png":                               "--eta is 1e999, want 0 to 1000",
		"segment --eta half x.png":                                "--eta is half, want 0 to 1000",
		"segment --memory 0 x.png":                                "--memory is 0, want 1 to 16777216",
		"segment --method maskcut --tau 1 x.png":                  "--tau is 1, want at least 0 and below 1",
		"segment --vector-bits 7 x.png":                           "--vector-bits is 7, want 128, 256 or 512",
		"bench --batch 1,0 -m emergence-b8":                       "--batch is [1,0], want 1 to 4096",
		"bench --depth -1 -m emergence-b8":                        "--depth is [-1], want 1 to 1024",
		"bench pipeline --delay -1s":                              "--delay is -1s, want 0s to 1h0m0s",
		"classify --max-pixels 9223372036854775807 --top 0 a.png": "--max-pixels is 9223372036854775807, want 1 to 10000",
	} {
		var out, log bytes.Buffer
		code := run(context.Background(), streams{strings.NewReader(""), &out, &log}, strings.Fields(args))
		if code != cli.ExitUsage || !strings.Contains(log.String(), want) {
			t.Errorf("crate-vk %s: exit %d, got %q, want %q", args, code, log.String(), want)
		}
	}
}
