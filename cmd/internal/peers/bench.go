package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/cpu"
)

// The forms in which a peer computes a model.
const (
	published = "published"
	folded    = "folded"
)

//go:embed torch_peer.py
var torchPeer []byte

//go:embed ggml_peer.py
var ggmlPeer []byte

//go:embed onnx_peer.mjs
var onnxPeer []byte

// bench is one run of the command.
type bench struct {
	*flags
	dir      string // temporary: weights, models, pixels
	log      io.Writer
	peers    []*peer // the first one is what the others are compared with
	vulk     []*peer // crate-vk's among them
	ggml     *peer   // beside them; nil: not to be had here
	load0    float64 // the machine's before the run
	notes    []string
	table    []row
	gemm     []gemmRow
	ggmlGEMM float64 // GF/s of ggml, 0: not measured
	sgemm    spread  // GF/s of the machine, as PyTorch has it
}

// start starts the peers that can be had here. PyTorch and crate-vk must be.
func (b *bench) start(ctx context.Context) error {
	python, err := findPython(b.python)
	if err != nil {
		return err
	}
	script := filepath.Join(b.dir, "torch_peer.py")
	if err := os.WriteFile(script, torchPeer, 0o600); err != nil {
		return err
	}
	env, err := b.chooseCore(ctx, python, script)
	if err != nil {
		return err
	}
	for _, form := range []string{published, folded} {
		cmd := exec.Command(python, script)
		cmd.Env = env
		if err := b.add(&peer{name: "PyTorch, " + form, form: form, tolerance: tolerance}, cmd); err != nil {
			return err
		}
	}
	if err := b.startONNX(); err != nil {
		return err
	}
	if err := b.startVulkan(ctx); err != nil {
		return err
	}
	return b.startGGML(python)
}

func (b *bench) add(p *peer, cmd *exec.Cmd) error {
	if err := startPeer(p, cmd); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	b.peers = append(b.peers, p)
	return nil
}

// pythonEnv makes the threads of torch's two pools, OpenMP's and OpenBLAS's,
// sleep while they wait. Spinning gains nothing measurable on idle cores; on busy
// ones it takes the core from the thread that is waited for, and doubled the CPU
// time. Memory that tensors leave is kept, in huge pages: else glibc gives a large tensor's
// back to the system, which clears it for the next one, and on a virtual machine
// that was three quarters of B/8's time. Other C libraries don't read the setting.
func pythonEnv() []string {
	return append(os.Environ(), "OMP_WAIT_POLICY=PASSIVE", "OPENBLAS_THREAD_TIMEOUT=4", fmt.Sprintf("OMP_NUM_THREADS=%d", runtime.NumCPU()),
		"GLIBC_TUNABLES=glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=4294967296:glibc.malloc.top_pad=134217728")
}

// startONNX starts onnxruntime where it is installed, and notes where not.
func (b *bench) startONNX() error {
	node, err := findONNX(b.node, b.modules)
	if err != nil {
		b.note("onnxruntime was left out: %v.", err)
		return nil
	}
	script := filepath.Join(b.dir, "onnx_peer.mjs")
	if err := os.WriteFile(script, onnxPeer, 0o600); err != nil {
		return err
	}
	for _, form := range []string{published, folded} {
		if err := b.add(&peer{name: "onnxruntime, " + form, form: form, tolerance: tolerance}, exec.Command(node, script, b.modules)); err != nil {
			return err
		}
	}
	return nil
}

// startVulkan starts crate-vk: on llvmpipe once for each width of vectors that
// the processor has, the driver reading it once a process. Where crate-vk tune has stored
// shapes for the device, a second one of each takes them.
func (b *bench) startVulkan(ctx context.Context) error {
	for _, bits := range []int{256, 512} {
		p := &peer{name: fmt.Sprintf("crate-vk, %d bits", bits), form: folded, bits: bits, tolerance: tolerance}
		a, err := b.openVulkan(ctx, p)
		if err != nil {
			return err
		}
		soft := strings.Contains(a.Name, "llvmpipe")
		if !soft {
			p.name, p.bits = "crate-vk", 0
		}
		b.peers, b.vulk = append(b.peers, p), append(b.vulk, p)
		tuned := &peer{name: p.name + ", tuned", form: folded, bits: bits, tuned: true, tolerance: tolerance}
		if a, err = b.openVulkan(ctx, tuned); err != nil {
			return err
		}
		if a.Tuning == "static" {
			tuned.stop()
		} else {
			b.peers = append(b.peers, tuned)
		}
		if !soft {
			return nil
		}
		if !cpu.X86.HasAVX512F {
			b.note("The processor has no AVX-512: there are no rows of 512 bits.")
			return nil
		}
	}
	return nil
}

// openVulkan starts one of crate-vk's peers and opens its device.
func (b *bench) openVulkan(ctx context.Context, p *peer) (answer, error) {
	self, err := os.Executable()
	if err != nil {
		return answer{}, err
	}
	if err := startPeer(p, exec.Command(self, "-child")); err != nil {
		return answer{}, err
	}
	a, err := p.ask(ctx, request{Do: "open", Device: b.device, Bits: p.bits, Tuned: p.tuned})
	if err != nil {
		p.stop()
		return answer{}, err
	}
	p.version = "crate-vk on " + a.Version
	return a, nil
}

