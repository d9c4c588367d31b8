// Package labelfiles writes an image's masks as the files of tools that label and train:
// Ultralytics' YOLO for segmentation, and LabelMe.
package labelfiles

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/crate-vk/crate-vk/cmd/internal/coco"
	"github.com/crate-vk/crate-vk/crate/readout"
)

// Class is the one class of masks that nobody has named, as in coco.json.
const Class = "fg"

// outlines are a mask's polygons, in pixels, along the pixels' boundaries: one each connected
// part, its holes joined to the outline by seams that are drawn there and back.
func outlines(m *readout.Mask) [][]float64 {
	return coco.Polygons(coco.Encode(m.Pix, m.Width, m.Height))
}

// YOLO is a label file of Ultralytics' YOLO for segmentation: a line an object, of its class,
// which is 0, and a polygon whose coordinates are shares of the image's width and height. The
// format has one polygon an object: parts are joined by seams, as holes are, so that even-odd
// filling gives the mask. No object: no line, which stands for an image without any.
func YOLO(masks []*readout.Mask) []byte {
	var b strings.Builder
	for _, m := range masks {
		polygon := joined(outlines(m))
		if len(polygon) == 0 {
			continue
		}
		b.WriteString("0")
		for i, v := range polygon {
			side := m.Width
			if i%2 == 1 {
				side = m.Height
			}
			// To a thousandth of a pixel of images of up to 32,768.
			b.WriteString(" " + strconv.FormatFloat(math.Round(v/float64(side)*1e8)/1e8, 'f', -1, 64))
		}
		b.WriteByte('\n')
	}
	return []byte(b.String())
}

// joined is one polygon of several: from the first point of the first to that of each
// other one, around it, and back.
func joined(polygons [][]float64) []float64 {
	if len(polygons) == 0 {
		return nil
	}
	all := polygons[0]
	start := all[:2:2]
	if len(polygons) > 1 {
		all = append(all[:len(all):len(all)], start...)
	}
	for _, p := range polygons[1:] {
		all = append(all, p...)
		all = append(all, p[:2]...)
		all = append(all, start...)
	}
	return all
}

// shape is one of LabelMe's.
type shape struct {
	Label       string         `json:"label"`
	Points      [][2]float64   `json:"points"`
	Group       int            `json:"group_id"`
	Description string         `json:"description"`
	Type        string         `json:"shape_type"`
	Flags       map[string]any `json:"flags"`
	Mask        any            `json:"mask"`
}

// LabelMe is a file that LabelMe 5 opens: a polygon for each connected part of an object, whose
// group_id is the object's number from 1 on. image is the path of the image as seen from the
// file's folder, with slashes.
func LabelMe(image string, width, height int, masks []*readout.Mask) ([]byte, error) {
	shapes := []shape{}
	for k, m := range masks {
		if m.Width != width || m.Height != height {
			return nil, fmt.Errorf("a mask of %d × %d pixels for an image of %d × %d", m.Width, m.Height, width, height)
		}
		for _, p := range outlines(m) {
			s := shape{Label: Class, Group: k + 1, Type: "polygon", Flags: map[string]any{}}
			for i := 0; i < len(p); i += 2 {
				s.Points = append(s.Points, [2]float64{p[i], p[i+1]})
			}
			shapes = append(shapes, s)
		}
	}
	body, err := json.MarshalIndent(struct {
		Version     string         `json:"version"`
		Flags       map[string]any `json:"flags"`
		Shapes      []shape        `json:"shapes"`
		ImagePath   string         `json:"imagePath"`
		ImageData   any            `json:"imageData"` // null: LabelMe reads the image itself
		ImageHeight int            `json:"imageHeight"`
		ImageWidth  int            `json:"imageWidth"`
	}{"5.5.0", map[string]any{}, shapes, image, nil, height, width}, "", "  ")
	return append(body, '\n'), err
}
