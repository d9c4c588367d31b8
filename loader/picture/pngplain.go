package picture

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// pngHeader is what the IHDR chunk says.
type pngHeader struct {
	chunk         []byte // the whole of it
	width, height int
	depth, kind   int // bits of a sample; 0 grey, 2 RGB, 3 palette, 4 and 6 with alpha
	interlaced    bool
}

var errPNG = errors.New("PNG: a chunk that no reader makes sense of")

func readPNGHeader(in *input) (*pngHeader, error) {
	b := make([]byte, 33)
	if err := in.readFull(b, 0); err != nil {
		return nil, err
	}
	c := b[8:]
	be := binary.BigEndian
	if be.Uint32(c) != 13 || string(c[4:8]) != "IHDR" || crc32.ChecksumIEEE(c[4:21]) != be.Uint32(c[21:]) {
		return nil, errPNG
	}
	h := &pngHeader{c, int(be.Uint32(c[8:])), int(be.Uint32(c[12:])), int(c[16]), int(c[17]), c[20] == 1}
	if h.width <= 0 || h.height <= 0 || h.width > 1<<30 || h.height > 1<<30 {
		return nil, errPNG
	}
	return h, nil
}

// bytes is the size of the picture's rows, each with a byte for its filter, and passes for
// interlacing one behind the other. Source: PNG specification, section 8.2.
func (h *pngHeader) bytes() int64 {
	samples := map[int]int{0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[h.kind]
	rows := func(w, n int) int64 {
		if w <= 0 || n <= 0 {
			return 0
		}
		return (1 + (int64(w)*int64(samples*h.depth)+7)/8) * int64(n)
	}
	if !h.interlaced {
		return rows(h.width, h.height)
	}
	var sum int64
	for _, p := range [7][4]int{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}} {
		sum += rows((h.width-p[0]+p[2]-1)/p[2], (h.height-p[1]+p[3]-1)/p[3])
	}
	return sum
}

// plainPNG rewrites a file for the standard library, which refuses what other readers pass over:
// more data than the picture has, no end, a palette in a grey picture, chunks of metadata
// that are malformed. What comes is the header, the palette where it is needed, the rows
// and the end. The rows are checked while they are read: where one is missing, or a
// checksum before the end of the data is wrong, reading ends with an error.
func plainPNG(in *input) (io.ReadCloser, error) {
	h, err := readPNGHeader(in)
	if err != nil {
		return nil, err
	}
	var palette []byte
	var data *pngData
	walkPNG(in, func(name string, s span) bool {
		switch name {
		case "PLTE":
			if h.kind == 3 && palette == nil && s.n <= 768 {
				palette = in.blob(s.at-8, s.n+12)
			}
		case "IDAT":
			data = &pngData{in: in, next: s.at - 8}
		case "IEND":
			return false
		}
		return data == nil
	})
	if data == nil {
		return nil, errPNG
	}
	packed, err := zlib.NewReader(bufio.NewReader(data))
	if err != nil {
		return nil, err
	}
	r, w := io.Pipe()
	go func() {
		_, err := w.Write(append([]byte("\x89PNG\r\n\x1a\n"), append(h.chunk, palette...)...))
		if err == nil {
			err = copyRows(w, packed, h.bytes(), data)
		}
		w.CloseWithError(err)
	}()
	return r, nil
}

// copyRows writes n bytes of rows as chunks of data, without compression, and the end.
func copyRows(w io.Writer, rows io.Reader, n int64, data *pngData) error {
	chunks := &pngWriter{w: w}
	z, err := zlib.NewWriterLevel(chunks, zlib.NoCompression)
	if err != nil {
		return err
	}
	if _, err := io.CopyN(z, rows, n); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	// What follows the last row is nobody's business, but a checksum of it all that is wrong.
	if _, err := rows.Read(make([]byte, 1)); errors.Is(err, zlib.ErrChecksum) {
		return err
	}
	if err := data.finish(); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return chunks.chunk("IEND", nil)
}

// pngData is the data of consecutive IDAT chunks, whose checksums are verified.
type pngData struct {
	in         *input
	next       int64     // the chunk behind this one
	now        io.Reader // of this one
	sum        uint32
	start, end int64 // where its name and its checksum stand
}

func (d *pngData) Read(p []byte) (int, error) {
	for {
		if d.now != nil {
			n, err := d.now.Read(p)
			d.sum = crc32.Update(d.sum, crc32.IEEETable, p[:n])
			if n > 0 || err != io.EOF {
				return n, err
			}
			var sum [4]byte
			if err := d.in.readFull(sum[:], d.end); err != nil {
				return 0, err
			}
			if binary.BigEndian.Uint32(sum[:]) != d.sum {
				return 0, zlib.ErrChecksum
			}
			d.now = nil
		}
		var head [8]byte
		if err := d.in.readFull(head[:], d.next); err != nil {
			return 0, err
		}
		if !bytes.Equal(head[4:], []byte("IDAT")) {
			return 0, io.ErrUnexpectedEOF
		}
		n := int64(binary.BigEndian.Uint32(head[:]))
		d.start, d.end = d.next+4, d.next+8+n
		d.now, d.sum = io.NewSectionReader(d.in, d.next+8, n), crc32.ChecksumIEEE(head[4:])
		d.next = d.end + 4
	}
}

// finish checks the chunk that holds the last row, as far as the file goes.
func (d *pngData) finish() error {
	if d.now == nil {
		return nil
	}
	sum := crc32.NewIEEE()
	var want [4]byte
	if _, err := io.Copy(sum, io.NewSectionReader(d.in, d.start, d.end-d.start)); err != nil {
		return err
	}
	if readAll(d.in, want[:], d.end) && binary.BigEndian.Uint32(want[:]) != sum.Sum32() {
		return zlib.ErrChecksum
	}
	return nil
}

// pngWriter writes what it gets as IDAT chunks.
type pngWriter struct{ w io.Writer }

func (p *pngWriter) Write(data []byte) (int, error) { return len(data), p.chunk("IDAT", data) }

func (p *pngWriter) chunk(name string, data []byte) error {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, name...), data...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
	_, err := p.w.Write(b)
	return err
}
