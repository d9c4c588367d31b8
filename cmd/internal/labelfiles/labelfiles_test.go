package labelfiles

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate/readout"
)

// inside tells, of a pixel's middle, whether a ray to the left passes the polygon's edges an
// odd number of times: a reader that has nothing of the writer's.
func inside(points [][2]float64, x, y int) bool {
	px, py, odd := float64(x)+0.5, float64(y)+0.5, false
	for i, a := range points {
		b := points[(i+1)%len(points)]
		if (a[1] > py) != (b[1] > py) && px > a[0]+(py-a[1])/(b[1]-a[1])*(b[0]-a[0]) {
			odd = !odd
		}
	}
	return odd
}

// readYOLO reads a label file as its users do.
func readYOLO(t *testing.T, text string, width, height int) (polygons [][][2]float64) {
	t.Helper()
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if words[0] != "0" || len(words) < 7 || len(words)%2 == 0 {
			t.Fatalf("the line %.60q is no class and no polygon", line)
		}
		var points [][2]float64
		for i := 1; i < len(words); i += 2 {
			x, errX := strconv.ParseFloat(words[i], 64)
			y, errY := strconv.ParseFloat(words[i+1], 64)
			if errX != nil || errY != nil || min(x, y) < 0 || max(x, y) > 1 {
				t.Fatalf("%s %s is no point", words[i], words[i+1])
			}
			points = append(points, [2]float64{x * float64(width), y * float64(height)})
		}
		polygons = append(polygons, points)
	}
	return polygons
}

// readLabelMe reads the polygons of each group.
func readLabelMe(t *testing.T, data []byte, width, height int) map[int][][][2]float64 {
	t.Helper()
	var file struct {
		Shapes []struct {
			Label  string
			Points [][2]float64
			Group  int    `json:"group_id"`
			Type   string `json:"shape_type"`
		}
		ImagePath               string
		ImageData               *string
		ImageHeight, ImageWidth int
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if file.ImagePath != "../in/a b.jpg" || file.ImageData != nil || file.ImageWidth != width || file.ImageHeight != height {
		t.Errorf("it is of %q, %d × %d", file.ImagePath, file.ImageWidth, file.ImageHeight)
	}
	groups := map[int][][][2]float64{}
	for _, s := range file.Shapes {
		if s.Label != Class || s.Type != "polygon" || len(s.Points) < 3 {
			t.Errorf("a shape is %q, %q, of %d points", s.Label, s.Type, len(s.Points))
		}
		groups[s.Group] = append(groups[s.Group], s.Points)
	}
	return groups
}

// iou compares a mask with what polygons together enclose.
func iou(m *readout.Mask, polygons ...[][2]float64) float64 {
	both, either := 0, 0
	for y := range m.Height {
		for x := range m.Width {
			a := m.Pix[y*m.Width+x] != 0
			b := slices.ContainsFunc(polygons, func(p [][2]float64) bool { return inside(p, x, y) })
			if a && b {
				both++
			}
			if a || b {
				either++
			}
		}
	}
	if either == 0 {
		return 1
	}
	return float64(both) / float64(either)
}

// masks are an object with a hole, one of several parts, one of noise, one of a pixel, and none.
func masks(width, height int) []*readout.Mask {
	r := rand.New(rand.NewPCG(14, 1))
	shapes := []func(x, y int) bool{
		func(x, y int) bool { d := (x-20)*(x-20) + (y-18)*(y-18); return d < 200 && d > 40 },
		func(x, y int) bool { return x/8%2 == 0 && y/6%2 == 0 },
		func(x, y int) bool { return r.IntN(3) > 0 },
		func(x, y int) bool { return x == width-1 && y == height-1 },
		func(x, y int) bool { return false },
	}
	var list []*readout.Mask
	for _, in := range shapes {
		m := &readout.Mask{Width: width, Height: height, Pix: make([]uint8, width*height)}
		for i := range m.Pix {
			if in(i%width, i/width) {
				m.Pix[i] = 255
			}
		}
		list = append(list, m)
	}
	return list
}

// TestReadBack: an independent reader finds the masks in both formats, holes and parts too.
func TestReadBack(t *testing.T) {
	const width, height = 61, 37
	list := masks(width, height)
	polygons := readYOLO(t, string(YOLO(list)), width, height)
	if len(polygons) != len(list)-1 {
		t.Fatalf("%d lines of %d objects, one of which is empty", len(polygons), len(list))
	}
	data, err := LabelMe("../in/a b.jpg", width, height, list)
	if err != nil {
		t.Fatal(err)
	}
	groups := readLabelMe(t, data, width, height)
	for k, m := range list {
		if k < len(polygons) {
			if got := iou(m, polygons[k]); got < 1 {
				t.Errorf("YOLO, object %d: IoU %v", k, got)
			}
		}
		if got := iou(m, groups[k+1]...); got < 1 {
			t.Errorf("LabelMe, object %d: IoU %v", k, got)
		}
	}
	if len(YOLO(nil)) > 0 {
		t.Error("an image without objects has lines")
	}
	if _, err := LabelMe("x", 5, 5, list); err == nil {
		t.Error("a mask of another size is taken")
	}
}

// TestLargeImage: coordinates are exact enough for images as large as any.
func TestLargeImage(t *testing.T) {
	m := &readout.Mask{Width: 32768, Height: 3, Pix: make([]uint8, 32768*3)}
	for x := 31000; x < 31003; x++ {
		m.Pix[32768+x] = 255
	}
	if got := iou(m, readYOLO(t, string(YOLO([]*readout.Mask{m})), m.Width, m.Height)...); got < 1 {
		t.Errorf("IoU %v", got)
	}
}
