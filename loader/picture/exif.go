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

const (
	tagCompression  = 259
	tagPhotometric  = 262
	tagFillOrder    = 266
	tagOrientation  = 274
	tagPlanarConfig = 284
	// maxEntries is how many entries of a directory are looked at. Cameras write 60.
	maxEntries = 4096
)

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
	o := firstIFD(r)[tagOrientation]
	if o < 1 || o > 8 {
		return 0
	}
	return int(o)
}

// firstIFD returns the first value of those entries of the first directory that
// are of type SHORT or LONG and hold their value in place. It follows no offset but
// the directory's, so that no loop is possible.
func firstIFD(r io.ReaderAt) map[uint16]uint32 {
	var head [8]byte
	if !readAll(r, head[:], 0) {
		return nil
	}
	var order binary.ByteOrder
	switch string(head[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return nil
	}
	at := int64(order.Uint32(head[4:]))
	var count [2]byte
	if !readAll(r, count[:], at) {
		return nil
	}
	entries := make([]byte, 12*min(int(order.Uint16(count[:])), maxEntries))
	n, _ := r.ReadAt(entries, at+2) // a directory that is cut off keeps its start
	values := make(map[uint16]uint32)
	for ; n >= 12; n -= 12 {
		e := entries[:12]
		entries = entries[12:]
		tag, kind, count := order.Uint16(e), order.Uint16(e[2:]), order.Uint32(e[4:])
		if _, twice := values[tag]; twice || count == 0 {
			continue
		}
		switch {
		case kind == 3 && count <= 2: // SHORT
			values[tag] = uint32(order.Uint16(e[8:]))
		case kind == 4 && count == 1: // LONG
			values[tag] = order.Uint32(e[8:])
		}
	}
	return values
}

// readAll fills p from off on, or says that it can't.
func readAll(r io.ReaderAt, p []byte, off int64) bool {
	n, _ := r.ReadAt(p, off)
	return n == len(p)
}
