package picture

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"
)

// Tags of a TIFF directory. Source: TIFF 6.0, Adobe's technical notes for TIFF (deflate, JPEG).
const (
	tagSubfile      = 254
	tagWidth        = 256
	tagHeight       = 257
	tagBits         = 258
	tagCompression  = 259
	tagPhotometric  = 262
	tagFillOrder    = 266
	tagStripOffsets = 273
	tagOrientation  = 274
	tagSamples      = 277
	tagRowsPerStrip = 278
	tagStripBytes   = 279
	tagPlanarConfig = 284
	tagT4Options    = 292
	tagPredictor    = 317
	tagColorMap     = 320
	tagTileWidth    = 322
	tagTileHeight   = 323
	tagTileOffsets  = 324
	tagTileBytes    = 325
	tagSubIFDs      = 330
	tagExtraSamples = 338
	tagSampleFormat = 339
	tagJPEGTables   = 347
	tagSubsampling  = 530
	tagDNGVersion   = 50706
)

// How a TIFF stands for colours.
const (
	whiteIsZero = 0
	blackIsZero = 1
	inRGB       = 2
	inPalette   = 3
	inCMYK      = 5
	inYCbCr     = 6
)

// tiffFile is the first page of a TIFF file.
type tiffFile struct {
	in    *input
	order binary.ByteOrder
	dir   map[uint16]ifdEntry

	width, height int
	bits          int // of a sample
	samples       int // of a pixel, those beyond the colour included
	colours       int // samples that make the colour
	photometric   int
	compression   int
	predictor     bool
	planar        bool // each sample has segments of its own
	associated    bool // the colour is multiplied by the alpha that follows it
	backwards     bool // FillOrder 2
	palette       []uint32

	segWidth, segHeight int // of a strip or tile
	offsets, counts     []uint32
}

var errNoDirectory = errors.New("has no directory")

// readTIFF reads the first directory, and refuses what isn't decoded. It takes memory for the
// table of segments alone, which is checked against what the picture needs.
func readTIFF(in *input) (*tiffFile, error) {
	order, dir := readIFD(in)
	if order == nil {
		return nil, errNoDirectory
	}
	f := &tiffFile{in: in, order: order, dir: dir}
	f.width, f.height = f.one(tagWidth, 0), f.one(tagHeight, 0)
	if f.width <= 0 || f.height <= 0 || f.width > 1<<30 || f.height > 1<<30 {
		return nil, in.malformed("%d×%d pixels", f.width, f.height)
	}
	if int64(f.width)*int64(f.height) > in.opt.MaxPixels {
		return f, nil // refused by the caller, before anything is read for it
	}
	// Of raw files the first page is a preview: another picture than is meant.
	_, pages := dir[tagSubIFDs]
	if _, dng := dir[tagDNGVersion]; dng || pages && f.one(tagSubfile, 0)&1 != 0 {
		return nil, in.unsupported("the first page is the preview of a camera's raw data")
	}
	f.compression, f.photometric = f.one(tagCompression, 1), f.one(tagPhotometric, -1)
	f.backwards = f.one(tagFillOrder, 1) == 2
	if err := f.readSamples(); err != nil {
		return nil, err
	}
	if err := f.readCoding(); err != nil {
		return nil, err
	}
	return f, f.readSegments()
}

// one is the first value of an entry, as far as an int holds it.
func (f *tiffFile) one(tag uint16, missing int) int {
	v, err := f.values(tag, 1)
	if err != nil || len(v) == 0 {
		return missing
	}
	return int(int64(v[0]) & (1<<31 - 1))
}

