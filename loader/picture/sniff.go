package picture

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Format names a kind of picture, as it is written in messages.
type Format string

// The formats that are decoded.
const (
	PNG  Format = "PNG"
	JPEG Format = "JPEG"
	GIF  Format = "GIF"
	WebP Format = "WebP"
	TIFF Format = "TIFF"
	BMP  Format = "BMP"
)

// Formats that are recognised, to be refused by name.
const (
	avif     Format = "AVIF"
	heic     Format = "HEIC"
	jpegXL   Format = "JPEG XL"
	jpeg2000 Format = "JPEG 2000"
	bigTIFF  Format = "BigTIFF"
	psd      Format = "Photoshop"
	ico      Format = "ICO"
	qoi      Format = "QOI"
	netpbm   Format = "Netpbm"
)

// sniffLen is how much of a file Sniff looks at.
const sniffLen = 64

// Sniff tells the format by a file's first bytes, 64 of them if it has as many. It
// returns "" for what is no picture that it knows. A name that [Decode] then
// refuses as unsupported is possible: "AVIF", "HEIC", "JPEG XL", ...
func Sniff(head []byte) Format {
	for _, m := range []struct {
		magic  string
		format Format
	}{
		{"\x89PNG\r\n\x1a\n", PNG},
		{"\xff\xd8\xff", JPEG},
		{"GIF87a", GIF},
		{"GIF89a", GIF},
		{"II*\x00", TIFF},
		{"MM\x00*", TIFF},
		{"II+\x00", bigTIFF},
		{"MM\x00+", bigTIFF},
		{"\xff\x0a", jpegXL},
		{"\x00\x00\x00\x0cJXL \r\n\x87\n", jpegXL},
		{"\x00\x00\x00\x0cjP  \r\n\x87\n", jpeg2000},
		{"\xff\x4f\xff\x51", jpeg2000},
		{"8BPS\x00", psd},
		{"\x00\x00\x01\x00", ico},
		{"qoif", qoi},
	} {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.format
		}
	}
	switch {
	case len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP":
		return WebP
	case len(head) >= 12 && string(head[4:8]) == "ftyp":
		return sniffBrands(head)
	case isBMP(head):
		return BMP
	case len(head) >= 3 && head[0] == 'P' && '1' <= head[1] && head[1] <= '7' && bytes.IndexByte([]byte(" \t\r\n"), head[2]) >= 0:
		return netpbm
	}
	return ""
}

// sniffBrands reads the brands of an ISO base media file (ISO/IEC 14496-12): a
// four-byte box size, "ftyp", the major brand, a version, the compatible brands.
func sniffBrands(head []byte) Format {
	end := int(min(binary.BigEndian.Uint32(head), uint32(len(head))))
	brands := []string{string(head[8:12])}
	for at := 16; at+4 <= end; at += 4 {
		brands = append(brands, string(head[at:at+4]))
	}
	for _, f := range []struct {
		format Format
		brands []string
	}{
		{avif, []string{"avif", "avis"}},
		{heic, []string{"heic", "heix", "hevc", "hevx", "heim", "heis", "hevm", "hevs", "mif1", "msf1"}},
	} {
		if slices.ContainsFunc(brands, func(b string) bool { return slices.Contains(f.brands, b) }) {
			return f.format
		}
	}
	return ""
}

// isBMP looks at the size of the information header too, since "BM" alone begins
// many a text.
func isBMP(head []byte) bool {
	if len(head) < 2 || head[0] != 'B' || head[1] != 'M' {
		return false
	}
	if len(head) < 18 {
		return len(head) > 6 && bytes.Count(head[6:], []byte{0}) > 0 // truncated
	}
	return slices.Contains([]uint32{12, 16, 40, 52, 56, 64, 108, 124}, binary.LittleEndian.Uint32(head[14:]))
}
