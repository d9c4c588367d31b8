package picture

import (
	"bytes"
	"encoding/binary"
	"io"
)

// EXIF is a TIFF structure, wherever it stands: a header of 8 bytes ("II" or "MM"
// for the byte order, 42, the offset of the first directory), then directories of
// entries of 12 bytes (tag, type, count, value or its offset). Source: TIFF 6.0,
// section 2; EXIF 2.32, section 4.6.

// maxEntries is how many entries of a directory are looked at. Cameras write 60.
const maxEntries = 4096

// exifOrientation returns the orientation 1-8 in an EXIF blob, with or without the
// "Exif\0\0" that JPEG puts before it, or 0 if there is none. A blob that is
// malformed has none: the picture is worth more than its metadata.
func exifOrientation(blob []byte) int {
	blob = bytes.TrimPrefix(blob, []byte("Exif\x00\x00"))
	return ifdOrientation(bytes.NewReader(blob))
}

// ifdOrientation reads the orientation from the first directory of a TIFF
// structure, 0 if there is none.
func ifdOrientation(r io.ReaderAt) int {
	order, dir := readIFD(r)
	e, ok := dir[tagOrientation]
	if !ok {
		return 0
	}
	o := 0
	switch {
	case e.kind == 3 && e.count >= 1 && e.count <= 2: // SHORT
		o = int(order.Uint16(e.value[:]))
	case e.kind == 4 && e.count == 1: // LONG
		o = int(min(order.Uint32(e.value[:]), 9))
	}
	return validOrientation(o)
}

// validOrientation is o where it is one of 1 to 8, else 0.
func validOrientation(o int) int {
	if o < 1 || o > 8 {
		return 0
	}
	return o
}

// ifdEntry is an entry of a directory; value holds what fits into 4 bytes, or its offset.
type ifdEntry struct {
	kind  uint16
	count uint32
	value [4]byte
}

// readIFD returns the entries of the first directory; of a tag that is there twice the first. The
// order is nil where there is no directory. It follows no offset but the directory's, so
// that no loop is possible.
func readIFD(r io.ReaderAt) (order binary.ByteOrder, dir map[uint16]ifdEntry) {
	var head [8]byte
	if !readAll(r, head[:], 0) {
		return nil, nil
	}
	switch string(head[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return nil, nil
	}
	at := int64(order.Uint32(head[4:]))
	var count [2]byte
	if !readAll(r, count[:], at) {
		return nil, nil
	}
	entries := make([]byte, 12*min(int(order.Uint16(count[:])), maxEntries))
	n, _ := r.ReadAt(entries, at+2) // a directory that is cut off keeps its start
	dir = make(map[uint16]ifdEntry)
	for ; n >= 12; n -= 12 {
		e := entries[:12]
		entries = entries[12:]
		tag := order.Uint16(e)
		if _, twice := dir[tag]; !twice {
			dir[tag] = ifdEntry{order.Uint16(e[2:]), order.Uint32(e[4:]), [4]byte(e[8:12])}
		}
	}
	return order, dir
}

// readAll fills p from off on, or says that it can't.
func readAll(r io.ReaderAt, p []byte, off int64) bool {
	n, _ := r.ReadAt(p, off)
	return n == len(p)
}
