package vk_test

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/shaders"
)

// scaler is a pipeline that multiplies quads by a constant: pointwise, OP 3.
func scaler(t *testing.T, d *vk.Device, cache *vk.Cache) *vk.Pipeline {
	t.Helper()
	code, err := shaders.SPIRV("pointwise")
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.NewPipeline(vk.PipelineInfo{Code: code, Slots: make([]vk.SlotKind, 3), PushBytes: 36, Spec: []uint32{uint32(d.Subgroup), 3, 0}}, cache)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestRunUnderCollection runs a pipeline many times from several goroutines
// while another one does nothing but allocate and collect: memory that
// vulkan-go frees from finalizers must not be in use by a call.
func TestRunUnderCollection(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		d, err := inst.OpenDevice(info, false)
		if err != nil {
			t.Fatal(err)
		}
		stop := make(chan struct{})
		var collector sync.WaitGroup
		collector.Go(func() {
			var keep [][]byte
			for {
				select {
				case <-stop:
					return
				default:
					keep = append(keep, make([]byte, 1<<16))
					if len(keep) > 64 {
						keep = nil
						runtime.GC()
					}
				}
			}
		})
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 5 {
					runScaler(t, d)
				}
			})
		}
		wg.Wait()
		close(stop)
		collector.Wait()
		if n := d.Live(); n != 0 {
			t.Errorf("%d objects are left", n)
		}
		d.Close()
	})
}

// runScaler makes everything anew, runs it and frees it.
func runScaler(t *testing.T, d *vk.Device) {
	const quads = 128 // 2048 bytes: offsets stay aligned
	check := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	p := scaler(t, d, nil)
	defer p.Destroy()
	up, err := d.NewBuffer(quads*16, vk.Upload)
	check(err)
	defer up.Destroy()
	work, err := d.NewBuffer(2*quads*16, vk.Local)
	check(err)
	defer work.Destroy()
	down, err := d.NewBuffer(quads*16, vk.Readback)
	check(err)
	defer down.Destroy()
	for i := range up.Bytes() {
		up.Bytes()[i] = [4]byte{0, 0, 0x80, 0x3f}[i%4] // 1.0
	}
	at := func(i int) vk.Binding {
		return vk.Binding{Buffer: work, Offset: int64(i) * quads * 16, Size: quads * 16}
	}
	dispatch := vk.Dispatch{Pipeline: p, Bindings: []vk.Binding{at(0), at(0), at(1)}, Push: []uint32{quads, 1, 1, 1, quads, 0, 0, 0, 0x40000000}, Grid: [3]int{(quads + d.Subgroup - 1) / d.Subgroup, 1, 1}}
	list := []vk.Dispatch{dispatch}
	sets, err := d.NewSets(list)
	check(err)
	defer sets.Destroy()
	cmds, err := d.Record(vk.Recording{HostWrites: true, Dispatches: list,
		CopyIn: []vk.Copy{{From: up, To: work, Size: quads * 16}}, CopyOut: []vk.Copy{{From: work, FromAt: at(1).Offset, To: down, Size: quads * 16}}})
	check(err)
	defer cmds.Destroy()
	fence, err := d.NewFence()
	check(err)
	defer fence.Destroy()
	check(d.Submit([]*vk.Commands{cmds}, fence))
	check(fence.Wait(time.Minute))
	for i, b := range down.Bytes() {
		if b != [4]byte{0, 0, 0, 0x40}[i%4] { // 2.0
			t.Errorf("byte %d of the result is %#x", i, b)
			return
		}
	}
}

// TestCache: what a pipeline cache gives is taken back; garbage is ignored.
func TestCache(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		d, err := inst.OpenDevice(info, false)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		for _, start := range [][]byte{nil, []byte("no cache at all, but long enough to be looked at as one"), nil} {
			c, err := d.NewCache(start)
			if err != nil {
				t.Fatal(err)
			}
			scaler(t, d, c).Destroy()
			if _, err := c.Data(); err != nil {
				t.Error(err)
			}
			c.Destroy()
		}
	})
}

// TestFaults makes each call of a small run fail in turn, in four ways: every
// one ends in a typed error or in success, and nothing stays behind.
func TestFaults(t *testing.T) {
	faults := vk.NewFaults()
	defer faults.Free()
	inst := devicetest.Open(t, faults)
	for _, result := range []vk.Result{vk.OutOfHostMemory, vk.OutOfDeviceMemory, vk.DeviceLost, vk.InitializationFailed} {
		for n := 0; n < 200; n++ {
			faults.Set(n, result)
			before := faults.Calls()
			hit, err := faultyRun(inst)
			if faults.Calls()-before <= n {
				break // the run makes fewer calls
			}
			var ve *vk.Error
			if err == nil && hit || err != nil && !errors.As(err, &ve) && !errors.Is(err, vk.ErrOutOfMemory) {
				t.Errorf("%v at call %d gives %v", result, n, err)
			}
		}
	}
	faults.Set(-1, vk.Success)
}

// faultyRun opens a device, makes one of everything and closes it. hit says
// that some step failed without an error.
func faultyRun(inst *vk.Instance) (hit bool, err error) {
	infos, err := inst.Devices()
	if err != nil {
		return false, err
	}
	d, err := inst.OpenDevice(infos[0], false)
	if err != nil {
		return false, err
	}
	defer d.Close()
	b, err := d.NewBuffer(4096, vk.Local)
	if err != nil {
		return d.Live() != 0, err
	}
	defer b.Destroy()
	v, err := b.NewView(0, 1024, false)
	if err != nil {
		return false, err
	}
	defer v.Destroy()
	f, err := d.NewFence()
	if err != nil {
		return false, err
	}
	defer f.Destroy()
	c, err := d.Record(vk.Recording{CopyIn: []vk.Copy{{From: b, To: b, ToAt: 2048, Size: 512}}})
	if err != nil {
		return false, err
	}
	defer c.Destroy()
	if err := d.Submit([]*vk.Commands{c}, f); err != nil {
		return false, err
	}
	if err := f.Wait(time.Minute); err != nil {
		d.Idle()
		return false, err
	}
	return false, nil
}

// TestNoDriver opens Vulkan in a process of its own whose environment has no
// driver: the error says what is missing.
func TestNoDriver(t *testing.T) {
	if os.Getenv("CRATE_VK_TEST_OPEN") != "" {
		inst, err := vk.Open(vk.Options{})
		if err == nil {
			_, err = inst.Devices()
		}
		t.Logf("opened: %t: %v", errors.Is(err, vk.ErrNoDriver) || errors.Is(err, vk.ErrNoLoader), err)
		return
	}
	out := again(t, "CRATE_VK_TEST_OPEN=1", "VK_ICD_FILENAMES=/nonexistent.json", "VK_DRIVER_FILES=/nonexistent.json")
	if !strings.Contains(out, "opened: true: ") {
		t.Errorf("got %s", out)
	}
}

// again runs the test that calls it in a process of its own, with more in the
// environment, and returns what it prints.
func again(t *testing.T, env ...string) string {
	t.Helper()
	out, err := alone(t, env...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return out
}

// fails is again for a test that must fail there.
func fails(t *testing.T, env ...string) string {
	t.Helper()
	out, err := alone(t, env...)
	if err == nil {
		t.Errorf("it passes:\n%s", out)
	}
	return out
}

func alone(t *testing.T, env ...string) (string, error) {
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