// startGGML starts ggml's Vulkan backend, which is of interest where crate-vk
// runs on llvmpipe: elsewhere it would not take seconds.
func (b *bench) startGGML(python string) error {
	if b.vulk[0].bits == 0 {
		return nil
	}
	lib := filepath.Join(b.modules, "node_modules", "@node-llama-cpp", "linux-x64-vulkan", "bins", "linux-x64-vulkan")
	if _, err := os.Stat(filepath.Join(lib, "libggml-vulkan.so")); err != nil {
		b.note("ggml was left out: its libraries are not installed (make bench-peers does, on x86-64).")
		return nil
	}
	script := filepath.Join(b.dir, "ggml_peer.py")
	if err := os.WriteFile(script, ggmlPeer, 0o600); err != nil {
		return err
	}
	cmd := exec.Command(python, script, lib)
	// It passes over software devices unless it is told to take one.
	cmd.Env = append(pythonEnv(), "GGML_VK_VISIBLE_DEVICES=0")
	b.ggml = &peer{name: "ggml-Vulkan, folded", form: folded, tolerance: halfTolerance}
	return startPeer(b.ggml, cmd)
}

func (b *bench) note(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	fmt.Fprintln(b.log, s)
	b.notes = append(b.notes, s)
}

func (b *bench) stop() {
	for _, p := range b.peers {
		p.stop()
	}
	if b.ggml != nil {
		b.ggml.stop()
	}
}

// findPython is an interpreter that can import torch and numpy.
func findPython(named string) (string, error) {
	list := []string{named}
	if named == "" {
		list = []string{"python3", "/usr/bin/python3", "python"}
	}
	for _, p := range list {
		if exec.Command(p, "-c", "import torch, numpy").Run() == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("no Python with torch and numpy among %s: install python3-torch, or name one with -python or CRATE_VK_PYTHON", strings.Join(list, ", "))
}

// findONNX is a Node.js that can load onnxruntime-node from the folder.
func findONNX(node, modules string) (string, error) {
	if _, err := os.Stat(filepath.Join(modules, "node_modules", "onnxruntime-node")); err != nil {
		return "", fmt.Errorf("onnxruntime-node is not installed (make bench-peers does)")
	}
	check := "require(require('path').join(process.argv[1], 'node_modules', 'onnxruntime-node'))"
	if out, err := exec.Command(node, "-e", check, modules).CombinedOutput(); err != nil {
		last := strings.TrimSpace(string(out))
		return "", fmt.Errorf("%s can't load onnxruntime-node: %w %s", node, err, last[:min(len(last), 200)])
	}
	return node, nil
}

// load makes every peer ready for a case and holds its outputs against the
// first one's.
func (b *bench) load(ctx context.Context, c benchCase, peers []*peer) (diffs []float64, err error) {
	r, config, err := c.prepare(ctx, b.dir)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(b.log, "%s: %s\n", c.name, config)
	r.Threads, r.Device = runtime.NumCPU(), b.device
	var want []float64
	for _, p := range peers {
		q := r
		q.Form, q.Bits, q.ONNX = p.form, p.bits, r.onnx(p.form)
		a, err := p.ask(ctx, q)
		if err != nil {
			return nil, err
		}
		if a.Version != "" {
			p.version = a.Version
		}
		if a, err = p.ask(ctx, request{Do: "output"}); err != nil {
			return nil, err
		}
		if want == nil {
			want = a.Output
		}
		d, err := difference(a.Output, want, p.tolerance)
		if err != nil {
			return nil, fmt.Errorf("%s gives another output than %s: %w", p.name, peers[0].name, err)
		}
		diffs = append(diffs, d)
	}
	return diffs, removeAll(r)
}

// removeAll deletes a case's files: the peers have read them.
func removeAll(r request) error {
	for _, path := range []string{r.Weights, r.Pixels, r.onnx(published), r.onnx(folded)} {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// tolerance is how far outputs may be apart, as a share of the largest one: all
// peers compute in float32, each in an order of its own.
const tolerance = 1e-3

// halfTolerance is ggml's, which multiplies in half precision where the device
// can.
const halfTolerance = 1e-2

// difference is the largest distance of got from want ÷ the largest want.
func difference(got, want []float64, tolerance float64) (float64, error) {
	if len(got) != len(want) {
		return 0, fmt.Errorf("%d numbers, want %d", len(got), len(want))
	}
	var far, peak float64
	for i := range want {
		far, peak = max(far, math.Abs(got[i]-want[i])), max(peak, math.Abs(want[i]))
	}
	if d := far / peak; d <= tolerance {
		return d, nil
	}
	return 0, fmt.Errorf("off by %.2g of the largest value %.3g, want at most %g of it", far/peak, peak, tolerance)
}
