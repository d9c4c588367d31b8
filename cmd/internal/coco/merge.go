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
// its last part without the extension where that is unique in truth. Sizes have to
// agree. Images of truth that d lacks are no error.
func (d *Dataset) NumberLike(truth *Dataset) error {
	byName := make(map[string]int, len(truth.Images))
	byStem := make(map[string]int, len(truth.Images))
	for i, m := range truth.Images {
		byName[m.FileName] = i
		if _, ok := byStem[stem(m.FileName)]; ok {
			i = -1
		}
		byStem[stem(m.FileName)] = i
	}
	ids := make(map[int64]int64, len(d.Images))
	taken := make(map[int64]string, len(d.Images))
	for n, m := range d.Images {
		place := fmt.Sprintf("images[%d]", n)
		i, ok := byName[m.FileName]
		if !ok {
			i, ok = byStem[stem(m.FileName)]
		}
		if !ok || i < 0 {
			why := "has no image of that name"
			if ok {
				why = "has several images of that name in different folders"
			}
			return at(place, malformed("is %s, and the truth %s", Printable(m.FileName), why))
		}
		t := truth.Images[i]
		if m.Width != t.Width || m.Height != t.Height {
			return at(place, malformed("%s is %d×%d (width×height), want the %d×%d of the truth", Printable(m.FileName), m.Width, m.Height, t.Width, t.Height))
		}
		if other, ok := taken[t.ID]; ok {
			return at(place, malformed("%s and %s are the same image of the truth", Printable(m.FileName), Printable(other)))
		}
		ids[m.ID], taken[t.ID] = t.ID, m.FileName
	}
	for i := range d.Images {
		d.Images[i].ID = ids[d.Images[i].ID]
	}
	for i := range d.Annotations {
		d.Annotations[i].ImageID = ids[d.Annotations[i].ImageID]
	}
	return nil
}

func stem(name string) string {
	base := path.Base(name)
	return strings.TrimSuffix(base, path.Ext(base))
}
