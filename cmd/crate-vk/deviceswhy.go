package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/engine/drivers"
	"github.com/crate-vk/crate-vk/loader/quote"
)

// How long devices --why waits. What is wrong is told within two seconds; a GPU that
// sleeps may take longer to answer that it can be used.
const (
	whyPatience    = 1800 * time.Millisecond // for findings
	answerPatience = 900 * time.Millisecond  // until drivers that haven't answered are asked one by one
	wakePatience   = 10 * time.Second        // for the list of devices
)

// whyReport is what devices --why says.
type whyReport struct {
	GPU      bool              `json:"gpu"` // one can be used
	Devices  []deviceRow       `json:"devices"`
	Findings []drivers.Finding `json:"findings"`
	Error    string            `json:"error,omitempty"` // of listing the devices

	machine bool // it has a GPU, as far as the kernel tells
}

// devicesWhy says what stands in the way of using a GPU.
func (a *app) devicesWhy(ctx context.Context, asJSON bool) error {
	r := a.lookWhy(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	write := r.write
	if asJSON {
		write = func(w io.Writer) error { return writeJSON(w, r) }
	}
	if err := write(a.out); err != nil {
		return err
	}
	if !r.GPU {
		return cli.Coded(cli.ExitDevice, nil)
	}
	return nil
}

// lookWhy asks the drivers for their devices, and looks at the machine meanwhile.
func (a *app) lookWhy(ctx context.Context) whyReport {
	soon, cancel := context.WithTimeout(ctx, whyPatience)
	defer cancel()
	m := drivers.Machine{}
	if drivers.CanLoad {
		m.Load = loadApart
	}
	found := sync.OnceValue(func() []drivers.Finding { return m.Check(soon) })
	go found()
	answer, slow, err := a.listWhy(ctx, soon, m, found)
	r := whyReport{Devices: deviceRows(answer.Devices), Error: answer.Error, machine: runtime.GOOS != "linux" || m.HasGPU(ctx)}
	if err != nil {
		r.Error = err.Error()
	}
	r.GPU = slices.ContainsFunc(r.Devices, func(d deviceRow) bool { return d.Unusable == "" && d.Type != software })
	r.Findings = append(slow, standing(found(), r.GPU, r.Error == "")...)
	return r
}

// usable says that there is a device that can be used, of whatever kind.
func (r whyReport) usable() bool {
	return slices.ContainsFunc(r.Devices, func(d deviceRow) bool { return d.Unusable == "" })
}

// standing are the findings that say something of a machine where a GPU can be used, or
// none, and where devices were listed, or not.
func standing(found []drivers.Finding, gpu, listed bool) []drivers.Finding {
	return slices.DeleteFunc(found, func(f drivers.Finding) bool { return gpu && f.Harmless || listed && f.Late })
}

// listWhy is the list of devices. Where it does not come soon, or a driver crashes, each
// driver is asked alone, and those that do not answer are findings; what is known by then
// is told on the log, and the list is waited for longer.
func (a *app) listWhy(ctx, soon context.Context, m drivers.Machine, found func() []drivers.Finding) (answer probeAnswer, slow []drivers.Finding, err error) {
	late, cancel := context.WithTimeout(ctx, wakePatience)
	defer cancel()
	listed := make(chan struct{})
	go func() {
		defer close(listed)
		answer, err = ask(late, probeDevices)
	}()
	select {
	case <-listed:
		if err == nil {
			return answer, nil, nil
		}
	case <-time.After(answerPatience):
	}
	slow = eachAlone(soon, m.Manifests(soon))
	for _, f := range slices.Concat(slow, standing(slices.Clone(found()), true, true)) {
		a.log.Warn("waiting for the drivers' answer; so far", "finding", f.Problem)
	}
	<-listed
	if err == nil { // all have answered in the end
		slow = nil
	}
	return answer, slow, err
}

// eachAlone asks the driver of each manifest for its devices, all at once, and tells
// which of them crash or do not answer until ctx ends.
func eachAlone(ctx context.Context, manifests []string) []drivers.Finding {
	errs := make([]error, len(manifests))
	var asked sync.WaitGroup
	for i, path := range manifests {
		asked.Go(func() { _, errs[i] = ask(ctx, probeDevices, "VK_DRIVER_FILES="+path, "VK_ICD_FILENAMES="+path) })
	}
	asked.Wait()
	var found []drivers.Finding
	for i, path := range manifests {
		problem := ""
		switch {
		case errs[i] == nil:
			continue
		case errors.Is(errs[i], context.DeadlineExceeded):
			problem = "does not answer which devices it has"
		default:
			problem = errs[i].Error()
		}
		found = append(found, drivers.Finding{Check: "drivers-alone", Problem: fmt.Sprintf("the driver of the manifest %s: %s", quote.Path(path), problem),
			Remedy: "see what the kernel says of the GPU: dmesg; to go without this driver name the others in VK_DRIVER_FILES"})
	}
	return found
}

// software is the type of devices that compute on the CPU.
const software = "software"

// write says it in words.
func (r whyReport) write(w io.Writer) error {
	p := &printer{w: w}
	for _, d := range r.Devices {
		switch {
		case d.Unusable != "":
			p.printf("%d, %s, can't be used: it %s.\n", d.Index, d.Name, d.Unusable)
		case d.Type == software:
			p.printf("%d, %s, can be used. It is a software device, which computes on the CPU.\n", d.Index, d.Name)
		default:
			p.printf("%d, %s, can be used. It is a GPU (%s, %s).\n", d.Index, d.Name, d.Type, d.Driver)
		}
	}
	if !r.GPU {
		p.printf("No GPU can be used.\n")
	}
	for _, f := range r.Findings {
		p.printf("\n%s: %s.\n    What to do: %s.\n", f.Check, f.Problem, f.Remedy)
	}
	switch {
	case len(r.Findings) > 0:
	case r.GPU:
		p.printf("Nothing was found that is wrong.\n")
	case r.machine:
		p.printf("\nNothing was found that is wrong with the drivers.\n")
	default:
		p.printf("\nThis system shows no GPU: none on the PCI bus, no node in /dev/dri, no /dev/nvidia0.\n")
	}
	if r.Error != "" && len(r.Findings) == 0 {
		p.printf("%s.\n", r.Error)
	}
	return p.err
}

// printer prints until something fails.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}
