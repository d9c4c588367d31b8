package weights

import (
	"os"
	"path/filepath"
)

// IndexName and FileName are what a model's folder holds: the index of a sharded
// checkpoint, or the one file, in Hugging Face's names.
const (
	IndexName = "model.safetensors.index.json"
	FileName  = "model.safetensors"
)

// within is the model that a folder holds, or path itself where it is no folder.
// A folder with both has two meanings, and is refused.
func within(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return path, nil // opening it says what is wrong
	}
	var found []string
	for _, name := range []string{IndexName, FileName} {
		if _, err := os.Lstat(filepath.Join(path, name)); err == nil {
			found = append(found, name)
		}
	}
	switch len(found) {
	case 0:
		return "", &UnsupportedError{path, "", "is a directory without " + IndexName + " and without " + FileName}
	case 1:
		return filepath.Join(path, found[0]), nil
	}
	return "", &UnsupportedError{path, "", "is a directory with " + IndexName + " and with " + FileName + ": name the one that is meant"}
}
