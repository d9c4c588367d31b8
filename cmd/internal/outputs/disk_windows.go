package outputs

import "io/fs"

// links is the number of names that a file has, as far as a FileInfo tells.
func links(fs.FileInfo) uint64 { return 1 }

// invalid reports a file system that syncs no folders.
func invalid(error) bool { return false }
