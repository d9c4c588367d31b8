// Command mutate shows that the tests of docs/promises.md bite. For each mutation
// of its table it breaks one line of the code, in a copy that only the compiler
// sees, and runs the test that is to notice. A test that stays green fails the
// command.
//
//	go run ./cmd/internal/mutate [-promise N] [-run REGEXP] [-list]
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// A mutation breaks what a promise rests on.
type mutation struct {
	promise int    // its number in docs/promises.md
	name    string // what is taken out
	file    string // from the module's root
	old     string // stands in file once
	new     string
	pkg     string // of the test
	test    string // the test that is to fail
}

func main() {
	promise := flag.Int("promise", 0, "only the mutations of this promise")
	run := flag.String("run", "", "only the mutations whose name or test matches")
	list := flag.Bool("list", false, "print the table, run nothing")
	flag.Parse()
	pattern, err := regexp.Compile(*run)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	green := 0
	for _, m := range table {
		if *promise != 0 && m.promise != *promise || !pattern.MatchString(m.name) && !pattern.MatchString(m.test) {
			continue
		}
		if *list {
			fmt.Printf("%2d  %-50s %s\n", m.promise, m.name, m.test)
			continue
		}
		started := time.Now()
		verdict := "red"
		if err := m.bites(ctx); err != nil {
			verdict = "NOT RED: " + err.Error()
			green++
		}
		fmt.Printf("%2d  %-50s %-32s %4.0f s  %s\n", m.promise, m.name, m.test, time.Since(started).Seconds(), verdict)
		if ctx.Err() != nil {
			os.Exit(130)
		}
	}
	if green > 0 {
		fmt.Fprintf(os.Stderr, "mutate: %d mutations were not noticed\n", green)
		os.Exit(1)
	}
}

// apply is the mutated source.
func (m mutation) apply() (string, error) {
	source, err := os.ReadFile(filepath.FromSlash(m.file))
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), m.old); n != 1 {
		return "", fmt.Errorf("%s has %d places that read %q, want 1", m.file, n, m.old)
	}
	return strings.Replace(string(source), m.old, m.new, 1), nil
}

// bites runs the test on the mutated code. It is an error if the test passes, or
// if what failed is something else, as a mutation that doesn't compile.
func (m mutation) bites(ctx context.Context) error {
	source, err := m.apply()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	overlay, err := m.overlay(dir, source)
	if err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, "go", "test", "-count=1", "-timeout=5m", "-overlay="+overlay,
		"-run=^"+m.test+"$", m.pkg).CombinedOutput()
	switch text := string(out); {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err == nil && strings.Contains(text, "[no tests to run]"):
		return errors.New("there is no such test")
	case err == nil:
		return errors.New("the test passes")
	case strings.Contains(text, "--- FAIL: "+m.test), strings.Contains(text, "panic: "), strings.Contains(text, "fatal error: "):
		return nil
	default:
		return fmt.Errorf("something else failed:\n%s", text)
	}
}

// overlay writes what the compiler is to read in the place of m.file.
func (m mutation) overlay(dir, source string) (file string, err error) {
	mutated := filepath.Join(dir, filepath.Base(m.file))
	if err := os.WriteFile(mutated, []byte(source), 0o600); err != nil {
		return "", err
	}
	original, err := filepath.Abs(filepath.FromSlash(m.file))
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {original: mutated}})
	if err != nil {
		return "", err
	}
	file = filepath.Join(dir, "overlay.json")
	return file, os.WriteFile(file, text, 0o600)
}