// values are up to most values of an entry of type BYTE, SHORT or LONG.
func (f *tiffFile) values(tag uint16, most int) ([]uint32, error) {
	e, ok := f.dir[tag]
	if !ok {
		return nil, nil
	}
	size := map[uint16]int64{1: 1, 3: 2, 4: 4, 13: 4}[e.kind]
	if size == 0 {
		return nil, f.in.malformed("tag %d is of type %d", tag, e.kind)
	}
	n := int(min(int64(e.count), int64(most)))
	b := make([]byte, int64(n)*size)
	if int64(e.count)*size <= 4 {
		copy(b, e.value[:])
	} else if err := f.in.readFull(b, int64(f.order.Uint32(e.value[:]))); err != nil {
		return nil, err
	}
	v := make([]uint32, n)
	for i := range v {
		switch at := b[int64(i)*size:]; size {
		case 1:
			v[i] = uint32(at[0])
		case 2:
			v[i] = uint32(f.order.Uint16(at))
		default:
			v[i] = f.order.Uint32(at)
		}
	}
	return v, nil
}

// maxSamples is how many samples a pixel may have. What lies beyond the colour is read over.
const maxSamples = 64

func (f *tiffFile) readSamples() error {
	f.samples = f.one(tagSamples, 1)
	if f.samples < 1 || f.samples > maxSamples {
		return f.in.unsupported("pixels of %d samples aren't decoded", f.samples)
	}
	bits, err := f.values(tagBits, f.samples)
	if err != nil {
		return err
	}
	if len(bits) == 0 {
		bits = []uint32{1}
	}
	f.bits = int(bits[0])
	if slices.ContainsFunc(bits, func(b uint32) bool { return b != bits[0] }) || !slices.Contains([]int{1, 2, 4, 8, 16, 32}, f.bits) {
		return f.in.unsupported("samples of %d bits aren't decoded", bits)
	}
	formats, err := f.values(tagSampleFormat, f.samples)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(formats, func(v uint32) bool { return v != 1 && v != 4 }) {
		return f.in.unsupported("samples that are signed or floating-point aren't decoded")
	}
	want, known := map[int]int{whiteIsZero: 1, blackIsZero: 1, inRGB: 3, inPalette: 1, inCMYK: 4, inYCbCr: 3}[f.photometric]
	switch f.colours = want; {
	case f.photometric < 0:
		return f.in.malformed("doesn't say what its samples stand for (tag %d)", tagPhotometric)
	case !known:
		return f.in.unsupported("samples that stand for colours by scheme %d aren't decoded", f.photometric)
	case f.samples < want:
		return f.in.malformed("%d samples a pixel, and its colours need %d", f.samples, want)
	case want > 1 && f.bits < 8, f.photometric == inPalette && f.bits > 8:
		return f.in.unsupported("colours of %d bits aren't decoded", f.bits)
	}
	extra, err := f.values(tagExtraSamples, 1)
	f.associated = len(extra) > 0 && extra[0] == 1 && f.samples > f.colours
	if err == nil && f.photometric == inPalette {
		if f.palette, err = f.values(tagColorMap, 3<<f.bits); err == nil && len(f.palette) != 3<<f.bits {
			err = f.in.malformed("a colour map of %d values, want %d", len(f.palette), 3<<f.bits)
		}
	}
	return err
}

func (f *tiffFile) readCoding() error {
	switch f.compression {
	case 1, 5, 8, 32773, 32946: // none, LZW, deflate, PackBits, deflate by its older number
	case 3, 4:
		if f.bits != 1 || f.samples != 1 {
			return f.in.malformed("a fax code of %d samples of %d bits", f.samples, f.bits)
		}
		if f.compression == 3 && f.one(tagT4Options, 0)&1 != 0 {
			return f.in.unsupported("two-dimensional fax codes of group 3 aren't decoded")
		}
	case 7:
		if f.bits != 8 || f.photometric == inPalette || f.samples != 1 && f.samples != 3 {
			return f.in.unsupported("JPEG of %d samples of %d bits isn't decoded in a TIFF", f.samples, f.bits)
		}
	default:
		return f.in.unsupported("compression %d isn't decoded", f.compression)
	}
	switch p := f.one(tagPredictor, 1); {
	case p == 1 || p == 0 || f.compression != 5 && f.compression != 8 && f.compression != 32946:
	case p == 2 && f.bits >= 8:
		f.predictor = true
	default:
		return f.in.unsupported("predictor %d of %d bits isn't decoded", p, f.bits)
	}
	f.planar = f.one(tagPlanarConfig, 1) == 2 && f.samples > 1
	switch {
	case f.planar && (f.photometric == inCMYK || f.photometric == inYCbCr || f.compression == 7 || f.associated):
		return f.in.unsupported("separate colour planes of this kind aren't decoded")
	case f.photometric == inYCbCr && f.compression != 7:
		sub, err := f.values(tagSubsampling, 2)
		if err != nil {
			return err
		}
		if f.bits != 8 || !slices.Equal(sub, []uint32{1, 1}) {
			return f.in.unsupported("YCbCr with subsampled chroma outside JPEG isn't decoded")
		}
	}
	return nil
}

