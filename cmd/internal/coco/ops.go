package coco

import "fmt"

// IoU is the intersection over the union of two masks, 0 if both are empty. Masks
// of different sizes panic, here and in the other functions of two masks: whoever
// reads them from files has to compare their sizes first.
func IoU(a, b RLE) float64 {
	n := Intersection(a, b)
	if n == 0 {
		return 0
	}
	return float64(n) / float64(a.Area()+b.Area()-n)
}

// CrowdIoU is the intersection over the area of the detection: a crowd region
// isn't missed by who finds a part of it.
func CrowdIoU(detection, crowd RLE) float64 {
	n := Intersection(detection, crowd)
	if n == 0 {
		return 0
	}
	return float64(n) / float64(detection.Area())
}

// Intersection is the number of pixels in both masks.
func Intersection(a, b RLE) int {
	n := 0
	walk(a, b, func(run int64, inA, inB bool) {
		if inA && inB {
			n += int(run)
		}
	})
	return n
}

// Union is the mask of the pixels in any of the masks. It panics without any.
// Masks are joined two and two, so that many small ones cost their runs times the
// logarithm of their number.
func Union(masks ...RLE) RLE {
	switch len(masks) {
	case 0:
		panic("coco: no mask to combine")
	case 1:
		return masks[0]
	}
	half := len(masks) / 2
	a, b := Union(masks[:half]...), Union(masks[half:]...)
	out := newRuns(a.Height, a.Width)
	walk(a, b, func(run int64, inA, inB bool) {
		if err := out.add(run, inA || inB); err != nil {
			panic("coco: " + err.Error())
		}
	})
	return out.must()
}

// walk cuts two masks into stretches in which neither changes.
func walk(a, b RLE, stretch func(run int64, inA, inB bool)) {
	if a.Height != b.Height || a.Width != b.Width {
		panic(fmt.Sprintf("coco: masks of %d×%d and %d×%d (height×width)", a.Height, a.Width, b.Height, b.Width))
	}
	i, j := 0, 0
	leftA, leftB := int64(a.Counts[0]), int64(b.Counts[0])
	for {
		if n := min(leftA, leftB); n > 0 {
			stretch(n, i%2 == 1, j%2 == 1)
			leftA -= n
			leftB -= n
		}
		if leftA == 0 {
			if i++; i < len(a.Counts) {
				leftA = int64(a.Counts[i])
			}
		}
		if leftB == 0 {
			if j++; j < len(b.Counts) {
				leftB = int64(b.Counts[j])
			}
		}
		if i >= len(a.Counts) || j >= len(b.Counts) {
			return
		}
	}
}

// Box is [x y width height] in pixels, from the left upper corner.
type Box [4]float64

// BoxOf is the tight box of a mask.
func BoxOf(m RLE) Box {
	b := m.Box()
	return Box{float64(b[0]), float64(b[1]), float64(b[2]), float64(b[3])}
}

// Area is width × height.
func (b Box) Area() float64 { return b[2] * b[3] }

// IoU is the intersection over the union of two boxes, or over the area of b
// alone if the other is a crowd; 0 if they don't overlap.
func (b Box) IoU(other Box, crowd bool) float64 {
	w := min(b[0]+b[2], other[0]+other[2]) - max(b[0], other[0])
	h := min(b[1]+b[3], other[1]+other[3]) - max(b[1], other[1])
	if !(w > 0 && h > 0) {
		return 0
	}
	n := float64(w * h) // rounded here, so that no platform fuses it into the sum
	if crowd {
		return n / b.Area()
	}
	return n / (float64(b.Area()) + float64(other.Area()) - n)
}
