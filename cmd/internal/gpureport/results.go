package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// results are what gpu-check has left in a folder.
type results struct {
	commit, machine string
	why             why
	steps           []step
	masks           []masks
	failed          []string // tests
	passed          int
	bench, tuned    []timing
	torch           []timing
}

// why is what crate-vk devices --why --json says.
type why struct {
	Devices []device `json:"devices"`
}

// device is one that Vulkan lists.
type device struct {
	Name, Type, Driver, API string
	Subgroup                int
	Memory                  int64 `json:"memory_bytes"`
}

// step is one of the script's.
type step struct {
	name, code string // exit code; 124: ran into its limit; skipped: no time was left
	seconds    int
}

// masks says how many are the software device's, byte for byte.
type masks struct {
	name      string
	same, all int
}

// timing is a row of bench, or of PyTorch.
type timing struct {
	Model, Precision, Device, Driver, Version string
	Batch                                     int
	PerImage                                  float64 // ms, the median
	GFLOPS, Share                             float64 // of the arithmetic that the device's registers gave in the same run
}

// UnmarshalJSON reads both kinds.
func (t *timing) UnmarshalJSON(data []byte) error {
	var row struct {
		Model, Precision, Device, Driver, Version string
		Batch                                     int
		MS                                        json.RawMessage `json:"ms_per_image"`
		GFLOPS                                    float64         `json:"gflops"`
		Share                                     float64         `json:"share_of_device_gflops"`
	}
	if err := json.Unmarshal(data, &row); err != nil {
		return err
	}
	*t = timing{row.Model, row.Precision, row.Device, row.Driver, row.Version, row.Batch, 0, row.GFLOPS, row.Share}
	var spread struct{ Median float64 }
	if json.Unmarshal(row.MS, &spread) == nil {
		t.PerImage = spread.Median
		return nil
	}
	return json.Unmarshal(row.MS, &t.PerImage)
}

// read reads a folder. Steps may be missing: the script goes on after one that failed.
func read(folder string) (results, error) {
	var r results
	steps, err := os.ReadFile(filepath.Join(folder, "steps.tsv"))
	if err != nil {
		return r, fmt.Errorf("no results of gpu-check: %w", err)
	}
	for _, f := range fields(steps, 3) {
		seconds, err := strconv.Atoi(f[2])
		if err != nil {
			return r, fmt.Errorf("steps.tsv: %w", err)
		}
		r.steps = append(r.steps, step{f[0], f[1], seconds})
	}
	text := func(name string) []byte {
		data, e := os.ReadFile(filepath.Join(folder, name))
		if e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
		return data
	}
	r.commit, r.machine = strings.TrimSpace(string(text("commit"))), string(text("machine.txt"))
	if data := text("why.json"); len(data) > 0 {
		if e := json.Unmarshal(data, &r.why); e != nil {
			err = errors.Join(err, fmt.Errorf("why.json: %w", e))
		}
	}
	for _, f := range fields(text("masks.tsv"), 3) {
		same, e1 := strconv.Atoi(f[1])
		all, e2 := strconv.Atoi(f[2])
		err = errors.Join(err, e1, e2)
		r.masks = append(r.masks, masks{f[0], same, all})
	}
	for _, name := range []string{"vk", "prove", "engine"} {
		for line := range strings.Lines(string(text("tests-" + name + ".txt"))) {
			r.count(strings.TrimSpace(line))
		}
	}
	for name, rows := range map[string]*[]timing{"bench.jsonl": &r.bench, "tuned.jsonl": &r.tuned, "torch.jsonl": &r.torch} {
		for line := range bytes.Lines(text(name)) {
			var t timing
			if e := json.Unmarshal(line, &t); e != nil {
				err = errors.Join(err, fmt.Errorf("%s: %w", name, e))
				continue
			}
			*rows = append(*rows, t)
		}
	}
	return r, err
}

// count takes a line of go test -v: "--- FAIL: TestKernels/llvmpipe (1.20s)".
func (r *results) count(line string) {
	if rest, ok := strings.CutPrefix(line, "--- FAIL: "); ok {
		r.failed = append(r.failed, strings.Fields(rest)[0])
	} else if strings.HasPrefix(line, "--- PASS: ") {
		r.passed++
	}
}

// fields are the lines of a table that have n columns.
func fields(data []byte, n int) (rows [][]string) {
	for line := range strings.Lines(string(data)) {
		if f := strings.Split(strings.TrimSuffix(line, "\n"), "\t"); len(f) == n {
			rows = append(rows, f)
		}
	}
	return rows
}
