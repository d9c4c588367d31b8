package picture

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"image"
	"io"

	"golang.org/x/image/webp"
)

// span is a part of the file.
type span struct{ at, n int64 }

// webpFile is what the chunks of a WebP file say, up to its first picture. Source:
// RFC 9649.
type webpFile struct {
	width, height int  // of the canvas
	frame         span // chunks of the picture where it is an animation's first frame
	frameBox      image.Rectangle
	frameAlpha    bool // the frame has an ALPH chunk
}

// walkWebP calls chunk for each chunk between at and end. It stops where chunk
// returns false or an error, or the chunks end.
func walkWebP(in *input, at, end int64, chunk func(id string, data span) (bool, error)) error {
	for range maxChunks {
		var head [8]byte
		if at+8 > end {
			return nil
		}
		if err := in.readFull(head[:], at); err != nil {
			return err
		}
		data := span{at + 8, int64(binary.LittleEndian.Uint32(head[4:]))}
		if more, err := chunk(string(head[:4]), data); err != nil || !more {
			return err
		}
		at = data.at + data.n + data.n&1
	}
	return nil
}

// readWebP reads the sizes of the canvas and of the first picture's own bitstream,
// which have to agree: the decoder takes memory for one before it sees the other.
func readWebP(in *input) (*webpFile, error) {
	f := &webpFile{}
	canvas := image.Point{}
	found := false
	var head [8]byte
	if err := in.readFull(head[:], 0); err != nil {
		return nil, err
	}
	end := 8 + int64(binary.LittleEndian.Uint32(head[4:]))
	if end > in.size {
		return nil, in.malformed("the file is truncated: it has %d bytes of %d", in.size, end)
	}
	err := walkWebP(in, 12, end, func(id string, data span) (bool, error) {
		switch id {
		case "VP8X":
			var b [10]byte
			if err := in.readFull(b[:], data.at); err != nil {
				return false, err
			}
			canvas = image.Pt(1+uint24(b[4:]), 1+uint24(b[7:]))
			return true, nil
		case "ANMF":
			found = true
			return false, f.animation(in, data, canvas)
		}
		size, is, err := bitstream(in, id, data)
		if err != nil || !is {
			return err == nil, err
		}
		found = true
		if canvas == (image.Point{}) {
			canvas = size
		}
		if size != canvas {
			return false, in.malformed("the canvas has %d×%d pixels, and the picture %d×%d", canvas.X, canvas.Y, size.X, size.Y)
		}
		return false, nil
	})
	if err == nil && !found {
		err = in.malformed("has no picture")
	}
	f.width, f.height = canvas.X, canvas.Y
	return f, err
}

// bitstream returns the size that a VP8 or VP8L chunk holds.
func bitstream(in *input, id string, data span) (size image.Point, is bool, err error) {
	var b [10]byte
	switch id {
	case "VP8 ":
		// A frame tag of 3 bytes, a start code of 3, then 14 bits of each size.
		if err := in.readFull(b[:], data.at); err != nil {
			return size, true, err
		}
		le := binary.LittleEndian
		return image.Pt(int(le.Uint16(b[6:])&0x3fff), int(le.Uint16(b[8:])&0x3fff)), true, nil
	case "VP8L":
		// A signature byte, then 14 bits of each size less one.
		if err := in.readFull(b[:5], data.at); err != nil {
			return size, true, err
		}
		v := int(binary.LittleEndian.Uint32(b[1:]))
		return image.Pt(1+v&0x3fff, 1+v>>14&0x3fff), true, nil
	}
	return size, false, nil
}

// animation reads the header of an animation's first frame.
func (f *webpFile) animation(in *input, data span, canvas image.Point) error {
	var b [16]byte
	if err := in.readFull(b[:], data.at); err != nil {
		return err
	}
	if data.n < 16 {
		return in.malformed("the first frame has %d bytes", data.n)
	}
	at := image.Pt(2*uint24(b[0:]), 2*uint24(b[3:]))
	size := image.Pt(1+uint24(b[6:]), 1+uint24(b[9:]))
	f.frame = span{data.at + 16, data.n - 16}
	f.frameBox = image.Rectangle{at, at.Add(size)}
	if !f.frameBox.In(image.Rectangle{Max: canvas}) {
		return in.malformed("the first frame %v lies beyond the canvas of %d×%d pixels", f.frameBox, canvas.X, canvas.Y)
	}
	found := false
	err := walkWebP(in, f.frame.at, f.frame.at+f.frame.n, func(id string, data span) (bool, error) {
		if id == "ALPH" {
			f.frameAlpha = true
		}
		own, is, err := bitstream(in, id, data)
		if is && err == nil && own != size {
			err = in.malformed("the first frame has %d×%d pixels, and its picture %d×%d", size.X, size.Y, own.X, own.Y)
		}
		found = found || is
		return !is, err
	})
	if err == nil && !found {
		err = in.malformed("the first frame has no picture")
	}
	return err
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

func sizeWebP(in *input) (int, int, error) {
	f, err := readWebP(in)
	if err != nil {
		return 0, 0, err
	}
	return f.width, f.height, nil
}

// orientationWebP looks for the EXIF chunk, which stands after the picture.
func orientationWebP(in *input) int {
	o := 0
	walkWebP(in, 12, in.size, func(id string, data span) (bool, error) {
		if id == "EXIF" {
			o = exifOrientation(in.blob(data.at, data.n))
		}
		return id != "EXIF", nil
	})
	return o
}

// decodeWebP decodes a still picture, or an animation's first frame on a black
// canvas: transparent black with its alpha dropped.
func decodeWebP(in *input) (*RGB, error) {
	f, err := readWebP(in)
	if err != nil {
		return nil, err
	}
	var r io.Reader = in.section()
	if f.frame.n > 0 {
		r = f.still(in)
	}
	img, err := webp.Decode(bufio.NewReaderSize(r, 1<<16))
	if err != nil {
		return nil, err
	}
	var p *RGB
	switch m := img.(type) {
	case *image.YCbCr:
		p = fromVP8(m)
	case *image.NYCbCrA:
		p = fromVP8(&m.YCbCr)
	default:
		p = fromImage(img, true)
	}
	if f.frame.n == 0 {
		return p, nil
	}
	canvas := NewRGB(f.width, f.height)
	for y := range p.Height {
		at := 3 * ((f.frameBox.Min.Y+y)*f.width + f.frameBox.Min.X)
		copy(canvas.Pix[at:], p.Pix[3*y*p.Width:3*(y+1)*p.Width])
	}
	return canvas, nil
}

// still returns the first frame as a file of its own, which the decoder reads.
func (f *webpFile) still(in *input) io.Reader {
	le := binary.LittleEndian
	head := append([]byte("RIFF"), 0, 0, 0, 0)
	le.PutUint32(head[4:], uint32(4+18+f.frame.n))
	head = append(head, "WEBPVP8X\x0a\x00\x00\x00"...)
	var x [10]byte
	if f.frameAlpha {
		x[0] = 1 << 4
	}
	w, h := f.frameBox.Dx()-1, f.frameBox.Dy()-1
	x[4], x[5], x[6] = byte(w), byte(w>>8), byte(w>>16)
	x[7], x[8], x[9] = byte(h), byte(h>>8), byte(h>>16)
	head = append(head, x[:]...)
	return io.MultiReader(bytes.NewReader(head), io.NewSectionReader(in, f.frame.at, f.frame.n))
}
