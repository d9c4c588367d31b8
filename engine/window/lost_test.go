//go:build viewer && cgo

package window

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"math/rand/v2"
	"testing"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// faulty is an engine on the first device, some of whose calls fail, with a canvas, a scene and
// the values of its map.
func faulty(t *testing.T) (*engine.Engine, *Canvas, *vk.Faults, *Scene, []float32) {
	t.Helper()
	devicetest.Need(t)
	faults := vk.NewFaults()
	t.Cleanup(faults.Free)
	eng, err := engine.Open(context.Background(), engine.Expert(inside.Key{}, func(o *inside.Options) { o.Faults = faults }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { eng.Close() })
	c, err := NewCanvas(eng)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	r := rand.New(rand.NewPCG(3, 4))
	tensor, data := kept(t, eng, r, 3, 12)
	var ramp [256]color.RGBA
	for i := range ramp {
		ramp[i] = color.RGBA{uint8(i), uint8(255 - i), 99, 255}
	}
	s := &Scene{Width: 64, Height: 48, Frame: readout.Frame{Width: 32, Height: 24, Rows: 3, Columns: 4, Patch: 8},
		Tiles: []Tile{{Rect: image.Rect(4, 4, 44, 40), Photo: randomPicture(r, image.Pt(40, 36), true), Map: &Map{{Tensor: tensor, Row: 1}}, Colours: &ramp, Opacity: 100}}}
	return eng, c, faults, s, data[12:24]
}

// live is how many objects the engine's device has.
func live(t *testing.T, eng *engine.Engine) int {
	t.Helper()
	m, release, err := eng.Inside(inside.Key{})
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	return m.Device.VK.Live()
}

// TestEachCallFails: whichever call fails for want of memory while a scene is drawn, Draw
// says so, and the next one draws; in the end no object is left over.
func TestEachCallFails(t *testing.T) {
	eng, c, faults, s, values := faulty(t)
	want := oracle(s, [][]float32{values})
	empty := live(t, eng)
	const most = 200
	for call := 0; ; call++ {
		c.drop()
		if n := live(t, eng); n != empty {
			t.Fatalf("before call %d there are %d objects, want %d", call, n, empty)
		}
		faults.Set(call, vk.OutOfDeviceMemory)
		_, err := c.Draw(context.Background(), s)
		fired := faults.Fired()
		faults.Set(-1, vk.Success)
		switch {
		case !fired && err != nil:
			t.Fatalf("no call failed, and Draw did: %v", err)
		case fired && !errors.Is(err, engine.ErrOutOfMemory):
			t.Fatalf("call %d failed, and Draw says %v", call, err)
		}
		if _, err := c.Draw(context.Background(), s); err != nil {
			t.Fatalf("behind call %d: %v", call, err)
		}
		got, err := c.Picture()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Pix, want.Pix) {
			t.Fatalf("behind call %d the picture is another one", call)
		}
		if !fired {
			t.Logf("%d calls", call)
			return
		}
		if call > most {
			t.Fatal("it has too many calls")
		}
	}
}

// TestLost: when the device is lost while a scene is drawn, or read, the error says so once;
// the engine has opened it anew, the tensors that were on it are gone, and the next scene is
// drawn there.
func TestLost(t *testing.T) {
	for _, call := range []string{"vkQueueSubmit", "vkWaitForFences", "vkAllocateMemory"} {
		t.Run(call, func(t *testing.T) {
			eng, c, faults, s, _ := faulty(t)
			faults.Plan(vk.Fault{Call: call, Times: 1, Result: vk.DeviceLost})
			if _, err := c.Draw(context.Background(), s); !errors.Is(err, engine.ErrDeviceLost) {
				t.Fatalf("Draw says %v, want a lost device", err)
			}
			if _, err := c.Draw(context.Background(), s); !errors.Is(err, engine.ErrDeviceLost) {
				t.Fatalf("with a tensor that went with the device Draw says %v, want that", err)
			}
			s.Tiles[0].Map = nil
			if _, err := c.Draw(context.Background(), s); err != nil {
				t.Fatalf("on the device opened anew: %v", err)
			}
			got, err := c.Picture()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Pix, oracle(s, [][]float32{nil}).Pix) {
				t.Fatal("on the device opened anew the picture is another one")
			}
			faults.Plan(vk.Fault{Call: "vkQueueSubmit", Times: 1, Result: vk.DeviceLost})
			if _, err := c.Picture(); !errors.Is(err, engine.ErrDeviceLost) {
				t.Fatalf("Picture says %v, want a lost device", err)
			}
			if _, err := c.Picture(); err == nil || errors.Is(err, engine.ErrDeviceLost) {
				t.Errorf("without a picture Picture says %v", err)
			}
			if _, err := eng.Compile(context.Background(), nil, nil, engine.CompileOptions{}); err == nil {
				t.Error("Compile took no graph") // the engine is open
			} else if errors.Is(err, engine.ErrClosed) {
				t.Error("the engine is closed")
			}
		})
	}
}

// TestClosed: behind the engine's Close a canvas gives ErrClosed, and may be closed.
func TestClosed(t *testing.T) {
	eng, c, _, s, _ := faulty(t)
	if _, err := c.Draw(context.Background(), s); err != nil {
		t.Fatal(err)
	}
	eng.Close()
	if _, err := c.Draw(context.Background(), s); !errors.Is(err, engine.ErrClosed) && !errors.Is(err, engine.ErrTensorClosed) {
		t.Errorf("Draw says %v", err)
	}
	c.Close()
}
