package readout

// Inside is how much of a map over the grid of a frame, [Rows Columns], lies in a mask of
// the image: the shares of its mass and of its area, 0 … 1. A patch that the mask covers
// in part counts in that part; patches that no pixel of the image shows count for nothing.
func Inside(f Frame, m []float64, mask *Mask) (mass, area float64) {
	xs := nearestCells(f.ImageWidth, f.Width, f.TrimmedWidth(), f.Columns)
	ys := nearestCells(f.ImageHeight, f.Height, f.TrimmedHeight(), f.Rows)
	pixels, covered := make([]int, len(m)), make([]int, len(m))
	for y, cy := range ys {
		if cy < 0 {
			continue
		}
		for x, cx := range xs {
			if cx < 0 {
				continue
			}
			i := cy*f.Columns + cx
			pixels[i]++
			if mask.Pix[y*mask.Width+x] != 0 {
				covered[i]++
			}
		}
	}
	all, patches := 0.0, 0
	for i, x := range m {
		if pixels[i] == 0 {
			continue
		}
		share := float64(covered[i]) / float64(pixels[i])
		all += x
		patches++
		mass += share * x
		area += share
	}
	if all > 0 {
		mass /= all
	}
	return mass, area / float64(max(patches, 1))
}

// Confidence is 1 − area/mass for an object that holds those shares of a map, or 0 where
// that is below 0: 0 where the map is no denser in the object than in the image, 1/2 where
// it is twice as dense, towards 1 where all of it lies in a point. Without mass it is 0.
func Confidence(mass, area float64) float64 {
	if mass <= area {
		return 0
	}
	return 1 - area/mass
}
