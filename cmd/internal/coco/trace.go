package coco

// Polygons returns outlines of a mask along pixel boundaries, with whole
// coordinates: one polygon a connected component (4-connected: pixels that only
// share a corner are apart), from the top down. [Fill] gives back exactly the mask.
//
// COCO's polygons have no holes. Here a hole is joined to the outline around it by
// a horizontal seam that is drawn there and back: even-odd, and by area too, such a
// polygon has the hole; a program that draws outlines shows the seam.
func Polygons(m RLE) [][]float64 {
	t := newTracer(m)
	if t == nil {
		return nil
	}
	for y := range t.height {
		for x := range t.width {
			if t.fg(x, y) && !t.fg(x, y-1) && !t.seen[y*t.width+x] {
				t.ring(x, y)
			}
		}
	}
	if len(t.holes) > 0 {
		t.join()
	}
	polygons := make([][]float64, len(t.outer))
	for i, start := range t.outer {
		polygons[i] = t.polygon(start)
	}
	return polygons
}

// Directions of a step along pixel boundaries; the foreground is on the right.
const (
	east = iota
	south
	west
	north
)

// node is a point of an outline, at a corner of pixels; the next one is one step
// away, but along a seam.
type node struct {
	x, y int32
	next int32 // index
}

// tracer follows the outlines inside the tight box of a mask.
type tracer struct {
	x0, y0, width, height int // the box
	pix                   []bool
	seen                  []bool // pixels whose upper edge belongs to an outline already
	nodes                 []node
	outer, holes          []int32 // a node of each outline, of holes the leftmost, of these the highest
}

func newTracer(m RLE) *tracer {
	b := m.Box()
	if b[2] == 0 {
		return nil
	}
	t := &tracer{x0: b[0], y0: b[1], width: b[2], height: b[3]}
	t.pix = make([]bool, t.width*t.height)
	t.seen = make([]bool, len(t.pix))
	for s := range m.spans {
		for at := s.from; at < s.to; at++ {
			t.pix[(at%m.Height-t.y0)*t.width+at/m.Height-t.x0] = true
		}
	}
	return t
}

func (t *tracer) fg(x, y int) bool {
	return x >= 0 && y >= 0 && x < t.width && y < t.height && t.pix[y*t.width+x]
}

// ring follows the outline that the upper edge of a pixel belongs to.
func (t *tracer) ring(x, y int) {
	start := int32(len(t.nodes))
	leftmost, area, dir := start, 0, east
	for {
		n := node{int32(x), int32(y), int32(len(t.nodes) + 1)}
		if l := t.nodes; len(l) > int(start) && (n.x < l[leftmost].x || n.x == l[leftmost].x && n.y < l[leftmost].y) {
			leftmost = int32(len(l))
		}
		t.nodes = append(t.nodes, n)
		// ahead on the left, ahead on the right
		var left, right bool
		switch dir {
		case east:
			t.seen[y*t.width+x] = true
			x++
			area -= y
			left, right = t.fg(x, y-1), t.fg(x, y)
		case south:
			y++
			left, right = t.fg(x, y), t.fg(x-1, y)
		case west:
			x--
			area += y
			left, right = t.fg(x-1, y), t.fg(x-1, y-1)
		case north:
			y--
			left, right = t.fg(x-1, y-1), t.fg(x, y-1)
		}
		switch {
		case !right: // pixels that meet at the corner are apart
			dir = (dir + 1) % 4
		case left:
			dir = (dir + 3) % 4
		}
		if first := t.nodes[start]; x == int(first.x) && y == int(first.y) && dir == east {
			break
		}
	}
	t.nodes[len(t.nodes)-1].next = start
	if area > 0 {
		t.outer = append(t.outer, start)
	} else {
		t.holes = append(t.holes, leftmost)
	}
}

// join makes one outline of each hole's and the one that is met on the way left
// from its leftmost corner, which may be that of a hole too: on that way all is
// one component's foreground, and the leftmost hole of a component meets its outer
// outline.
func (t *tracer) join() {
	nodes := make(map[[2]int32]int32, len(t.nodes))
	for i, n := range t.nodes {
		nodes[[2]int32{n.x, n.y}] = int32(i)
	}
	for _, hole := range t.holes {
		x, y := int(t.nodes[hole].x)-1, int(t.nodes[hole].y)
		for t.fg(x-1, y) && t.fg(x-1, y-1) {
			x--
		}
		// Both pixels on the right of this corner are foreground, so just one
		// outline goes through it.
		t.splice(nodes[[2]int32{int32(x), int32(y)}], hole)
	}
}

// splice goes from p to q, round q's outline, and back.
func (t *tracer) splice(p, q int32) {
	out, back := int32(len(t.nodes)), int32(len(t.nodes)+1)
	t.nodes = append(t.nodes,
		node{t.nodes[q].x, t.nodes[q].y, t.nodes[q].next},
		node{t.nodes[p].x, t.nodes[p].y, t.nodes[p].next})
	t.nodes[p].next = out
	t.nodes[q].next = back
}

// direction of the way from one node to the next, along an axis.
func direction(a, b node) int {
	switch {
	case b.x > a.x:
		return east
	case b.x < a.x:
		return west
	case b.y > a.y:
		return south
	}
	return north
}

// polygon returns the outline through a node, which is a corner, without the
// points that lie on a straight way.
func (t *tracer) polygon(start int32) []float64 {
	var p []float64
	last := -1
	for i := start; ; {
		n := t.nodes[i]
		if dir := direction(n, t.nodes[n.next]); dir != last {
			p = append(p, float64(t.x0+int(n.x)), float64(t.y0+int(n.y)))
			last = dir
		}
		if i = n.next; i == start {
			return p
		}
	}
}
