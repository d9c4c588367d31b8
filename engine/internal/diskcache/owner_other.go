//go:build !unix

package diskcache

import "io/fs"

// foreign can't tell: the permissions of other systems are not in a mode.
func foreign(fs.FileInfo) bool { return false }
