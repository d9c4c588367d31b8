//go:build !unix

package diskcache

import "io/fs"

// foreign can't tell: the permissions of other systems are not in a mode.
func foreign(fs.FileInfo) bool { return false }

// permissions are none that say something: Go makes them up, and each folder seems to be
// everybody's.
func permissions(fs.FileInfo) fs.FileMode { return 0 }
