package eval

import (
	"os"
	"path/filepath"
)

// COCOFolder is where a split of COCO lies: its instance file and its images.
type COCOFolder struct {
	Instances string
	Images    string // empty if no folder of them was found
}

// OpenCOCO finds a split, such as val2017, below a folder in the layout that COCO's
// archives give, annotations/instances_SPLIT.json with SPLIT or images/SPLIT beside.
// The path of an instance file itself is taken too: the split is then told by its
// name, and the images are looked for from the folder above its own.
func OpenCOCO(path, split string) (*COCOFolder, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, &FileError{path, bare(err)}
	}
	c, root := &COCOFolder{Instances: path}, filepath.Dir(filepath.Dir(path))
	if info.IsDir() {
		root = path
		c.Instances = filepath.Join(path, "annotations", "instances_"+split+".json")
		if _, err := os.Stat(c.Instances); err != nil {
			return nil, fileErrorf(path, "has no annotations/instances_%s.json, want a folder in the layout of COCO, or an instance file", split)
		}
	} else if name := filepath.Base(path); len(name) > len("instances_.json") && name[:len("instances_")] == "instances_" {
		split = name[len("instances_") : len(name)-len(filepath.Ext(name))]
	}
	for _, dir := range []string{split, filepath.Join("images", split)} {
		if info, err := os.Stat(filepath.Join(root, dir)); err == nil && info.IsDir() {
			c.Images = filepath.Join(root, dir)
			break
		}
	}
	return c, nil
}
