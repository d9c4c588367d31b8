package picture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/image/bmp"
)

const badDir = "../../testdata/bad"

// kindOf names an error's type.
func kindOf(err error) string {
	var (
		format      *FormatError
		unsupported *UnsupportedError
		limit       *LimitError
		skip        *SkipError
		bug         *BugError
	)
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &format):
		return "malformed"
	case errors.As(err, &unsupported):
		return "unsupported"
	case errors.As(err, &limit):
		return "limit"
	case errors.As(err, &skip):
		return "skip"
	case errors.As(err, &bug):
		return "bug"
	}
	return fmt.Sprintf("%T", err)
}

// TestBad gives each file of testdata/bad to the decoder. Its second name is the
// kind of error that it has to get; none may take memory or time to speak of.
func TestBad(t *testing.T) {
	entries, err := os.ReadDir(badDir)
	if err != nil {
		t.Fatal(err)
	}
	// What some of the messages have to say.
	messages := map[string]string{
		"bomb-frame":         "the first frame has 9×9 pixels, and its picture 16384×16384",
		"bomb-frame-beyond":  "lies beyond the canvas of 9×9 pixels",
		"bomb-picture":       "the canvas has 1×1 pixels, and the picture 16384×16384",
		"planar":             "valid, not supported: separate colour planes",
		"exif-length":        "the file is truncated",
		"bomb-strip":         "a strip or tile of 8×8 pixels has 65535×65535",
		"bomb-tiles":         "tiles of 1073741824×16 pixels",
		"short-data":         "not enough pixel data",
		"text":               "the content is of no known picture format",
		"truncated-lossless": "the file is truncated",
	}
	count := 0
	for _, e := range entries {
		parts := strings.Split(e.Name(), ".")
		if e.IsDir() || len(parts) != 3 {
			continue
		}
		count++
		want := parts[1]
		if parts[0] == "ok" {
			want = "ok"
		}
		path := filepath.Join(badDir, e.Name())
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		p, meta, err := DecodeFile(context.Background(), path, Options{})
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if got := kindOf(err); got != want {
			t.Errorf("%s: got %s (%v), want %s", e.Name(), got, err, want)
			continue
		}
		if mem := after.TotalAlloc - before.TotalAlloc; mem > 4<<20 {
			t.Errorf("%s: takes %d bytes", e.Name(), mem)
		}
		if took > 5*time.Second {
			t.Errorf("%s: takes %v", e.Name(), took)
		}
		if want == "ok" {
			if meta.Orientation != 1 || p.Width != 24 {
				t.Errorf("%s: %+v", e.Name(), meta)
			}
			continue
		}
		if part := messages[parts[0]]; !strings.Contains(err.Error(), part) {
			t.Errorf("%s: the message is %q, want %q in it", e.Name(), err, part)
		}
		if text := err.Error(); !strings.HasPrefix(text, path+": ") || strings.Contains(text, "%!") || strings.ContainsAny(text, "\n\x00") {
			t.Errorf("%s: the message is %q", e.Name(), text)
		}
		t.Log(err)
	}
	if count < 110 {
		t.Errorf("%d files were tested, want at least 110", count)
	}
}

