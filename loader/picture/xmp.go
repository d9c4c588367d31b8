package picture

import (
	"bytes"
	"encoding/hex"
	"regexp"
	"strconv"
)

// tagXMP is the TIFF tag that holds an XMP packet.
const tagXMP = 700

// xmpPattern finds the orientation in an XMP packet, as an attribute or as an element: the two
// forms in which RDF writes a property. Source: XMP specification, part 1, section 7.
var xmpPattern = regexp.MustCompile(`tiff:Orientation(?:\s*=\s*["']\s*|>\s*)([0-9])\s*["'<]`)

// xmpOrientation returns the orientation 1-8 in an XMP packet, 0 if there is none.
func xmpOrientation(packet []byte) int {
	m := xmpPattern.FindSubmatch(packet)
	if m == nil {
		return 0
	}
	o, _ := strconv.Atoi(string(m[1]))
	return validOrientation(o)
}

// rawProfile returns the bytes of a profile that ImageMagick wrote into a text chunk: a line
// with its name, one with its length, then hexadecimal digits in lines. Source:
// ImageMagick, coders/png.c.
func rawProfile(text []byte) []byte {
	text = bytes.TrimPrefix(text, []byte("\n"))
	_, rest, ok := bytes.Cut(text, []byte("\n")) // the name
	if !ok {
		return nil
	}
	_, digits, ok := bytes.Cut(rest, []byte("\n")) // the length
	if !ok {
		return nil
	}
	digits = bytes.Join(bytes.Fields(digits), nil)
	out := make([]byte, len(digits)/2)
	n, _ := hex.Decode(out, digits[:2*len(out)]) // up to what isn't a digit
	return out[:n]
}
