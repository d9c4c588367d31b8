package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// answer is what a peer says to a request.
type answer struct {
	Error   string    `json:"error,omitempty"`
	Version string    `json:"version,omitempty"`
	Wall    float64   `json:"wall,omitempty"` // seconds a forward
	CPU     float64   `json:"cpu,omitempty"`  // likewise, user and system time of all threads
	Output  []float64 `json:"output,omitempty"`
	GFLOPS  float64   `json:"gflops,omitempty"`
	Share   []float64 `json:"share,omitempty"` // whole plan ÷ its products alone, a round each
	Name    string    `json:"name,omitempty"`
	Tuning  string    `json:"tuning,omitempty"` // of crate-vk: static, or a name of what tune has stored
}

// peer is a child process that answers requests, one line of JSON each.
type peer struct {
	name      string // as in the table
	form      string
	bits      int
	tuned     bool
	version   string
	tolerance float64 // of its outputs, as a share of the largest
	cmd       *exec.Cmd
	in        io.WriteCloser
	out       *bufio.Scanner
	errors    *bytes.Buffer
}

// maxAnswer bounds a line: the outputs of a batch as decimal numbers.
const maxAnswer = 256 << 20

func startPeer(p *peer, cmd *exec.Cmd) error {
	p.cmd, p.errors = cmd, &bytes.Buffer{}
	cmd.Stderr = p.errors
	var err error
	if p.in, err = cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	p.out = bufio.NewScanner(out)
	p.out.Buffer(make([]byte, 1<<16), maxAnswer)
	return cmd.Start()
}

// ask sends a request and waits for its answer.
func (p *peer) ask(ctx context.Context, r request) (a answer, err error) {
	if err := ctx.Err(); err != nil {
		return a, err
	}
	fail := func(err error) (answer, error) { return a, fmt.Errorf("%s: %s: %w", p.name, r.Do, err) }
	line, err := json.Marshal(r)
	if err != nil {
		return fail(err)
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return fail(p.died(err))
	}
	if !p.out.Scan() {
		err := p.out.Err()
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		return fail(p.died(err))
	}
	if err := json.Unmarshal(p.out.Bytes(), &a); err != nil {
		return fail(err)
	}
	if a.Error != "" {
		return fail(errors.New(a.Error))
	}
	return a, nil
}

// died adds what a process that has ended said last.
func (p *peer) died(err error) error {
	p.stop()
	if s := strings.TrimSpace(p.errors.String()); s != "" {
		return fmt.Errorf("%w: %s", err, s[max(0, len(s)-2000):])
	}
	return err
}

// stop ends the process: the end of its input is the request to.
func (p *peer) stop() {
	if p.cmd == nil {
		return
	}
	p.in.Close()
	t := time.AfterFunc(10*time.Second, func() { p.cmd.Process.Kill() })
	p.cmd.Wait()
	t.Stop()
	p.cmd = nil
}
