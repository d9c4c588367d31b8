package run

import (
	"syscall"
	"time"
)

// ProcessTime is the user and system time of all threads so far.
func ProcessTime() time.Duration {
	process, err := syscall.GetCurrentProcess()
	if err != nil {
		return 0
	}
	var created, exited, kernel, user syscall.Filetime
	if syscall.GetProcessTimes(process, &created, &exited, &kernel, &user) != nil {
		return 0
	}
	return interval(kernel) + interval(user)
}

// interval is a Filetime that means a length of time, in units of 100 ns.
func interval(f syscall.Filetime) time.Duration {
	return time.Duration(int64(f.HighDateTime)<<32|int64(f.LowDateTime)) * 100
}
