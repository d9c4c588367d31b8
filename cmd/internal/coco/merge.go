package coco

import (
	"fmt"
	"path"
	"strings"
)

// Merge joins the files of several runs into one, in their order, and numbers
// annotations anew from 1. Images are numbered anew too, unless keepImageIDs is
// set, as for images that are known elsewhere by their ids. An image that is in two
// files is an error, told by its name or id, and so are categories that differ.
func Merge(shards []*Dataset, keepImageIDs bool) (*Dataset, error) {
	out := new(Dataset)
	names := map[string]int{}
	for n, d := range shards {
		place := fmt.Sprintf("shard %d", n+1)
		if err := d.check(); err != nil {
			return nil, at(place, err)
		}
		if n == 0 {
			out.Categories = append(out.Categories, d.Categories...)
		} else if err := sameCategories(out.Categories, d.Categories); err != nil {
			return nil, at(place, err)
		}
		ids := make(map[int64]int64, len(d.Images))
		for _, m := range d.Images {
			if first, ok := names[m.FileName]; ok {
				return nil, at(place, malformed("image %s is in shard %d too", Printable(m.FileName), first))
			}
			names[m.FileName] = n + 1
			ids[m.ID] = int64(len(out.Images) + 1)
			if keepImageIDs {
				ids[m.ID] = m.ID
			}
			m.ID = ids[m.ID]
			out.Images = append(out.Images, m)
		}
		for _, a := range d.Annotations {
			a.ID, a.ImageID = int64(len(out.Annotations)+1), ids[a.ImageID]
			out.Annotations = append(out.Annotations, a)
		}
	}
	if err := out.check(); err != nil { // kept ids may clash
		return nil, err
	}
	return out, nil
}

func sameCategories(a, b []Category) error {
	if len(a) != len(b) {
		return malformed("there are %d categories, want the %d of shard 1", len(b), len(a))
	}
	for i := range a {
		if a[i] != b[i] {
			return malformed("category %d is %+v, want %+v as in shard 1", i, b[i], a[i])
		}
	}
	return nil
}

// NumberLike gives the images of d, which are known by their names alone, the ids
// that truth has for them, so that both can be compared: by the whole name, or by
// its last part without the extension where that is unique in truth. Images that truth
// doesn't have, has in another size, or twice, are left out with their annotations, and
// are problems of d; it is an error if no image is left. Images of truth that d lacks are
// neither.
func (d *Dataset) NumberLike(truth *Dataset) error {
	names := namesOf(truth)
	ids := make(map[int64]int64, len(d.Images))
	taken := make(map[int64]string, len(d.Images))
	var kept []Image
	var first error
	for _, m := range d.Images {
		t, err := names.find(m, truth)
		if other, ok := taken[t.ID]; ok && err == nil {
			err = malformed("is the same image of the truth as %s", Printable(other))
		}
		if err != nil {
			if first == nil {
				first = at("image "+Printable(m.FileName), err)
			}
			d.Problems.Add("image "+Printable(m.FileName), "%s: it is left out", fact(err))
			continue
		}
		ids[m.ID], taken[t.ID] = t.ID, m.FileName
		m.ID = t.ID
		kept = append(kept, m)
	}
	if len(kept) == 0 {
		return first
	}
	d.Images = kept
	annotations := d.Annotations[:0]
	for _, a := range d.Annotations {
		if id, ok := ids[a.ImageID]; ok {
			a.ImageID = id
			annotations = append(annotations, a)
		}
	}
	d.Annotations = annotations
	return nil
}

// imageNames tells images by name.
type imageNames struct {
	whole, stem map[string]int // −1 where a stem isn't unique
}

func namesOf(d *Dataset) imageNames {
	n := imageNames{make(map[string]int, len(d.Images)), make(map[string]int, len(d.Images))}
	for i, m := range d.Images {
		n.whole[m.FileName] = i
		if _, ok := n.stem[stem(m.FileName)]; ok {
			i = -1
		}
		n.stem[stem(m.FileName)] = i
	}
	return n
}

// find is the image of truth that has the name and the size of m.
func (n imageNames) find(m Image, truth *Dataset) (Image, error) {
	i, ok := n.whole[m.FileName]
	if !ok {
		i, ok = n.stem[stem(m.FileName)]
	}
	switch {
	case !ok:
		return Image{}, malformed("the truth has no image of that name")
	case i < 0:
		return Image{}, malformed("the truth has several images of that name in different folders")
	}
	t := truth.Images[i]
	if t.Width != 0 && m.Width != 0 && (m.Width != t.Width || m.Height != t.Height) {
		return Image{}, malformed("is %d×%d (width×height), want the %d×%d of the truth", m.Width, m.Height, t.Width, t.Height)
	}
	return t, nil
}

func stem(name string) string {
	base := path.Base(name)
	return strings.TrimSuffix(base, path.Ext(base))
}
