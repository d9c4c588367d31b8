package picture

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/gif"
	"io"
)

// gifFrame is what the headers say up to the data of the first frame.
type gifFrame struct {
	screen        [13]byte // signature and logical screen descriptor
	width, height int      // of the canvas that holds the screen and the frame
	palette       []byte   // of the frame, 3 bytes a colour
	transparent   int      // index, -1 if there is none
}

// readGIF reads the headers itself, for three things that the decoder doesn't tell:
// the frame's size before memory is taken for it, the colour behind the transparent
// index, and the canvas where a frame reaches beyond the screen. Source: GIF89a.
func readGIF(in *input) (*gifFrame, error) {
	r := in.stream()
	f := &gifFrame{transparent: -1}
	if _, err := io.ReadFull(r, f.screen[:]); err != nil {
		return nil, err
	}
	f.width = int(binary.LittleEndian.Uint16(f.screen[6:]))
	f.height = int(binary.LittleEndian.Uint16(f.screen[8:]))
	var err error
	if f.palette, err = readPalette(r, f.screen[10]); err != nil {
		return nil, err
	}
	for {
		kind, err := r.ReadByte()
		if err != nil {
			return nil, err
		}
		switch kind {
		case '!':
			if err := f.extension(r); err != nil {
				return nil, err
			}
		case ',':
			return f, f.descriptor(r)
		case ';':
			return nil, in.malformed("has no picture")
		default:
			return nil, in.malformed("a block of kind %#02x where the first frame is wanted", kind)
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

// descriptor reads the frame's position, size and own colour table. A frame that
// reaches beyond the screen enlarges the canvas.
func (f *gifFrame) descriptor(r io.Reader) error {
	var d [9]byte
	if _, err := io.ReadFull(r, d[:]); err != nil {
		return err
	}
	at := func(i int) int { return int(binary.LittleEndian.Uint16(d[i:])) }
	f.width = max(f.width, at(0)+at(4))
	f.height = max(f.height, at(2)+at(6))
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
	if f.width > 0xffff || f.height > 0xffff {
		return nil, in.unsupported("a frame that ends beyond pixel 65535 isn't decoded")
	}
	binary.LittleEndian.PutUint16(f.screen[6:], uint16(f.width))
	binary.LittleEndian.PutUint16(f.screen[8:], uint16(f.height))
	rest := io.NewSectionReader(in, int64(len(f.screen)), in.size-int64(len(f.screen)))
	img, err := gif.Decode(bufio.NewReaderSize(io.MultiReader(bytes.NewReader(f.screen[:]), rest), 1<<16))
	if err != nil {
		return nil, err
	}
	frame, ok := img.(*image.Paletted)
	if !ok {
		return nil, errors.New("the frame has no palette")
	}
	// The decoder blanks the transparent colour; the file's is what shows when
	// alpha is dropped.
	var colours [256][3]uint8
	for i := range min(len(f.palette)/3, 256) {
		colours[i] = [3]uint8(f.palette[3*i:])
	}
	p := NewRGB(in.meta.Width, in.meta.Height)
	if b := frame.Bounds(); b != p.Bounds() {
		c := colours[max(f.transparent, 0)]
		for i := 0; i < len(p.Pix); i += 3 {
			p.Pix[i], p.Pix[i+1], p.Pix[i+2] = c[0], c[1], c[2]
		}
	}
	b := frame.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		row := frame.Pix[(y-b.Min.Y)*frame.Stride:][:b.Dx()]
		dst := p.Pix[3*(y*p.Width+b.Min.X):]
		for i, index := range row {
			c := colours[index]
			dst[3*i], dst[3*i+1], dst[3*i+2] = c[0], c[1], c[2]
		}
	}
	return p, nil
}
