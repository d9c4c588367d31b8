package readout

// Frame says how an image became a grid: it was resized to Width × Height
// exactly, then trimmed at the right and bottom to Columns × Rows patches of
// side Patch.
type Frame struct {
	ImageWidth, ImageHeight int // the original, upright
	Width, Height           int // resized
	Rows, Columns, Patch    int
}

// NewFrame trims a resized image to whole patches.
func NewFrame(imageWidth, imageHeight, width, height, patch int) Frame {
	return Frame{imageWidth, imageHeight, width, height, height / patch, width / patch, patch}
}

// TrimmedWidth and TrimmedHeight are the size of the model's input.
func (f Frame) TrimmedWidth() int  { return f.Columns * f.Patch }
func (f Frame) TrimmedHeight() int { return f.Rows * f.Patch }

// Trimmed reports that the resized image was cut.
func (f Frame) Trimmed() bool { return f.TrimmedWidth() != f.Width || f.TrimmedHeight() != f.Height }

// Mask is a binary mask at the size of the original image, 0 or 255 a pixel. It is an
// image.Image, white where it is set and clear elsewhere: png.Encode goes by its colour
// model, gray, and writes 0 and 255; draw.DrawMask goes by alpha and draws where it is set.
type Mask struct {
	Width, Height int
	Pix           []uint8
}

// ToImage brings a mask of rows × columns cells over the trimmed input (patches
// or pixels of it) to the size of the original image, by nearest: pixel o of n
// takes the resized pixel int((o + ½)·size/n), as Pillow does. The strip that
// was trimmed away is 0.
func (f Frame) ToImage(cells []bool, rows, columns int) *Mask {
	m := &Mask{f.ImageWidth, f.ImageHeight, make([]uint8, f.ImageWidth*f.ImageHeight)}
	xs := nearestCells(f.ImageWidth, f.Width, f.TrimmedWidth(), columns)
	ys := nearestCells(f.ImageHeight, f.Height, f.TrimmedHeight(), rows)
	for y, cy := range ys {
		if cy < 0 {
			continue
		}
		if y > 0 && cy == ys[y-1] {
			copy(m.Pix[y*m.Width:(y+1)*m.Width], m.Pix[(y-1)*m.Width:])
			continue
		}
		line := m.Pix[y*m.Width : (y+1)*m.Width]
		for x, cx := range xs {
			if cx >= 0 && cells[cy*columns+cx] {
				line[x] = 255
			}
		}
	}
	return m
}

// nearestCells maps the pixels of an axis to cells, −1 beyond the trimmed part.
func nearestCells(image, resized, trimmed, cells int) []int {
	list := make([]int, image)
	for o := range list {
		p := (2*o + 1) * resized / (2 * image)
		list[o] = -1
		if p < trimmed {
			list[o] = p * cells / trimmed
		}
	}
	return list
}

// Area is the number of pixels set.
func (m *Mask) Area() int {
	n := 0
	for _, p := range m.Pix {
		if p != 0 {
			n++
		}
	}
	return n
}

// Box is the tight box [x y width height], zero for an empty mask.
func (m *Mask) Box() [4]int {
	x0, y0, x1, y1 := m.Width, m.Height, -1, -1
	for y := range m.Height {
		for x, p := range m.Pix[y*m.Width : (y+1)*m.Width] {
			if p != 0 {
				x0, x1 = min(x0, x), max(x1, x)
				y0, y1 = min(y0, y), max(y1, y)
			}
		}
	}
	if x1 < 0 {
		return [4]int{}
	}
	return [4]int{x0, y0, x1 - x0 + 1, y1 - y0 + 1}
}

// AttentionCells keeps part of a map over the grid, as resolved options say: cells of
// patches, or with UpsampleBilinear of the model's input pixels, and the share of the
// map's mass in them, 0 … 1.
func (f Frame) AttentionCells(m []float64, o Options) (cells []bool, rows, columns int, mass float64) {
	rows, columns = f.Rows, f.Columns
	if o.Upsample == UpsampleBilinear {
		rows, columns = f.TrimmedHeight(), f.TrimmedWidth()
		m = Bilinear(m, f.Rows, f.Columns, rows, columns)
	}
	cells = o.Keep.Select(m)
	all, in := 0.0, 0.0
	for i, x := range m {
		all += x
		if cells[i] {
			in += x
		}
	}
	if all > 0 {
		mass = in / all
	}
	return cells, rows, columns, mass
}

// Attention turns a map over the grid into a mask of the original image, and
// the share of the map's mass that the mask holds.
func (f Frame) Attention(m []float64, o Options) (*Mask, float64) {
	cells, rows, columns, mass := f.AttentionCells(m, o)
	return f.ToImage(cells, rows, columns), mass
}
