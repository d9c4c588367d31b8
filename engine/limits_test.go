package engine

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// TestLimitsAtTheMinimum plans the largest published model with the limits that every
// device has: batches of 64 down to 1, of images of 224 to 2000 px. What does not fit
// says so as a LimitError, by which a batch is halved, and what one image needs is
// known before anything runs.
func TestLimitsAtTheMinimum(t *testing.T) {
	for name, sides := range map[string][]int{"crate-l16": {224, 480, 1008, 1504, 2000}, "vit-b16": {2000}, "alpha-l8": {480, 1000, 2000}} {
		c, err := crate.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, side := range sides {
			n, err := largestBatch(t, &c, side)
			t.Logf("%s, %d px: batches of %d; %v", name, side, n, err)
			if err != nil && (!errors.As(err, new(*plan.LimitError)) || !tooMuch(err)) {
				t.Errorf("%s, %d px: no limit: %v", name, side, err)
			}
			if err != nil && strings.Count(err.Error(), "pixel_patches") > 1 {
				t.Errorf("%s, %d px: a value is named twice: %v", name, side, err)
			}
			if tooLarge := name == "alpha-l8" && side == 2000; (n == 0) != tooLarge {
				t.Errorf("%s, %d px: batches of %d: %v", name, side, n, err)
			} else if tooLarge && !strings.Contains(err.Error(), "needs 245 MB at once") {
				t.Errorf("%s, %d px: not said what is too large: %v", name, side, err)
			}
		}
	}
}

// largestBatch halves a batch of 64 until it fits, and returns why twice as many don't.
func largestBatch(t *testing.T, c *crate.Config, side int) (batch int, why error) {
	t.Helper()
	lim := plan.BaselineLimits()
	for batch = 64; batch > 0; batch /= 2 {
		r := readout.Request{Outputs: []string{fmt.Sprintf("cls_attention.%d", c.Depth-1)}, Height: side, Width: side, Batch: batch, Positions: crate.PositionsExact}
		g, err := readout.Graph(c, r, pass.Options{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.New(g, lim, plan.Options{})
		if err != nil {
			why = err
			continue
		}
		for i := range p.Dispatches {
			d := &p.Dispatches[i]
			if d.Grid[0] > lim.MaxWorkgroups[0] || d.Grid[1] > lim.MaxWorkgroups[1] || d.Grid[2] > lim.MaxWorkgroups[2] {
				t.Errorf("%d × %d px: dispatch %d has a grid of %v", batch, side, i, d.Grid)
			}
			for _, b := range d.Bind {
				if b >= 0 && p.Buffers[b].Layout.Bytes() > lim.MaxStorageRange {
					t.Errorf("%d × %d px: dispatch %d uses a buffer of %d bytes", batch, side, i, p.Buffers[b].Layout.Bytes())
				}
			}
		}
		return batch, why
	}
	return 0, why
}

// TestLargestImages plans one image for a GPU that binds 128 MiB to a kernel, as many do:
// up to 2,000 px, or until the tokens alone are larger, which the error says.
func TestLargestImages(t *testing.T) {
	lim := plan.BaselineLimits()
	lim.Ballot, lim.Storage16, lim.MaxLoops, lim.MaxInvocations, lim.MaxWorkgroupSize = true, true, 0, 256, [3]int{256, 256, 64}
	for _, c := range []struct {
		model     string
		side      int
		precision graph.DType
		fits      bool
	}{
		{"crate-l16", 2000, graph.F32, true}, {"vit-b16", 2000, graph.F32, true},
		{"alpha-l8", 1448, graph.F32, true}, {"alpha-l8", 1456, graph.F32, false}, {"alpha-l8", 2000, graph.F16, true},
		{"alpha-b8", 1672, graph.F32, true}, {"alpha-b8", 1680, graph.F32, false}, {"alpha-b8", 2000, graph.F16, true},
	} {
		config, err := crate.Preset(c.model)
		if err != nil {
			t.Fatal(err)
		}
		r := readout.Request{Outputs: []string{fmt.Sprintf("cls_attention.%d", config.Depth-1)}, Height: c.side, Width: c.side, Batch: 1, Positions: crate.PositionsExact}
		g, err := readout.Graph(&config, r, pass.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = plan.New(g, lim, plan.Options{Precision: c.precision})
		if c.fits && err != nil || !c.fits && (!errors.As(err, new(*plan.LimitError)) || !strings.Contains(err.Error(), "take smaller images, or fp16")) {
			t.Errorf("%s, %d px, %v: %v", c.model, c.side, c.precision, err)
		}
	}
}

// TestSoftwareDeviceBesideGPU: an engine that auto opens on a software device says
// which GPU it does not see; one that is asked for by name does not.
func TestSoftwareDeviceBesideGPU(t *testing.T) {
	root := t.TempDir()
	node := filepath.Join(root, "dev/dri/renderD128")
	if err := os.MkdirAll(filepath.Dir(node), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(node, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		if info.Type != vk.TypeSoftware {
			t.Skip("NOT TESTED: there is a GPU")
		}
		for selector, warned := range map[string]bool{"auto": true, "uuid:" + info.UUID: false} {
			var log bytes.Buffer
			e, err := Open(t.Context(), WithDevice(selector), WithLogger(slog.New(slog.NewTextHandler(&log, nil))), func(o *options) { o.root = root })
			if err != nil {
				t.Fatal(err)
			}
			e.Close()
			if got := strings.Contains(log.String(), "level=WARN") && strings.Contains(log.String(), "/dev/dri/renderD128"); got != warned {
				t.Errorf("%s: warned %v\n%s", selector, got, log.String())
			}
		}
	})
}

// TestLargeTensors plans batches whose tensors are larger than a chunk of the arena, and
// have more rows than a device allows workgroups: on one that allocates and binds 4 GB
// they run as they are.
func TestLargeTensors(t *testing.T) {
	c, err := crate.Preset("alpha-l8")
	if err != nil {
		t.Fatal(err)
	}
	lim := plan.BaselineLimits()
	lim.MaxStorageRange, lim.MaxAllocation = 1<<32-1, 1<<32-1
	r := readout.Request{Outputs: []string{fmt.Sprintf("cls_attention.%d", c.Depth-1)}, Height: 480, Width: 480, Batch: 32, Positions: crate.PositionsExact}
	g, err := readout.Graph(&c, r, pass.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.New(g, lim, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if most := slices.Max(p.Spaces); most <= 256<<20 {
		t.Errorf("the largest tensor lies in %d bytes: the case is too small", most)
	}
	lim.MaxAllocation = 1 << 28
	if _, err := plan.New(g, lim, plan.Options{}); !errors.As(err, new(*plan.LimitError)) {
		t.Errorf("a device that allocates 256 MiB gives %v", err)
	}
}
