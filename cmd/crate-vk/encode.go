package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"

	"github.com/crate-vk/crate-vk/cmd/internal/arrays"
	"github.com/crate-vk/crate-vk/cmd/internal/coco"
	"github.com/crate-vk/crate-vk/cmd/internal/labelfiles"
	"github.com/crate-vk/crate-vk/cmd/internal/paint"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/crate/readout/show"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/loader/quote"
)

// group is the objects that share a mask file: all of an image, or those of
// one head.
type group struct {
	middle string // ".head3" or ""
	masks  []*readout.Mask
	heat   []float64
}

// groups divides a segmentation by head where each head has a mask.
func (f *segmentFlags) groups(s *engine.Segmentation) []group {
	var list []group
	for _, obj := range s.Objects {
		middle := ""
		if f.attention.Head == "each" {
			middle = ".head" + string(obj.Head)
		}
		if n := len(list); n == 0 || list[n-1].middle != middle {
			list = append(list, group{middle: middle, heat: obj.Map})
		}
		last := &list[len(list)-1]
		last.masks = append(last.masks, obj.Mask)
	}
	if list == nil {
		list = []group{{}} // nothing was found: an empty mask says so
	}
	return list
}

// encode makes the files of an image and fills its record.
func (f *segmentFlags) encode(rec *record, base string, item engine.Item[*engine.Segmentation]) (map[string][]byte, error) {
	if err := f.recordMasks(rec, item.Value); err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	w, h := item.Frame.ImageWidth, item.Frame.ImageHeight
	add := func(name string, data []byte, err error) error {
		files[name] = data
		return err
	}
	for _, g := range f.groups(item.Value) {
		if f.has("mask") {
			data, err := f.encodeMasks(g.masks, w, h)
			if err := add(g.middle+".mask.png", data, err); err != nil {
				return nil, err
			}
		}
		if f.has("overlay") {
			data, err := paint.Encode(paint.Overlay(item.Picture, g.masks))
			if err := add(g.middle+".overlay.png", data, err); err != nil {
				return nil, err
			}
		}
		if f.has("yolo") {
			files[g.middle+".txt"] = labelfiles.YOLO(g.masks)
		}
		if f.has("labelme") {
			data, err := labelfiles.LabelMe(f.imagePath(base, item.Input), w, h, g.masks)
			if err := add(g.middle+".labelme.json", data, err); err != nil {
				return nil, err
			}
		}
		if f.has("heat") {
			data, err := paint.Encode(show.HeatMap(g.heat, item.Frame.Rows, item.Frame.Columns, w, h))
			if err := add(g.middle+".heat.png", data, err); err != nil {
				return nil, err
			}
		}
	}
	if f.has("heads") {
		data, err := paint.Encode(show.Heads(item.Picture, item.Value.Heads, item.Frame.Rows, item.Frame.Columns))
		if err := add(".heads.png", data, err); err != nil {
			return nil, err
		}
	}
	for _, format := range []string{"npz", "safetensors"} {
		if f.has(format) {
			data, err := encodeArrays(format, item)
			if err := add("."+format, data, err); err != nil {
				return nil, err
			}
		}
	}
	if f.has("json") {
		body, err := json.MarshalIndent(rec, "", "  ")
		if err := add(".json", append(body, '\n'), err); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// imagePath is the image's path as seen from the folder of its outputs.
func (f *segmentFlags) imagePath(base string, in engine.Input) string {
	t := in.Data.(*pendingTask).task
	if t.data != nil {
		return t.label() // it came on standard input
	}
	from, errFrom := filepath.Abs(filepath.Dir(filepath.Join(f.source.out, base)))
	to, errTo := filepath.Abs(t.path)
	rel, err := filepath.Rel(from, to)
	if errors.Join(errFrom, errTo, err) != nil {
		return quote.Escape(filepath.ToSlash(t.path))
	}
	return quote.Escape(filepath.ToSlash(rel))
}

// encodeMasks is one mask of 0 and 255, or a label map where several objects
// are possible.
func (f *segmentFlags) encodeMasks(masks []*readout.Mask, w, h int) ([]byte, error) {
	if f.several() {
		return paint.EncodeLabels(masks, w, h)
	}
	if len(masks) == 0 {
		return paint.EncodeMask(&readout.Mask{Width: w, Height: h, Pix: make([]uint8, w*h)})
	}
	return paint.EncodeMask(masks[0])
}

// recordMasks describes the objects in the image's record.
func (f *segmentFlags) recordMasks(rec *record, s *engine.Segmentation) error {
	for i, obj := range s.Objects {
		rle, err := segmentation(obj.Mask)
		if err != nil {
			return err
		}
		mr := maskRecord{Segmentation: rle, Box: obj.Mask.Box(), Area: obj.Mask.Area(), Score: obj.Score}
		if f.several() {
			mr.Object = i + 1
		}
		if obj.Map != nil {
			mr.Mass = &obj.Mass
		}
		if head, one := obj.Head.Index(); one {
			mr.Head = &head
		}
		rec.Masks = append(rec.Masks, mr)
	}
	return nil
}

// segmentation is a mask as COCO's compressed RLE.
func segmentation(m *readout.Mask) (json.RawMessage, error) {
	return json.Marshal(struct {
		Size   [2]int `json:"size"` // height, width
		Counts string `json:"counts"`
	}{[2]int{m.Height, m.Width}, coco.Encode(m.Pix, m.Width, m.Height).Compressed()})
}

// encodeArrays writes labels [H W] (1 … K, of 8 bits, or of 16 above 255 objects), boxes
// [K 4] (x y width height), scores [K], and of attention masses [K] and maps [K rows
// columns].
func encodeArrays(format string, item engine.Item[*engine.Segmentation]) ([]byte, error) {
	objects := item.Value.Objects
	w, h := item.Frame.ImageWidth, item.Frame.ImageHeight
	var masks []*readout.Mask
	var boxes, scores, masses, maps []float32
	for _, obj := range objects {
		masks = append(masks, obj.Mask)
		for _, x := range obj.Mask.Box() {
			boxes = append(boxes, float32(x))
		}
		scores = append(scores, float32(obj.Score))
		masses = append(masses, float32(obj.Mass))
		for _, x := range obj.Map {
			maps = append(maps, float32(x))
		}
	}
	labels := arrays.Array{Name: "labels", Shape: []int{h, w}}
	words, err := paint.Labels(masks, w, h)
	if err != nil {
		return nil, err
	}
	var small bool
	if labels.Bytes, small = paint.Bytes(words, len(masks)); !small {
		labels.Words = words
	}
	list := []arrays.Array{
		{Name: "boxes", Shape: []int{len(objects), 4}, Data: boxes},
		labels,
		{Name: "scores", Shape: []int{len(objects)}, Data: scores},
	}
	if maps != nil {
		list = append(list, arrays.Array{Name: "masses", Shape: []int{len(objects)}, Data: masses})
		list = append(list, arrays.Array{Name: "maps", Shape: []int{len(objects), item.Frame.Rows, item.Frame.Columns}, Data: maps})
	}
	var b bytes.Buffer
	err = arrays.Write(&b, format, list)
	return b.Bytes(), err
}
