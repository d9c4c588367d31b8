//go:build unix

package run

import (
	"syscall"
	"time"
)

// ProcessTime is the user and system time of all threads so far.
func ProcessTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
