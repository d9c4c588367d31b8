package picture

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"io"
)

func sizeJPEG(in *input) (int, int, error) {
	c, err := jpeg.DecodeConfig(in.stream())
	return c.Width, c.Height, err
}

func orientationJPEG(in *input) int {
	f := readJPEG(in)
	if f.orientation == 0 {
		return f.xmp
	}
	return f.orientation
}

// decodeJPEG decodes with the standard library as far as planes of samples, and
// takes them from there as libjpeg does.
func decodeJPEG(in *input) (*RGB, error) {
	c, err := jpeg.DecodeConfig(in.stream())
	if err != nil {
		return nil, err
	}
	switch c.ColorModel {
	case color.CMYKModel:
		return decodeInks(in, readJPEG(in))
	case color.RGBAModel:
		return decodePlanesRGB(in)
	}
	img, err := jpeg.Decode(in.stream())
	if err != nil {
		return nil, err
	}
	return in.convert(img)
}

// decodePlanesRGB decodes a file whose components are red, green and blue. The
// standard library would repeat components of half resolution; behind a JFIF
// segment it takes them for YCbCr and leaves the planes alone.
func decodePlanesRGB(in *input) (*RGB, error) {
	img, err := jpeg.Decode(bufio.NewReader(io.MultiReader(
		io.NewSectionReader(in, 0, 2),
		bytes.NewReader([]byte("\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")),
		io.NewSectionReader(in, 2, in.size-2),
	)))
	if err != nil {
		return nil, err
	}
	m, ok := img.(*image.YCbCr)
	if !ok {
		return in.convert(img)
	}
	if err := in.checkSize(m.Rect); err != nil {
		return nil, err
	}
	return fromPlanes(m, func(dst, r, g, b []uint8) {
		for x := range len(dst) / 3 {
			d := dst[3*x : 3*x+3 : 3*x+3]
			d[0], d[1], d[2] = r[x], g[x], b[x]
		}
	}), nil
}

// jpegFile is what the segments before the first scan say.
type jpegFile struct {
	orientation int    // 0 if there is none
	xmp         int    // the orientation in an XMP packet, likewise
	adobe       []span // APP14 segments of Adobe's, with their markers
	transform   byte   // of the last one: 0 for RGB or CMYK, 1 for YCbCr, 2 for YCCK
	halved      bool   // the second component has half the first one's columns
	progressive bool
	components  int
	samples     int64 // of all components for a pixel, by ten: 15 where chroma is halved both ways
}

// readJPEG walks the segments up to the first scan. Each is a marker (FF xx) and a
// length of 2 bytes that counts itself. What looks wrong ends the walk: whether
// that is an error is the decoder's business.
func readJPEG(in *input) jpegFile {
	var f jpegFile
	at := int64(2)
	for range maxChunks {
		var head [4]byte
		if !readAll(in, head[:], at) || head[0] != 0xff {
			return f
		}
		marker := head[1]
		if marker == 0xff { // a fill byte
			at++
			continue
		}
		n := int64(binary.BigEndian.Uint16(head[2:]))
		if marker == 0xda || marker == 0xd9 || n < 2 {
			return f
		}
		data := in.blob(at+4, n-2)
		switch {
		case marker == 0xe1 && f.orientation == 0 && bytes.HasPrefix(data, []byte("Exif\x00\x00")):
			f.orientation = exifOrientation(data)
		case marker == 0xe1 && bytes.HasPrefix(data, []byte("http://ns.adobe.com/xap/1.0/\x00")):
			f.xmp = xmpOrientation(data)
		case marker == 0xee && len(data) >= 12 && bytes.HasPrefix(data, []byte("Adobe")):
			f.adobe = append(f.adobe, span{at, 2 + n})
			f.transform = data[11]
		case marker >= 0xc0 && marker <= 0xc2 && len(data) >= 9:
			f.frameHeader(marker, data)
			f.halved = len(data) >= 12 && data[7]>>4 == 2*(data[10]>>4)
		}
		at += 2 + n
	}
	return f
}

// decodeInks decodes four components, CMYK or YCCK (YCbCr of the inks' complements,
// and black). The standard library would repeat YCCK's chroma and convert it on the
// way, and refuses files without Adobe's segment. So it is shown one that says
// CMYK, and returns the components as stored, complemented; the rest is done here.
//
// As Pillow, it takes inks as Adobe writes them, 255 for none, always.
func decodeInks(in *input, f jpegFile) (*RGB, error) {
	parts := []io.Reader{
		io.NewSectionReader(in, 0, 2),
		bytes.NewReader([]byte("\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00")),
	}
	at := int64(2)
	for _, s := range f.adobe {
		parts = append(parts, io.NewSectionReader(in, at, s.at-at))
		at = s.at + s.n
	}
	parts = append(parts, io.NewSectionReader(in, at, in.size-at))
	img, err := jpeg.Decode(bufio.NewReader(io.MultiReader(parts...)))
	if err != nil {
		return nil, err
	}
	m, ok := img.(*image.CMYK)
	if !ok {
		return in.convert(img)
	}
	if err := in.checkSize(m.Rect); err != nil {
		return nil, err
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	for i, v := range m.Pix {
		m.Pix[i] = 255 - v // as stored
	}
	across := 1
	if f.halved {
		across = 2
	}
	second, third := component(m, 1, across), component(m, 2, across)
	u2, u3 := newUpsampler(across, across, w), newUpsampler(across, across, w)
	p := &RGB{w, h, m.Pix[: 3*w*h : 3*w*h]}
	first, rgb := make([]uint8, w), make([]uint8, 3*w)
	for y := range h {
		row := m.Pix[y*m.Stride:][:4*w]
		a, b := u2.row(second, y), u3.row(third, y)
		for x := range w {
			first[x] = row[4*x]
		}
		if f.transform != 0 {
			// YCCK: Y, Cb, Cr give 255 - C', 255 - M', 255 - Y' of the stored inks.
			rowYCC(rgb, first, a, b)
			for x := range w {
				row[4*x], row[4*x+1], row[4*x+2] = rgb[3*x], rgb[3*x+1], rgb[3*x+2]
			}
		} else {
			for x := range w {
				row[4*x], row[4*x+1], row[4*x+2] = 255-first[x], 255-a[x], 255-b[x]
			}
		}
		for x := range w {
			row[4*x+3] = 255 - row[4*x+3]
		}
		rowCMYK(p.Pix[3*y*w:3*(y+1)*w], row)
	}
	return p, nil
}

// component copies one component at its stored resolution.
func component(m *image.CMYK, i, step int) plane {
	w, h := (m.Rect.Dx()+step-1)/step, (m.Rect.Dy()+step-1)/step
	c := plane{make([]uint8, w*h), w, w, h}
	for y := range h {
		row := m.Pix[y*step*m.Stride:]
		for x := range w {
			c.pix[y*w+x] = row[4*step*x+i]
		}
	}
	return c
}
