package readout

// Regions are sets of cells of a grid, row-major with that many columns.
// Neighbours share an edge (4-connectivity) throughout, as in MaskCut.

// Component is the connected part of cells that holds the cell seed. It is
// empty when seed isn't set.
func Component(cells []bool, columns, seed int) []bool {
	part := make([]bool, len(cells))
	if cells[seed] {
		flood(cells, columns, []int{seed}, part)
	}
	return part
}

// Components lists the cells of each connected part, the parts in the order of
// their first cells.
func Components(cells []bool, columns int) [][]int {
	var parts [][]int
	seen := make([]bool, len(cells))
	for i, on := range cells {
		if on && !seen[i] {
			parts = append(parts, flood(cells, columns, []int{i}, seen))
		}
	}
	return parts
}

// flood marks what is connected to the starts, which must be set in cells, and
// lists it.
func flood(cells []bool, columns int, starts []int, marked []bool) []int {
	for _, i := range starts {
		marked[i] = true
	}
	list := starts
	visit := func(i int) {
		if cells[i] && !marked[i] {
			marked[i] = true
			list = append(list, i)
		}
	}
	for at := 0; at < len(list); at++ {
		i := list[at]
		x := i % columns
		if x > 0 {
			visit(i - 1)
		}
		if x < columns-1 {
			visit(i + 1)
		}
		if i >= columns {
			visit(i - columns)
		}
		if i+columns < len(cells) {
			visit(i + columns)
		}
	}
	return list
}

// FillHoles is cells with every hole filled: what is not set and not connected
// to the border by cells that aren't.
func FillHoles(cells []bool, columns int) []bool {
	empty := make([]bool, len(cells))
	var border []int
	for i, on := range cells {
		empty[i] = !on
		x := i % columns
		if !on && (x == 0 || x == columns-1 || i < columns || i+columns >= len(cells)) {
			border = append(border, i)
		}
	}
	outside := make([]bool, len(cells))
	flood(empty, columns, border, outside)
	filled := make([]bool, len(cells))
	for i := range filled {
		filled[i] = !outside[i]
	}
	return filled
}

// Count is the number of cells set.
func Count(cells []bool) int {
	n := 0
	for _, on := range cells {
		if on {
			n++
		}
	}
	return n
}

// IoU is the intersection over the union of two sets of cells, 0 when both are
// empty.
func IoU(a, b []bool) float64 {
	both, any := 0, 0
	for i := range a {
		if a[i] && b[i] {
			both++
		}
		if a[i] || b[i] {
			any++
		}
	}
	if any == 0 {
		return 0
	}
	return float64(both) / float64(any)
}

// Enlarge copies each cell of a grid to a side × side square of pixels.
func Enlarge[T any](cells []T, columns, side int) []T {
	width := columns * side
	out := make([]T, len(cells)*side*side)
	for y := range len(cells) / columns * side {
		line := out[y*width : (y+1)*width]
		if y%side > 0 {
			copy(line, out[(y-1)*width:])
			continue
		}
		for x := range line {
			line[x] = cells[y/side*columns+x/side]
		}
	}
	return out
}
