package engine

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate/demo"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// samplePictures are the demo's, all of them or the first so many.
func samplePictures(t *testing.T, most int) []*picture.RGB {
	t.Helper()
	files, err := filepath.Glob("../testdata/demo/samples/images/*")
	if err != nil || len(files) != 12 {
		t.Fatalf("%d sample images, %v", len(files), err)
	}
	var list []*picture.RGB
	for _, f := range files[:min(most, len(files))] {
		img, _, err := picture.DecodeFile(context.Background(), f, picture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, img)
	}
	return list
}

// demoMasks are the masks of pictures by the demo model on the first device.
func demoMasks(t *testing.T, images []*picture.RGB, options ...Option) (masks [][]byte, info DeviceInfo, err error) {
	t.Helper()
	e, err := Open(t.Context(), append(options, WithDevice("0"), withoutSelfTest())...)
	if err != nil {
		return nil, DeviceInfo{}, err
	}
	defer e.Close()
	src, err := OpenModelBytes(demo.Name, demo.Safetensors, ModelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := e.Load(t.Context(), src)
	if err != nil {
		return nil, DeviceInfo{}, err
	}
	defer m.Close()
	for _, img := range images {
		s, err := m.Segment(t.Context(), img)
		if err != nil {
			return nil, DeviceInfo{}, err
		}
		masks = append(masks, s.Objects[0].Mask.Pix)
	}
	return masks, e.Device(), nil
}

// longProfiles differ little from others: they run with CRATE_VK_FAKES.
var longProfiles = []string{"min11-sub1", "molten", "wrap"}

// shortProfiles have between them memory of a GPU's own, memory that is not coherent,
// and a device that is refused.
var shortProfiles = []string{"nvidia", "noncoherent", "vk10"}

// TestFakeDevices runs the demo model on devices that report what GPUs of all vendors
// report, and the least that Vulkan allows: the masks are those of the plain device, and
// no call breaks what the device allows. CRATE_VK_FAKES takes all devices and all twelve
// pictures.
func TestFakeDevices(t *testing.T) {
	devicetest.Need(t)
	most, long := 1, os.Getenv("CRATE_VK_FAKES") != ""
	if long {
		most = 12
	}
	images := samplePictures(t, most)
	want, _, err := demoMasks(t, images)
	if err != nil {
		t.Fatal(err)
	}
	for _, profile := range devicetest.Profiles(t) {
		if slices.Contains(longProfiles, profile) && !long || testing.Short() && !slices.Contains(shortProfiles, profile) {
			continue
		}
		t.Run(profile, func(t *testing.T) {
			devicetest.UseFake(t, profile)
			var log bytes.Buffer
			masks, info, err := demoMasks(t, images, WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			if reason := devicetest.RefusedProfiles[profile]; reason != "" {
				if !errors.Is(err, ErrNoDevice) || !strings.Contains(err.Error(), reason) {
					t.Fatalf("got %v, want it refused: %s", err, reason)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(info.Name, "llvmpipe") {
				t.Fatalf("the device is %v", info)
			}
			if full := strings.Contains(log.String(), "the device's memory is full"); full != (profile == "nvidia-full") {
				t.Errorf("told that the memory is full: %v", full)
			}
			for i := range want {
				if !slices.Equal(masks[i], want[i]) {
					t.Errorf("mask %d differs from the plain device's", i)
				}
			}
		})
	}
}

// TestCoherenceFails makes the calls fail that a device with memory that is not coherent
// needs, and llvmpipe does not: as in TestEachCallFails.
func TestCoherenceFails(t *testing.T) {
	devicetest.UseFake(t, "noncoherent")
	s := &sweep{src: oddModel(t, 16, 16, 2, 1, 8, [2]int{16, 16}), dir: t.TempDir()}
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) { s.info = info })
	faults := vk.NewFaults()
	defer faults.Free()
	var err error
	if s.want, err = s.run(t, faults); err != nil {
		t.Fatal(err)
	}
	seen := faults.Seen()
	for _, call := range []string{"vkFlushMappedMemoryRanges", "vkInvalidateMappedMemoryRanges"} {
		if seen[call] == 0 {
			t.Errorf("%s was not called", call)
			continue
		}
		for i, r := range []vk.Result{vk.OutOfHostMemory, vk.OutOfDeviceMemory, vk.DeviceLost, vk.InitializationFailed} {
			f := vk.Fault{Call: call, After: i * seen[call] / 4, Times: 1, Result: r}
			faults.Plan(f)
			out, err := s.run(t, faults)
			switch {
			case !faults.Fired():
				t.Errorf("%+v: the call was not made", f)
			case err == nil && !reflect.DeepEqual(out, s.want):
				t.Errorf("%+v: other numbers", f)
			case err != nil && (!typed(err) || momentaryCall(call, r)):
				t.Errorf("%+v: %v", f, err)
			}
		}
	}
}
