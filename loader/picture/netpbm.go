package picture

import (
	"bufio"
	"bytes"
	"io"
	"math"
	"strconv"
	"strings"
)

// netpbmFile is the header of a file of the Netpbm family. Source: the manual pages pbm(5),
// pgm(5), ppm(5) and pam(5).
//
//	P1 P4  black and white, 1 is black    P2 P5  grey    P3 P6  RGB    P7  by its own header
//
// P1 to P3 are numbers in text; the others have a byte a sample, or two, the high one first,
// where the largest value is above 255. P4 packs 8 pixels into a byte, row by row.
type netpbmFile struct {
	kind          byte // '1' to '7'
	width, height int
	samples       int // of a pixel: 1 or 2 for grey, 3 or 4 for RGB; the even ones end in alpha
	most          int // the largest value
	r             *bufio.Reader
}

func readNetpbm(in *input) (*netpbmFile, error) {
	f := &netpbmFile{r: in.stream()}
	var magic [2]byte
	if _, err := io.ReadFull(f.r, magic[:]); err != nil {
		return nil, err
	}
	f.kind = magic[1]
	var err error
	switch f.kind {
	case '7':
		err = f.readPAM(in)
	default:
		f.samples, f.most = 1, 1
		if f.kind == '3' || f.kind == '6' {
			f.samples = 3
		}
		want := []*int{&f.width, &f.height, &f.most}
		if f.kind == '1' || f.kind == '4' {
			want = want[:2]
		}
		for _, to := range want {
			if *to, err = f.number(in); err != nil {
				return nil, err
			}
		}
	}
	switch {
	case err != nil:
		return nil, err
	case f.most < 1 || f.most > 0xffff:
		return nil, in.malformed("the largest value is %d, want 1 to 65535", f.most)
	case f.samples < 1 || f.samples > 4:
		return nil, in.unsupported("pixels of %d samples aren't decoded", f.samples)
	}
	return f, nil
}

// number reads a number behind white space and comments, and the byte behind it.
func (f *netpbmFile) number(in *input) (int, error) {
	n, digits := 0, 0
	for {
		c, err := f.r.ReadByte()
		switch {
		case err == io.EOF && digits > 0 && f.kind <= '3':
			return n, nil
		case err != nil:
			return 0, err
		case c == '#':
			if _, err := f.r.ReadSlice('\n'); err != nil && err != bufio.ErrBufferFull {
				return 0, err
			}
			if digits > 0 {
				return n, nil
			}
		case c >= '0' && c <= '9':
			if n = 10*n + int(c-'0'); n > 1<<30 {
				return 0, in.malformed("a number above %d", 1<<30)
			}
			if digits++; f.kind == '1' && f.width > 0 && f.height > 0 {
				return n, nil // bits need no space between them
			}
		case !strings.ContainsRune(" \t\r\n\v\f", rune(c)):
			return 0, in.malformed("%q where a number is wanted", c)
		case digits > 0:
			return n, nil
		}
	}
}

// readPAM reads the header of P7: lines of a word and a value, up to ENDHDR.
func (f *netpbmFile) readPAM(in *input) error {
	for range 100 {
		line, err := f.r.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			return in.malformed("a line of the header is too long")
		}
		if err != nil {
			return err
		}
		word, value, _ := strings.Cut(string(bytes.TrimSpace(line)), " ")
		to := map[string]*int{"WIDTH": &f.width, "HEIGHT": &f.height, "DEPTH": &f.samples, "MAXVAL": &f.most}[word]
		if word == "ENDHDR" {
			return nil
		}
		if to == nil {
			continue
		}
		if *to, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
			return in.malformed("%s is no number", word)
		}
	}
	return in.malformed("the header doesn't end")
}

func sizeNetpbm(in *input) (int, int, error) {
	f, err := readNetpbm(in)
	if err != nil {
		return 0, 0, err
	}
	return f.width, f.height, nil
}

func decodeNetpbm(in *input) (*RGB, error) {
	f, err := readNetpbm(in)
	if err != nil {
		return nil, err
	}
	p := NewRGB(f.width, f.height)
	scale := f.levels()
	line := make([]int, f.width*f.samples)
	for y := range f.height {
		if err := f.row(in, line); err != nil {
			return nil, err
		}
		row := p.Pix[3*y*f.width:][:3*f.width]
		for x := range f.width {
			v, d := line[x*f.samples:][:f.samples], row[3*x:3*x+3:3*x+3]
			for c := range d {
				s := v[0]
				if f.samples >= 3 {
					s = v[c]
				}
				if s > f.most {
					return nil, in.malformed("a value of %d, and the largest is %d", s, f.most)
				}
				d[c] = scale[s]
			}
		}
	}
	return p, nil
}

// levels are the 8-bit values of all samples.
func (f *netpbmFile) levels() []uint8 {
	levels := make([]uint8, f.most+1)
	for v := range levels {
		levels[v] = uint8(math.RoundToEven(float64(v) / float64(f.most) * 255))
	}
	if f.kind == '1' || f.kind == '4' {
		levels[0], levels[1] = 255, 0
	}
	return levels
}

// row reads the samples of one row.
func (f *netpbmFile) row(in *input, line []int) (err error) {
	switch {
	case f.kind <= '3':
		for i := range line {
			if line[i], err = f.number(in); err != nil {
				return err
			}
		}
		return nil
	case f.kind == '4':
		b := make([]byte, (f.width+7)/8)
		_, err = io.ReadFull(f.r, b)
		for x := range line {
			line[x] = int(b[x/8]>>(7-x%8)) & 1
		}
		return err
	}
	size := 1
	if f.most > 255 {
		size = 2
	}
	b := make([]byte, size*len(line))
	_, err = io.ReadFull(f.r, b)
	for i := range line {
		if line[i] = int(b[i*size]); size == 2 {
			line[i] = line[i]<<8 | int(b[2*i+1])
		}
	}
	return err
}
