package eval

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/crate-vk/crate-vk/loader/picture"
)

// Labels of PASCAL VOC's segmentation that are no class.
const (
	vocBackground = 0
	vocVoid       = 255 // borders, and what is hard to tell
	vocClasses    = 21  // with the background
)

// Protocol is how masks meet labels. What both have in common: the classes of an
// image are those in its labels, once these have the size of the masks; for each of them the best mask's Jaccard index
// counts, although no one knows which mask that is without the labels (an oracle,
// per class and image); the mean over classes is the image's score, the mean over
// images the set's. An image without a class has no score.
type Protocol struct {
	Name string `json:"name"`
	// Side: labels and masks are brought to Side × Side by nearest, aspect ignored.
	// With 0 the labels go to the masks' size, whatever that is.
	Side int `json:"side,omitempty"`
	// VoidCounts: void pixels are pixels that aren't of the class. Otherwise they
	// are left out.
	VoidCounts bool `json:"void_counts"`
}

// PaperProtocol is the paper's text: Jaccard over the patches of the model's grid
// (the masks have to be of the grid's size), without void. How a patch gets its
// label isn't told; here it is the label at its centre.
func PaperProtocol() Protocol { return Protocol{Name: "paper"} }

// DINOProtocol is the public script: 512×512 pixels, and void pixels count as not
// of the class, since the script's exclusion of 255 looks at a mask of the class
// that has only 0 and 1.
func DINOProtocol() Protocol { return Protocol{Name: "dino", Side: 512, VoidCounts: true} }

// ParseProtocol reads paper or dino.
func ParseProtocol(s string) (Protocol, error) {
	for _, p := range []Protocol{PaperProtocol(), DINOProtocol()} {
		if s == p.Name {
			return p, nil
		}
	}
	return Protocol{}, fmt.Errorf("protocol %q: want paper or dino", s)
}

// Candidates are the masks that a model offers for an image, one a head: what isn't
// 0 is foreground, and all are of one size.
type Candidates struct {
	ID    string
	Masks []*picture.Gray
}

// VOCScores are the figures of a VOC data set.
type VOCScores struct {
	Protocol Protocol `json:"protocol"`
	// BestHead is the figure of the papers, an oracle.
	BestHead Summary `json:"best_head"`
	// Heads are the same with one head for all images: what could be had without
	// the labels. Empty if the number of masks varies.
	Heads   []Summary  `json:"heads,omitempty"`
	Classes []VOCClass `json:"classes"` // those that there are, by label
	Images  []VOCImage `json:"images"`  // in the order of the list
	NoClass []string   `json:"no_class,omitempty"`
	Missing []string   `json:"missing,omitempty"` // for which no masks came
	Failed  []Failure  `json:"failed,omitempty"`
}

// VOCClass is one class over the images that have it.
type VOCClass struct {
	Label   int     `json:"label"`
	Name    string  `json:"name"`
	Images  int     `json:"images"`
	Jaccard float64 `json:"jaccard"` // of the best head
}

// VOCImage is one image.
type VOCImage struct {
	ID      string    `json:"id"`
	Jaccard float64   `json:"jaccard"` // of the best head a class, mean over classes
	Heads   []float64 `json:"heads"`   // of one head for all classes
}

// Failure is an image without a score, and why.
type Failure struct {
	Name  string `json:"name"`
	Error string `json:"error"`
}

// Score scores the masks of a model, which may come in any order, each image once.
// An error beside the candidates is that image's failure; images that don't come
// are listed as missing. Score itself fails if ctx ends, or if an image comes that
// isn't in the list or comes twice.
func (v *VOC) Score(ctx context.Context, p Protocol, found iter.Seq2[Candidates, error]) (*VOCScores, error) {
	index := make(map[string]int, len(v.IDs))
	for i, id := range v.IDs {
		index[id] = i
	}
	images := make([]*vocImage, len(v.IDs))
	failures := make([]error, len(v.IDs))
	for c, err := range found {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		i, ok := index[c.ID]
		if !ok || images[i] != nil || failures[i] != nil {
			return nil, fmt.Errorf("eval: image %s isn't in the list of %s, or came before", printable(c.ID), v.Split)
		}
		if err == nil {
			images[i], err = v.scoreImage(ctx, p, c)
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		failures[i] = err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return v.gather(p, images, failures), nil
}

// vocImage is what an image's labels and masks have in common.
type vocImage struct {
	classes []int
	jaccard [][]float64 // by class, head
}

func (v *VOC) scoreImage(ctx context.Context, p Protocol, c Candidates) (*vocImage, error) {
	if len(c.Masks) == 0 {
		return nil, errors.New("there are no masks")
	}
	labels, err := ReadLabels(ctx, v.LabelPath(c.ID))
	if err != nil {
		return nil, err
	}
	w, h := c.Masks[0].Width, c.Masks[0].Height
	for k, m := range c.Masks {
		if m.Width != w || m.Height != h || w < 1 || h < 1 || len(m.Pix) != w*h {
			return nil, fmt.Errorf("mask %d is %d×%d (width×height) with %d pixels, want %d×%d as mask 0", k, m.Width, m.Height, len(m.Pix), w, h)
		}
	}
	if p.Side > 0 {
		w, h = p.Side, p.Side
	}
	labels = resized(labels, w, h)
	masks := make([]*picture.Gray, len(c.Masks))
	for k, m := range c.Masks {
		masks[k] = resized(m, w, h)
	}
	img, bad := compareLabels(labels, masks, p.VoidCounts)
	if bad >= 0 {
		return nil, fileErrorf(v.LabelPath(c.ID), "has label %d, want 0 to %d, or %d for void", bad, vocClasses-1, vocVoid)
	}
	return img, nil
}

func resized(m *picture.Gray, width, height int) *picture.Gray {
	if m.Width == width && m.Height == height {
		return m
	}
	return picture.ResizeGray(m, width, height, picture.Nearest)
}

// compareLabels returns the Jaccard index of each class and mask. bad is a label that
// VOC doesn't have, −1 if there is none.
func compareLabels(labels *picture.Gray, masks []*picture.Gray, voidCounts bool) (img *vocImage, bad int) {
	var area [256]int
	for _, l := range labels.Pix {
		area[l]++
	}
	img = &vocImage{}
	for l, n := range area {
		switch {
		case n == 0 || l == vocBackground || l == vocVoid:
		case l >= vocClasses:
			return nil, l
		default:
			img.classes = append(img.classes, l)
			img.jaccard = append(img.jaccard, make([]float64, len(masks)))
		}
	}
	for k, m := range masks {
		var inside [256]int
		all := 0
		for i, l := range labels.Pix {
			if m.Pix[i] != 0 {
				inside[l]++
				all++
			}
		}
		if !voidCounts {
			all -= inside[vocVoid]
		}
		for i, l := range img.classes {
			img.jaccard[i][k] = float64(inside[l]) / float64(area[l]+all-inside[l])
		}
	}
	return img, -1
}
