package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

// coreTypes are the kinds of processor for which OpenBLAS has kernels that a
// processor of today may run best. "" is what it chooses itself: on one that is
// younger than the library that is a slow generic kernel, and a comparison with it
// would flatter crate-vk.
func coreTypes() []string { return []string{"", "SkylakeX", "Zen", "Haswell"} }

// coreRounds is how often each kind has a turn.
const coreRounds = 7

// coreTime is what a layer takes in PyTorch with the kernels of one kind of
// processor, in seconds of CPU; 0 where it could not run them. Other work on the
// machine changes it less than the clock, and it is what the targets are about.
type coreTime struct {
	name string
	cpu  float64
}

// measureCores times a layer like B/8's with each kind, in rounds that go to and
// fro. A kind that ends its process, having instructions that this processor has
// not, is out.
func measureCores(ctx context.Context, names []string, command func(core string) *exec.Cmd) ([]coreTime, error) {
	list, runs, peers := make([]coreTime, len(names)), make([][]float64, len(names)), make([]*peer, len(names))
	order := make([]int, len(names))
	for i, name := range names {
		order[i], list[i].name = i, name
		p := &peer{name: "PyTorch with OPENBLAS_CORETYPE=" + name}
		if err := startPeer(p, command(name)); err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		defer p.stop()
		peers[i] = p
	}
	layer := request{Do: "layer", M: 785, K: 768, Heads: 12, Times: 3, Threads: runtime.NumCPU()}
	for range coreRounds {
		for _, i := range order {
			if peers[i] == nil {
				continue
			}
			a, err := peers[i].ask(ctx, layer)
			switch {
			case ctx.Err() != nil:
				return nil, ctx.Err()
			case err != nil && names[i] == "":
				return nil, err
			case err != nil:
				peers[i], runs[i] = nil, nil
				continue
			}
			runs[i] = append(runs[i], a.CPU)
		}
		slices.Reverse(order)
	}
	for i := range list {
		if len(runs[i]) > 0 {
			list[i].cpu = spreadOf(runs[i]).median
		}
	}
	return list, nil
}

// fastestCore is the kind whose layer takes the least CPU time of those that run.
func fastestCore(list []coreTime) coreTime {
	return slices.MinFunc(list, func(a, b coreTime) int {
		if (a.cpu == 0) != (b.cpu == 0) {
			return cmp.Compare(b.cpu, a.cpu)
		}
		return cmp.Compare(a.cpu, b.cpu)
	})
}

// fastBLAS is a program that fails where PyTorch multiplies with neither MKL nor
// OpenBLAS: with the reference library, which Debian's PyTorch is content with, a
// product takes twenty times as long.
const fastBLAS = `import sys, torch
torch.mm(torch.ones(64, 64), torch.ones(64, 64))
sys.exit(not torch.backends.mkl.is_available() and "openblas" not in open("/proc/self/maps").read())`

// errSlowBLAS says what is to be done about it.
var errSlowBLAS = errors.New("PyTorch multiplies with neither MKL nor OpenBLAS here, and so slowly that a comparison would say nothing: install OpenBLAS (Debian: libopenblas0-openmp, whose threads are PyTorch's own), as make bench-peers does")

// chooseCore measures which of OpenBLAS's kernels make PyTorch fastest here, that
// of the environment among them, and notes it. It returns PyTorch's environment.
// A PyTorch with MKL has no use for the setting.
func (b *bench) chooseCore(ctx context.Context, python, script string) ([]string, error) {
	if exec.Command(python, "-c", "import sys, torch; sys.exit(torch.backends.mkl.is_available())").Run() != nil {
		return pythonEnv(), nil
	}
	if exec.Command(python, "-c", fastBLAS).Run() != nil {
		return nil, errSlowBLAS
	}
	names := coreTypes()
	if set := os.Getenv(coreVariable); !slices.Contains(names, set) {
		names = append(names, set)
	}
	list, err := measureCores(ctx, names, func(core string) *exec.Cmd {
		cmd := exec.Command(python, script)
		cmd.Env = coreEnv(core)
		return cmd
	})
	if err != nil {
		return nil, err
	}
	best := fastestCore(list)
	b.note("%s", coreNote(list, best))
	return coreEnv(best.name), nil
}

// coreVariable is how OpenBLAS is told for which kind of processor to compute.
const coreVariable = "OPENBLAS_CORETYPE"

// coreEnv is PyTorch's environment with a kind of processor, whatever the
// environment of this process says; "" leaves the choice to OpenBLAS.
func coreEnv(core string) []string {
	env := slices.DeleteFunc(pythonEnv(), func(s string) bool { return strings.HasPrefix(s, coreVariable+"=") })
	if core == "" {
		return env
	}
	return append(env, coreVariable+"="+core)
}

// coreNote says what was chosen, and beside what.
func coreNote(list []coreTime, best coreTime) string {
	name := func(s coreTime) string {
		if s.name == "" {
			return "its own choice"
		}
		return s.name
	}
	var each []string
	for _, s := range list {
		took := "does not run"
		if s.cpu > 0 {
			took = fmt.Sprintf("%.1f", 1e3*s.cpu)
		}
		each = append(each, name(s)+" "+took)
	}
	return fmt.Sprintf("PyTorch runs with the kernels of OpenBLAS that were fastest here, %s (OPENBLAS_CORETYPE; a layer of 785 tokens, 768 channels and 12 heads in ms of CPU: %s).", name(best), strings.Join(each, ", "))
}
