package picture

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"image/jpeg"
	"io"
	"math/bits"

	"golang.org/x/image/ccitt"
	"golang.org/x/image/tiff/lzw"
)

// tiffSegments decodes one strip or tile after the other into a picture.
type tiffSegments struct {
	*tiffFile
	p      *RGB
	x, y   int // where the segment begins
	plane  int // which sample it has, of separate planes
	raw    []byte
	line   []uint8 // the samples of a row, 8 bits each
	tables []byte  // of JPEG, without their end
}

func (f *tiffFile) segments(p *RGB) *tiffSegments { return &tiffSegments{tiffFile: f, p: p} }

func (s *tiffSegments) decode(i int) error {
	data := span{int64(s.offsets[i]), int64(s.counts[i])}
	if data.at+data.n > s.in.size {
		data.n = max(0, s.in.size-data.at) // what is missing is noticed where it is needed
	}
	if s.compression == 7 {
		return s.decodeJPEG(data)
	}
	rows := s.segHeight
	if _, tiled := s.dir[tagTileWidth]; !tiled {
		rows = min(rows, s.height-s.y)
	}
	if s.raw == nil {
		s.raw = make([]byte, s.segHeight*s.rowBytes())
		s.line = make([]uint8, s.segWidth*s.segSamples())
	}
	raw := s.raw[:rows*s.rowBytes()]
	if _, err := io.ReadFull(s.unpacked(data, rows), raw); err != nil {
		return err
	}
	for y := range min(rows, s.height-s.y) {
		row := raw[y*s.rowBytes():][:s.rowBytes()]
		if s.predictor {
			s.undoPredictor(row)
		}
		s.spread(row)
		s.colour(3 * ((s.y+y)*s.width + s.x))
	}
	return nil
}

// unpacked is a segment without its compression. A reader that ends with an error behind the
// last pixel, as LZW's does where the end code is missing, is read no further.
func (s *tiffSegments) unpacked(data span, rows int) io.Reader {
	var r io.Reader = bufio.NewReader(io.NewSectionReader(s.in, data.at, data.n))
	fax := s.compression == 3 || s.compression == 4
	if s.backwards && !fax {
		r = reversed{r}
	}
	switch s.compression {
	case 3, 4:
		order, group := ccitt.MSB, ccitt.Group3
		if s.backwards {
			order = ccitt.LSB
		}
		if s.compression == 4 {
			group = ccitt.Group4
		}
		// The codes name runs white and black, which stand for 0 and 1.
		return ccitt.NewReader(r, order, group, s.segWidth, rows, &ccitt.Options{Invert: true})
	case 5:
		return lzw.NewReader(r, lzw.MSB, 8)
	case 8, 32946:
		z, err := zlib.NewReader(r)
		if err != nil {
			return failing{err}
		}
		return z
	case 32773:
		return &packBits{r: r.(io.ByteReader)}
	}
	return r
}

// failing is a reader that has nothing but an error.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// reversed has the bits of each byte in the opposite order.
type reversed struct{ io.Reader }

func (r reversed) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	for i, b := range p[:n] {
		p[i] = bits.Reverse8(b)
	}
	return n, err
}

func (r reversed) ReadByte() (byte, error) {
	b, err := r.Reader.(io.ByteReader).ReadByte()
	return bits.Reverse8(b), err
}

// packBits undoes Apple's run-length code: a byte n of 0 to 127 stands before n + 1 bytes as
// they are, -1 to -127 before one that comes 1 - n times; -128 says nothing.
type packBits struct {
	r      io.ByteReader
	left   int
	repeat bool
	value  byte
}

func (p *packBits) Read(out []byte) (n int, err error) {
	for n < len(out) {
		if p.left == 0 {
			c, err := p.r.ReadByte()
			if err != nil {
				return n, err
			}
			k := int(int8(c))
			if p.repeat = k < 0; k == -128 {
				continue
			}
			p.left = max(k, -k) + 1
			if p.repeat {
				if p.value, err = p.r.ReadByte(); err != nil {
					return n, err
				}
			}
		}
		if !p.repeat {
			if p.value, err = p.r.ReadByte(); err != nil {
				return n, err
			}
		}
		out[n] = p.value
		n++
		p.left--
	}
	return n, nil
}

// undoPredictor adds to each sample that of the pixel before.
func (s *tiffSegments) undoPredictor(row []byte) {
	size := s.bits / 8
	step := size * s.segSamples()
	for i := step; i+size <= len(row); i += size {
		switch at, before := row[i:], row[i-step:]; size {
		case 1:
			at[0] += before[0]
		case 2:
			s.order.PutUint16(at, s.order.Uint16(at)+s.order.Uint16(before))
		case 4:
			s.order.PutUint32(at, s.order.Uint32(at)+s.order.Uint32(before))
		}
	}
}

