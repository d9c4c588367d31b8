//go:build linux

package devicetest

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// layerKinds are the objects that the layer counts, in its order.
var layerKinds = [...]string{"instance", "device", "buffer", "memory", "buffer view", "fence", "command pool", "command buffer", "shader module",
	"pipeline", "pipeline layout", "descriptor set layout", "descriptor pool", "query pool", "pipeline cache"}

// layerState is what the layer and a test share; see layer.c.
type layerState struct {
	submits, submitFrom, submitTo        int64
	dispatches, dispatchFrom, dispatchTo int64
	cycle, copies, longest               int64
	live                                 [len(layerKinds)]int64
}

// Layer is the layer of layer.c, which stands below everything that a test opens
// from then on.
type Layer struct{ state *layerState }

// dropping is the layer itself.
var dropping = layerSource{folder: "layer", name: "test", about: "drops and counts", functions: [2]string{"crateGetInstanceProcAddr", "crateGetDeviceProcAddr"}}

// UseLayer puts the layer below what the test opens. Nothing may be open. The test
// fails where the driver has something left at its end, or where it was waited for
// without a limit.
func UseLayer(t *testing.T) *Layer {
	t.Helper()
	dropping.use(t)
	file := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(file, make([]byte, binary.Size(layerState{})), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	mem, err := syscall.Mmap(int(f.Fd()), 0, binary.Size(layerState{}), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	l := &Layer{(*layerState)(unsafe.Pointer(&mem[0]))}
	t.Setenv("CRATE_VK_TEST_LAYER", file)
	t.Cleanup(func() {
		switch wait := l.LongestWait(); {
		case wait == 0 && !t.Skipped(): // where no device is found the test skips
			t.Error("the layer has seen no wait")
		case wait > time.Hour:
			t.Errorf("the driver was waited for without a limit: %v", wait)
		}
		if live := l.Live(); len(live) > 0 {
			t.Errorf("the driver still has %v", live)
		}
		syscall.Munmap(mem)
	})
	return l
}

// Seen is how many submissions, and recorded dispatches, there were since the last
// call, which also ends dropping.
func (l *Layer) Seen() (submits, dispatches int) {
	s := l.state
	for _, n := range []*int64{&s.submitFrom, &s.submitTo, &s.dispatchFrom, &s.dispatchTo, &s.cycle, &s.copies} {
		atomic.StoreInt64(n, 0)
	}
	return int(atomic.SwapInt64(&s.submits, 0)), int(atomic.SwapInt64(&s.dispatches, 0))
}

// DropSubmits drops the submissions from … to−1, counted from now on.
func (l *Layer) DropSubmits(from, to int) {
	l.Seen()
	atomic.StoreInt64(&l.state.submitFrom, int64(from))
	atomic.StoreInt64(&l.state.submitTo, int64(to))
}

// DropDispatches drops the dispatches from … to−1 of those that are recorded from
// now on, with copies also what is copied behind them. If cycle is not 0, it drops
// them in each so many.
func (l *Layer) DropDispatches(from, to, cycle int, copies bool) {
	l.Seen()
	atomic.StoreInt64(&l.state.dispatchFrom, int64(from))
	atomic.StoreInt64(&l.state.dispatchTo, int64(to))
	atomic.StoreInt64(&l.state.cycle, int64(cycle))
	if copies {
		atomic.StoreInt64(&l.state.copies, 1)
	}
}

// LongestWait is the longest time that a wait for a fence was given.
func (l *Layer) LongestWait() time.Duration { return time.Duration(atomic.LoadInt64(&l.state.longest)) }

// Live is how many objects of each kind the driver has, without those that it has
// none of.
func (l *Layer) Live() map[string]int {
	live := map[string]int{}
	for i, kind := range layerKinds {
		if n := atomic.LoadInt64(&l.state.live[i]); n != 0 {
			live[kind] = int(n)
		}
	}
	return live
}
