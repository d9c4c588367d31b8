package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/cmd/internal/stats"
	"github.com/crate-vk/crate-vk/loader/quote"
	"github.com/crate-vk/crate-vk/loader/regular"
)

// benchKey is what two rows must have in common to be compared.
type benchKey struct {
	model, size      string
	batch            int
	precision, which string // which: the read-out
}

func (r *benchRow) key() benchKey {
	return benchKey{r.Model, r.Size, r.Batch, r.Precision, r.Readout}
}

func (k benchKey) String() string {
	return fmt.Sprintf("%s %s, batch %d, %s, %s", k.model, k.size, k.batch, k.precision, k.which)
}

// setup is what may differ between old and new, and then is named.
func (r *benchRow) setup() []string {
	device := r.Device
	if r.Env.VectorBits > 0 {
		device += fmt.Sprintf(", vectors of %d bits", r.Env.VectorBits)
	}
	return []string{r.Env.Version, r.Env.Go, fmt.Sprintf("%s, %d cores", r.Env.CPU, r.Env.Cores), device, r.Driver, r.Env.Tuning}
}

func setupNames() []string {
	return []string{"version", "Go", "processor", "device", "driver", "tuning"}
}

// benchFile has the rows of a file, those of one key put together.
type benchFile struct {
	path string
	keys []benchKey
	rows map[benchKey]*benchRow
}

// readBench reads what --format json or jsonl wrote. Several rows of one key, as
// of runs that took turns, count as one whose runs are those of all, if they were
// measured on one device with one version.
func readBench(ctx context.Context, path string) (*benchFile, error) {
	data, err := regular.Read(ctx, path, regular.Text)
	if err != nil {
		return nil, cli.Usage(err)
	}
	list, err := decodeBench(data)
	if err == nil && len(list) == 0 {
		err = errors.New("has no rows")
	}
	f := &benchFile{path: path, rows: map[benchKey]*benchRow{}}
	for i := range list {
		if err == nil {
			err = f.add(&list[i])
		}
	}
	if err != nil {
		return nil, cli.Usage(fmt.Errorf("%s: %w (want what crate-vk bench --format jsonl prints)", quote.Path(path), err))
	}
	return f, nil
}

// decodeBench takes a list of rows, or rows behind one another.
func decodeBench(data []byte) (list []benchRow, err error) {
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		return list, json.Unmarshal(data, &list)
	}
	for d := json.NewDecoder(bytes.NewReader(data)); ; {
		var r benchRow
		switch err := d.Decode(&r); {
		case err == io.EOF:
			return list, nil
		case err != nil:
			return nil, fmt.Errorf("row %d: %w", len(list)+1, err)
		}
		list = append(list, r)
	}
}

// longestRun is in milliseconds: a year. What is longer is no time, and overflows.
const longestRun = 366 * 24 * 3600e3

func (f *benchFile) add(r *benchRow) error {
	key := r.key()
	if r.Model == "" || len(r.Samples.Wall) == 0 || len(r.Samples.Wall) != len(r.Samples.CPU) {
		return fmt.Errorf("the row of %q has no single runs", quote.Path(r.Model))
	}
	for _, x := range slices.Concat(r.Samples.Wall, r.Samples.CPU) {
		if !(x >= 0 && x <= longestRun) {
			return fmt.Errorf("%s: a run took %g ms", key, x)
		}
	}
	was := f.rows[key]
	if was == nil {
		f.keys, f.rows[key] = append(f.keys, key), r
		return nil
	}
	for i, s := range r.setup() {
		if old := was.setup()[i]; old != s {
			return fmt.Errorf("two rows of %s differ in %s, %q and %q: put them into two files", key, setupNames()[i], old, s)
		}
	}
	was.Samples.Wall, was.Samples.CPU = append(was.Samples.Wall, r.Samples.Wall...), append(was.Samples.CPU, r.Samples.CPU...)
	return nil
}

// benchVerdict is a compared row.
type benchVerdict struct {
	key      benchKey
	old, new stats.Summary
	ratio    stats.Ratio
	unjudged string // why there is no ratio, "": there is one
	few      bool   // runs: that is why
}

func (v *benchVerdict) slower() bool { return v.unjudged == "" && v.ratio.Low > 1 }

func (v *benchVerdict) String() string {
	switch {
	case v.unjudged != "":
		return "not judged: " + v.unjudged
	case v.slower():
		return "**slower**"
	case v.ratio.High < 1:
		return "faster"
	}
	return "no difference shown"
}

