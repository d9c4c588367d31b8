// Package coco holds binary masks and annotations in the forms of the COCO data
// set: run-length encodings, polygons, instance files and lists of results.
//
//	pixels ⇄ RLE ⇄ counts, compressed string
//	polygons ⇄ RLE
//	JSON → Dataset → JSON
//
// Conventions are those of COCO's own tools, so that a file written here means
// there what it means here, and the other way round:
//
//   - An RLE runs down the columns, left to right, background first.
//   - A pixel (x, y) covers [x, x+1) × [y, y+1). A box is [x y width height] from
//     its left upper corner, not from pixel centres: the tight box of one pixel
//     has width and height 1.
//   - A polygon is [x0 y0 x1 y1 …], filled even-odd; a list of polygons is their
//     union. [Fill] has the rule that decides about pixels on the edge.
//
// A file is untrusted. It is read token by token, so that memory goes with what is
// kept of it and not with its text; a key that is there twice, numbers out of
// range and counts that don't add up are errors that name the place:
//
//	*FormatError       malformed
//	*UnsupportedError  in order, and beyond what this package does
//
// Sources: the format page of cocodataset.org; the reference implementation's
// behaviour for what the page leaves open (compressed strings, filling).
package coco
