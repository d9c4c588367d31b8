package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/drivers"
	"github.com/crate-vk/crate-vk/loader/quote"
)

// A probe is a process of this program that asks the machine's drivers one question.
// Their code runs in it, so that what hangs or crashes is the probe.

// probeVariable holds the question.
const probeVariable = "CRATE_VK_PROBE"

// The questions.
const (
	probeDevices = "devices" // which devices are there?
	probeLibrary = "library" // does the library open whose path or name follows?
)

// probeAnswer is the last line that a probe prints.
type probeAnswer struct {
	Devices []engine.DeviceInfo
	Error   string
}

// answerProbe ends this process with an answer if it was started as a probe.
func answerProbe() {
	question, ok := os.LookupEnv(probeVariable)
	if !ok {
		return
	}
	var answer probeAnswer
	var err error
	switch what, library, _ := strings.Cut(question, " "); what {
	case probeDevices:
		answer.Devices, err = engine.Devices()
	case probeLibrary:
		err = drivers.LoadHere(context.Background(), library)
	default:
		err = fmt.Errorf("%s=%s: want %s, or %s and a name", probeVariable, question, probeDevices, probeLibrary)
	}
	if err != nil {
		answer.Error = err.Error()
	}
	line, err := json.Marshal(answer)
	if err != nil {
		os.Exit(cli.ExitFailed)
	}
	fmt.Printf("\n%s\n", line)
	os.Exit(cli.ExitOK)
}

// ask starts a probe and returns its answer. A probe that does not answer is left when
// ctx ends, and the error is the context's; one that crashes gives an error that says so.
func ask(ctx context.Context, question string, env ...string) (probeAnswer, error) {
	self, err := os.Executable()
	if err != nil {
		return probeAnswer{}, err
	}
	c := exec.CommandContext(ctx, self)
	c.Env = append(append(os.Environ(), probeVariable+"="+question), env...)
	type end struct {
		out []byte
		err error
	}
	ended := make(chan end, 1)
	// A process that waits in the kernel for a device can't even be killed: nobody
	// waits for it.
	go func() {
		out, err := c.Output()
		ended <- end{out, err}
	}()
	select {
	case <-ctx.Done():
		return probeAnswer{}, context.Cause(ctx)
	case e := <-ended:
		if ctx.Err() != nil {
			return probeAnswer{}, context.Cause(ctx)
		}
		return readAnswer(e.out, e.err)
	}
}

// readAnswer reads what a probe printed before it ended.
func readAnswer(out []byte, err error) (answer probeAnswer, _ error) {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return answer, fmt.Errorf("the driver's code crashed: %s", lastWords(exit))
	} else if err != nil {
		return answer, err
	}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n")) // drivers may print, too
	return answer, json.Unmarshal(lines[len(lines)-1], &answer)
}

// lastWords is how a process ended: the signal that Go's runtime names where C code ends it.
func lastWords(exit *exec.ExitError) string {
	for line := range strings.Lines(string(exit.Stderr)) {
		if strings.HasPrefix(line, "SIG") || strings.HasPrefix(line, "fatal error:") {
			return quote.Line(strings.TrimSpace(line))
		}
	}
	return exit.String()
}

// loadApart opens a library in a probe; it is for drivers.Machine.
func loadApart(ctx context.Context, library string) error {
	answer, err := ask(ctx, probeLibrary+" "+library)
	if err == nil && answer.Error != "" {
		err = errors.New(answer.Error)
	}
	return err
}