// spread brings a row's samples to 8 bits: of more the high ones, of fewer the full range; but
// an index of a palette stays what it is.
func (s *tiffSegments) spread(row []byte) {
	switch out := s.line; s.bits {
	case 8:
		copy(out, row)
	case 16, 32:
		size := s.bits / 8
		high := 0
		if s.order.Uint16([]byte{0, 1}) != 1 { // little endian
			high = size - 1
		}
		for i := range out {
			out[i] = row[i*size+high]
		}
	default:
		scale := uint8(255 / (1<<s.bits - 1))
		if s.photometric == inPalette {
			scale = 1
		}
		for i := range out {
			shift := 8 - s.bits - i*s.bits%8
			out[i] = row[i*s.bits/8] >> shift & (1<<s.bits - 1) * scale
		}
	}
}

// colour writes the row of samples to the picture, from byte at on.
func (s *tiffSegments) colour(at int) {
	n, step := min(s.segWidth, s.width-s.x), s.segSamples()
	dst := s.p.Pix[at:][:3*n]
	if s.planar {
		s.colourPlane(dst)
		return
	}
	for i := range n {
		v, d := s.line[i*step:][:step], dst[3*i:3*i+3:3*i+3]
		switch s.photometric {
		case whiteIsZero:
			d[0], d[1], d[2] = 255-v[0], 255-v[0], 255-v[0]
		case blackIsZero:
			d[0], d[1], d[2] = v[0], v[0], v[0]
		case inRGB:
			d[0], d[1], d[2] = v[0], v[1], v[2]
		case inPalette:
			for c := range d {
				d[c] = uint8(s.palette[c<<s.bits+int(v[0])] >> 8)
			}
		case inCMYK:
			rowCMYK(d, v)
		case inYCbCr:
			rowYCC(d, v[0:1], v[1:2], v[2:3])
		}
		if s.associated && s.photometric != inPalette {
			d[0], d[1], d[2] = divide(d[0], d[1], d[2], v[s.colours])
		}
	}
}

// colourPlane writes one sample of each pixel: one of three, or the only one.
func (s *tiffSegments) colourPlane(dst []uint8) {
	for i := range len(dst) / 3 {
		v, d := s.line[i], dst[3*i:3*i+3:3*i+3]
		switch s.photometric {
		case inRGB:
			d[s.plane] = v
		case inPalette:
			for c := range d {
				d[c] = uint8(s.palette[c<<s.bits+int(v)] >> 8)
			}
		case whiteIsZero:
			d[0], d[1], d[2] = 255-v, 255-v, 255-v
		default:
			d[0], d[1], d[2] = v, v, v
		}
	}
}

// decodeJPEG decodes a segment that is a JPEG file but for the tables, which all share.
func (s *tiffSegments) decodeJPEG(data span) error {
	if s.tables == nil {
		s.tables = []byte("\xff\xd8")
		if e, ok := s.dir[tagJPEGTables]; ok && e.count > 4 {
			t := s.in.blob(int64(s.order.Uint32(e.value[:])), int64(e.count))
			s.tables = bytes.TrimSuffix(t, []byte("\xff\xd9"))
		}
	}
	if data.n < 2 {
		return io.ErrUnexpectedEOF
	}
	file := append(bytes.Clone(s.tables), make([]byte, data.n-2)...)
	if err := s.in.readFull(file[len(s.tables):], data.at+2); err != nil { // without its FF D8
		return err
	}
	part := &input{ctx: s.in.ctx, path: s.in.path, src: bytes.NewReader(file), size: int64(len(file)), opt: s.in.opt}
	part.meta.Format = TIFF
	c, err := jpeg.DecodeConfig(part.stream())
	if err != nil {
		return err
	}
	if c.Width > s.segWidth || c.Height > s.segHeight || c.Width < min(s.segWidth, s.width-s.x) || c.Height < min(s.segHeight, s.height-s.y) {
		return s.in.malformed("a strip or tile of %d×%d pixels has %d×%d", s.segWidth, s.segHeight, c.Width, c.Height)
	}
	part.meta.Width, part.meta.Height = c.Width, c.Height
	decode := decodeJPEG
	if s.photometric == inRGB {
		decode = decodePlanesRGB
	}
	p, err := decode(part)
	if err != nil {
		return err
	}
	for y := range min(p.Height, s.height-s.y) {
		n := 3 * min(p.Width, s.width-s.x)
		row := p.Pix[3*y*p.Width:][:n]
		if s.photometric == whiteIsZero {
			for i := range row {
				row[i] = 255 - row[i]
			}
		}
		copy(s.p.Pix[3*((s.y+y)*s.width+s.x):], row)
	}
	return nil
}
