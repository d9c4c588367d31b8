package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os/exec"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/cmd/internal/stats"
	"github.com/crate-vk/crate-vk/crate/readout/maskcut"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/measure"
	"github.com/spf13/cobra"
	"gonum.org/v1/gonum/mat"
)

// cutFlags of bench maskcut.
type cutFlags struct {
	device   cli.DeviceFlags
	grid     int
	channels int
	batch    int
	objects  int
	repeat   int
	dense    int
	lapack   string
	asJSON   bool
}

// publishedDense is what LAPACK's dense solve of 3,600 patches took on two
// cores, in milliseconds, as the published programs call it.
const publishedDense = 11700

func (a *app) benchMaskCut() *cobra.Command {
	var f cutFlags
	c := &cobra.Command{
		Use:   "maskcut",
		Short: "Time MaskCut behind the model: affinity, eigen-solves, objects",
		Long: `maskcut times what MaskCut does with the features of a model: the affinity of a batch
on the device, one eigen-solve by Lanczos on the host, all objects of an image, and a
batch with its images' cuts side by side. Features are drawn: blobs on a gradient, with
noise. --dense N adds gonum's dense solve on a grid of N×N, --lapack PYTHON LAPACK's by
scipy on the grid itself. On 60×60 patches LAPACK took the published programs' way 11.7 s
on two cores.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runBenchMaskCut(cmd.Context(), &f) },
	}
	s := c.Flags()
	s.SortFlags = false
	s.IntVar(&f.grid, "grid", 60, "patches a side `N`")
	s.IntVar(&f.channels, "channels", 384, "of a feature")
	s.IntVar(&f.batch, "batch", 4, "images computed at once")
	s.IntVar(&f.objects, "objects", 3, "an image")
	s.IntVar(&f.repeat, "repeat", 5, "runs of each row")
	s.IntVar(&f.dense, "dense", 0, "time gonum's dense solve on `N`×N patches (30×30 take some 10 s)")
	s.StringVar(&f.lapack, "lapack", "", "time scipy.linalg.eigh in `PYTHON`, such as python3")
	s.BoolVar(&f.asJSON, "json", false, "print JSON")
	f.device.Register(s)
	return c
}

// cutRow is one thing that was timed, in milliseconds.
type cutRow struct {
	What  string     `json:"what"`
	MS    benchTimes `json:"ms"`
	CPU   float64    `json:"cpu_ms"`
	Runs  int        `json:"runs"`
	Times float64    `json:"times_faster_than_dense,omitempty"` // than 11.7 s, of 60×60 patches
}

func (a *app) runBenchMaskCut(ctx context.Context, f *cutFlags) error {
	if f.grid < 2 || f.grid > 200 || f.channels < 1 || f.batch < 1 || f.objects < 1 || f.repeat < 1 || f.dense < 0 {
		return cli.Usage(fmt.Errorf("want --grid of 2 to 200, --channels, --batch, --objects and --repeat of at least 1"))
	}
	e, err := f.device.Open(ctx, a.log)
	if err != nil {
		return err
	}
	defer e.Close()
	n := f.grid * f.grid
	var features []float32
	for i := range f.batch {
		features = append(features, drawFeatures(uint64(i), f.grid, f.channels)...)
	}
	res, list, err := measure.Affinity(ctx, e, features, f.batch, n, maskcut.Tau, measure.BenchOptions{Repeat: f.repeat})
	if err != nil {
		return err
	}
	affinity := newBenchRow(res, f.batch)
	rows := []cutRow{{fmt.Sprintf("affinity on the device, batch %d, an image", f.batch), affinity.PerImage.benchTimes, affinity.CPU, affinity.Runs, 0}}
	add := func(what string, repeat, by int, do func() error) error {
		row, err := timed(what, repeat, by, do)
		rows = append(rows, row)
		return err
	}
	err = add("one eigen-solve, Lanczos", f.repeat, 1, func() error { _, err := list[0].Cut(nil); return err })
	if err != nil {
		return err
	}
	opt := maskcut.Options{Objects: f.objects}
	err = add(fmt.Sprintf("%d objects of an image", f.objects), f.repeat, 1, func() error { _, err := list[0].Objects(f.grid, f.grid, opt); return err })
	if err != nil {
		return err
	}
	err = add(fmt.Sprintf("%d objects, %d images side by side, an image", f.objects, f.batch), f.repeat, f.batch, func() error { return cutAll(list, f.grid, opt) })
	if err != nil {
		return err
	}
	if n == 3600 {
		for i := range rows[1:2] {
			rows[1+i].Times = publishedDense / (rows[1+i].MS.Median + rows[0].MS.Median)
		}
	}
	if f.lapack != "" {
		took, err := lapack(ctx, f.lapack, list[0])
		if err != nil {
			return err
		}
		rows = append(rows, cutRow{"one dense solve, LAPACK by scipy, " + f.lapack, benchTimes{took, took, took}, 0, 1, 0})
	}
	if f.dense > 0 {
		small, err := maskcut.NewAffinity(drawFeatures(0, f.dense, f.channels), f.dense*f.dense, f.channels, maskcut.Tau)
		if err != nil {
			return err
		}
		if err := add(fmt.Sprintf("one dense solve, gonum, %d×%d patches", f.dense, f.dense), 1, 1, func() error { return denseSolve(small) }); err != nil {
			return err
		}
	}
	if f.asJSON {
		return writeJSON(a.out, rows)
	}
	return a.cutTable(f, e.Device(), rows)
}

func (a *app) cutTable(f *cutFlags, d engine.DeviceInfo, rows []cutRow) error {
	fmt.Fprintf(a.out, "%d×%d patches of %d channels, %s, %d cores\n", f.grid, f.grid, f.channels, d, runtime.NumCPU())
	t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "WHAT\tMS\tP5\tP95\tCPU MS\tRUNS\t")
	for _, r := range rows {
		note := ""
		if r.Times > 0 {
			note = fmt.Sprintf("with the affinity %.0f times faster than 11.7 s", r.Times)
		}
		fmt.Fprintf(t, "%s\t%.1f\t%.1f\t%.1f\t%.1f\t%d\t%s\n", r.What, r.MS.Median, r.MS.P5, r.MS.P95, r.CPU, r.Runs, note)
	}
	return t.Flush()
}

// timed repeats do; by divides the times.
func timed(what string, repeat, by int, do func() error) (cutRow, error) {
	var wall, cpu []float64
	for range repeat {
		c0, _ := measure.Usage()
		start := time.Now()
		if err := do(); err != nil {
			return cutRow{}, err
		}
		wall = append(wall, time.Since(start).Seconds()*1e3/float64(by))
		c1, _ := measure.Usage()
		cpu = append(cpu, (c1-c0).Seconds()*1e3/float64(by))
	}
	return cutRow{what, percentiles(wall).benchTimes, stats.Summarise(cpu).Median, repeat, 0}, nil
}

// cutAll finds the objects of several images on all cores.
func cutAll(list []*maskcut.Affinity, grid int, opt maskcut.Options) error {
	errs := make(chan error, len(list))
	for _, m := range list {
		go func() {
			_, err := m.Objects(grid, grid, opt)
			errs <- err
		}()
	}
	var failed error
	for range list {
		if err := <-errs; err != nil {
			failed = err
		}
	}
	return failed
}

// drawFeatures are blobs on a background, with a gradient and noise.
func drawFeatures(seed uint64, side, channels int) []float32 {
	r := rand.New(rand.NewPCG(60, seed))
	const kinds = 5
	centre := make([][]float64, kinds)
	places := make([][3]float64, kinds)
	for k := range centre {
		for range channels {
			centre[k] = append(centre[k], r.NormFloat64())
		}
		places[k] = [3]float64{r.Float64(), r.Float64(), 0.08 + 0.14*r.Float64()}
	}
	var list []float32
	for i := range side * side {
		y, x := float64(i/side)/float64(side), float64(i%side)/float64(side)
		kind := 0
		for k, p := range places[1:] {
			if math.Hypot(y-p[0], x-p[1]) < p[2] {
				kind = k + 1
			}
		}
		for c := range channels {
			list = append(list, float32(centre[kind][c]+r.NormFloat64()+(x-y)*float64(c%7-3)/3))
		}
	}
	return list
}

// denseSolve is the generalised problem in its symmetric form, D^(−1/2)·A·D^(−1/2),
// with gonum's eigen-solver for all vectors.
func denseSolve(a *maskcut.Affinity) error {
	weight := func(i, j int) float64 {
		if a.At(i, j) {
			return 1
		}
		return 1e-5
	}
	root := make([]float64, a.N)
	for i := range root {
		sum := 0.0
		for j := range a.N {
			sum += weight(i, j)
		}
		root[i] = math.Sqrt(sum)
	}
	m := mat.NewSymDense(a.N, nil)
	for i := range a.N {
		for j := range i + 1 {
			m.SetSym(i, j, weight(i, j)/(root[i]*root[j]))
		}
	}
	var e mat.EigenSym
	if !e.Factorize(m, true) {
		return fmt.Errorf("gonum's dense solve failed")
	}
	return nil
}

// lapack times the published programs' solve in a Python with scipy, in
// milliseconds.
func lapack(ctx context.Context, python string, a *maskcut.Affinity) (float64, error) {
	const script = `
import sys, time
import numpy, scipy.linalg
n, words = numpy.frombuffer(sys.stdin.buffer.read(8), '<u4')
bits = numpy.frombuffer(sys.stdin.buffer.read(), 'u1').reshape(n, 4 * words)
A = numpy.where(numpy.unpackbits(bits, axis=1, bitorder='little')[:, :n] > 0, 1.0, 1e-5)
D = numpy.diag(A.sum(axis=1))
t = time.time()
scipy.linalg.eigh(D - A, D, subset_by_index=[1, 2])
print((time.time() - t) * 1e3)
`
	var in bytes.Buffer
	binary.Write(&in, binary.LittleEndian, []uint32{uint32(a.N), uint32(a.Words)})
	binary.Write(&in, binary.LittleEndian, a.Bits)
	cmd := exec.CommandContext(ctx, python, "-c", script)
	cmd.Stdin = &in
	out, err := cmd.Output()
	var took float64
	if err == nil {
		_, err = fmt.Sscan(strings.TrimSpace(string(out)), &took)
	}
	if err != nil {
		return 0, fmt.Errorf("%s with scipy: %w", python, err)
	}
	return took, nil
}