// readSegments reads where strips or tiles lie.
func (f *tiffFile) readSegments() error {
	offsets, counts := uint16(tagStripOffsets), uint16(tagStripBytes)
	f.segWidth, f.segHeight = f.width, min(f.one(tagRowsPerStrip, f.height), f.height)
	if _, tiled := f.dir[tagTileWidth]; tiled {
		offsets, counts = tagTileOffsets, tagTileBytes
		f.segWidth, f.segHeight = f.one(tagTileWidth, 0), f.one(tagTileHeight, 0)
	}
	if f.segHeight == 0 && offsets == tagStripOffsets {
		f.segHeight = f.height
	}
	// Tiles are padded to whole ones, which are not larger than a picture may be.
	if f.segWidth < 1 || f.segHeight < 1 || int64(f.segWidth)*int64(f.segHeight) > 2*f.in.opt.MaxPixels {
		return f.in.malformed("tiles of %d×%d pixels", f.segWidth, f.segHeight)
	}
	across, down := f.grid()
	n := across * down
	if f.planar {
		n *= f.colours
	}
	var err error
	if f.offsets, err = f.values(offsets, n); err != nil {
		return err
	}
	if f.counts, err = f.values(counts, n); err != nil {
		return err
	}
	if len(f.counts) == 0 && n == 1 && f.compression == 1 {
		f.counts = []uint32{uint32(f.height * f.rowBytes())} // old files leave it out
	}
	if len(f.offsets) < n || len(f.counts) < n {
		return f.in.malformed("the file is truncated: %d strips or tiles of %d", min(len(f.offsets), len(f.counts)), n)
	}
	return nil
}

// grid is how many segments lie across and down.
func (f *tiffFile) grid() (across, down int) {
	return (f.width + f.segWidth - 1) / f.segWidth, (f.height + f.segHeight - 1) / f.segHeight
}

// segSamples is the samples of a pixel in one segment.
func (f *tiffFile) segSamples() int {
	if f.planar {
		return 1
	}
	return f.samples
}

// rowBytes is the size of a segment's row.
func (f *tiffFile) rowBytes() int { return (f.segWidth*f.segSamples()*f.bits + 7) / 8 }

func sizeTIFF(in *input) (int, int, error) {
	f, err := readTIFF(in)
	if errors.Is(err, errNoDirectory) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return 0, 0, err
	}
	return f.width, f.height, nil
}

func orientationTIFF(in *input) int {
	if o := ifdOrientation(in); o != 0 {
		return o
	}
	_, dir := readIFD(in)
	if e, ok := dir[tagXMP]; ok && e.count > 4 && (e.kind == 1 || e.kind == 7) {
		if order, _ := readIFD(in); order != nil {
			return xmpOrientation(in.blob(int64(order.Uint32(e.value[:])), int64(e.count)))
		}
	}
	return 0
}

// decodeTIFF decodes the first page, strip by strip or tile by tile.
func decodeTIFF(in *input) (*RGB, error) {
	f, err := readTIFF(in)
	if err != nil {
		return nil, err
	}
	p := NewRGB(f.width, f.height)
	across, down := f.grid()
	planes := 1
	if f.planar {
		planes = f.colours
	}
	s := f.segments(p)
	for i := range planes * across * down {
		s.plane, i = i/(across*down), i%(across*down)
		s.x, s.y = i%across*f.segWidth, i/across*f.segHeight
		if err := s.decode(s.plane*across*down + i); err != nil {
			return nil, err
		}
	}
	return p, nil
}
