package engine

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// TestSoak runs CRATE_VK_SOAK images (make soak: 10,000) from eight goroutines on one
// engine, whose device is lost at times, while models are opened and closed. At ten
// points it looks at memory, files, goroutines, and at what the driver has: none may
// grow behind the first 500 images, memory by at most 20 MB.
func TestSoak(t *testing.T) {
	images, err := strconv.Atoi(os.Getenv("CRATE_VK_SOAK"))
	if err != nil || images < 100 {
		t.Skip("NOT RUN: CRATE_VK_SOAK says how many images, at least 100; make soak")
	}
	layer := devicetest.UseLayer(t)
	faults := vk.NewFaults()
	defer faults.Free()
	s := &soak{src: oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})}
	if s.e, err = Open(t.Context(), WithCache(t.TempDir()), withFaults(faults), WithPrograms(8), withSegments(2)); err != nil {
		t.Fatal(err)
	}
	defer s.e.Close()
	t.Logf("on %v", s.e.Device())
	const points = 10
	var table []map[string]int
	for point := range points {
		s.m = load(t, s.e, s.src)
		if point%2 == 1 { // in the middle of the work of this point
			faults.Plan(vk.Fault{Call: "vkQueueSubmit", After: images / points / 2, Times: 1, Result: vk.DeviceLost})
		}
		s.work(t, images/points)
		if lost := faults.Fired(); lost != (point%2 == 1) {
			t.Errorf("point %d: the device was lost: %v", point, lost)
		}
		faults.Plan(vk.Fault{})
		s.m.Close()
		row := processFigures(t)
		for kind, n := range layer.Live() {
			row[kind+"s of the driver"] = n
		}
		row["objects that the engine counts"] = s.e.device.VK.Live()
		table = append(table, row)
	}
	report(t, table, images/points)
}

type soak struct {
	src    *ModelSource
	e      *Engine
	m      *Model
	number atomic.Int64
}

// work has eight goroutines do some images. Each 16th is one of a model of its own.
func (s *soak) work(t *testing.T, images int) {
	var left atomic.Int64
	left.Store(int64(images))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := s.one(t, int(s.number.Add(1))); err != nil {
					t.Errorf("image %d: %v", s.number.Load(), err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func (s *soak) one(t *testing.T, i int) error {
	m := s.m
	if i%16 == 0 {
		m = load(t, s.e, s.src)
		defer m.Close()
	}
	img, o := testPicture(i%7, 40, 40), InputOptions{Size: Size{Width: 32 + 8*(i%3), Height: 32}}
	if i%5 == 0 {
		_, err := Embed(EmbedOptions{InputOptions: o}).One(t.Context(), m, img)
		return err
	}
	got, err := m.Segment(t.Context(), img, AttentionOptions{InputOptions: o})
	if err == nil && len(got.Objects) != 1 {
		err = errors.New("no mask")
	}
	return err
}

// report prints the points, and fails where something grows behind the first 500
// images and three points. A run of fewer than 2,000 images leaves few points behind
// that: it finds handles and goroutines, and hardly memory.
func report(t *testing.T, table []map[string]int, images int) {
	t.Helper()
	base := min(max(2, (500+images-1)/images-1), len(table)-2)
	names := map[string]bool{}
	for _, row := range table {
		for name := range row {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		line := fmt.Sprintf("%-32s", name)
		slack := map[string]int{"kB": 20 << 10, "threads": 8}[name]
		for i, row := range table {
			line += fmt.Sprintf("%8d", row[name])
			if i > base && row[name] > table[base][name]+slack {
				t.Errorf("%s: %d after %d images, %d after %d", name, table[base][name], (base+1)*images, row[name], (i+1)*images)
			}
		}
		t.Log(line)
	}
}
