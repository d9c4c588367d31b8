package picture

import (
	"context"
	"fmt"
	"time"

	"github.com/crate-vk/crate-vk/loader/memory"
	"github.com/crate-vk/crate-vk/loader/quote"
)

// DefaultTimeout is how long the decoding of a picture may take where Options say nothing else.
const DefaultTimeout = 2 * time.Minute

// LimitMemory sets what all pictures that are being decoded in the process may take together,
// in bytes: further ones wait for their turn. 0 is the default, a quarter of what the process
// may have by its address-space limit, its control groups and the machine. A picture that needs
// more than that by itself is decoded alone, or refused where there can't be as much.
func LimitMemory(bytes int64) { memory.LimitDecoding(max(bytes, 0)) }

// timedOut is the cause of a decode that took too long.
type timedOut struct{ limit time.Duration }

func (e timedOut) Error() string { return fmt.Sprintf("it takes longer than %v", e.limit) }

func (e timedOut) Is(target error) bool { return target == context.DeadlineExceeded }

// admit waits until there is memory to decode the picture, of which the header is known. The time
// that this takes doesn't count. done gives it back, but for that of the picture.
func (in *input) admit() (done func(picture int64), err error) {
	in.clock.pause()
	defer in.clock.start()
	need := in.need()
	done, err = memory.TakeDecoding(in.ctx, need)
	if tooMuch, ok := err.(*memory.TooMuchError); ok {
		name := "picture"
		if in.path != "" {
			name = quote.Path(in.path)
		}
		return nil, fmt.Errorf("%s: %s: %d×%d pixels: decoding is refused: %w; give the process more memory (a limit of your own is set by --decode-memory, or picture.LimitMemory)",
			name, in.meta.Format, in.meta.Width, in.meta.Height, tooMuch)
	}
	return done, err
}

// clock ends a decode that takes longer than its limit.
type clock struct {
	limit  time.Duration
	left   time.Duration
	since  time.Time
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

func (c *clock) start() {
	if c != nil && c.limit > 0 {
		c.since = time.Now()
		c.timer = time.AfterFunc(c.left, func() { c.cancel(timedOut{c.limit}) })
	}
}

func (c *clock) pause() {
	if c != nil && c.timer != nil {
		c.timer.Stop()
		c.left -= time.Since(c.since)
	}
}

// need estimates the memory that decoding takes at its peak, in bytes, from the headers alone. The
// figures are what the decoders allocate for a pixel: the decoder's own picture, and the
// result where it does not take that one's place.
func (in *input) need() int64 {
	pixels := int64(in.meta.Width) * int64(in.meta.Height)
	tenths := int64(40) // bytes a pixel, by ten
	more := int64(1 << 20)
	switch in.meta.Format {
	case PNG:
		tenths = needPNG(in)
	case JPEG:
		tenths = needJPEG(readJPEG(in))
	case WebP:
		tenths = 50
	case GIF, Netpbm:
		tenths = 30
	case TIFF:
		tenths = 30
		if f, err := readTIFF(in); err == nil {
			if f.compression == 7 {
				more += 14 * int64(f.segWidth) * int64(f.segHeight)
			} else {
				more += int64(f.segHeight) * int64(f.rowBytes()+f.segWidth*f.segSamples()) // samples of a row, at most as many
			}
		}
	}
	if in.meta.Orientation >= 5 && !in.opt.IgnoreOrientation {
		tenths = max(tenths, 60) // the stored picture and the upright one
	}
	return pixels/10*tenths + more
}

// needPNG is the bytes a pixel, by ten.
func needPNG(in *input) int64 {
	h, err := readPNGHeader(in)
	if err != nil {
		return 80
	}
	own := int64(40) // RGBA
	switch {
	case h.kind == 0 && h.depth == 16:
		own = 50
	case h.depth == 16:
		own = 80
	}
	if h.interlaced {
		own += own / 2 // the last pass by itself
	}
	return own
}

// needJPEG is the bytes a pixel, by ten: planes, the coefficients of a progressive file in 4 bytes
// each, and the result; of four components their interleaved form, twice, too.
func needJPEG(f jpegFile) int64 {
	samples := f.samples
	if samples == 0 {
		samples = 40
	}
	need := samples + 30
	if f.components == 4 {
		need = 2*samples + 20
	}
	if f.progressive {
		need += 4 * samples
	}
	return need
}

// frameHeader reads a JPEG's components from the data of its frame header: each has the number of
// its samples across and down per unit of the picture.
func (f *jpegFile) frameHeader(marker byte, data []byte) {
	f.progressive = marker == 0xc2
	f.components = int(data[5])
	var most, sum int64
	for i := range f.components {
		at := 6 + 3*i + 1
		if at >= len(data) {
			return
		}
		n := int64(data[at]>>4) * int64(data[at]&15)
		most, sum = max(most, n), sum+n
	}
	if most > 0 {
		f.samples = 10 * sum / most
	}
}
