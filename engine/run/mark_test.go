package run

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/shaders"
)

// TestLostWork drops each submission of a run in turn, as drivers do that
// recover without an error: once is made good, to the same bits, twice is
// ErrLostWork, and the slot works again afterwards.
func TestLostWork(t *testing.T) {
	pixels := devicetest.Pixels(32, 32, 1)
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		pr := logitsProgram(t, openFor(t, inst, info, ""), 1, ProgramOptions{Slots: Slots})
		c := OnDevice(pr)
		run := func() ([]float32, error) {
			for _, s := range pr.slots {
				s.segments = 0 // recorded anew
			}
			return logits(t, c, pixels)
		}
		const segments = 3 // three at most come together again
		pr.pace.target, pr.pace.segments = 1<<60, segments
		want, err := run()
		if err != nil {
			t.Fatal(err)
		}
		for lost := range segments {
			times := 0
			for _, often := range []int{1, 2} {
				times = 0
				pr.lose = func(segment int) bool {
					if segment == lost {
						times++
					}
					return segment == lost && times <= often
				}
				got, err := run()
				if often == 1 && (err != nil || !slices.Equal(got, want)) {
					t.Errorf("submission %d was lost once: error %v, or other bits", lost, err)
				}
				if often == 2 && !errors.Is(err, ErrLostWork) {
					t.Errorf("submission %d was lost twice: error %v", lost, err)
				}
			}
			for often, want := range []error{nil, nil, ErrLostWork} { // of a single run, as self-tests make
				times = 0
				s, err := pr.Acquire(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				s.segments = 0
				pr.lose = func(segment int) bool {
					if segment == lost {
						times++
					}
					return segment == lost && times <= often
				}
				if err := pr.whole(t.Context(), s); !errors.Is(err, want) {
					t.Errorf("submission %d was lost %d times in a single run: error %v", lost, often, err)
				}
				pr.Release(s)
			}
			pr.lose = nil
			if got, err := run(); err != nil || !slices.Equal(got, want) {
				t.Errorf("behind a lost submission: error %v, or other bits", err)
			}
		}
	})
}

// TestNotFinite: values that are no numbers are noticed also where the host does not
// see them: in an output that stays on the device, at either precision's end of a
// row, and in what bits are made from.
func TestNotFinite(t *testing.T) {
	const text = `graph "far" {
v0 = input {name="x"} : f32[B:2 N:9 C:10]
v1 = scale v0 {by=1e30} : f32[B:2 N:9 C:10]
v2 = affinity_bits v1 {tau=0.1} : u32[B:2 rows:9 words:1]
output "%s" = %s
}`
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		d := openFor(t, inst, info, "")
		for what, c := range map[string]struct {
			value string
			keep  []string
		}{"bits": {"v2", nil}, "held": {"v1", []string{"held"}}, "held bits": {"v2", []string{"held bits"}}, "read": {"v1", nil}} {
			pr := textProgram(t, d, fmt.Sprintf(text, what, c.value), c.keep...)
			for _, at := range []int{-1, 0, 9, 179} {
				x := numbers(2 * 9 * 10)
				if at >= 0 {
					x[at] = 1e30 // which is infinite, scaled
				}
				res, err := wait(t, OnDevice(pr), Inputs{"x": {Floats: x}})
				if at < 0 && err != nil || at >= 0 && !errors.Is(err, ErrLostWork) {
					t.Errorf("%s, element %d is infinite: error %v", what, at, err)
				}
				for _, h := range res.Held {
					h.Free(errors.New("closed"))
				}
			}
		}
	})
}

// TestMark shows the kernel rows of words with gaps of what is and is not a number,
// to several workgroups.
func TestMark(t *testing.T) {
	const rows, words, pitch, records = 5, 70, 96, 3
	number, gap := map[uint32]uint32{0: 0x3f800000, 1: 0x3c003c00, 2: 0x7f800000}, uint32(0xffffffff)
	for kind, bad := range map[uint32][]uint32{0: {0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001}, 1: {0x7c003c00, 0x3c00fc00, 0x7e007c01}, 2: {0xffffffff}} {
		want := map[uint32]int{0: 4, 1: 4, 2: 0}[kind]
		devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
			d := openFor(t, inst, info, "")
			pipe, err := d.markPipeline()
			if err != nil {
				t.Fatal(err)
			}
			x := make([]uint32, rows*pitch)
			for i := range x {
				if x[i] = number[kind]; i%pitch >= words {
					x[i] = gap
				}
			}
			for i, w := range bad {
				x[(i+1)*pitch+[]int{0, words - 1, 33, 64}[i]] = w
			}
			record, err := d.tryMark(pipe, x, []uint32{rows, words, pitch, kind}, records)
			if err != nil {
				t.Fatal(err)
			}
			found := 0
			for r := range records {
				got := [4]uint32{}
				for i := range got {
					got[i] = binary.LittleEndian.Uint32(record[16*r+4*i:])
				}
				found += int(got[2]) - 11
				if got[0] != 0xffc00001 || got[1] != 7 || got[3] != 4 {
					t.Errorf("record %d is %x", r, got)
				}
			}
			if found != want {
				t.Errorf("kind %d: %d values are not finite, want %d", kind, found, want)
			}
		})
	}
}

// TestMarkIsProved: a kernel mark that counts otherwise is found out before its first
// use, and each time that it is asked for.
func TestMarkIsProved(t *testing.T) {
	good, err := shaders.SPIRV("mark")
	if err != nil {
		t.Fatal(err)
	}
	exponent := binary.LittleEndian.AppendUint32(nil, 0x7f800000)
	bad := bytes.ReplaceAll(good, exponent, binary.LittleEndian.AppendUint32(nil, 0x7f000000))
	if bytes.Equal(good, bad) {
		t.Fatal("the kernel has no such constant")
	}
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		d, err := OpenDevice(inst, DeviceOptions{Selector: "uuid:" + info.UUID, SPIRV: devicetest.Serving("mark", bad)})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		for range 2 {
			if _, err := d.markPipeline(); !errors.Is(err, ErrLostWork) || !strings.Contains(err.Error(), "kernel mark") {
				t.Errorf("a mark that counts otherwise gives %v", err)
			}
		}
	})
}
