package inputs

import (
	"math"

	"github.com/crate-vk/crate-vk/loader/picture"
	"github.com/crate-vk/crate-vk/loader/regular"
)

// looks reports a file that begins like a picture. However large it is, its
// beginning alone is read.
func looks(path string) bool {
	f, info, err := regular.Open(path, math.MaxInt64)
	if err != nil {
		return false
	}
	defer f.Close()
	return picture.SniffFile(f, info.Size()) != ""
}
