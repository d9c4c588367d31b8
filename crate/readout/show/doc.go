// Package show turns maps and masks into pictures: heat maps, overlays in which
// every head has its hue, and the sheet of semantic heads, which shows the same
// heads on image after image (numerics 4.7).
//
// Maps are row-major over a grid that covers the whole picture; they are
// enlarged by nearest, so that patches stay visible. Everything is opaque sRGB
// without gamma, as the pictures are.
package show
