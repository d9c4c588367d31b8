package eval

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/crate-vk/crate-vk/loader/regular"
)

// VOC is a folder in the layout of PASCAL VOC: JPEGImages, SegmentationClass and
// ImageSets/Segmentation.
type VOC struct {
	Root  string
	Split string   // val, train, …
	IDs   []string // of the images, in the list's order
}

// OpenVOC reads the list of a split. The root may also be the folder that holds
// VOC2012, or VOCdevkit/VOC2012.
func OpenVOC(root, split string) (*VOC, error) {
	for _, dir := range []string{"", "VOC2012", "VOCdevkit/VOC2012"} {
		v := &VOC{Root: filepath.Join(root, dir), Split: split}
		path := filepath.Join(v.Root, "ImageSets", "Segmentation", split+".txt")
		text, err := regular.Read(context.Background(), path, regular.Text)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, &FileError{path, bare(err)}
		}
		seen := map[string]bool{}
		for i, line := range strings.Split(string(text), "\n") {
			id := strings.TrimSpace(line)
			switch {
			case id == "":
			case id != filepath.Base(id) || id == "." || id == "..":
				return nil, fileErrorf(path, "line %d is %q, want the name of an image without folder and extension", i+1, id)
			case seen[id]:
				return nil, fileErrorf(path, "line %d is %q, which was there before", i+1, id)
			default:
				seen[id] = true
				v.IDs = append(v.IDs, id)
			}
		}
		if len(v.IDs) == 0 {
			return nil, fileErrorf(path, "lists no image")
		}
		return v, nil
	}
	return nil, fileErrorf(root, "has no ImageSets/Segmentation/%s.txt, want a folder in the layout of PASCAL VOC", split)
}

// ImagePath is where an image's photograph is.
func (v *VOC) ImagePath(id string) string { return filepath.Join(v.Root, "JPEGImages", id+".jpg") }

// LabelPath is where an image's label map is.
func (v *VOC) LabelPath(id string) string {
	return filepath.Join(v.Root, "SegmentationClass", id+".png")
}

// gather makes the figures of the images'.
func (v *VOC) gather(p Protocol, images []*vocImage, failures []error) *VOCScores {
	s := &VOCScores{Protocol: p}
	var best []float64
	var classes [vocClasses][]float64
	heads := -1 // 0 if their number varies
	for i, id := range v.IDs {
		img := images[i]
		switch {
		case failures[i] != nil:
			s.Failed = append(s.Failed, Failure{id, failures[i].Error()})
			continue
		case img == nil:
			s.Missing = append(s.Missing, id)
			continue
		case len(img.classes) == 0:
			s.NoClass = append(s.NoClass, id)
			continue
		}
		n := len(img.jaccard[0])
		if heads == -1 {
			heads = n
		}
		if heads != n {
			heads = 0
		}
		r := VOCImage{ID: id, Heads: make([]float64, n)}
		bests := make([]float64, len(img.classes))
		for c, label := range img.classes {
			bests[c] = slices.Max(img.jaccard[c])
			classes[label] = append(classes[label], bests[c])
		}
		for k := range r.Heads {
			of := make([]float64, len(img.classes))
			for c := range of {
				of[c] = img.jaccard[c][k]
			}
			r.Heads[k] = meanOr(of, 0)
		}
		r.Jaccard = meanOr(bests, 0)
		best = append(best, r.Jaccard)
		s.Images = append(s.Images, r)
	}
	s.BestHead = Summarize(best)
	for k := range max(heads, 0) {
		of := make([]float64, len(s.Images))
		for i, r := range s.Images {
			of[i] = r.Heads[k]
		}
		s.Heads = append(s.Heads, Summarize(of))
	}
	for label, values := range classes {
		if len(values) > 0 {
			s.Classes = append(s.Classes, VOCClass{label, vocName(label), len(values), meanOr(values, 0)})
		}
	}
	return s
}

// vocName is the class of a label.
func vocName(label int) string {
	return [vocClasses]string{
		"background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
		"diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
	}[label]
}

// WriteTable writes the figures, then those of the classes.
func (s *VOCScores) WriteTable(w io.Writer) error {
	row := func(name string, v Summary) []string {
		return []string{name, fraction(v.Mean), "±" + fraction(v.StandardError), fraction(v.Median)}
	}
	t := table{{"Jaccard, protocol " + s.Protocol.Name, "mean", "", "median"}, row("best head a class and image (oracle)", s.BestHead)}
	for k, v := range s.Heads {
		t = append(t, row(fmt.Sprintf("head %d for all", k), v))
	}
	if err := t.write(w); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d images scored, %d without a class, %d without masks, %d failed\n\n", len(s.Images), len(s.NoClass), len(s.Missing), len(s.Failed))
	if err != nil {
		return err
	}
	t = table{{"class (best head)", "Jaccard", "images"}}
	for _, c := range s.Classes {
		t = append(t, []string{c.Name, fraction(c.Jaccard), fmt.Sprint(c.Images)})
	}
	return t.write(w)
}
