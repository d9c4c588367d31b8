// Package picture decodes images for a model: content decides, never the name;
// the result is 8-bit RGB, upright, as Pillow's convert("RGB") and exif_transpose
// give it; then resizes it as Pillow does, bit for bit, and normalises it.
//
//	PNG JPEG GIF WebP TIFF BMP Netpbm → RGB → Resize → Normalise
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
// A file is truncated where pixels are missing. What else is odd about it, other readers pass
// over, and so does this one: more data than pixels, no end, metadata that makes no sense. A
// valid file of a kind that isn't decoded is refused with these words.
//
// Upright is what the metadata says: EXIF, in a PNG also as text that ImageMagick wrote, else
// XMP. Options.IgnoreOrientation leaves a picture as it is stored.
//
// Pixels are Pillow's, bit for bit, but for JPEG: the inverse transform is Go's, not
// libjpeg-turbo's, and differs in about 3 % of the planes' samples by 1, which is up to 3 levels
// in 3.5 % of the RGB values (60 drawings against Pillow 9.4). Upsampling of chroma and conversion to RGB are libjpeg's.
//
// Colour is what the file stores: no colour management, no gamma. Alpha is dropped,
// not blended; 16-bit samples give their high byte (Pillow clips 16-bit gray at 255
// instead, and shows most of it white).
package picture
