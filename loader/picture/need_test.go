package picture

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crate-vk/crate-vk/loader/memory"
)

// watched is a file whose readers note how much decoding has taken at the most.
type watched struct {
	io.ReaderAt
	mu   *sync.Mutex
	most *int64
}

func (w watched) ReadAt(p []byte, off int64) (int, error) {
	w.mu.Lock()
	*w.most = max(*w.most, memory.Decoding.Taken())
	w.mu.Unlock()
	runtime.Gosched()
	return w.ReaderAt.ReadAt(p, off)
}

// TestDecodingBudget: however many pictures are decoded at once, together they have no more than
// the limit; one that is larger than the limit is refused by name and need.
func TestDecodingBudget(t *testing.T) {
	var data bytes.Buffer
	if err := png.Encode(&data, image.NewRGBA(image.Rect(0, 0, 1000, 1000))); err != nil {
		t.Fatal(err)
	}
	const limit = 12 << 20 // two of 4 bytes a pixel and 1 MB
	LimitMemory(limit)
	defer LimitMemory(0)
	var mu sync.Mutex
	var most int64
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			in := &input{ctx: context.Background(), src: watched{bytes.NewReader(data.Bytes()), &mu, &most}, size: int64(data.Len()), opt: Options{}.withDefaults()}
			if _, _, err := decode(in, func() {}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if most > limit || most < 4<<20 {
		t.Errorf("%d bytes were taken at once, and the limit is %d", most, limit)
	}
	LimitMemory(3 << 20)
	_, _, err := Decode(context.Background(), data.Bytes(), Options{})
	if err == nil || !strings.Contains(err.Error(), "PNG: 1000×1000 pixels: decoding is refused: it takes about 5 MB of memory, and there are 3 MB for it by the limit for decoding (--decode-memory) of 3 MB") {
		t.Errorf("got %v", err)
	}
	// What fails, and what panics, gives its part back.
	LimitMemory(0)
	if _, _, err := Decode(context.Background(), data.Bytes()[:data.Len()/2], Options{}); err == nil {
		t.Error("half a picture is decoded")
	}
	if n := memory.Decoding.Taken(); n != 0 {
		t.Errorf("%d bytes are left taken", n)
	}
}

// TestNeedCovers: what a decode allocates is not more than it has taken from the budget.
func TestNeedCovers(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(formatsDir, "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join(kindsDir, "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int64{}
	for _, path := range append(paths, more...) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		in := &input{ctx: context.Background(), src: bytes.NewReader(data), size: int64(len(data)), opt: Options{}.withDefaults()}
		in.meta.Format, in.meta.Orientation = SniffFile(in, in.size), 1
		c, ok := codecOf(in.meta.Format)
		if !ok {
			continue
		}
		if in.meta.Width, in.meta.Height, err = c.size(in); err != nil {
			continue
		}
		pixels := int64(in.meta.Width) * int64(in.meta.Height)
		if n := in.need(); n < 3*pixels || n > 27*pixels+3<<20 {
			t.Errorf("%s: %d bytes for %d pixels", path, n, pixels)
		}
		kinds[string(in.meta.Format)]++
	}
	if len(kinds) < 7 {
		t.Errorf("formats: %v", kinds)
	}
	// The figures that were measured, in bytes a pixel by ten.
	for name, k := range map[string]struct {
		f    jpegFile
		want int64
	}{
		"gray":               {jpegFile{components: 1, samples: 10}, 40},
		"4:2:0":              {jpegFile{components: 3, samples: 15}, 45},
		"4:4:4":              {jpegFile{components: 3, samples: 30}, 60},
		"4:2:0, progressive": {jpegFile{components: 3, samples: 15, progressive: true}, 105},
		"four":               {jpegFile{components: 4, samples: 40}, 100},
		"nothing is known":   {jpegFile{}, 70},
	} {
		if got := needJPEG(k.f); got != k.want {
			t.Errorf("%s: %d, want %d", name, got, k.want)
		}
	}
	data, err := os.ReadFile(filepath.Join(formatsDir, "lossy.420-progressive.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	if f := readJPEG(&input{ctx: context.Background(), src: bytes.NewReader(data), size: int64(len(data))}); f.components != 3 || f.samples != 15 || !f.progressive {
		t.Errorf("a progressive file of 4:2:0 reads as %+v", f)
	}
}

// TestTimeout: a file that takes too long fails by itself, also where the caller sets no
// deadline. The time that it waits for memory does not count.
func TestTimeout(t *testing.T) {
	var data bytes.Buffer
	if err := png.Encode(&data, noise(1, 600, 600)); err != nil {
		t.Fatal(err)
	}
	in := func(delay, timeout time.Duration) *input {
		return &input{ctx: context.Background(), path: "slow.png", src: slow{bytes.NewReader(data.Bytes()), delay}, size: int64(data.Len()), opt: Options{Timeout: timeout}.withDefaults()}
	}
	_, _, err := decode(in(20*time.Millisecond, 50*time.Millisecond), func() {})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "slow.png: decoding was stopped: it takes longer than 50ms") {
		t.Errorf("got %v", err)
	}
	if Options(Options{}).withDefaults().Timeout != DefaultTimeout {
		t.Error("there is no deadline by default")
	}
	LimitMemory(16 << 20)
	defer LimitMemory(0)
	release, err := memory.Decoding.Take(context.Background(), 16<<20)
	if err != nil {
		t.Fatal(err)
	}
	result := make(chan error)
	go func() {
		_, _, err := decode(in(0, 2*time.Second), func() {})
		result <- err
	}()
	time.Sleep(2500 * time.Millisecond)
	release()
	if err := <-result; err != nil {
		t.Errorf("after waiting for longer than its time: %v", err)
	}
}

// TestRecheck: a decoder that finds another size than the header promised gives no picture, and
// neither does one beyond the limit, whatever it would decode to.
func TestRecheck(t *testing.T) {
	run := func(header, found int) error {
		in := &input{ctx: context.Background(), opt: Options{MaxPixels: 100}.withDefaults()}
		in.meta.Orientation = 1
		_, err := in.decodeBy(codec{
			size:   func(*input) (int, int, error) { return header, 5, nil },
			decode: func(*input) (*RGB, error) { return NewRGB(found, 5), nil },
		})
		return err
	}
	if err := run(5, 6); kindOf(err) != "malformed" || !strings.Contains(err.Error(), "promises 5×5 pixels, and there are 6×5") {
		t.Errorf("another size: %v", err)
	}
	if err := run(21, 5); kindOf(err) != "limit" {
		t.Errorf("a size beyond the limit: %v", err)
	}
	if err := run(5, 5); err != nil {
		t.Errorf("the same size: %v", err)
	}
}