// compareBench compares two files of results.
func (a *app) compareBench(ctx context.Context, oldPath, newPath, by string) error {
	times := func(r *benchRow) []float64 { return r.Samples.Wall }
	if by == "cpu" {
		times = func(r *benchRow) []float64 { return r.Samples.CPU }
	}
	old, err := readBench(ctx, oldPath)
	if err != nil {
		return err
	}
	new, err := readBench(ctx, newPath)
	if err != nil {
		return err
	}
	verdicts := judge(old, new, times)
	for _, f := range [][2]*benchFile{{old, new}, {new, old}} {
		for _, k := range f[0].keys {
			if f[1].rows[k] == nil {
				a.log.Warn(fmt.Sprintf("%s has no row of %s: left out", quote.Path(f[1].path), k))
			}
		}
	}
	p := &benchPrinter{w: a.out}
	if len(verdicts) > 0 {
		p.changes(old, new, verdicts)
		p.verdicts(verdicts, by)
	}
	if p.err != nil {
		return p.err
	}
	return exitOf(verdicts)
}

// shortestRun is in milliseconds: clocks tick nanoseconds at best, and batches have
// thousands of images at most.
const shortestRun = 1e-12

// judge compares the rows that both files have.
func judge(old, new *benchFile, times func(*benchRow) []float64) (list []*benchVerdict) {
	for _, k := range old.keys {
		if new.rows[k] == nil {
			continue
		}
		was, is := times(old.rows[k]), times(new.rows[k])
		v := &benchVerdict{key: k, old: stats.Summarise(was), new: stats.Summarise(is)}
		switch {
		case min(len(was), len(is)) < stats.FewestRuns:
			v.few, v.unjudged = true, fmt.Sprintf("fewer than %d runs", stats.FewestRuns)
		case min(slices.Min(was), slices.Min(is)) < shortestRun:
			v.unjudged = "a run took no time that the clock can tell"
		default:
			v.ratio = stats.RatioOfMedians(was, is)
		}
		list = append(list, v)
	}
	return list
}

// exitOf is the error that carries the exit code: failed where a row is slower,
// wrong usage where none could be judged.
func exitOf(list []*benchVerdict) error {
	judged, slower := 0, 0
	for _, v := range list {
		if v.unjudged == "" {
			judged++
		}
		if v.slower() {
			slower++
		}
	}
	switch {
	case len(list) == 0:
		return cli.Usage(errors.New("the two files have no row in common: same model, size, batch, precision and read-out"))
	case judged == 0:
		for _, v := range list {
			if !v.few {
				return cli.Usage(fmt.Errorf("no row can be judged: of %s %s", v.key, v.unjudged))
			}
		}
		return cli.Usage(fmt.Errorf("no row can be judged: an interval takes at least %d runs on both sides (bench --min-queries %d is better)", stats.FewestRuns, 10*stats.FewestRuns))
	case slower > 0:
		return cli.Coded(cli.ExitFailed, fmt.Errorf("%d of %d rows are slower", slower, judged))
	}
	return nil
}

// changes names what differs between the setups of compared rows.
func (p *benchPrinter) changes(old, new *benchFile, list []*benchVerdict) {
	var said []string
	for _, v := range list {
		was, is := old.rows[v.key].setup(), new.rows[v.key].setup()
		for i, name := range setupNames() {
			if line := fmt.Sprintf("%s: %s → %s", name, was[i], is[i]); was[i] != is[i] && !slices.Contains(said, line) {
				said = append(said, line)
			}
		}
	}
	for _, line := range said {
		p.print("%s  \n", line)
	}
	if said != nil {
		p.print("\n")
	}
}

func (p *benchPrinter) verdicts(list []*benchVerdict, by string) {
	what := map[string]string{"wall": "ms/image", "cpu": "CPU ms/image"}[by]
	p.print("| model | size | batch | precision | read-out | old %s | new %s | new ÷ old | 95 %% interval | |\n|%s\n", what, what, strings.Repeat("---|", 10))
	for _, v := range list {
		ratio, interval := "–", "–"
		if v.unjudged == "" {
			ratio, interval = fmt.Sprintf("%.3f", v.ratio.Value), fmt.Sprintf("%.3f – %.3f", v.ratio.Low, v.ratio.High)
		}
		p.print("| %s | %s | %d | %s | %s | %.2f | %.2f | %s | %s | %s |\n", quote.Path(v.key.model), v.key.size, v.key.batch, v.key.precision, v.key.which, v.old.Median, v.new.Median, ratio, interval, v)
	}
}