// TestTruncated cuts each flavour at many places. Nothing may decode but what is cut
// behind the picture, and every error is one of a malformed file.
func TestTruncated(t *testing.T) {
	entries, err := os.ReadDir(formatsDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		if e.IsDir() || ext == ".py" || ext == ".md" || strings.HasSuffix(e.Name(), ".ref.png") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(formatsDir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		stored := Options{IgnoreOrientation: true} // which PNG may say behind the pixels
		whole, _, err := Decode(context.Background(), data, stored)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 40 {
			cut := len(data) * i / 40
			p, _, err := Decode(context.Background(), data[:cut], stored)
			switch {
			case err == nil && !bytes.Equal(p.Pix, whole.Pix):
				t.Errorf("%s cut to %d of %d bytes gives another picture", e.Name(), cut, len(data))
			case err != nil && kindOf(err) != "malformed":
				t.Errorf("%s cut to %d of %d bytes: %v", e.Name(), cut, len(data), err)
			}
		}
	}
}

func TestLimits(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(formatsDir, "color.png"))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for _, c := range []struct {
		opt  Options
		want string
	}{
		{Options{MaxPixels: 37 * 23}, "ok"},
		{Options{MaxPixels: 37*23 - 1}, "limit"},
		{Options{MaxBytes: int64(len(data))}, "ok"},
		{Options{MaxBytes: int64(len(data)) - 1}, "skip"},
	} {
		if _, _, err := Decode(ctx, data, c.opt); kindOf(err) != c.want {
			t.Errorf("%+v: got %v, want %s", c.opt, err, c.want)
		}
		if _, _, err := DecodeFile(ctx, filepath.Join(formatsDir, "color.png"), c.opt); kindOf(err) != c.want {
			t.Errorf("%+v: got %v, want %s", c.opt, err, c.want)
		}
	}
	_, _, err = Decode(ctx, data, Options{MaxPixels: 850})
	if want := "picture: PNG: 37×23 pixels, want at most 850 in all"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestNames has names that a terminal would choke on.
func TestNames(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(formatsDir, "color.png"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"-x.png", "a\nb.png", "\xff\xfe.png", "e\u0301.png", "\u00e9.png", strings.Repeat("n", 251) + ".png", "no extension", "wrong.jpg"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, meta, err := DecodeFile(context.Background(), path, Options{}); err != nil || meta.Format != PNG {
			t.Errorf("%q: %v", name, err)
		}
		_, _, err := DecodeFile(context.Background(), path, Options{MaxPixels: 1})
		if err == nil || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "\xff") {
			t.Errorf("%q: the message is %q", name, err)
		}
	}
}

// slow is a file whose every read takes a while.
type slow struct {
	io.ReaderAt
	delay time.Duration
}

func (s slow) ReadAt(p []byte, off int64) (int, error) {
	time.Sleep(s.delay)
	return s.ReaderAt.ReadAt(p, off)
}

// TestDeadline checks that a decode ends with its context, and its goroutine at the
// next read: the rest of the file would take another 5 s.
func TestDeadline(t *testing.T) {
	var data bytes.Buffer
	if err := bmp.Encode(&data, NewRGB(1500, 1500)); err != nil {
		t.Fatal(err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := Decode(cancelled, data.Bytes(), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	done := make(chan struct{})
	in := &input{ctx: ctx, path: "slow.bmp", src: slow{bytes.NewReader(data.Bytes()), 50 * time.Millisecond}, size: int64(data.Len()), opt: Options{}.withDefaults()}
	_, _, err := decode(in, func() { close(done) })
	if !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), "slow.bmp: decoding was stopped: ") {
		t.Errorf("got %v", err)
	}
	select {
	case <-done:
	case <-time.After(2 * time.Second):
		t.Error("the decoder goes on")
		<-done
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

// faulty is a file on a failing disk.
type faulty struct{ err error }

func (f faulty) ReadAt([]byte, int64) (int, error) { return 0, f.err }

func TestReadError(t *testing.T) {
	disk := &os.PathError{Op: "read", Path: "x.png", Err: syscall.EIO}
	in := &input{ctx: context.Background(), path: "x.png", src: faulty{disk}, size: 1000, opt: Options{}.withDefaults()}
	if _, _, err := decode(in, func() {}); !errors.Is(err, syscall.EIO) || kindOf(err) != "*fs.PathError" {
		t.Errorf("got %T %v", err, err)
	}
}

// panicking is a source that makes the decoder panic.
type panicking struct{}

func (panicking) ReadAt([]byte, int64) (int, error) { panic("out of range") }

func TestPanic(t *testing.T) {
	for _, ctx := range []context.Context{context.Background(), t.Context()} {
		in := &input{ctx: ctx, path: "x.png", src: panicking{}, size: 1000, opt: Options{}.withDefaults()}
		_, _, err := decode(in, func() {})
		var bug *BugError
		if !errors.As(err, &bug) || bug.Value != "out of range" || len(bug.Stack) == 0 || err.Error() != "x.png: the decoder panicked, which is a bug: out of range" {
			t.Errorf("got %v", err)
		}
	}
}
