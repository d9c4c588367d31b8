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
	ceilings        ceilings
	products        map[string]product // by the step's name: fp32, fp16, tuned
	torchProducts   []product
	unread          []string // files that can't be read, and why
}

// ceilings are what crate-vk bench ceilings --json says.
type ceilings struct {
	Device string
	GBs    float64 `json:"gb_per_second"`
	Peaks  []peak  `json:"peaks"`
	Lacks  []string
}

// peak is a ceiling of arithmetic.
type peak struct {
	Factors, Sums, Scope, Error string
	Shape                       *[3]int // M, N, K of cooperative matrices
	GFLOPS                      float64
}

// product is a matrix product's time: crate-vk's of bench product, or PyTorch's.
type product struct {
	Rows, Inner, Columns int
	Precision, Kernel    string
	GFLOPS               float64
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
	Clock, Power                              float64 // medians in MHz and watts, 0: not readable
	Ops                                       []op
}

// op is a kernel of a row, with the time of all its dispatches.
type op struct {
	Name        string
	Count       int
	MS, GFLOPS  float64
	GBs         float64 `json:"gb_per_second"`
	ShareOfRoof float64 `json:"share_of_roof"`
}

// UnmarshalJSON reads both kinds.
func (t *timing) UnmarshalJSON(data []byte) error {
	var row struct {
		Model, Precision, Device, Driver, Version string
		Batch                                     int
		MS                                        json.RawMessage `json:"ms_per_image"`
		GFLOPS                                    float64         `json:"gflops"`
		Share                                     float64         `json:"share_of_device_gflops"`
		Sensors                                   struct {
			Clock *struct{ Median float64 } `json:"clock_mhz"`
			Power *struct{ Median float64 } `json:"power_watts"`
		}
		Ops []op
	}
	if err := json.Unmarshal(data, &row); err != nil {
		return err
	}
	*t = timing{Model: row.Model, Precision: row.Precision, Device: row.Device, Driver: row.Driver, Version: row.Version, Batch: row.Batch, GFLOPS: row.GFLOPS, Share: row.Share, Ops: row.Ops}
	if c := row.Sensors.Clock; c != nil {
		t.Clock = c.Median
	}
	if w := row.Sensors.Power; w != nil {
		t.Power = w.Median
	}
	var spread struct{ Median float64 }
	if json.Unmarshal(row.MS, &spread) == nil {
		t.PerImage = spread.Median
		return nil
	}
	return json.Unmarshal(row.MS, &t.PerImage)
}

// read reads a folder. Files may be missing or cut off: the script goes on after a step that
// failed or ran out of its time. What can't be read is noted.
func read(folder string) (results, error) {
	r := results{products: map[string]product{}}
	steps, err := os.ReadFile(filepath.Join(folder, "steps.tsv"))
	if err != nil {
		return r, fmt.Errorf("no results of gpu-check: %w", err)
	}
	for _, f := range fields(steps, 3) {
		seconds, err := strconv.Atoi(f[2])
		r.note("steps.tsv", err)
		r.steps = append(r.steps, step{f[0], f[1], seconds})
	}
	text := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(folder, name))
		if !errors.Is(err, fs.ErrNotExist) {
			r.note(name, err)
		}
		return data
	}
	r.commit, r.machine = strings.TrimSpace(string(text("commit"))), string(text("machine.txt"))
	for _, f := range fields(text("masks.tsv"), 3) {
		same, e1 := strconv.Atoi(f[1])
		all, e2 := strconv.Atoi(f[2])
		r.note("masks.tsv", errors.Join(e1, e2))
		r.masks = append(r.masks, masks{f[0], same, all})
	}
	for _, name := range []string{"vk", "prove", "engine"} {
		for line := range strings.Lines(string(text("tests-" + name + ".txt"))) {
			r.count(strings.TrimSpace(line))
		}
	}
	r.readJSON(text)
	return r, nil
}

// readJSON reads what has one value, and what has one a line.
func (r *results) readJSON(text func(name string) []byte) {
	one := func(name string, to any) bool {
		data := text(name)
		if len(data) == 0 {
			return false
		}
		err := json.Unmarshal(data, to)
		r.note(name, err)
		return err == nil
	}
	one("why.json", &r.why)
	one("ceilings.json", &r.ceilings)
	for _, name := range []string{"fp32", "fp16", "tuned"} {
		var p product
		if one("product-"+name+".json", &p) {
			r.products[name] = p
		}
	}
	r.bench, r.tuned, r.torch = lines[timing](r, "bench.jsonl", text), lines[timing](r, "tuned.jsonl", text), lines[timing](r, "torch.jsonl", text)
	r.torchProducts = lines[product](r, "torch-products.jsonl", text)
}

// lines are the rows of a file with one value a line.
func lines[T any](r *results, name string, text func(string) []byte) (rows []T) {
	for line := range bytes.Lines(text(name)) {
		var row T
		if err := json.Unmarshal(line, &row); err != nil {
			r.note(name, err)
			continue
		}
		rows = append(rows, row)
	}
	return rows
}

// note keeps an error for the page.
func (r *results) note(name string, err error) {
	if err != nil {
		r.unread = append(r.unread, fmt.Sprintf("%s (%v)", name, err))
	}
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
