package main

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/cmd/internal/sensors"
	"github.com/crate-vk/crate-vk/crate/demo"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/loader/memory"
	"github.com/crate-vk/crate-vk/loader/quote"
)

// doctorCheck is a row of doctor.
type doctorCheck struct {
	Check  string `json:"check"`
	State  string `json:"state"` // stateOK, stateNote or stateBad
	Found  string `json:"found"`
	Remedy string `json:"remedy,omitempty"`
	code   int    // the exit code of what is bad
}

// The states of a row: all is well; it works, but not as well as it could; it doesn't.
const (
	stateOK   = "ok"
	stateNote = "note"
	stateBad  = "BAD"
)

func (a *app) doctor() *cobra.Command {
	var model cli.ModelFlags
	var device cli.DeviceFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor [--model FILE]",
		Short: "Look for what is wrong with this machine's set-up, and what to do",
		Long: `doctor looks at what crate-vk needs: the Vulkan loader, drivers and devices, and what
stands in the way of a GPU; the folder of what is kept between runs; the model; and
whether the device computes what the reference on the CPU computes. What it prints is
what to send with a bug report: it has no names of images, and ~ for the home folder.

Exit code 0: crate-vk works here, on whatever device; 4: no device can be used; 5: the
model is refused; 1: something else is bad.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runDoctor(cmd.Context(), &model, &device, asJSON)
		},
	}
	model.Register(c.Flags(), false)
	device.RegisterDevice(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (a *app) runDoctor(ctx context.Context, model *cli.ModelFlags, device *cli.DeviceFlags, asJSON bool) error {
	rows := []doctorCheck{}
	p := &printer{w: a.out}
	for row := range a.checks(ctx, model, device) {
		rows = append(rows, row)
		if !asJSON { // as it is known: some take seconds
			p.printf("%-4s  %-9s  %s\n", row.State, row.Check, atHome(strings.TrimSuffix(row.Found, "\n")))
			if row.Remedy != "" {
				p.printf("%17sWhat to do: %s.\n", "", atHome(row.Remedy))
			}
		}
		if p.err != nil {
			return p.err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if asJSON {
		for i := range rows {
			rows[i].Found, rows[i].Remedy = atHome(rows[i].Found), atHome(rows[i].Remedy)
		}
		if err := writeJSON(a.out, rows); err != nil {
			return err
		}
	} else if p.printf("\nTo report a fault send this, the command line, and what it said.\n"); p.err != nil {
		return p.err
	}
	for _, row := range rows {
		if row.State == stateBad {
			return cli.Coded(row.code, nil) // all was said
		}
	}
	return nil
}

// checks are the rows, in the order in which things are needed.
func (a *app) checks(ctx context.Context, model *cli.ModelFlags, device *cli.DeviceFlags) func(yield func(doctorCheck) bool) {
	return func(yield func(doctorCheck) bool) {
		usable := true
		for _, check := range []func() []doctorCheck{
			func() []doctorCheck { return []doctorCheck{aboutProgram(), aboutMachine()} },
			aboutVariables,
			func() []doctorCheck {
				r := a.lookWhy(ctx)
				usable = r.usable() || device.Device == engine.Interpreter
				return driverRows(r)
			},
			func() []doctorCheck { return []doctorCheck{cacheRow(cli.CacheDir())} },
			func() []doctorCheck { return []doctorCheck{a.modelRow(ctx, model)} },
			func() []doctorCheck {
				if !usable {
					return []doctorCheck{{Check: "self-test", State: stateNote, Found: "not done: there is no device to test"}}
				}
				return []doctorCheck{a.selfTestRow(ctx, device)}
			},
		} {
			for _, row := range check() {
				if ctx.Err() != nil || !yield(row) {
					return
				}
			}
		}
	}
}

func aboutProgram() doctorCheck {
	return doctorCheck{Check: "program", State: stateOK, Found: cli.VersionLine("crate-vk")}
}

func aboutMachine() doctorCheck {
	found := fmt.Sprintf("%s, %d cores", sensors.CPUModel(), runtime.NumCPU())
	if room := memory.Here().Room().Bytes; room < math.MaxInt64 {
		found += fmt.Sprintf(", %.1f GB of memory that the process may have", float64(room)/1e9)
	}
	return doctorCheck{Check: "machine", State: stateOK, Found: found}
}

// aboutVariables are those of the environment that change what drivers and program do.
func aboutVariables() (rows []doctorCheck) {
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		for _, begin := range []string{"VK_", "CRATE_VK_", "MESA_", "LIBGL_", "NVIDIA_", "__GL", "DRI_PRIME", "LD_LIBRARY_PATH", "GOMEMLIMIT", "GOGC"} {
			if strings.HasPrefix(name, begin) {
				rows = append(rows, doctorCheck{Check: "variable", State: stateOK, Found: quote.Line(v)})
				break
			}
		}
	}
	slices.SortFunc(rows, func(a, b doctorCheck) int { return strings.Compare(a.Found, b.Found) })
	return rows
}

// driverRows are the devices, and what devices --why finds.
func driverRows(r whyReport) (rows []doctorCheck) {
	for _, d := range r.Devices {
		row := doctorCheck{Check: "device", State: stateOK, Found: fmt.Sprintf("%d, %s (%s), driver %s, Vulkan %s", d.Index, d.Name, d.Type, d.Driver, d.API)}
		if d.Unusable != "" {
			row.State, row.Found = stateNote, row.Found+": can't be used, it "+d.Unusable
		}
		rows = append(rows, row)
	}
	for _, f := range r.Findings {
		rows = append(rows, doctorCheck{Check: f.Check, State: stateNote, Found: f.Problem, Remedy: f.Remedy})
	}
	switch {
	case !r.usable():
		row := doctorCheck{Check: "devices", State: stateBad, Found: "no Vulkan device can be used", code: cli.ExitDevice}
		if len(r.Findings) == 0 {
			if r.Error != "" {
				row.Found += ": " + r.Error
			}
			row.Remedy = "install a driver; on Debian mesa-vulkan-drivers has those of AMD and Intel, and a software device. --device cpu needs none, and is slow"
		}
		rows = append(rows, row)
	case !r.GPU:
		row := doctorCheck{Check: "devices", State: stateNote, Found: "no GPU can be used: crate-vk computes on a software device, with the CPU"}
		if !r.machine {
			row.Found += "; this system shows no GPU"
		}
		rows = append(rows, row)
	}
	return rows
}

// cacheRow looks at the folder of what is kept between runs.
func cacheRow(dir string) doctorCheck {
	row := doctorCheck{Check: "cache", State: stateNote, Remedy: "set XDG_CACHE_HOME to a folder that can be written, or use --no-cache: without it each run compiles and tests its kernels anew"}
	if dir == "" {
		row.Found = "no folder: the home folder is not known"
		return row
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		row.Found = err.Error()
		return row
	}
	f, err := os.CreateTemp(dir, "doctor-")
	if err == nil {
		err = f.Close()
		os.Remove(f.Name())
	}
	if err != nil {
		row.Found = err.Error()
		return row
	}
	files, bytes := 0, int64(0)
	filepath.WalkDir(dir, func(_ string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil
		}
		if info, err := e.Info(); err == nil {
			files, bytes = files+1, bytes+info.Size()
		}
		return nil
	})
	return doctorCheck{Check: "cache", State: stateOK, Found: fmt.Sprintf("%s: %d files, %.1f MB", dir, files, float64(bytes)/1e6)}
}

// modelRow opens the model and reads its file to the end.
func (a *app) modelRow(ctx context.Context, model *cli.ModelFlags) doctorCheck {
	row := doctorCheck{Check: "model", State: stateBad, code: cli.ExitModel}
	src, err := a.openForInfo(ctx, model)
	if err != nil {
		row.Found, row.Remedy = err.Error(), "crate-vk info --model FILE says what can be said of it; without --model the embedded model runs"
		return row
	}
	defer src.Close()
	return doctorCheck{Check: "model", State: stateOK, Found: fmt.Sprintf("%s: %s, %s, SHA-256 %.12s…", filepath.Base(src.Name), &src.Config, orPreset(src), src.Hash)}
}

// farthest is how far the device's map of attention may be from the interpreter's, of
// its largest value.
const farthest = 1e-4

// selfTestRow has the device compute the embedded model's attention, and compares it with
// the interpreter's.
func (a *app) selfTestRow(ctx context.Context, device *cli.DeviceFlags) doctorCheck {
	row := doctorCheck{Check: "self-test", State: stateBad, code: cli.ExitFailed, Remedy: "update the driver; crate-vk verify names the kernels that differ; --device names another device"}
	started := time.Now()
	got, name, err := a.attend(ctx, device)
	took := time.Since(started)
	if err != nil {
		row.Found, row.code = err.Error(), cli.ExitCode(err)
		return row
	}
	want, _, err := a.attend(ctx, &cli.DeviceFlags{Device: engine.Interpreter, Precision: device.Precision})
	if err != nil {
		row.Found, row.Remedy = err.Error(), ""
		return row
	}
	off, most := 0.0, 0.0
	for i := range want {
		off, most = max(off, math.Abs(got[i]-want[i])), max(most, math.Abs(want[i]))
	}
	row.Found = fmt.Sprintf("%s computes the embedded model's attention in %.1f s, kernels and all; off the reference by %.1e of its largest value at most", name, took.Seconds(), off/most)
	if off <= farthest*most { // also refuses what is no number
		row.State, row.Remedy = stateOK, ""
	}
	return row
}

// attend is the attention of the embedded model's class token over a picture that is drawn
// here, and the device that computed it.
func (a *app) attend(ctx context.Context, device *cli.DeviceFlags) ([]float64, string, error) {
	src, err := engine.OpenModelBytes(demo.Name, demo.Safetensors, engine.ModelOptions{})
	if err != nil {
		return nil, "", err
	}
	silent := *a
	silent.log = slog.New(slog.DiscardHandler)
	s, err := silent.load(ctx, device, src)
	if err != nil {
		return nil, "", err
	}
	defer s.close()
	seg, err := engine.Attention(engine.AttentionOptions{}).One(ctx, s.m, drawn())
	if err != nil {
		return nil, "", err
	}
	return seg.Objects[0].Map, s.e.Device().Name, nil
}

// drawn is a disc over a gradient.
func drawn() image.Image {
	const side = 128
	m := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			c := color.RGBA{uint8(x), uint8(2 * y), 90, 255}
			if dx, dy := x-70, y-56; dx*dx+dy*dy < 30*30 {
				c = color.RGBA{220, uint8(40 + x/2), uint8(y), 255}
			}
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

// atHome writes ~ for the home folder.
func atHome(text string) string {
	home, err := os.UserHomeDir()
	if err != nil || len(home) < 2 {
		return text
	}
	return strings.ReplaceAll(text, home, "~")
}
