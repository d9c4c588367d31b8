package coco

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

// The fill rule. COCO's tools put the vertices on a grid of fifths of a pixel,
// draw each edge there by stepping along its longer axis, and toggle a column's
// filling wherever the outline passes the column's middle, between the third and
// the fourth fifth; a pixel belongs to the polygon if the outline was passed an
// odd number of times above it. What is drawn left or right of the image has no
// effect, what is above or below counts as at the edge.
//
// Two consequences: a vertical edge toggles nothing, and a polygon on pixel
// boundaries fills exactly the pixels inside it. [Polygons] rests on both.
const (
	fifths = 5 // of a pixel
	middle = 2 // the fifth before a column's middle
)

// maxCoordinate bounds a coordinate, so that the arithmetic of the rule is exact
// in the same places everywhere; maxToggles bounds the memory of one polygon.
const (
	maxCoordinate = 1e6
	maxToggles    = 1 << 26
)

// Fill returns the union of polygons, each [x0 y0 x1 y1 …] in pixels, filled
// even-odd, by the rule of COCO's tools. A polygon needs 3 points; coordinates may
// lie outside of the image.
func Fill(polygons [][]float64, height, width int) (RLE, error) {
	if err := checkSize(height, width); err != nil {
		return RLE{}, err
	}
	masks := []RLE{{height, width, []uint32{uint32(height * width)}}}
	for i, p := range polygons {
		m, err := fillOne(p, height, width)
		if err != nil {
			return RLE{}, at(fmt.Sprintf("[%d]", i), err)
		}
		masks = append(masks, m)
	}
	return Union(masks...), nil
}

func fillOne(p []float64, height, width int) (RLE, error) {
	n := len(p) / 2
	if len(p)%2 != 0 || n < 3 {
		return RLE{}, malformed("has %d numbers, want an even number of at least 6 (3 points)", len(p))
	}
	points := make([][2]int, n)
	for i, v := range p {
		if !(math.Abs(v) <= maxCoordinate) {
			return RLE{}, unsupported("coordinate %d is %g, want at most %g", i, v, maxCoordinate)
		}
		points[i/2][i%2] = int(float64(fifths*v) + 0.5) // towards 0, as the reference does
	}
	var toggles []int // pixels, column-major, where the filling changes
	for i, from := range points {
		to := points[(i+1)%n]
		toggles = crossings(toggles, from, to, height, width)
		if len(toggles) > maxToggles {
			return RLE{}, unsupported("the outline passes more than %d columns", maxToggles)
		}
	}
	slices.Sort(toggles)
	b := newRuns(height, width)
	last := 0
	for i, t := range toggles {
		if err := b.add(int64(t-last), i%2 == 1); err != nil {
			panic("coco: " + err.Error())
		}
		last = t
	}
	if err := b.add(int64(height*width-last), len(toggles)%2 == 1); err != nil {
		panic("coco: " + err.Error())
	}
	return b.must(), nil
}

// crossings appends where an edge, in fifths of a pixel, passes the middles of
// columns.
func crossings(toggles []int, from, to [2]int, height, width int) []int {
	dx, dy := to[0]-from[0], to[1]-from[1]
	if dx == 0 {
		return toggles
	}
	left, right := min(from[0], to[0]), max(from[0], to[0])
	first := max(0, (left-middle+fifths-1)/fifths)
	last := min(width-1, (right-middle-1)/fifths)
	if right < middle+1 {
		last = -1
	}
	// The edge is drawn from its lower end on the longer axis.
	flat := abs(dx) >= abs(dy)
	if flat && dx < 0 || !flat && dy < 0 {
		from, to, dx, dy = to, from, -dx, -dy
	}
	for x := first; x <= last; x++ {
		u := fifths*x + middle // the outline goes from here to u+1, or back
		var v int              // the higher of its two places
		if flat {
			slope := float64(dy) / float64(dx)
			row := func(u int) int { return int(float64(float64(from[1])+float64(slope*float64(u-from[0]))) + 0.5) }
			v = min(row(u), row(u+1))
		} else {
			slope := float64(dx) / float64(dy)
			column := func(d int) int { return int(float64(float64(from[0])+float64(slope*float64(d))) + 0.5) }
			// Slopes are below 1, so one step passes from u to u+1.
			v = from[1] - 1 + sort.Search(dy+1, func(d int) bool {
				if dx > 0 {
					return column(d) > u
				}
				return column(d) <= u
			})
		}
		y := math.Ceil((float64(v)+0.5)/fifths - 0.5)
		toggles = append(toggles, x*height+int(min(max(y, 0), float64(height))))
	}
	return toggles
}

func abs(n int) int { return max(n, -n) }
