// Package picture decodes images for a model: content decides, never the name;
// the result is 8-bit RGB, upright, as Pillow's convert("RGB") and exif_transpose
// give it; then resizes it as Pillow does, bit for bit, and normalises it.
//
//	PNG JPEG GIF WebP TIFF BMP → RGB → Resize → Normalise
//
// A file is untrusted. Its size in pixels is read from its headers and checked
// before anything is allocated for it, and checked again after decoding; a decoder
// that panics or outlives its deadline costs that file and nothing else; what isn't
// a regular file is never waited on.
//
// Errors tell apart what a caller treats differently:
//
//	*FormatError       malformed: truncated, corrupt, empty, no picture at all
//	*UnsupportedError  a picture, of a kind that isn't decoded; with a hint
//	*LimitError        a picture of more pixels than allowed
//	*SkipError         no picture to try: not a regular file, or beyond the size cap
//	*BugError          a decoder's panic
//
// A deadline is the context's error, wrapped; what the operating system says is
// left as it is.
//
// Colour is what the file stores: no colour management, no gamma. Alpha is dropped,
// not blended; 16-bit samples give their high byte (Pillow clips 16-bit gray at 255
// instead, and shows most of it white).
package picture
