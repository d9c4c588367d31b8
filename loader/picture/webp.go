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
	width, height int             // of the canvas
	coding        string          // of the picture: "VP8 " or "VP8L"
	picture       span            // its bitstream
	box           image.Rectangle // of the picture on the canvas
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
		f.coding, f.picture, f.box = id, data, image.Rectangle{Max: size}
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
	f.box = image.Rectangle{at, at.Add(size)}
	if !f.box.In(image.Rectangle{Max: canvas}) {
		return in.malformed("the first frame %v lies beyond the canvas of %d×%d pixels", f.box, canvas.X, canvas.Y)
	}
	found := false
	err := walkWebP(in, data.at+16, data.at+data.n, func(id string, data span) (bool, error) {
		own, is, err := bitstream(in, id, data)
		if is && err == nil && own != size {
			err = in.malformed("the first frame has %d×%d pixels, and its picture %d×%d", size.X, size.Y, own.X, own.Y)
		}
		if is {
			found, f.coding, f.picture = true, id, data
		}
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

// orientationWebP looks for the EXIF and XMP chunks, which stand after the picture.
func orientationWebP(in *input) int {
	exif, xmp := 0, 0
	walkWebP(in, 12, in.size, func(id string, data span) (bool, error) {
		switch id {
		case "EXIF":
			exif = exifOrientation(in.blob(data.at, data.n))
		case "XMP ":
			xmp = xmpOrientation(in.blob(data.at, data.n))
		}
		return exif == 0, nil
	})
	if exif == 0 {
		return xmp
	}
	return exif
}

// decodeWebP decodes a still picture, or an animation's first frame on a black
// canvas: transparent black with its alpha dropped.
func decodeWebP(in *input) (*RGB, error) {
	f, err := readWebP(in)
	if err != nil {
		return nil, err
	}
	img, err := webp.Decode(bufio.NewReaderSize(f.bare(in), 1<<16))
	if err != nil {
		return nil, err
	}
	if img.Bounds().Size() != f.box.Size() {
		return nil, in.malformed("the header promises %v pixels, and there are %v", f.box.Size(), img.Bounds().Size())
	}
	var p *RGB
	if m, ok := img.(*image.YCbCr); ok {
		p = fromVP8(m)
	} else {
		p = fromImage(img, true)
	}
	if f.box == (image.Rect(0, 0, f.width, f.height)) {
		return p, nil
	}
	canvas := NewRGB(f.width, f.height)
	for y := range p.Height {
		at := 3 * ((f.box.Min.Y+y)*f.width + f.box.Min.X)
		copy(canvas.Pix[at:], p.Pix[3*y*p.Width:3*(y+1)*p.Width])
	}
	return canvas, nil
}

// bare returns the picture as a file without any other chunk. What they say of alpha,
// right or wrong, is of no use here, and the decoder would take memory for it.
func (f *webpFile) bare(in *input) io.Reader {
	le := binary.LittleEndian
	head := le.AppendUint32([]byte("RIFF"), uint32(4+8+f.picture.n+f.picture.n&1))
	head = append(append(head, "WEBP"...), f.coding...)
	head = le.AppendUint32(head, uint32(f.picture.n))
	return io.MultiReader(bytes.NewReader(head), io.NewSectionReader(in, f.picture.at, f.picture.n), bytes.NewReader(make([]byte, f.picture.n&1)))
}
