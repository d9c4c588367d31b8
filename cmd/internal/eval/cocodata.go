package eval

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/crate-vk/crate-vk/cmd/internal/coco"
)

// COCOOptions are the choices of [ScoreCOCO].
type COCOOptions struct {
	ByCategory bool    // else class-agnostic: all categories are one
	Images     []int64 // score these alone, as after a part of a run; nil is all of the truth
}

// COCOScores are the figures for boxes and masks.
type COCOScores struct {
	ByCategory bool             `json:"by_category"`
	Box        *DetectionScores `json:"box"`
	Mask       *DetectionScores `json:"mask,omitempty"` // nil where one side has no masks at all
	PassedOver coco.Problems    `json:"passed_over"`    // of what the figures are without
}

// ScoreCOCO scores annotations or results against the objects of an instance file.
// Images are told by their ids ([coco.Dataset.NumberLike] gives those to images
// that are known by name). What an entry lacks is made of what it has: a box of the
// mask, an area of the mask or the box, a score of 1. An object or a detection without
// a mask is left out of the masks' figures, and one in no image of the truth of all;
// [COCOScores.PassedOver] has them. It is an error if no detection is in the images.
func ScoreCOCO(ctx context.Context, truth, found *coco.Dataset, opt COCOOptions) (*COCOScores, error) {
	if len(truth.Images) == 0 {
		return nil, errors.New("eval: the truth has no images, want an instance file")
	}
	images := make([]int64, len(truth.Images))
	for i, m := range truth.Images {
		images[i] = m.ID
	}
	g := &gathering{sizes: sizesOf(truth)}
	g.problems.Append("truth: ", truth.Problems)
	g.problems.Append("detections: ", found.Problems)
	if opt.Images != nil {
		images = opt.Images
		for _, id := range images {
			if _, ok := g.sizes[id]; !ok {
				return nil, fmt.Errorf("eval: image %d isn't one of the %d images of the truth", id, len(g.sizes))
			}
		}
		truth = within(images, truth)
		found = within(images, found)
	}
	if err := g.gather(ctx, truth, found); err != nil {
		return nil, err
	}
	scores := &COCOScores{ByCategory: opt.ByCategory}
	for _, k := range []Kind{Boxes, Masks} {
		if !g.has(k, len(found.Annotations) > 0) {
			continue
		}
		s, err := ScoreDetections(ctx, images, g.objects[k], g.detections[k], DetectionOptions{k, opt.ByCategory})
		if err != nil {
			return nil, err
		}
		s.name(truth.Categories)
		if k == Boxes {
			scores.Box = s
		} else {
			scores.Mask = s
		}
	}
	scores.PassedOver = g.problems
	return scores, nil
}

// within leaves out the annotations of other images.
func within(images []int64, d *coco.Dataset) *coco.Dataset {
	in := make(map[int64]bool, len(images))
	for _, id := range images {
		in[id] = true
	}
	part := &coco.Dataset{Images: d.Images, Categories: d.Categories}
	for _, a := range d.Annotations {
		if in[a.ImageID] {
			part.Annotations = append(part.Annotations, a)
		}
	}
	return part
}

// name puts the categories' names beside their ids.
func (s *DetectionScores) name(categories []coco.Category) {
	for i := range s.Categories {
		for _, c := range categories {
			if c.ID == s.Categories[i].ID {
				s.Categories[i].Name = c.Name
			}
		}
	}
}

// WriteTable writes the figures in percent, as the papers print them; – stands for
// a figure of no objects.
func (s *COCOScores) WriteTable(w io.Writer) error {
	t := table{{"%", "AP", "AP50", "AP75", "AP small", "AP medium", "AP large", "AR1", "AR10", "AR100", "objects", "detections"}}
	var categories table
	for _, d := range []*DetectionScores{s.Box, s.Mask} {
		if d == nil {
			continue
		}
		t = append(t, []string{
			d.Kind.String(), percent(d.AP), percent(d.AP50), percent(d.AP75), percent(d.APSmall), percent(d.APMedium), percent(d.APLarge),
			percent(d.AR1), percent(d.AR10), percent(d.AR100), fmt.Sprint(d.Truths), fmt.Sprint(d.Detections),
		})
		for _, c := range d.Categories {
			name := c.Name
			if name == "" {
				name = fmt.Sprint(c.ID)
			}
			categories = append(categories, []string{d.Kind.String() + " " + printable(name), percent(c.AP), percent(c.AP50), percent(c.AP75), percent(c.AR100)})
		}
	}
	if err := t.write(w); err != nil || categories == nil {
		return err
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	return append(table{{"%", "AP", "AP50", "AP75", "AR100"}}, categories...).write(w)
}
