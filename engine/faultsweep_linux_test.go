package engine

import (
	"errors"
	"maps"
	"os"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// sweep is what a fault stands in: an engine is opened, a model is loaded, runs two
// batches, each in three submissions, and keeps a tensor on the device, and all is
// closed.
type sweep struct {
	src   *ModelSource
	info  vk.Info
	dir   string
	layer *devicetest.Layer
	want  [][]Class
}

func (s *sweep) run(t *testing.T, faults *vk.Faults) (out [][]Class, err error) {
	e, err := Open(t.Context(), WithDevice("uuid:"+s.info.UUID), withoutSelfTest(), withFaults(faults), withSegments(3), WithCache(s.dir), WithThreads(1))
	if err != nil {
		return nil, err
	}
	defer e.Close()
	m := load(t, e, s.src)
	read := Classify(ClassifyOptions{InputOptions: InputOptions{Batch: 2}})
	for item, err := range read.Stream(t.Context(), m, streamInputs(3)) {
		if err == nil {
			err = item.Err
		}
		if err != nil {
			return nil, err
		}
		out = append(out, item.Value)
	}
	return out, m.Close()
}

// typed reports errors that callers can tell apart.
func typed(err error) bool {
	for _, kind := range []error{ErrNoDevice, ErrOutOfMemory, ErrDeviceLost, ErrLostWork} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return errors.As(err, new(*vk.Error)) || errors.As(err, new(*plan.LimitError))
}

// fault makes calls of one function fail and looks at what comes of it.
func (s *sweep) fault(t *testing.T, faults *vk.Faults, f vk.Fault) (fired, recovered bool) {
	t.Helper()
	before, live := runtime.NumGoroutine(), s.layer.Live()
	faults.Plan(f)
	out, err := s.run(t, faults)
	fired = faults.Fired()
	faults.Plan(vk.Fault{})
	switch {
	case err == nil && !reflect.DeepEqual(out, s.want):
		t.Errorf("%+v: other numbers", f)
	case err != nil && !fired:
		t.Errorf("%+v: an error of its own: %v", f, err)
	case err != nil && !typed(err):
		t.Errorf("%+v: an error without a type: %v", f, err)
	}
	if now := s.layer.Live(); !maps.Equal(now, live) {
		t.Errorf("%+v: the driver has %v, before it had %v", f, now, live)
	}
	for try := 0; runtime.NumGoroutine() > before; try++ {
		if time.Sleep(time.Millisecond); try == 1000 {
			t.Fatalf("%+v: %d goroutines are left", f, runtime.NumGoroutine()-before)
		}
	}
	return fired, err == nil
}

// TestEachCallFails makes Vulkan calls of a run fail that give a result, with four
// errors: it ends in a typed error or in the same bits, and nothing is left. The suite
// makes one call of each function fail with each error, another one each time, and all
// calls from the first on with one; on a slow driver one of some. CRATE_VK_FAULTS
// makes every single call fail with each error, as make ci-long does.
func TestEachCallFails(t *testing.T) {
	layer := devicetest.UseLayer(t)
	all := os.Getenv("CRATE_VK_FAULTS") != ""
	src := oddModel(t, 16, 16, 2, 1, 8, [2]int{16, 16})
	_, counted := devicetest.Calls(t, "vk")
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		fast := info.Invocations // llvmpipe, whose driver keeps what it compiled
		s := &sweep{src: src, info: info, dir: t.TempDir(), layer: layer}
		faults, warm := vk.NewFaults(), vk.NewFaults()
		defer faults.Free()
		defer warm.Free()
		for _, f := range []*vk.Faults{faults, warm} { // the second finds the first one's cache
			out, err := s.run(t, f)
			if err != nil {
				t.Fatal(err)
			}
			s.want = out
		}
		seen, runs := warm.Seen(), 0
		for call := range counted {
			if seen[call] == 0 && !slices.Contains(elsewhere, call) && fast {
				t.Errorf("%s was not called", call)
			}
		}
		results := []vk.Result{vk.OutOfHostMemory, vk.OutOfDeviceMemory, vk.DeviceLost, vk.InitializationFailed}
		for i, call := range slices.Sorted(maps.Keys(seen)) {
			var list []vk.Fault
			if all || fast {
				list = append(list, vk.Fault{Times: 1 << 30, Result: results[i%4]})
			}
			for k, r := range results {
				if all {
					for at := range seen[call] {
						list = append(list, vk.Fault{After: at, Times: 1, Result: r})
					}
				} else if fast || i%5 == 0 && i/5%4 == k {
					list = append(list, vk.Fault{After: k * seen[call] / 4, Times: 1, Result: r})
				}
			}
			for _, f := range list {
				f.Call = call
				fired, recovered := s.fault(t, faults, f)
				if !fired {
					t.Errorf("%+v: the call was not made", f)
				}
				if f.Times == 1 && !recovered && momentaryCall(call, f.Result) {
					t.Errorf("%+v: the run ends", f)
				}
			}
			runs += len(list)
		}
		t.Logf("%d functions, %d runs", len(seen), runs)
	})
}

// elsewhere are calls that a run on llvmpipe does not make: before it, for statistics,
// and for memory that is not coherent, which TestFakeDevices has.
var elsewhere = []string{"vkCreateInstance", "vkGetPipelineExecutablePropertiesKHR", "vkFlushMappedMemoryRanges", "vkInvalidateMappedMemoryRanges"}

// momentaryCall reports failures that are tried again: all but those of opening.
func momentaryCall(call string, r vk.Result) bool {
	opening := []string{"vkEnumeratePhysicalDevices", "vkCreateDevice", "vkCreateCommandPool", "vkCreatePipelineCache"}
	return !slices.Contains(opening, call) && r != vk.InitializationFailed
}
