package picture

import (
	"bufio"
	"compress/lzw"
	"encoding/binary"
	"image"
	"io"
)

// gifFrame is what the headers say up to the data of the first frame.
type gifFrame struct {
	width, height int             // of the canvas that holds the screen and the frame
	box           image.Rectangle // of the frame on it
	interlaced    bool
	palette       []byte // of the frame, 3 bytes a colour
	transparent   int    // index, -1 if there is none
	data          *bufio.Reader
}

// readGIF reads the headers up to the first frame's data. A byte where a block should begin is
// passed over, as other readers do. A frame that reaches beyond the screen enlarges the
// canvas. Source: GIF89a.
func readGIF(in *input) (*gifFrame, error) {
	r := in.stream()
	f := &gifFrame{transparent: -1, data: r}
	var screen [13]byte // signature and logical screen descriptor
	if _, err := io.ReadFull(r, screen[:]); err != nil {
		return nil, err
	}
	f.width = int(binary.LittleEndian.Uint16(screen[6:]))
	f.height = int(binary.LittleEndian.Uint16(screen[8:]))
	var err error
	if f.palette, err = readPalette(r, screen[10]); err != nil {
		return nil, err
	}
	for passed := 0; ; {
		kind, err := r.ReadByte()
		switch {
		case err == io.EOF && passed > 0:
			return nil, in.malformed("has no picture")
		case err != nil:
			return nil, err
		case kind == '!':
			if err := f.extension(r); err != nil {
				return nil, err
			}
		case kind == ',':
			return f, f.descriptor(r)
		case kind == ';':
			return nil, in.malformed("has no picture")
		default:
			passed++
		}
	}
}

// readPalette reads the colour table that flags announce, if they do.
func readPalette(r io.Reader, flags byte) ([]byte, error) {
	if flags&0x80 == 0 {
		return nil, nil
	}
	p := make([]byte, 3<<(flags&7+1))
	_, err := io.ReadFull(r, p)
	return p, err
}

// extension skips an extension, but for the transparent index of a graphic control.
func (f *gifFrame) extension(r *bufio.Reader) error {
	label, err := r.ReadByte()
	if err != nil {
		return err
	}
	for first := true; ; first = false {
		n, err := r.ReadByte()
		if err != nil || n == 0 {
			return err
		}
		var block [255]byte
		if _, err := io.ReadFull(r, block[:n]); err != nil {
			return err
		}
		if first && label == 0xf9 && n == 4 {
			f.transparent = -1
			if block[0]&1 != 0 {
				f.transparent = int(block[3])
			}
		}
	}
}

// descriptor reads the frame's position, size and own colour table.
func (f *gifFrame) descriptor(r io.Reader) error {
	var d [9]byte
	if _, err := io.ReadFull(r, d[:]); err != nil {
		return err
	}
	at := func(i int) int { return int(binary.LittleEndian.Uint16(d[i:])) }
	f.box = image.Rect(at(0), at(2), at(0)+at(4), at(2)+at(6))
	f.width, f.height = max(f.width, f.box.Max.X), max(f.height, f.box.Max.Y)
	f.interlaced = d[8]&0x40 != 0
	own, err := readPalette(r, d[8])
	if own != nil {
		f.palette = own
	}
	return err
}

func sizeGIF(in *input) (int, int, error) {
	f, err := readGIF(in)
	if err != nil {
		return 0, 0, err
	}
	return f.width, f.height, nil
}

// decodeGIF decodes the first frame on its canvas. What the frame leaves free has
// the transparent colour if there is one, else colour 0.
func decodeGIF(in *input) (*RGB, error) {
	f, err := readGIF(in)
	if err != nil {
		return nil, err
	}
	if f.palette == nil {
		return nil, in.malformed("the frame has no palette")
	}
	width, err := f.data.ReadByte()
	if err != nil {
		return nil, err
	}
	if width < 2 || width > 8 {
		return nil, in.malformed("codes of %d bits", width)
	}
	var colours [256][3]uint8
	for i := range len(f.palette) / 3 {
		colours[i] = [3]uint8(f.palette[3*i:])
	}
	p := NewRGB(f.width, f.height)
	if f.box != p.Bounds() {
		c := colours[max(f.transparent, 0)]
		for i := 0; i < len(p.Pix); i += 3 {
			p.Pix[i], p.Pix[i+1], p.Pix[i+2] = c[0], c[1], c[2]
		}
	}
	// Read as far as there are pixels: what follows them, and how the data ends, is
	// nobody's business.
	codes := lzw.NewReader(&gifBlocks{r: f.data}, lzw.LSB, int(width))
	row := make([]byte, f.box.Dx())
	for i := range f.box.Dy() {
		if _, err := io.ReadFull(codes, row); err != nil {
			return nil, err
		}
		dst := p.Pix[3*((f.box.Min.Y+f.rowAt(i))*p.Width+f.box.Min.X):]
		for x, index := range row {
			if 3*int(index) >= len(f.palette) {
				return nil, in.malformed("a pixel of colour %d, and the palette has %d", index, len(f.palette)/3)
			}
			c := colours[index]
			dst[3*x], dst[3*x+1], dst[3*x+2] = c[0], c[1], c[2]
		}
	}
	return p, nil
}

// rowAt is where the i-th stored row stands: interlaced frames have every eighth from 0,
// then from 4, then every fourth from 2, then every second from 1.
func (f *gifFrame) rowAt(i int) int {
	if !f.interlaced {
		return i
	}
	h := f.box.Dy()
	for _, pass := range [4][2]int{{0, 8}, {4, 8}, {2, 4}, {1, 2}} {
		n := (h - pass[0] + pass[1] - 1) / pass[1] // rows of the pass; 0 or less for small frames
		if i < n {
			return pass[0] + i*pass[1]
		}
		i -= max(n, 0)
	}
	return 0
}

// gifBlocks is the data of a frame: blocks of up to 255 bytes behind their length, and one of 0
// as the end.
type gifBlocks struct {
	r    *bufio.Reader
	left int
	end  bool
}

// ReadByte makes lzw read no byte ahead.
func (b *gifBlocks) ReadByte() (byte, error) {
	for b.left == 0 {
		if b.end {
			return 0, io.ErrUnexpectedEOF
		}
		n, err := b.r.ReadByte()
		if err != nil {
			return 0, err
		}
		b.left, b.end = int(n), n == 0
	}
	b.left--
	return b.r.ReadByte()
}

func (b *gifBlocks) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c, err := b.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = c
	return 1, nil
}
