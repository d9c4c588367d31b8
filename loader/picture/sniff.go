package picture

import (
	"bytes"
	"encoding/binary"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// Format names a kind of picture, as it is written in messages.
type Format string

// The formats that are decoded.
const (
	PNG    Format = "PNG"
	JPEG   Format = "JPEG"
	GIF    Format = "GIF"
	WebP   Format = "WebP"
	TIFF   Format = "TIFF"
	BMP    Format = "BMP"
	Netpbm Format = "Netpbm" // PBM, PGM, PPM and PAM
)

// Formats that are recognised, to be refused by name. What is so in one place alone is
// written there.
const (
	avif     Format = "AVIF"
	heic     Format = "HEIC"
	jpegXL   Format = "JPEG XL"
	jpeg2000 Format = "JPEG 2000"
	bigTIFF  Format = "BigTIFF"
	svg      Format = "SVG"
	tga      Format = "TGA"
	raw      Format = "camera raw"
)

// magics are how files of each format begin.
var magics = []struct {
	magic  string
	format Format
}{
	{"\x89PNG\r\n\x1a\n", PNG},
	{"\xff\xd8\xff", JPEG},
	{"GIF87a", GIF},
	{"GIF89a", GIF},
	{"II*\x00\x10\x00\x00\x00CR", raw},
	{"II*\x00", TIFF},
	{"MM\x00*", TIFF},
	{"II+\x00", bigTIFF},
	{"MM\x00+", bigTIFF},
	{"\xff\x0a", jpegXL},
	{"\x00\x00\x00\x0cJXL \r\n\x87\n", jpegXL},
	{"\x00\x00\x00\x0cjP  \r\n\x87\n", jpeg2000},
	{"\xff\x4f\xff\x51", jpeg2000},
	{"II\xbc\x01", "JPEG XR"},
	{"8BPS\x00", "Photoshop"},
	{"\x00\x00\x01\x00", "ICO"},
	{"\x00\x00\x02\x00\x01\x00", "CUR"},
	{"qoif", "QOI"},
	{"%PDF-", "PDF"},
	{"%!PS", "PostScript"},
	{"\xc5\xd0\xd3\xc6", "PostScript"},
	{"v/1\x01", "OpenEXR"},
	{"#?RADIANCE", "Radiance HDR"},
	{"#?RGBE", "Radiance HDR"},
	{"SIMPLE  =", "FITS"},
	{"DDS ", "DDS"},
	{"gimp xcf", "XCF"},
	{"icns", "ICNS"},
	{"FLIF", "FLIF"},
	{"BPG\xfb", "BPG"},
	{"AT&TFORM", "DjVu"},
	{"\x8aMNG\r\n\x1a\n", "MNG"},
	{"\x8bJNG\r\n\x1a\n", "JNG"},
	{"\xabKTX ", "KTX"},
	{"\x59\xa6\x6a\x95", "Sun raster"},
	{"\x01\xda\x00\x01", "SGI"},
	{"\x01\xda\x01\x01", "SGI"},
	{"/* XPM */", "XPM"},
	{"farbfeld", "farbfeld"},
	{"FUJIFILMCCD-RAW", raw},
	{"IIRO", raw},
	{"IIRS", raw},
	{"MMOR", raw},
	{"IIU\x00", raw},
	{"<svg", svg},
}

// sniffLen is how much of a file Sniff looks at.
const sniffLen = 512

// Sniff tells the format by a file's first bytes, 512 of them if it has as many. It
// returns "" for what is no picture that it knows. A name that [Decode] then
// refuses as unsupported is possible: "AVIF", "HEIC", "JPEG XL", ...
func Sniff(head []byte) Format {
	for _, m := range magics {
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
	case isNetpbm(head):
		return Netpbm
	case len(head) >= 132 && string(head[128:132]) == "DICM":
		return "DICOM"
	case len(head) >= 4 && head[0] == 0x0a && head[1] <= 5 && head[2] == 1 && bytes.IndexByte([]byte{1, 2, 4, 8}, head[3]) >= 0:
		return "PCX"
	case bytes.HasPrefix(bytes.TrimLeft(head, "\xef\xbb\xbf \t\r\n"), []byte("<")) && bytes.Contains(head, []byte("<svg")):
		return svg
	}
	return ""
}

// SniffFile is Sniff for a file of size bytes, of which it looks at the end, too: a TGA file
// has its name there.
func SniffFile(r io.ReaderAt, size int64) Format {
	head := make([]byte, max(0, min(size, sniffLen)))
	if n, _ := r.ReadAt(head, 0); n < len(head) {
		head = head[:n]
	}
	if f := Sniff(head); f != "" {
		return f
	}
	const footer = "TRUEVISION-XFILE.\x00"
	tail := make([]byte, len(footer))
	if size > 44 && readAll(r, tail, size-int64(len(footer))) && string(tail) == footer {
		return tga
	}
	return ""
}

// extensions of pictures, and the format where it is one that only its name tells, "" where
// the content does.
var extensions = map[string]Format{
	".png": "", ".apng": "", ".jpg": "", ".jpeg": "", ".jpe": "", ".jfif": "", ".gif": "", ".webp": "", ".tif": "", ".tiff": "", ".bmp": "", ".dib": "DIB",
	".pbm": "", ".pgm": "", ".ppm": "", ".pnm": "", ".pam": "", ".avif": avif, ".heic": heic, ".heif": heic, ".jxl": jpegXL,
	".jp2": jpeg2000, ".j2k": jpeg2000, ".jpf": jpeg2000, ".jpx": jpeg2000, ".jpc": jpeg2000, ".jxr": "JPEG XR", ".wdp": "JPEG XR",
	".tga": tga, ".icb": tga, ".vda": tga, ".vst": tga, ".ico": "ICO", ".cur": "CUR", ".psd": "Photoshop", ".psb": "Photoshop", ".svg": svg, ".svgz": svg,
	".pdf": "PDF", ".eps": "PostScript", ".exr": "OpenEXR", ".pcx": "PCX", ".dds": "DDS", ".sgi": "SGI", ".xcf": "XCF", ".qoi": "QOI", ".icns": "ICNS",
	".fits": "FITS", ".dcm": "DICOM", ".bpg": "BPG", ".flif": "FLIF", ".djvu": "DjVu", ".xbm": "XBM", ".xpm": "XPM", ".ras": "Sun raster",
	".dng": raw, ".cr2": raw, ".cr3": raw, ".nef": raw, ".arw": raw, ".orf": raw, ".rw2": raw, ".raf": raw,
}

// Named reports whether a file is named like a picture, of a format that is decoded or not.
func Named(path string) bool {
	_, known := extensions[strings.ToLower(filepath.Ext(path))]
	return known
}

func isNetpbm(head []byte) bool {
	if len(head) < 4 || head[0] != 'P' || head[1] < '1' || head[1] > '7' {
		return false
	}
	if head[1] == '7' {
		return head[2] == '\n'
	}
	rest := bytes.TrimLeft(head[2:], " \t\r\n")
	return len(rest) > 0 && (rest[0] == '#' || len(rest) < len(head)-2 && rest[0] >= '0' && rest[0] <= '9')
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
		{raw, []string{"crx "}},
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
