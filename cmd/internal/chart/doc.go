// Package chart draws line charts with error bars as SVG.
//
// A chart carries its colours for light and for dark (prefers-color-scheme), tells
// its series apart by colour and by the shape of their points, and needs no font,
// script or file beside it. The same data gives the same bytes.
//
// Values that aren't finite are left out: a line has a gap there.
package chart
